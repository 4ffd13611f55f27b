"""Whether a call comes from the provider that it names: signatures over the body, or credentials in the URL.

A signature that does not cover the event, or that never expires, could be reused by anyone who has seen one call. So
signatures with a time are accepted for a limited time (``max_age_s``), longer than the provider repeats a call.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from stream.adapters.adapter import Call, Proof
from stream.adapters.reading import MalformedError, decoded, json_object, pick
from stream.adapters.tokens import UsedTokens
from stream.errors import SettingsError

__all__ = ["MAX_AHEAD_S", "basic_credentials", "mailgun", "postmark", "segment", "sendgrid"]

_SENDGRID_SIGNATURE = "x-twilio-email-event-webhook-signature"
_SENDGRID_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
_BASIC = "basic "

#: A provider's clock may be ahead of ours by so much.
MAX_AHEAD_S: Final = 300
_SECONDS: Final = re.compile(r"\d{1,12}", re.ASCII)
_ELEMENTS: Final = msgspec.json.Decoder(list[msgspec.Raw])


def segment(secret: str) -> Proof:
    """``X-Signature``: HMAC-SHA1 with the shared secret, in hex, of the body.

    Of an array, Segment signs the first element only: the others are not covered, and who could read the traffic could
    replace them. HTTPS keeps others from reading it.
    """

    def by_call(call: Call) -> bool:
        given = call.headers.get("x-signature", "")
        signed = [call.body, *_first_element(call.body)]
        return any([_equal(given, hmac.new(secret.encode(), part, hashlib.sha1).hexdigest()) for part in signed])  # noqa: C419 - look at both

    return Proof(by_call, lambda head: bool(head.headers.get("x-signature")))


def _first_element(body: bytes) -> list[bytes]:
    """The bytes of the first element of a JSON array, as they are in it; none if ``body`` is no array of any."""
    if body.lstrip()[:1] != b"[":
        return []
    try:
        return [bytes(element).strip() for element in _ELEMENTS.decode(body)[:1]]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def sendgrid(public_key: str, *, max_age_s: float) -> Proof:
    """Signed event webhook: ECDSA (P-256, SHA-256) over timestamp and body.

    ``public_key`` is the verification key as SendGrid shows it: base64 of the DER, without PEM lines. Raises
    `SettingsError` if it is not one.
    """
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
        key = load_der_public_key(base64.b64decode(public_key, validate=True))
    except (ValueError, TypeError) as error:
        raise SettingsError(
            "ingest_sendgrid_public_key: expected the verification key as SendGrid shows it, base64 of a public key"
        ) from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SettingsError("ingest_sendgrid_public_key: expected the public key of an elliptic curve")
    algorithm = ec.ECDSA(hashes.SHA256())

    def by_head(head: Call) -> bool:
        is_signed = bool(head.headers.get(_SENDGRID_SIGNATURE))
        return is_signed and _is_fresh(head.headers.get(_SENDGRID_TIMESTAMP), head.received_ms, max_age_s)

    def by_call(call: Call) -> bool:
        if not by_head(call):
            return False
        timestamp = call.headers[_SENDGRID_TIMESTAMP]
        try:
            signature = base64.b64decode(call.headers.get(_SENDGRID_SIGNATURE, ""), validate=True)
            key.verify(signature, timestamp.encode() + call.body, algorithm)
        except (InvalidSignature, ValueError):
            return False
        return True

    return Proof(by_call, by_head)


def mailgun(signing_key: str, *, max_age_s: float) -> Proof:
    """In the body: HMAC-SHA256 of timestamp and token, in hex.

    It does not cover the event. So a token serves one event: a repetition of the same is genuine, another is not.
    """
    used = UsedTokens(max_age_ms=round(max_age_s * 1000))

    def by_call(call: Call) -> bool:
        try:
            body = json_object(decoded(call.body), "a Mailgun webhook")
        except MalformedError:
            return False
        signature = body.get("signature")
        parts = [pick(signature, name) for name in ("timestamp", "token", "signature")]
        if not all(isinstance(part, str) for part in parts):
            return False
        timestamp, token, given = parts
        expected = hmac.new(
            signing_key.encode(), f"{timestamp}{token}".encode("utf-8", "surrogateescape"), hashlib.sha256
        ).hexdigest()
        if not _equal(given, expected) or not _is_fresh(timestamp, call.received_ms, max_age_s):
            return False
        event = msgspec.json.encode(body.get("event-data"), order="deterministic")
        return used.serves(f"{timestamp}:{token}", event, call.received_ms)

    return Proof(by_call)


def postmark(username: str, password: str) -> Proof:
    """HTTP basic authentication, from user and password in the webhook's URL."""

    def is_genuine(call: Call) -> bool:
        given_username, given_password = basic_credentials(call.headers)
        # both are compared, so that the time tells nothing about which was wrong
        return bool(_equal(given_username, username) & _equal(given_password, password))

    return Proof(is_genuine, is_genuine)


def _is_fresh(timestamp: str | None, received_ms: int, max_age_s: float) -> bool:
    """Whether a time in seconds since the epoch is at most so long ago, and not to come."""
    if timestamp is None or not _SECONDS.fullmatch(timestamp):
        return False
    return -MAX_AHEAD_S <= received_ms / 1000 - int(timestamp) <= max_age_s


def basic_credentials(headers: Mapping[str, str]) -> tuple[str, str]:
    """User and password of HTTP basic authentication; empty if there are none that can be read.

    >>> basic_credentials({"authorization": "Basic YW5uOnNlY3JldA=="})
    ('ann', 'secret')
    """
    given = headers.get("authorization", "")
    if not given.lower().startswith(_BASIC):
        return "", ""
    try:
        username, _, password = base64.b64decode(given[len(_BASIC) :].strip(), validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return username, password


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())
