"""What the notifier reads and publishes besides alerts: actions of people, and what became of each notification.

Both are JSON objects keyed by ``customer_id``, sent at least once; ids make a repeat known. Instants are RFC 3339, UTC.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from stream.alerts.alert_records import AlertKind, Cause, Probability, Sha256
from stream.alerts.alert_records import Instant as PublishedInstant
from stream.events.model import CustomerId, Id, Instant

__all__ = ["MAX_NOTE_CHARS", "Action", "ActionKind", "Arm", "DeliveryOutcome", "Notification", "Suppression"]

MAX_NOTE_CHARS = 2000

# A note may have line breaks and tabs; the decoder refuses the other control characters, as the schema does.
_NO_CONTROL_CHARACTERS = {"pattern": r"^(?![\s\S]*[\u0000-\u0008\u000b\u000c\u000e-\u001f])"}
Note = Annotated[str, Meta(max_length=MAX_NOTE_CHARS, extra_json_schema=_NO_CONTROL_CHARACTERS)]


class ActionKind(StrEnum):
    """What someone did about a customer, or found out."""

    CONTACTED = "contacted"
    OFFER_ACCEPTED = "offer_accepted"
    RESOLVED = "resolved"
    FALSE_ALARM = "false_alarm"


class Action(Struct, frozen=True, kw_only=True):
    """Someone acted on a customer.

    ``action_id`` makes the record idempotent. ``customer_id`` equals the record key. ``alert_id`` names the alert that
    led to the action, ``actor`` who acted (a person, a team or a system). Unknown extra fields are ignored.
    """

    action_id: Id
    customer_id: CustomerId
    action: ActionKind
    occurred_at: Instant
    alert_id: Sha256 | None = None
    actor: Id | None = None
    note: Note | None = None


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
    CLEARED = "cleared"
    EXPIRED = "expired"


class Arm(StrEnum):
    """The group of the comparison to which a customer belongs."""

    NOTIFIED = "notified"
    HELD_OUT = "held_out"


class Notification(Struct, frozen=True, kw_only=True):
    """What became of one alert on one channel.

    ``channel`` and ``rule`` are null when no rule wanted the alert. ``arm`` is null unless the alert came so far that
    only the hold-out decided whether it is sent. ``reason`` is bounded: a `Suppression`, or why it failed.
    ``occurred_at`` is that of the alert (stream time), ``at`` the wall clock.
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
    risk: Probability
    value_at_risk: float
    attempts: int
    digest: bool
    occurred_at: PublishedInstant
    at: PublishedInstant
