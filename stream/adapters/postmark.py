"""Postmark's webhooks: one record a post."""

from types import MappingProxyType
from typing import Any, Final

from stream.adapters.adapter import Call, Ignored, Native, Table, Translation
from stream.adapters.customer import MailCustomers
from stream.adapters.reading import decoded, each, event_id, instant, label, pick, required, text
from stream.events.kinds import EventType

__all__ = ["TABLE", "translate"]

#: ``RecordType``, for bounces with ``Type`` and for subscription changes with ``SuppressionReason``. Left out: bounces
#: that pass, and suppressions that follow from a bounce or a complaint, which comes as a record of its own.
TABLE: Final[Table] = MappingProxyType(
    {
        "Delivery": (EventType.EMAIL, "delivered"),
        "Open": (EventType.EMAIL, "opened"),
        "Click": (EventType.EMAIL, "clicked"),
        "Bounce: HardBounce": (EventType.EMAIL, "bounced"),
        "Bounce: BadEmailAddress": (EventType.EMAIL, "bounced"),
        "Bounce: Unsubscribe": (EventType.EMAIL, "unsubscribed"),
        "SpamComplaint": (EventType.EMAIL, "complained"),
        "SubscriptionChange: ManualSuppression": (EventType.EMAIL, "unsubscribed"),
    }
)


def translate(call: Call, customers: MailCustomers) -> list[Translation]:
    """The record of a post."""
    return each([decoded(call.body)], "a Postmark record", lambda record: _one(record, customers))


def _one(record: dict[str, Any], customers: MailCustomers) -> Translation:
    record_type = str(required(record, "RecordType"))
    row = record_type
    if record_type == "Bounce":
        row = f"Bounce: {required(record, 'Type')}"
    if record_type == "SubscriptionChange":
        # A reason is given only when sending stops.
        row = f"SubscriptionChange: {pick(record, 'SuppressionReason') or 'reactivated'}"
    found = TABLE.get(row)
    if found is None:
        return Ignored(row)
    event_type, name = found
    at = required(record, "DeliveredAt", "ReceivedAt", "BouncedAt", "ChangedAt")
    address = pick(record, "Recipient", "Email")
    # There is none where the site's owner stops the sending to an address.
    message_id = text(pick(record, "MessageID"))
    of_no_message = () if message_id else (pick(record, "MessageStream"),)
    return Native(
        event_type,
        {
            # Records have no id of their own, bounces apart; this is what a repeated post has in common with the first.
            "event_id": event_id(
                "postmark", row, message_id, address, at, pick(record, "OriginalLink"), *of_no_message
            ),
            "customer_id": customers.find(pick(record, "Metadata"), address=address),
            "occurred_at": instant(at, "ReceivedAt"),
            "name": name,
            "campaign_id": label(pick(record, "Tag")),
            "message_id": message_id,
        },
    )
