"""What the directory keeps of a record: an entry of a customer's timeline, or the customer's document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from stream.alerts.action_records import Action
from stream.alerts.alert_records import Alert, StageChange
from stream.catalogue.outputs import Customer
from stream.events.columns import MONEY_SCALE, UNKNOWN_AMOUNT
from stream.events.id_hashes import hash_ids
from stream.events.kinds import EventType
from stream.events.model import Event, PurchaseEvent
from stream.events.times import epoch_ms
from stream.privacy.concealed_fields import PERSONS

__all__ = [
    "ACTION",
    "ALERT",
    "STAGE",
    "Document",
    "TimelineEntry",
    "acted",
    "alerted",
    "document_of",
    "happened",
    "moved",
]

ALERT: Final = "alert"
ACTION: Final = "action"
STAGE: Final = "stage"

#: Kept in columns of their own, or not at all: what customers wrote is kept by the projection `texts`, and only there.
#: Nobody finds the ids of others, so that their erasure would leave them here.
_NOT_DETAILS: Final = frozenset(
    {
        *("event_id", "customer_id", "occurred_at", "channel", "name", "order_id", "amount"),
        *("identifiers", "text", "url", "session_id", "message_id"),
        *PERSONS,
    }
)


class TimelineEntry(NamedTuple):
    """One row of the timeline; the fields are its columns. ``amount``: see `stream.directory.schema`."""

    customer_id: str
    source: str
    id: int
    at_ms: int
    name: str
    channel: str | None = None
    order_id: str | None = None
    amount: int | None = None
    detail: Mapping[str, Any] | None = None


class Document(NamedTuple):
    """Of a customer document, the columns that it fills. The one with more ``document_events`` is the newer one."""

    customer_id: str
    columns: Mapping[str, Any]


def happened(event_type: EventType, event: Event, at_ms: int, event_id: int, amount: int) -> TimelineEntry:
    """The entry of an accepted event; ``amount`` as in `EVENT` columns, ``event_id`` a 48-bit hash."""
    fields = msgspec.to_builtins(event)
    told = {
        name: value
        for name, value in fields.items()
        if name not in _NOT_DETAILS and value is not None and value is not False
    }
    is_order = isinstance(event, PurchaseEvent)
    return TimelineEntry(
        event.customer_id,
        event_type.value,
        event_id,
        at_ms,
        event.name,
        _label(event.channel),
        _label(fields.get("order_id")),
        amount if is_order and event.name != "cancelled" and amount != UNKNOWN_AMOUNT else None,
        told or None,
    )


def alerted(alert: Alert) -> TimelineEntry:
    told = {
        "sentence": alert.sentence,
        "severity": str(alert.severity),
        "cause": str(alert.cause),
        "days_since_order": alert.days_since_order,
        "usual_gap_days": alert.usual_gap_days,
        "heard": None if alert.heard is None else _told(msgspec.to_builtins(alert.heard)),
    }
    return _published(ALERT, alert.alert_id, alert.customer_id, alert.occurred_at, alert.kind.value, told)


def moved(change: StageChange) -> TimelineEntry:
    told = {
        "from": change.stage_from,
        "why": change.why,
        "cause": change.cause,
        "days_since_order": change.days_since_order,
        "usual_gap_days": change.usual_gap_days,
    }
    return _published(STAGE, change.change_id, change.customer_id, change.occurred_at, change.stage_to, told)


def acted(action: Action, at_ms: int) -> TimelineEntry:
    told = {"actor": action.actor, "note": action.note, "alert_id": action.alert_id}
    return TimelineEntry(
        action.customer_id, ACTION, _hash(action.action_id), at_ms, action.action.value, detail=_told(told) or None
    )


def document_of(customer: Customer) -> Document:
    rfm = _known(customer.rfm)
    following = _known(customer.next_order)
    return Document(
        customer.customer_id,
        {
            "as_of_ms": _ms(customer.as_of),
            "document_events": customer.events,
            "stage": _known(customer.stage),
            "stage_since_ms": _ms(_known(customer.stage_since)),
            "stage_why": _known(customer.stage_why),
            "tier": None if rfm is None else rfm.tier,
            "segment": _known(customer.segment),
            "risk": _known(customer.risk),
            "value_at_risk": _money(_known(customer.value_at_risk)),
            "expected_spend": _money(_known(customer.expected_spend)),
            "lifetime_value": _money(_known(customer.lifetime_value)),
            "usual_gap_days": _known(customer.usual_gap_days),
            "next_order_ms": None if following is None else _ms(following.at),
            "next_order_from_ms": None if following is None else _ms(following.begin),
            "next_order_until_ms": None if following is None else _ms(following.until),
            "unsubscribed_ms": _ms(_known(customer.unsubscribed_at)),
            "alert": customer.alert,
            "reasons": _known(customer.reasons),
        },
    )


def _published(
    source: str, identity: str, customer_id: str, at: str, name: str, told: Mapping[str, Any]
) -> TimelineEntry:
    return TimelineEntry(
        customer_id, source, _hash(identity), epoch_ms(datetime.fromisoformat(at)), name, detail=_told(told)
    )


def _told(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What there is to tell."""
    return {name: value for name, value in fields.items() if value is not None}


def _label(text: str | None) -> str | None:
    """A text that producers choose freely, as any database keeps it: PostgreSQL has no character 0."""
    return None if text is None else text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _hash(identity: str) -> int:
    return int(hash_ids([identity])[0])


def _known(value: Any) -> Any:
    return None if value is msgspec.UNSET else value


def _ms(at: str | None) -> int | None:
    return None if at is None else epoch_ms(datetime.fromisoformat(at))


def _money(amount: float | None) -> int | None:
    return None if amount is None else round(amount * MONEY_SCALE)
