"""What leaves the program for people and other systems: alerts, and changes of segment and stage.

All are JSON objects keyed by ``customer_id``, sent at least once. Their ids are computed from what caused
them, so a consumer drops the repeat of one that it has seen. Instants are RFC 3339, UTC.
"""

import hashlib
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from stream.alerts.severity import Severity
from stream.catalogue.outputs import RiskFrom, RiskSure, StageCode, WhyCode

__all__ = [
    "CE_SOURCE",
    "OF_FEEDBACK",
    "Alert",
    "AlertKind",
    "Calm",
    "Cause",
    "Change",
    "ClearedBy",
    "Heard",
    "Reason",
    "Remedy",
    "SegmentChange",
    "StageChange",
    "alert_id",
    "cloud_event_headers",
]

#: The default ``ce_source``; a deployment names itself when several feed one consumer.
CE_SOURCE: Final = "/customer-stream"

_CE_TYPE_PREFIX = "customer-stream."

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Days = Annotated[float, Meta(ge=0.0)]
Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class AlertKind(StrEnum):
    """What happened: a customer leaves their habit, has come back to it, or looks again after they were lost.

    Or the customer complained and has no answer yet, or is much less satisfied than before.
    """

    RAISED = "churn_risk.raised"
    CLEARED = "churn_risk.cleared"
    WINBACK = "winback.opportunity"
    COMPLAINT = "complaint.open"
    DROPPED = "satisfaction.dropped"


#: Alerts about what a customer said: they have ``heard``, and no risk.
OF_FEEDBACK: Final = frozenset({AlertKind.COMPLAINT, AlertKind.DROPPED})


class Cause(StrEnum):
    """What made the alert: an event of the customer, silence, or a new model."""

    EVENT = "event"
    SILENCE = "silence"
    MODEL = "model"


class ClearedBy(StrEnum):
    """What cleared an alert: an order, or a risk that fell below the level that clears."""

    ORDER = "order"
    RISK = "risk"


class Reason(Struct, frozen=True, kw_only=True):
    """One feature's part in the score.

    ``value`` is the feature in its own unit (null: not known yet), ``contribution`` what it adds to the
    log-odds of churn compared with a typical customer, and ``sentence`` the same in plain English.
    """

    feature: str
    value: float | None
    contribution: float
    sentence: str


class Change(Struct, frozen=True, kw_only=True):
    """What one feature added to the log-odds of churn since the last calm score, and the same in plain English."""

    feature: str
    contribution: float
    sentence: str


class Calm(Struct, frozen=True, kw_only=True):
    """The last weekly score before an order was due: when, what it was, and what raised it most since.

    Where alerts are raised by risk: the last one below the level that clears.

    ``changes``: the largest first, both times scored with the present model.
    """

    at: Instant
    risk: Probability
    changes: tuple[Change, ...]


class Remedy(Struct, frozen=True, kw_only=True):
    """The risk after an order of the usual value, placed at ``occurred_at``. Any order clears the alert."""

    risk_after_order: Probability
    clears: bool
    sentence: str


class Heard(Struct, frozen=True, kw_only=True):
    """What the customer said that an alert is about, without the words.

    ``feedback_id``: the id of the event, ``said_at`` its time. ``open_hours``: for how long nobody has acted on a
    complaint, 0 when it has just come. ``satisfaction`` is the decayed mean in [0, 1] after it, ``low`` and ``high``
    its 95 % interval; all null in alerts about complaints.
    """

    feedback_id: str
    said_at: Instant
    open_hours: Annotated[float, Meta(ge=0.0)] = 0.0
    ticket_id: str | None = None
    order_id: str | None = None
    product_id: str | None = None
    channel: str | None = None
    satisfaction: Probability | None = None
    low: Probability | None = None
    high: Probability | None = None


class Alert(Struct, frozen=True, kw_only=True):
    """A customer leaves their habit, has come back to it, looks again after they were lost, or complains.

    ``sentence`` is the first thing to say about it; ``days_since_order`` (null: no order) and ``usual_gap_days``
    (`stream.features.habit`) are its figures. ``threshold`` is the level of risk that was crossed, null where the
    customers with the most at stake are alerted, whatever their risk. Only cleared alerts have ``cleared_by``.

    ``risk`` is the probability of churn and ``logit`` its log-odds, which add up: ``baseline`` (a typical customer) +
    the contributions of ``reasons`` + ``rest`` (all that is no reason) = ``logit``. ``risk_from`` and ``risk_sure`` are
    as in the customer document. ``previous_risk`` is null at the
    first score, ``segment`` before segments are known. ``value_at_risk`` is money of the base currency. ``calm`` (null:
    no calm score is remembered) and ``remedy`` are in raised alerts only; ``severity``: see `stream.alerts.severity`.
    Alerts about what a customer said (``complaint.open``, ``satisfaction.dropped``) have ``heard``; their ``risk``,
    ``logit``, ``baseline`` and ``rest`` are null, and ``value_at_risk`` is 0: no model is asked.
    ``occurred_at`` is stream time, ``emitted_at`` the wall clock. Fields with a default are missing in alerts of
    earlier versions.
    """

    alert_id: Sha256
    kind: AlertKind
    severity: Severity
    customer_id: str
    sentence: str = ""
    days_since_order: Days | None = None
    usual_gap_days: Days | None = None
    risk: Probability | None
    threshold: Probability | None
    risk_from: RiskFrom | None = None
    risk_sure: RiskSure | None = None
    previous_risk: Probability | None
    cause: Cause
    cleared_by: ClearedBy | None = None
    segment: str | None
    value_at_risk: float
    reasons: tuple[Reason, ...]
    logit: float | None
    baseline: float | None
    rest: float | None
    calm: Calm | None
    remedy: Remedy | None
    model_version: int
    heard: Heard | None = None
    occurred_at: Instant
    emitted_at: Instant


class SegmentChange(Struct, frozen=True, kw_only=True):
    """A customer moved to another segment.

    ``segment_from`` is null for the first one; ``reason`` is a plain sentence.
    """

    change_id: Sha256
    customer_id: str
    segment_from: str | None
    segment_to: str
    reason: str
    model_version: int
    occurred_at: Instant
    emitted_at: Instant


class StageChange(Struct, frozen=True, kw_only=True, rename={"stage_from": "from", "stage_to": "to"}):
    """A customer came into another stage of their life with the shop: lead, new, active, due, at risk, ..., won back.

    ``change_id`` is made of the customer, ``occurred_at`` in ms, the stage and the event that led to it (0: silence).

    ``from`` is null for the first one. ``cause``: the first event of a customer, an order, silence, or a correction: an
    order was cancelled, or told of late. ``why`` says it in a sentence. ``days_since_order`` is null without an order,
    ``usual_gap_days`` the customer's habit. ``since`` is when the stage began, ``occurred_at`` the stream time at which
    it was noticed: later where the stage was not kept before.
    """

    change_id: str
    customer_id: str
    stage_from: StageCode | None
    stage_to: StageCode
    cause: WhyCode
    why: str
    since: Instant
    days_since_order: Days | None
    usual_gap_days: Days | None
    occurred_at: Instant
    emitted_at: Instant


def alert_id(rules_version: str, customer_id: str, kind: str, trigger: str) -> str:
    """Return the SHA-256, in hex, of what makes an alert the one it is.

    `trigger` names the event or timer that fired, so a replay under the same rules gives the same id.
    Different arguments are hashed from different bytes, with any characters in them.

    >>> alert_id("1", "c-1", AlertKind.RAISED, "event:42")[:16]
    '2b8547814fead576'
    """
    return hashlib.sha256(msgspec.json.encode((rules_version, customer_id, str(kind), trigger))).hexdigest()


def cloud_event_headers(event: Alert | SegmentChange, source: str = CE_SOURCE) -> list[tuple[str, bytes | None]]:
    """Return the record headers of CloudEvents 1.0 (Kafka binding, binary mode); the value stays the plain
    object.

    ``ce_type`` is ``customer-stream.`` and the `AlertKind`, or ``segment.changed``; ``ce_time`` is stream time.
    """
    if isinstance(event, Alert):
        identity, kind = event.alert_id, event.kind.value
    else:
        identity, kind = event.change_id, "segment.changed"
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": identity,
        "ce_type": _CE_TYPE_PREFIX + kind,
        "ce_source": source,
        "ce_subject": event.customer_id,
        "ce_time": event.occurred_at,
        "content-type": "application/json",
    }
    return [(name, text.encode()) for name, text in attributes.items()]
