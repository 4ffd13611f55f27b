"""SendGrid's event webhook: a JSON array of events."""

import base64
from typing import Any, Final

from stream.adapters.adapter import Call, Objection, Proof
from stream.adapters.event_table import (
    EMAIL,
    EventTable,
    ProviderEvent,
    customer,
    identified_by,
    labelled,
    needed,
    rows_of,
    texts,
    time_at,
)
from stream.adapters.json_fields import MalformedError, pick, required
from stream.adapters.provider import Provider, max_age_s
from stream.adapters.signatures import NO_MATCH, staleness
from stream.errors import SettingsError
from stream.settings import Settings

__all__ = ["PROVIDER", "TABLE"]

_SIGNATURE: Final = "x-twilio-email-event-webhook-signature"
_TIMESTAMP: Final = "x-twilio-email-event-webhook-timestamp"

#: ``type`` of a bounce that says nothing about the address: the receiver is busy, or does not like the sender.
_BLOCKED: Final = "blocked"


def _kind(item: ProviderEvent) -> str:
    name = str(required(item.event, "event"))
    return _BLOCKED if name == "bounce" and pick(item.event, "type") == _BLOCKED else name


def _at(item: ProviderEvent) -> object:
    return required(item.event, "timestamp")


def _events(body: Any) -> list[Any]:
    if not isinstance(body, list):
        raise MalformedError(f"expected a JSON array of SendGrid events, got {type(body).__name__}")
    return body


_MESSAGE_ID: Final = texts("sg_message_id", "smtp-id")

#: By ``event``. Left out: dropped (was never sent), deferred (will be tried again), group_resubscribe.
TABLE: Final = EventTable(
    provider="sendgrid",
    one="a SendGrid event",
    rows=rows_of(
        EMAIL,
        {
            "processed": "sent",
            "delivered": "delivered",
            "open": "opened",
            "click": "clicked",
            "bounce": "bounced",
            "spamreport": "complained",
            "unsubscribe": "unsubscribed",
            "group_unsubscribe": "unsubscribed",
        },
    ),
    events=_events,
    kind=_kind,
    identity=identified_by("sg_event_id", _kind, _MESSAGE_ID, needed("email"), _at),
    # custom arguments arrive beside the fields of SendGrid, or in an object of their own
    customer=customer("", "unique_args", "custom_args", address=("email",)),
    occurred_at=time_at("timestamp"),
    fields={
        "campaign_id": labelled("marketing_campaign_id", "singlesend_id", "category.0", "category"),
        "message_id": _MESSAGE_ID,
        "machine_open": lambda item: True if pick(item.event, "sg_machine_open") is True else None,
    },
)


def _proof(settings: Settings) -> Proof | None:
    """Signed event webhook: ECDSA (P-256, SHA-256) over timestamp and body.

    The setting is the verification key as SendGrid shows it: base64 of the DER, without PEM lines.
    """
    if not settings.ingest_sendgrid_public_key:
        return None
    try:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - needed with this setting only
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415
    except ImportError as error:
        raise SettingsError(
            "ingest_sendgrid_public_key needs a package to check it with: pip install 'customer-stream[ingest]'"
        ) from error
    try:
        key = load_der_public_key(base64.b64decode(settings.ingest_sendgrid_public_key, validate=True))
    except (ValueError, TypeError) as error:
        raise SettingsError(
            "ingest_sendgrid_public_key: expected the verification key as SendGrid shows it, base64 of a public key"
        ) from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SettingsError("ingest_sendgrid_public_key: expected the public key of an elliptic curve")
    algorithm = ec.ECDSA(hashes.SHA256())

    def by_head(head: Call) -> Objection:
        if not head.headers.get(_SIGNATURE):
            return f"expected a signature in {_SIGNATURE}; there is none"
        return staleness(head.headers.get(_TIMESTAMP), head.received_ms, max_age_s(settings))

    def by_call(call: Call) -> Objection:
        if objection := by_head(call):
            return objection
        try:
            signature = base64.b64decode(call.headers[_SIGNATURE], validate=True)
            key.verify(signature, call.headers[_TIMESTAMP].encode() + call.body, algorithm)
        except (InvalidSignature, ValueError):
            return NO_MATCH
        return ""

    return Proof(by_call, by_head)


PROVIDER: Final = Provider("sendgrid", TABLE.translate, _proof)
