"""Postmark's webhooks: one record a post."""

from typing import Final

from stream.adapters.adapter import Proof
from stream.adapters.event_table import EMAIL, EventTable, ProviderEvent, customer, labelled, rows_of, texts, time_at
from stream.adapters.json_fields import pick, required
from stream.adapters.provider import Provider
from stream.adapters.signatures import by_basic_credentials
from stream.errors import SettingsError
from stream.settings import Settings

__all__ = ["PROVIDER", "TABLE"]

_TIMES: Final = ("DeliveredAt", "ReceivedAt", "BouncedAt", "ChangedAt")


def _kind(item: ProviderEvent) -> str:
    """``RecordType``, of bounces with ``Type``, of subscription changes with ``SuppressionReason``."""
    record_type = str(required(item.event, "RecordType"))
    if record_type == "Bounce":
        return f"Bounce: {required(item.event, 'Type')}"
    if record_type == "SubscriptionChange":
        # a reason is given only when sending stops; without one, nothing but a person has stopped it
        is_stopped = pick(item.event, "SuppressSending") is True
        otherwise = "ManualSuppression" if is_stopped else "reactivated"
        return f"SubscriptionChange: {pick(item.event, 'SuppressionReason') or otherwise}"
    return record_type


def _identity(item: ProviderEvent) -> tuple[object, ...]:
    """Records have no id of their own, bounces apart; this is what a repeated post has in common with the first."""
    record = item.event
    # there is none where the site's owner stops the sending to an address
    message_id = _MESSAGE_ID(item)
    of_no_message = () if message_id else (pick(record, "MessageStream"),)
    address, at = pick(record, "Recipient", "Email"), required(record, *_TIMES)
    return _kind(item), message_id, address, at, pick(record, "OriginalLink"), *of_no_message


_MESSAGE_ID: Final = texts("MessageID")

#: Left out: bounces that pass, and suppressions that follow from a bounce or a complaint, which comes as a record of
#: its own.
TABLE: Final = EventTable(
    provider="postmark",
    one="a Postmark record",
    rows=rows_of(
        EMAIL,
        {
            "Delivery": "delivered",
            "Open": "opened",
            "Click": "clicked",
            "Bounce: HardBounce": "bounced",
            "Bounce: BadEmailAddress": "bounced",
            "Bounce: Unsubscribe": "unsubscribed",
            "SpamComplaint": "complained",
            "SubscriptionChange: ManualSuppression": "unsubscribed",
        },
    ),
    kind=_kind,
    identity=_identity,
    customer=customer("Metadata", address=("Recipient", "Email")),
    occurred_at=time_at(*_TIMES),
    fields={"campaign_id": labelled("Tag"), "message_id": _MESSAGE_ID},
)


def _proof(settings: Settings) -> Proof | None:
    username, password = settings.ingest_postmark_username, settings.ingest_postmark_password
    if bool(username) != bool(password):
        raise SettingsError(
            "ingest_postmark_username and ingest_postmark_password belong together: set both, as they are in the URL of"
            " the webhook, or neither"
        )
    return by_basic_credentials(username, password) if username else None


PROVIDER: Final = Provider("postmark", TABLE.translate, _proof)
