"""From what the kernel emitted to the records that are published."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from stream.alerts.contract import (
    Alert,
    AlertKind,
    Cause,
    SegmentChange,
    alert_id,
    cloud_event_headers,
)
from stream.alerts.reasons import explain
from stream.alerts.value import value_at_risk
from stream.events.columns import MONEY_SCALE
from stream.events.times import rfc3339
from stream.features.registry import DAY_MS, FEATURE_NAMES, INPUT_SCALE
from stream.online_models.example import Label, Observation, encode_example
from stream.processing.emission import EmissionCause, EmissionKind
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer
from stream.processing.state import Outgoing

__all__ = ["RULES_VERSION", "Topics", "publishable"]

#: Part of every alert id: bump it when the policy changes so that a replay gives new alerts on purpose.
RULES_VERSION = "1"

_json = msgspec.json.Encoder()
_CAUSES = {EmissionCause.EVENT: Cause.EVENT, EmissionCause.SILENCE: Cause.SILENCE, EmissionCause.MODEL: Cause.MODEL}


@dataclass(frozen=True, slots=True)
class Topics:
    """Names of the topics that a partition publishes to."""

    alerts: str = "alerts"
    segment_changes: str = "segment-changes"
    dead_letters: str = "dead-letters"
    training_examples: str = "training-examples"


class _Emitted(NamedTuple):
    """One EMISSION as Python values."""

    kind: int
    row: int
    at: int
    cause: int
    event_id: int
    risk: float
    previous_risk: float
    version: int
    segment: int
    previous_segment: int
    landmark_at: int
    churned: bool
    purchases: int
    spend: int
    inputs: list[int]
    values: list[float]


@dataclass(frozen=True, slots=True)
class _Context:
    customer_ids: Sequence[str]
    scorer: Scorer
    rules: Rules
    topics: Topics
    now_ms: int


def publishable(
    emissions: npt.NDArray[np.void],
    customer_ids: Sequence[str],
    scorer: Scorer,
    rules: Rules,
    topics: Topics,
    now_ms: int,
) -> list[Outgoing]:
    """Records for ``emissions`` (EMISSION), in their order; ``customer_ids[row]`` names the customer of a row."""
    context = _Context(customer_ids, scorer, rules, topics, now_ms)
    # a column at a time: reading the fields of a NumPy record one by one costs more than building the message
    columns = (emissions[name].tolist() for name in _Emitted._fields)
    return [_BUILDERS[EmissionKind(e.kind)](e, context) for e in starmap(_Emitted, zip(*columns, strict=True))]


def _trigger(e: _Emitted) -> str:
    return f"event:{int(e.event_id):012x}" if e.event_id else f"timer:{int(e.at)}"


def _optional(value: float) -> float | None:
    return None if math.isnan(value) else value


def _landmark(e: _Emitted, context: _Context) -> Outgoing:
    customer, at = context.customer_ids[e.row], e.at
    example = Observation(example_id=f"{customer}@{at}", customer_id=customer, at_ms=at, x=e.inputs)
    return Outgoing(context.topics.training_examples, customer.encode(), encode_example(example), [])


def _label(e: _Emitted, context: _Context) -> Outgoing:
    customer, at = context.customer_ids[e.row], e.landmark_at
    example = Label(
        example_id=f"{customer}@{at}:label",
        customer_id=customer,
        at_ms=at,
        matured_at_ms=e.at,
        x=e.inputs,
        risk=_optional(e.risk),
        model_version=e.version,
        churned=e.churned,
        purchases=e.purchases,
        spend=e.spend / MONEY_SCALE,
    )
    return Outgoing(context.topics.training_examples, customer.encode(), encode_example(example), [])


def _alert(e: _Emitted, context: _Context) -> Outgoing:
    raised = e.kind == EmissionKind.RAISED
    kind = AlertKind.RAISED if raised else AlertKind.CLEARED
    customer, at = context.customer_ids[e.row], e.at
    values = {name: _optional(value) for name, value in zip(FEATURE_NAMES, e.values, strict=True)}
    snapshot = context.scorer.snapshot
    if snapshot is None:
        raise AssertionError("the kernel decided without a model")
    churn = snapshot.churn
    explanation = explain(
        [x / INPUT_SCALE for x in e.inputs],
        churn.weights,
        churn.means,
        churn.scales,
        churn.intercept,
        values,
        raising=raised,
    )
    names = context.scorer.segment_names
    alert = Alert(
        alert_id=alert_id(RULES_VERSION, customer, kind, _trigger(e)),
        kind=kind,
        customer_id=customer,
        risk=e.risk,
        threshold=context.rules.raise_at if raised else context.rules.clear_at,
        previous_risk=_optional(e.previous_risk),
        cause=_CAUSES[EmissionCause(e.cause)],
        segment=names[e.segment] if 0 <= e.segment < len(names) else None,
        value_at_risk=float(
            value_at_risk(e.risk, e.spend / MONEY_SCALE, values["tenure"] or 0.0, context.rules.horizon_ms / DAY_MS)
        ),
        logit=explanation.logit,
        baseline=explanation.baseline,
        reasons=explanation.reasons,
        rest=explanation.rest,
        model_version=e.version,
        occurred_at=rfc3339(at),
        emitted_at=rfc3339(context.now_ms),
    )
    return Outgoing(context.topics.alerts, customer.encode(), _json.encode(alert), cloud_event_headers(alert))


def _segment_change(e: _Emitted, context: _Context) -> Outgoing:
    customer, at = context.customer_ids[e.row], e.at
    names = context.scorer.segment_names
    previous = e.previous_segment
    values = dict(zip(FEATURE_NAMES, e.values, strict=True))
    segment_from = names[previous] if 0 <= previous < len(names) else None
    segment_to = names[e.segment]
    change = SegmentChange(
        change_id=alert_id(RULES_VERSION, customer, f"segment:{segment_from}:{segment_to}", _trigger(e)),
        customer_id=customer,
        segment_from=segment_from,
        segment_to=segment_to,
        reason=(
            f"{values['purchases_total']:.0f} orders, the last {values['days_since_purchase']:.0f} days ago; "
            f"{values['spend_90d']:.2f} spent in 90 days"
        ),
        model_version=e.version,
        occurred_at=rfc3339(at),
        emitted_at=rfc3339(context.now_ms),
    )
    return Outgoing(
        context.topics.segment_changes, customer.encode(), _json.encode(change), cloud_event_headers(change)
    )


_BUILDERS = {
    EmissionKind.LANDMARK: _landmark,
    EmissionKind.LABEL: _label,
    EmissionKind.RAISED: _alert,
    EmissionKind.CLEARED: _alert,
    EmissionKind.SEGMENT: _segment_change,
}
