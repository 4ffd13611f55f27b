"""From what the kernel emitted to the examples that models learn from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import starmap
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from stream.events.columns import MONEY_SCALE
from stream.online_models.example import Example, Label, Observation, Overdue
from stream.processing.emission import EmissionKind
from stream.processing.score import NO_LOGIT

__all__ = ["TAUGHT", "examples_of"]

_LANDMARK, _LABEL = int(EmissionKind.LANDMARK), int(EmissionKind.LABEL)
#: Emissions that models learn from.
TAUGHT: Final = (EmissionKind.LANDMARK, EmissionKind.LABEL, EmissionKind.OVERDUE)


class _Taught(NamedTuple):
    kind: int
    row: int
    at: int
    risk: float
    logit: int
    version: int
    landmark_at: int
    churned: bool
    purchases: int
    spend: int
    weight: float
    inputs: list[int]


def _example_of(e: _Taught, customer: str) -> Example:
    if e.kind == _LANDMARK:
        return Observation(example_id=f"{customer}@{e.at}", customer_id=customer, at_ms=e.at, x=e.inputs)
    if e.kind == _LABEL:
        return Label(
            example_id=f"{customer}@{e.landmark_at}:label",
            customer_id=customer,
            at_ms=e.landmark_at,
            matured_at_ms=e.at,
            x=e.inputs,
            risk=None if math.isnan(e.risk) else e.risk,
            logit=None if e.logit == NO_LOGIT else e.logit,
            model_version=e.version,
            churned=e.churned,
            purchases=e.purchases,
            spend=e.spend / MONEY_SCALE,
        )
    return Overdue(
        example_id=f"{customer}@{e.at}:overdue", customer_id=customer, at_ms=e.at, x=e.inputs, weight=e.weight
    )


def examples_of(emissions: npt.NDArray[np.void], customer_ids: Sequence[str]) -> list[Example]:
    """The examples among ``emissions`` (EMISSION), in their order; ``customer_ids[row]`` is the customer of a row."""
    chosen = emissions[np.isin(emissions["kind"], TAUGHT)]
    # a column at a time: reading the fields of a NumPy record one by one costs more than building the example
    columns = [chosen[name].tolist() for name in _Taught._fields]
    return [_example_of(e, customer_ids[e.row]) for e in starmap(_Taught, zip(*columns, strict=True))]
