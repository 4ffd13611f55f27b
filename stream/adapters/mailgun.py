"""Mailgun's webhooks: one event a post, beside its signature."""

from types import MappingProxyType
from typing import Any, Final

from stream.adapters.adapter import Call, Ignored, Native, Table, Translation
from stream.adapters.customer import MailCustomers
from stream.adapters.reading import decoded, each, event_id, instant, json_object, label, pick, required, text
from stream.events.kinds import EventType

__all__ = ["TABLE", "translate"]

#: ``event``; ``failed`` counts only when its severity is permanent. Left out: rejected (was never sent), stored.
TABLE: Final[Table] = MappingProxyType(
    {
        "accepted": (EventType.EMAIL, "sent"),
        "delivered": (EventType.EMAIL, "delivered"),
        "opened": (EventType.EMAIL, "opened"),
        "clicked": (EventType.EMAIL, "clicked"),
        "failed": (EventType.EMAIL, "bounced"),
        "complained": (EventType.EMAIL, "complained"),
        "unsubscribed": (EventType.EMAIL, "unsubscribed"),
    }
)
_PERMANENT = "permanent"


def translate(call: Call, customers: MailCustomers) -> list[Translation]:
    """The event of a post."""
    body = json_object(decoded(call.body), "a Mailgun webhook")
    return each([required(body, "event-data")], "`event-data`", lambda event: _one(event, customers))


def _one(event: dict[str, Any], customers: MailCustomers) -> Translation:
    provider_name = str(required(event, "event"))
    found = TABLE.get(provider_name)
    if found is None:
        return Ignored(provider_name)
    if provider_name == "failed" and required(event, "severity") != _PERMANENT:
        return Ignored("failed: temporary")
    event_type, name = found
    at = required(event, "timestamp")
    message_id = text(pick(event, "message.headers.message-id"))
    own_id = pick(event, "id")
    # Mailgun's ids are unique within a day only. Without one: what a repeated post has in common with the first.
    identity = (
        (f"{own_id}:{at}",) if own_id is not None else (provider_name, message_id, required(event, "recipient"), at)
    )
    return Native(
        event_type,
        {
            "event_id": event_id("mailgun", *identity),
            "customer_id": customers.find(pick(event, "user-variables"), address=pick(event, "recipient")),
            "occurred_at": instant(at, "timestamp"),
            "name": name,
            "campaign_id": label(pick(event, "campaigns.0.id", "tags.0")),
            "message_id": message_id,
            "machine_open": True if name == "opened" and pick(event, "client-info.bot") else None,
        },
    )
