"""Amazon SES: events and notifications of e-mails, which come by Amazon SNS."""

from typing import Any, Final

from stream.adapters.adapter import Call, Ignored, Proof, Translation
from stream.adapters.customers import CustomerFinder
from stream.adapters.event_table import (
    EMAIL,
    EventTable,
    ProviderEvent,
    customer,
    labelled,
    needed,
    parts,
    rows_of,
    texts,
    time_at,
)
from stream.adapters.json_fields import decoded, json_object, pick, required
from stream.adapters.provider import Provider, max_age_s
from stream.adapters.sns import by_sns, envelope, question
from stream.settings import Settings

__all__ = ["PROVIDER", "TABLE"]

#: Where each kind of event has its details, and among them the receivers that it is about.
_DETAILS: Final = {"Bounce": "bounce.bouncedRecipients", "Complaint": "complaint.complainedRecipients"}
#: What SES sends when a topic is chosen.
_VALIDATION: Final = "Successfully validated SNS topic"
_TIMES: Final = (
    "delivery.timestamp",
    "open.timestamp",
    "click.timestamp",
    "bounce.timestamp",
    "complaint.timestamp",
    "subscription.timestamp",
    "mail.timestamp",
)


def _kind(item: ProviderEvent) -> str:
    name = str(required(item.event, "eventType", "notificationType"))
    if name == "Bounce":
        return f"Bounce: {required(item.event, 'bounce.bounceType')}"
    if name == "Subscription":
        all_off = pick(item.event, "subscription.newTopicPreferences.unsubscribeAll")
        return "Subscription: unsubscribeAll" if all_off is True else "Subscription: other"
    return name


def _receivers(event: Any) -> list[Any]:
    """An event for each receiver that it is about."""
    found = json_object(event, "an event of SES")
    path = _DETAILS.get(str(pick(found, "eventType", "notificationType")))
    receivers = pick(found, path) if path else pick(found, "delivery.recipients", "mail.destination")
    if not isinstance(receivers, list) or not receivers:
        return [found]
    return [{**found, "receiver": pick(one, "emailAddress") if isinstance(one, dict) else one} for one in receivers]


#: By ``eventType``, or by ``notificationType`` of older set-ups. Left out: bounces that pass, Reject, Rendering Failure
#: (were never sent), DeliveryDelay.
TABLE: Final = EventTable(
    provider="ses",
    one="an event of SES",
    rows=rows_of(
        EMAIL,
        {
            "Send": "sent",
            "Delivery": "delivered",
            "Open": "opened",
            "Click": "clicked",
            "Bounce: Permanent": "bounced",
            "Complaint": "complained",
            "Subscription: unsubscribeAll": "unsubscribed",
        },
    ),
    decode=lambda call: decoded(str(required(envelope(call), "Message")).encode("utf-8", "replace")),
    events=_receivers,
    kind=_kind,
    identity=parts(_kind, needed("mail.messageId"), texts("receiver"), texts(*_TIMES), texts("click.link")),
    customer=customer("mail.tags", address=("receiver",)),
    occurred_at=time_at(*_TIMES),
    fields={
        "campaign_id": labelled("mail.tags.campaign_id.0", "mail.tags.ses:configuration-set.0"),
        "message_id": texts("mail.messageId"),
    },
)


def _translate(call: Call, customers: CustomerFinder) -> list[Translation]:
    message = envelope(call)
    if visit := question(message):
        return [visit]
    if message["Type"] != "Notification":
        return [Ignored(message["Type"])]
    if str(message.get("Message")).startswith(_VALIDATION):
        return [Ignored("validation of the topic")]
    return TABLE.translate(call, customers)


def _proof(settings: Settings) -> Proof | None:
    if not settings.ingest_ses_topics:
        return None
    return by_sns(settings.ingest_ses_topics, setting="ingest_ses_topics", max_age_s=max_age_s(settings))


PROVIDER: Final = Provider("ses", _translate, _proof)
