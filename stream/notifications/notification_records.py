"""What became of each notification: the records of the topic ``notifications``.

JSON objects keyed by ``customer_id``, sent at least once. Instants are RFC 3339, UTC.
"""

from enum import StrEnum

from msgspec import Struct

from stream.alerts.alert_records import AlertKind, Cause, Instant, Probability, Sha256

__all__ = ["Arm", "DeliveryOutcome", "Notification", "Suppression"]


class DeliveryOutcome(StrEnum):
    """What became of an alert on a channel."""

    SENT = "sent"
    HELD_OUT = "held_out"
    SUPPRESSED = "suppressed"
    FAILED = "failed"


class Suppression(StrEnum):
    """Why an alert was not sent although it could have been."""

    NO_RULE = "no_rule"
    RULE = "rule"
    ACTION = "action"
    TOLD = "told"
    CONSENT = "consent"
    CLEARED = "cleared"
    EXPIRED = "expired"


class Arm(StrEnum):
    """The group of the comparison to which a customer belongs."""

    NOTIFIED = "notified"
    HELD_OUT = "held_out"


class Notification(Struct, frozen=True, kw_only=True):
    """What became of one alert on one channel.

    ``channel`` and ``rule`` are null when no rule wanted the alert. ``arm`` is null unless only the hold-out decided
    whether the alert was sent. ``reason`` is bounded: a `Suppression`, or why it failed.
    ``risk`` is null for alerts about what a customer said. ``occurred_at`` is the stream time of the alert, ``at`` the
    wall clock.
    """

    alert_id: Sha256
    customer_id: str
    channel: str | None
    rule: str | None
    outcome: DeliveryOutcome
    reason: str | None
    arm: Arm | None
    kind: AlertKind
    cause: Cause
    segment: str | None
    risk: Probability | None
    value_at_risk: float
    attempts: int
    digest: bool
    occurred_at: Instant
    at: Instant
