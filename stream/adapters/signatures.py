"""Whether a call comes from the provider that it names: signatures over the body, or credentials in the URL."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping

from stream.adapters.adapter import Call
from stream.adapters.reading import MalformedError, decoded, json_object, pick
from stream.errors import SettingsError

__all__ = ["basic_credentials", "mailgun", "postmark", "segment", "sendgrid"]

_SENDGRID_SIGNATURE = "x-twilio-email-event-webhook-signature"
_SENDGRID_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
_BASIC = "basic "

Verifier = Callable[[Call], bool]


def segment(secret: str) -> Verifier:
    """``X-Signature``: HMAC-SHA1 of the body with the shared secret, in hex."""

    def is_genuine(call: Call) -> bool:
        expected = hmac.new(secret.encode(), call.body, hashlib.sha1).hexdigest()
        return _equal(call.headers.get("x-signature", ""), expected)

    return is_genuine


def sendgrid(public_key: str) -> Verifier:
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

    def is_genuine(call: Call) -> bool:
        timestamp = call.headers.get(_SENDGRID_TIMESTAMP, "")
        try:
            signature = base64.b64decode(call.headers.get(_SENDGRID_SIGNATURE, ""), validate=True)
            key.verify(signature, timestamp.encode() + call.body, algorithm)
        except (InvalidSignature, ValueError):
            return False
        return True

    return is_genuine


def mailgun(signing_key: str) -> Verifier:
    """In the body: HMAC-SHA256 of timestamp and token, in hex."""

    def is_genuine(call: Call) -> bool:
        try:
            signature = json_object(decoded(call.body), "a Mailgun webhook").get("signature")
        except MalformedError:
            return False
        parts = [pick(signature, name) for name in ("timestamp", "token", "signature")]
        if not all(isinstance(part, str) for part in parts):
            return False
        timestamp, token, given = parts
        expected = hmac.new(signing_key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
        return _equal(given, expected)

    return is_genuine


def postmark(username: str, password: str) -> Verifier:
    """HTTP basic authentication, from user and password in the webhook's URL."""

    def is_genuine(call: Call) -> bool:
        given_username, given_password = basic_credentials(call.headers)
        # both are compared, so that the time tells nothing about which was wrong
        return bool(_equal(given_username, username) & _equal(given_password, password))

    return is_genuine


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
