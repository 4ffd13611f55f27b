"""Klaviyo's system webhooks: a batch of events."""

from typing import Any, Final

from stream.adapters.adapter import Call, Objection, Proof
from stream.adapters.event_table import (
    EMAIL,
    EventTable,
    ProviderEvent,
    consent,
    customer,
    identified_by,
    labelled,
    rows_of,
    time_at,
)
from stream.adapters.json_fields import MalformedError, decoded, instant_ms, json_object, pick, required
from stream.adapters.provider import Provider, max_age_s
from stream.adapters.signatures import Signature, by_signature, from_header, staleness
from stream.settings import Settings

__all__ = ["PROVIDER", "TABLE"]

_ATTRIBUTES: Final = "payload.data.attributes"
_PROPERTIES: Final = f"{_ATTRIBUTES}.event_properties"
_TOPIC: Final = "event:klaviyo."


def _kind(item: ProviderEvent) -> str:
    name = str(required(item.event, "topic")).removeprefix(_TOPIC)
    soft = name == "bounced_email" and pick(item.event, f"{_PROPERTIES}.Bounce Type", f"{_PROPERTIES}.bounce_type")
    return f"{name}: {soft}" if soft and str(soft).casefold() == "soft" else name


def _events(body: Any) -> list[Any]:
    events = required(json_object(body, "a webhook of Klaviyo"), "data")
    if not isinstance(events, list):
        raise MalformedError(f"expected `data` as a JSON array, got {type(events).__name__}")
    return [_with_profile(event) for event in events]


def _with_profile(event: Any) -> Any:
    """What is included may be the metric as well."""
    included = pick(event, "payload.included")
    if not isinstance(event, dict) or not isinstance(included, list):
        return event
    return {**event, "profile": next((one for one in included if pick(one, "type") == "profile"), None)}


#: By ``topic``, after ``event:klaviyo.``. Left out: dropped_email (was never sent), soft bounces, SMS, push.
TABLE: Final = EventTable(
    provider="klaviyo",
    one="an event of Klaviyo",
    rows={
        **rows_of(
            EMAIL,
            {
                "received_email": "delivered",
                "opened_email": "opened",
                "clicked_email": "clicked",
                "bounced_email": "bounced",
                "marked_email_as_spam": "complained",
                "unsubscribed_from_email_marketing": "unsubscribed",
            },
        ),
        "subscribed_to_email_marketing": consent("granted", "email", "klaviyo"),
        "subscribed_to_sms_marketing": consent("granted", "sms", "klaviyo"),
        "unsubscribed_from_sms_marketing": consent("withdrawn", "sms", "klaviyo"),
    },
    events=_events,
    kind=_kind,
    identity=identified_by("external_id"),
    customer=customer(
        _PROPERTIES,
        "profile.attributes.properties",
        address=(
            f"{_PROPERTIES}.email_address",
            f"{_PROPERTIES}.Recipient Email Address",
            "profile.attributes.email",
        ),
        own_id=("profile.attributes.external_id", "payload.data.relationships.profile.data.id"),
    ),
    occurred_at=time_at(f"{_ATTRIBUTES}.datetime", f"{_ATTRIBUTES}.timestamp"),
    fields={
        "campaign_id": labelled(f"{_PROPERTIES}.$message", f"{_PROPERTIES}.Campaign Name", f"{_PROPERTIES}.$flow"),
        "machine_open": lambda item: (
            True if pick(item.event, f"{_PROPERTIES}.machine_open", f"{_PROPERTIES}.Machine Open") is True else None
        ),
    },
)


def _signed(call: Call) -> list[bytes]:
    return [call.body + call.headers.get("klaviyo-timestamp", "").encode("utf-8", "surrogateescape")]


#: HMAC-SHA256 of body and time, in hex.
_SIGNATURE: Final = Signature("Klaviyo-Signature", from_header("klaviyo-signature"), _signed, encoding="hex")


def _proof(settings: Settings) -> Proof | None:
    """The time is taken from the body, which is signed as well: in the header it comes in several forms and zones."""
    if not settings.ingest_klaviyo_secret:
        return None
    signature = by_signature(settings.ingest_klaviyo_secret, _SIGNATURE, max_age_s=max_age_s(settings))

    def by_call(call: Call) -> Objection:
        if objection := signature.by_call(call):
            return objection
        try:
            meta = pick(decoded(call.body), "meta")
        except MalformedError as error:
            return str(error)
        if pick(meta, "klaviyo_webhook_id") != call.headers.get("klaviyo-webhook-id"):
            return "expected the header Klaviyo-Webhook-Id to name the webhook of `meta`"
        made_at_ms = instant_ms(pick(meta, "timestamp"))
        return staleness(made_at_ms, call.received_ms, max_age_s(settings), unit=1000)

    return Proof(by_call, signature.by_head)


PROVIDER: Final = Provider("klaviyo", TABLE.translate, _proof)
