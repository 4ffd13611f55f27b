"""Zendesk's webhooks: events of tickets, or what a trigger is told to send (docs/producers.md).

Events know the requester by Zendesk's number only; a trigger can send address, own number and rating.
"""

from typing import Any, Final

from stream.adapters.adapter import Call
from stream.adapters.event_table import (
    EventTable,
    ProviderEvent,
    Row,
    customer,
    labelled,
    needed,
    parts,
    texts,
    time_at,
)
from stream.adapters.json_fields import instant_ms, pick, required
from stream.adapters.provider import Provider, signed
from stream.adapters.signatures import Signature, from_header
from stream.adapters.voices import FEEDBACK, said

__all__ = ["PROVIDER", "TABLE"]

_EVENT: Final = "zen:event-type:"
_TIMESTAMP: Final = "x-zendesk-webhook-signature-timestamp"
#: Types of tickets that are about something that went wrong.
_COMPLAINTS: Final = frozenset({"incident", "problem"})
_RATINGS: Final = {"good": 5, "bad": 1}


def _kind(item: ProviderEvent) -> str:
    """An event's type, with what became of the ticket; of a trigger, ``event``."""
    name = needed("type", "event")(item).removeprefix(_EVENT)
    if name == "ticket.status_changed":
        return f"{name}: {str(pick(item.event, 'event.current')).casefold()}"
    if name == "ticket.created" and str(pick(item.event, "detail.type", "ticket_type")).casefold() in _COMPLAINTS:
        return "ticket.created: incident"
    return name


def _value(item: ProviderEvent) -> object:
    """Zendesk knows good and bad: the ends of the scale."""
    found: Any = required(item.event, "rating")
    return _RATINGS.get(found.casefold(), found) if isinstance(found, str) else found


_ASKED: Final = {"text": said("detail.subject", "detail.description", "ticket_subject", "ticket_description")}

TABLE: Final = EventTable(
    provider="zendesk",
    one="an event of Zendesk",
    rows={
        "ticket.created": Row(FEEDBACK, "asked", _ASKED),
        "ticket.created: incident": Row(FEEDBACK, "complained", _ASKED),
        "ticket.status_changed: solved": Row(FEEDBACK, "resolved"),
        "ticket.solved": Row(FEEDBACK, "resolved"),
        "ticket.rated": Row(
            FEEDBACK, "rated", {"scale": lambda _item: "csat", "value": _value, "text": said("comment")}
        ),
    },
    kind=_kind,
    identity=parts(_kind, texts("detail.id", "ticket_id"), texts("id"), texts("time", "updated_at")),
    customer=customer("", address=("requester_email",), own_id=("requester_external_id", "detail.requester_id")),
    occurred_at=time_at("time", "updated_at"),
    fields={"ticket_id": labelled("detail.id", "ticket_id"), "channel": labelled("detail.via.channel", "channel")},
)


def _made_at(call: Call) -> str | None:
    """In seconds; it comes as RFC 3339."""
    at_ms = instant_ms(call.headers.get(_TIMESTAMP))
    return None if at_ms is None else f"{at_ms / 1000:.0f}"


def _signed(call: Call) -> list[bytes]:
    return [call.headers.get(_TIMESTAMP, "").encode("utf-8", "surrogateescape") + call.body]


#: HMAC-SHA256 of time and body.
_SIGNATURE: Final = Signature(
    "X-Zendesk-Webhook-Signature", from_header("x-zendesk-webhook-signature"), _signed, made_at=_made_at
)

PROVIDER: Final = Provider("zendesk", TABLE.translate, signed("ingest_zendesk_secret", _SIGNATURE))
