"""Customers made up for the tests: inputs with a known churn law, and groups that are far apart."""

import math
from collections.abc import Iterator

import numpy as np

from stream.features.registry import COLUMN, FEATURES, INPUT_SCALE
from stream.online_models.example import Example, Label, Observation

DAY_MS = 86_400_000
HORIZON_MS = 28 * DAY_MS
START_MS = 1_700_000_000_000
INPUTS = len(FEATURES)


def quantised(**values: float) -> list[int]:
    """Model inputs of a customer whose named features, transformed, have these values; the others are 0."""
    x = [0] * INPUTS
    for name, value in values.items():
        x[COLUMN[name]] = round(value * INPUT_SCALE)
    return x


def label(x: list[int], *, churned: bool, risk: float | None = None, at_ms: int = START_MS, version: int = 0) -> Label:
    return Label(
        example_id=f"e{at_ms}",
        customer_id="c",
        at_ms=at_ms,
        matured_at_ms=at_ms + HORIZON_MS,
        x=x,
        risk=risk,
        model_version=version,
        churned=churned,
        purchases=0 if churned else 1,
        spend=0.0 if churned else 10.0,
    )


def observation(x: list[int], at_ms: int = START_MS) -> Observation:
    return Observation(example_id=f"o{at_ms}", customer_id="c", at_ms=at_ms, x=x)


def true_risk(x: list[int]) -> float:
    """The made-up law: silence raises the risk, orders lower it."""
    recency = x[COLUMN["days_since_purchase"]] / INPUT_SCALE
    orders = x[COLUMN["purchases_90d"]] / INPUT_SCALE
    return 1.0 / (1.0 + math.exp(-(1.5 * (recency - 3.0) - 1.5 * (orders - 1.5))))


def customer(generator: np.random.Generator) -> list[int]:
    """Inputs of one customer, most of them unrelated to the risk."""
    inputs: list[int] = (generator.gamma(2.0, 600.0, INPUTS)).astype(int).tolist()
    inputs[COLUMN["days_since_purchase"]] = int(generator.uniform(0, 6) * INPUT_SCALE)
    inputs[COLUMN["purchases_90d"]] = int(generator.uniform(0, 3) * INPUT_SCALE)
    return inputs


def examples(seed: int, count: int) -> Iterator[Example]:
    """Observations and labels, about as many of each; risks are the true ones with an error, or absent."""
    generator = np.random.default_rng(seed)
    for i in range(count):
        x = customer(generator)
        at_ms = START_MS + i * 60_000
        if generator.random() < 0.5:
            yield observation(x, at_ms)
        else:
            given = float(np.clip(true_risk(x) + generator.normal(0, 0.1), 0.0, 1.0))
            yield label(
                x,
                churned=bool(generator.random() < true_risk(x)),
                risk=given if generator.random() < 0.8 else None,
                at_ms=at_ms,
                version=i,
            )
