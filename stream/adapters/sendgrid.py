"""SendGrid's event webhook: a JSON array of events."""

from types import MappingProxyType
from typing import Any, Final

from stream.adapters.adapter import Call, Ignored, Native, Table, Translation
from stream.adapters.customer import MailCustomers
from stream.adapters.reading import MalformedError, decoded, each, event_id, instant, label, pick, required, text
from stream.events.kinds import EventType

__all__ = ["TABLE", "translate"]

#: ``event``. Left out: dropped (was never sent), deferred (will be tried again), group_resubscribe.
TABLE: Final[Table] = MappingProxyType(
    {
        "processed": (EventType.EMAIL, "sent"),
        "delivered": (EventType.EMAIL, "delivered"),
        "open": (EventType.EMAIL, "opened"),
        "click": (EventType.EMAIL, "clicked"),
        "bounce": (EventType.EMAIL, "bounced"),
        "spamreport": (EventType.EMAIL, "complained"),
        "unsubscribe": (EventType.EMAIL, "unsubscribed"),
        "group_unsubscribe": (EventType.EMAIL, "unsubscribed"),
    }
)
#: ``type`` of a bounce that says nothing about the address: the receiver is busy, or does not like the sender.
_BLOCKED = "blocked"


def translate(call: Call, customers: MailCustomers) -> list[Translation]:
    """All events of a post."""
    events = decoded(call.body)
    if not isinstance(events, list):
        raise MalformedError(f"expected a JSON array of SendGrid events, got {type(events).__name__}")
    return each(events, "a SendGrid event", lambda event: _one(event, customers))


def _one(event: dict[str, Any], customers: MailCustomers) -> Translation:
    provider_name = str(required(event, "event"))
    found = TABLE.get(provider_name)
    if found is None:
        return Ignored(provider_name)
    if provider_name == "bounce" and pick(event, "type") == _BLOCKED:
        return Ignored(_BLOCKED)
    event_type, name = found
    at = required(event, "timestamp")
    message_id = text(pick(event, "sg_message_id", "smtp-id"))
    own_id = pick(event, "sg_event_id")
    # Without an id of its own: what a repeated post has in common with the first.
    identity = (own_id,) if own_id is not None else (provider_name, message_id, required(event, "email"), at)
    # Custom arguments arrive beside the fields of SendGrid, or in an object of their own.
    metadata = (event, pick(event, "unique_args"), pick(event, "custom_args"))
    return Native(
        event_type,
        {
            "event_id": event_id("sendgrid", *identity),
            "customer_id": customers.find(*metadata, address=pick(event, "email")),
            "occurred_at": instant(at, "timestamp"),
            "name": name,
            "campaign_id": label(pick(event, "marketing_campaign_id", "singlesend_id", "category.0", "category")),
            "message_id": message_id,
            "machine_open": True if pick(event, "sg_machine_open") is True else None,
        },
    )
