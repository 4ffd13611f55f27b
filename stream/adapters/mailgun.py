"""Mailgun's webhooks: one event a post, beside its signature."""

import hashlib
import hmac
from typing import Any, Final

import msgspec

from stream.adapters.adapter import Call, Objection, Proof
from stream.adapters.event_table import (
    EMAIL,
    EventTable,
    ProviderEvent,
    customer,
    labelled,
    needed,
    rows_of,
    texts,
    time_at,
)
from stream.adapters.json_fields import MalformedError, decoded, json_object, pick, required
from stream.adapters.provider import Provider, max_age_s
from stream.adapters.signatures import NO_MATCH, equal, staleness
from stream.adapters.used_tokens import UsedTokens
from stream.settings import Settings

__all__ = ["PROVIDER", "TABLE"]

#: What tells Mailgun not to send the same again; any other status but 200 makes it repeat for eight hours.
_NOT_ACCEPTABLE: Final = 406


def _kind(item: ProviderEvent) -> str:
    name = str(required(item.event, "event"))
    permanent = name != "failed" or required(item.event, "severity") == "permanent"
    return name if permanent else "failed: temporary"


def _identity(item: ProviderEvent) -> tuple[object, ...]:
    """Mailgun's ids are unique within a day only. Without one: what a repeated post has in common with the first."""
    at = required(item.event, "timestamp")
    own_id = pick(item.event, "id")
    if own_id is not None:
        return (f"{own_id}:{at}",)
    return _kind(item), _MESSAGE_ID(item), required(item.event, "recipient"), at


def _events(body: Any) -> list[Any]:
    return [required(json_object(body, "a Mailgun webhook"), "event-data")]


_MESSAGE_ID: Final = texts("message.headers.message-id")

#: By ``event``. Left out: rejected (was never sent), stored, and what failed for a time only.
TABLE: Final = EventTable(
    provider="mailgun",
    one="`event-data`",
    rows=rows_of(
        EMAIL,
        {
            "accepted": "sent",
            "delivered": "delivered",
            "opened": "opened",
            "clicked": "clicked",
            "failed": "bounced",
            "complained": "complained",
            "unsubscribed": "unsubscribed",
        },
    ),
    events=_events,
    kind=_kind,
    identity=_identity,
    customer=customer("user-variables", address=("recipient",)),
    occurred_at=time_at("timestamp"),
    fields={
        "campaign_id": labelled("campaigns.0.id", "tags.0"),
        "message_id": _MESSAGE_ID,
        "machine_open": lambda item: (
            True if needed("event")(item) == "opened" and pick(item.event, "client-info.bot") else None
        ),
    },
)


def _proof(settings: Settings) -> Proof | None:
    """In the body: HMAC-SHA256 of timestamp and token, in hex.

    It does not cover the event. So a token serves one event: a repetition of the same is genuine, another is not.
    """
    key = settings.ingest_mailgun_signing_key.encode()
    if not key:
        return None
    age_s = max_age_s(settings)
    used = UsedTokens(max_age_ms=round(age_s * 1000))

    def by_call(call: Call) -> Objection:
        try:
            body = json_object(decoded(call.body), "a Mailgun webhook")
        except MalformedError as error:
            return str(error)
        parts = [pick(body.get("signature"), name) for name in ("timestamp", "token", "signature")]
        if not all(isinstance(part, str) for part in parts):
            return "expected `signature` with `timestamp`, `token` and `signature`; there is none"
        timestamp, token, given = parts
        signed = f"{timestamp}{token}".encode("utf-8", "surrogateescape")
        if not equal(given, hmac.new(key, signed, hashlib.sha256).hexdigest()):
            return NO_MATCH
        if objection := staleness(timestamp, call.received_ms, age_s):
            return objection
        event = msgspec.json.encode(body.get("event-data"), order="deterministic")
        if not used.serves(f"{timestamp}:{token}", event, call.received_ms):
            return "the token of this signature has served another event"
        return ""

    return Proof(by_call)


PROVIDER: Final = Provider(
    "mailgun",
    TABLE.translate,
    _proof,
    refusal_status=_NOT_ACCEPTABLE,
    form_status=_NOT_ACCEPTABLE,
    form_advice="use the JSON webhooks (Sending, Webhooks in Mailgun), not the legacy ones, which post forms",
)
