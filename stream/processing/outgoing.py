"""From what the kernel emitted to the records that are published."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from stream.alerts.alert_records import (
    Alert,
    AlertKind,
    Calm,
    Cause,
    ClearedBy,
    SegmentChange,
    alert_id,
    cloud_event_headers,
)
from stream.alerts.reasons import Score, changes, explain, remedy
from stream.alerts.severity import severity_of
from stream.catalogue.declaring import Money
from stream.catalogue.wording import HABIT, habit_sentence, plain_money
from stream.events.columns import MONEY_SCALE
from stream.events.times import rfc3339
from stream.features.registry import COLUMN, FEATURE_NAMES, INPUT_SCALE
from stream.online_models.example import Example, encode_example
from stream.online_models.segment_reasons import move_reason
from stream.processing.emission import EmissionCause, EmissionKind
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer
from stream.processing.state import Outgoing
from stream.processing.teaching import TAUGHT, examples_of
from stream.processing.worth import worth_of

__all__ = ["RULES_VERSION", "Topics", "publishable"]

#: Part of every alert id: bump it when the policy changes so that a replay gives new alerts on purpose.
RULES_VERSION = "2"

#: So many emissions are Python objects at once: those of a step took 3 kB each until its end, and twice the time.
_AT_ONCE: Final = 250
#: Of records without headers; nobody changes it.
_NO_HEADERS: Final[list[tuple[str, bytes | None]]] = []

_json = msgspec.json.Encoder()
_TENURE, _ORDERS, _RECENCY = COLUMN["tenure"], COLUMN["purchases_total"], COLUMN["days_since_purchase"]
_KINDS = {
    EmissionKind.RAISED: AlertKind.RAISED,
    EmissionKind.CLEARED: AlertKind.CLEARED,
    EmissionKind.WINBACK: AlertKind.WINBACK,
}
_CAUSES = {EmissionCause.EVENT: Cause.EVENT, EmissionCause.SILENCE: Cause.SILENCE, EmissionCause.MODEL: Cause.MODEL}


@dataclass(frozen=True, slots=True)
class Topics:
    """Names of the topics that a partition publishes to."""

    alerts: str = "alerts"
    segment_changes: str = "segment-changes"
    stages: str = "stages"
    dead_letters: str = "dead-letters"
    training_examples: str = "training-examples"
    customers: str = "customers"


class _Emitted(NamedTuple):
    """One EMISSION as Python values, and the value at risk."""

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
    risk_after_order: float
    calm_risk: float
    calm_inputs: list[int]
    spend: int
    habit_days: float
    ordered: bool
    inputs: list[int]
    values: list[float]
    at_risk: float


@dataclass(frozen=True, slots=True)
class _Context:
    customer_ids: Sequence[str]
    scorer: Scorer
    rules: Rules
    topics: Topics
    now_ms: int
    appended_at_ms: Mapping[int, int]
    money: Money


def publishable(
    emissions: npt.NDArray[np.void],
    customer_ids: Sequence[str],
    scorer: Scorer,
    rules: Rules,
    topics: Topics,
    now_ms: int,
    appended_at_ms: Mapping[int, int] = MappingProxyType({}),
    money: Money = plain_money,
) -> list[Outgoing]:
    """Records for ``emissions`` (EMISSION), in their order; ``customer_ids[row]`` names the customer of a row.

    ``appended_at_ms``: event id -> when that event was appended to its topic, for those that caused an alert.
    ``money`` writes the amounts in reasons.
    """
    context = _Context(customer_ids, scorer, rules, topics, now_ms, appended_at_ms, money)
    records: list[Outgoing] = []
    for begin in range(0, len(emissions), _AT_ONCE):
        records += _records_of(emissions[begin : begin + _AT_ONCE], context)
    return records


def _records_of(emissions: npt.NDArray[np.void], context: _Context) -> list[Outgoing]:
    # a column at a time: reading the fields of a NumPy record one by one costs more than building the message
    columns = [emissions[name].tolist() for name in _Emitted._fields[:-1]]
    columns.append(_at_risk(emissions, context.scorer, context.rules).tolist())
    taught = iter(examples_of(emissions, context.customer_ids))
    return [
        _published(next(taught), context.topics) if e.kind in TAUGHT else _BUILDERS[EmissionKind(e.kind)](e, context)
        for e in starmap(_Emitted, zip(*columns, strict=True))
    ]


def _trigger(e: _Emitted) -> str:
    return f"event:{int(e.event_id):012x}" if e.event_id else f"timer:{int(e.at)}"


def _optional(value: float) -> float | None:
    return None if math.isnan(value) else value


def _published(example: Example, topics: Topics) -> Outgoing:
    return Outgoing(topics.training_examples, example.customer_id.encode(), encode_example(example), _NO_HEADERS)


def _sentence(e: _Emitted, days: float | None) -> str:
    if e.kind == EmissionKind.CLEARED:
        return "Ordered again." if e.ordered else "The risk has fallen below the level that clears."
    told = habit_sentence(days, e.habit_days)
    return f"Looks again. {told}" if e.kind == EmissionKind.WINBACK else told


def _cleared_by(e: _Emitted) -> ClearedBy | None:
    if e.kind != EmissionKind.CLEARED:
        return None
    return ClearedBy.ORDER if e.ordered else ClearedBy.RISK


def _threshold(e: _Emitted, rules: Rules) -> float | None:
    if rules.alerts_per_week > 0.0 or e.kind == EmissionKind.WINBACK:
        return None
    return rules.raise_at if e.kind == EmissionKind.RAISED else rules.clear_at


def _alert(e: _Emitted, context: _Context) -> Outgoing:
    kind = _KINDS[EmissionKind(e.kind)]
    raised = kind is AlertKind.RAISED
    customer, at = context.customer_ids[e.row], e.at
    values = dict(zip(FEATURE_NAMES, map(_optional, e.values), strict=True)) | {HABIT: e.habit_days}
    score = context.scorer.score
    if score is None:
        raise AssertionError("the kernel decided without a model")
    inputs = np.array(e.inputs) / INPUT_SCALE
    explanation = explain(inputs, score, values, raising=kind is not AlertKind.CLEARED, money=context.money)
    names = context.scorer.segment_names
    days = values[FEATURE_NAMES[_RECENCY]]
    alert = Alert(
        alert_id=alert_id(RULES_VERSION, customer, kind, _trigger(e)),
        kind=kind,
        severity=severity_of(e.risk, context.rules.raise_at, raised=raised),
        customer_id=customer,
        sentence=_sentence(e, days),
        days_since_order=None if days is None else round(days, 4),
        usual_gap_days=round(e.habit_days, 4),
        risk=e.risk,
        threshold=_threshold(e, context.rules),
        risk_from=context.scorer.risk_from,
        risk_sure=context.scorer.risk_sure,
        previous_risk=_optional(e.previous_risk),
        cause=_CAUSES[EmissionCause(e.cause)],
        cleared_by=_cleared_by(e),
        segment=names[e.segment] if 0 <= e.segment < len(names) else None,
        value_at_risk=e.at_risk,
        logit=explanation.logit,
        baseline=explanation.baseline,
        reasons=explanation.reasons,
        rest=explanation.rest,
        calm=_calm(e, inputs, score, context.money),
        remedy=remedy(e.risk, e.risk_after_order) if raised else None,
        model_version=e.version,
        occurred_at=rfc3339(at),
        emitted_at=rfc3339(context.now_ms),
    )
    return Outgoing(
        context.topics.alerts,
        customer.encode(),
        _json.encode(alert),
        cloud_event_headers(alert),
        context.appended_at_ms.get(e.event_id),
    )


def _at_risk(emissions: npt.NDArray[np.void], scorer: Scorer, rules: Rules) -> npt.NDArray[np.float64]:
    """Value at risk of alerts; NaN of other emissions."""
    at_risk = np.full(len(emissions), np.nan)
    alerting = np.isin(emissions["kind"], list(_KINDS))
    alerts = emissions[alerting]
    if len(alerts):
        at_risk[alerting] = worth_of(
            scorer,
            rules,
            inputs=alerts["inputs"],
            risk=alerts["risk"],
            net_spend=alerts["spend"] / MONEY_SCALE,
            tenure_days=alerts["values"][:, _TENURE],
            # only customers with an order are alerted on, unless min_purchases is 0
            has_ordered=alerts["values"][:, _ORDERS] > 0.0,
        ).at_risk
    return at_risk


def _calm(e: _Emitted, inputs: npt.NDArray[np.float64], score: Score, money: Money) -> Calm | None:
    if math.isnan(e.calm_risk):
        return None
    before = np.array(e.calm_inputs) / INPUT_SCALE
    return Calm(at=rfc3339(e.landmark_at), risk=e.calm_risk, changes=changes(before, inputs, score, money=money))


def _segment_change(e: _Emitted, context: _Context) -> Outgoing:
    customer, at = context.customer_ids[e.row], e.at
    names = context.scorer.segment_names
    segments = None if context.scorer.snapshot is None else context.scorer.snapshot.segments
    if segments is None:
        raise AssertionError("the kernel moved a customer between segments that there are not")
    previous = e.previous_segment
    values = dict(zip(FEATURE_NAMES, e.values, strict=True))
    segment_from = names[previous] if 0 <= previous < len(names) else None
    segment_to = names[e.segment]
    change = SegmentChange(
        change_id=alert_id(RULES_VERSION, customer, f"segment:{segment_from}:{segment_to}", _trigger(e)),
        customer_id=customer,
        segment_from=segment_from,
        segment_to=segment_to,
        reason=move_reason(segments, e.inputs, values, previous, e.segment),
        model_version=e.version,
        occurred_at=rfc3339(at),
        emitted_at=rfc3339(context.now_ms),
    )
    return Outgoing(
        context.topics.segment_changes, customer.encode(), _json.encode(change), cloud_event_headers(change)
    )


_BUILDERS = {
    EmissionKind.RAISED: _alert,
    EmissionKind.CLEARED: _alert,
    EmissionKind.WINBACK: _alert,
    EmissionKind.SEGMENT: _segment_change,
}
