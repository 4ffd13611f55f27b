"""Amazon SNS: the envelope in which SES sends its events, and its signature."""

import base64
import re
from datetime import UTC, datetime
from typing import Any, Final

from stream.adapters.adapter import Call, Objection, Proof, Visit
from stream.adapters.json_fields import MalformedError, decoded, instant_ms, json_object, pick, required
from stream.adapters.signatures import NO_MATCH, staleness
from stream.errors import SettingsError

__all__ = ["ALLOWED_URL", "by_sns", "envelope", "question"]

#: Where Amazon keeps the certificates of SNS, and confirms subscriptions. Nothing else is ever asked.
ALLOWED_URL: Final = re.compile(
    r"https://sns\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?/"
    r"(?:SimpleNotificationService-[0-9a-f]{32}\.pem|\?Action=ConfirmSubscription&[!-~]{1,2000})",
    re.ASCII,
)
_ARN: Final = re.compile(r"arn:aws[a-z-]*:sns:(?P<region>[a-z0-9-]+):\d{12}:[A-Za-z0-9_.-]{1,256}", re.ASCII)

#: What is signed of each kind of message, in this order, each as its name and its value.
_SIGNED: Final = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_OPTIONAL: Final = "Subject"


def envelope(call: Call) -> dict[str, Any]:
    """What SNS has sent, of whatever kind. Raises `MalformedError` if it is nothing of SNS."""
    found = json_object(decoded(call.body), "a message of Amazon SNS")
    if required(found, "Type") not in _SIGNED:
        raise MalformedError(f"expected Type as one of {', '.join(_SIGNED)}")
    return found


def question(message: dict[str, Any]) -> Visit | None:
    """The question whether this endpoint wants a topic, if ``message`` is one."""
    if message["Type"] != "SubscriptionConfirmation":
        return None
    return Visit("SubscriptionConfirmation", _allowed(required(message, "SubscribeURL"), message))


def _allowed(url: object, message: dict[str, Any]) -> str:
    """``url`` if it is Amazon's, in the region of the topic."""
    found = ALLOWED_URL.fullmatch(url) if isinstance(url, str) else None
    topic = _ARN.fullmatch(str(message.get("TopicArn")))
    if found is None or topic is None or found["region"] != topic["region"]:
        raise MalformedError("expected an address of Amazon SNS in the region of the topic; it is another")
    return str(found[0])


def _canonical(message: dict[str, Any]) -> bytes:
    names = _SIGNED[message["Type"]]
    pairs = [(name, message.get(name)) for name in names if name != _OPTIONAL or message.get(name) is not None]
    if bad := [name for name, value in pairs if not isinstance(value, str)]:
        raise MalformedError(f"expected `{bad[0]}` as a text")
    return "".join(f"{name}\n{value}\n" for name, value in pairs).encode("utf-8", "surrogateescape")


def by_sns(topics: str, *, setting: str, max_age_s: float) -> Proof:
    """Signed by SNS (RSA, version 1 with SHA-1, version 2 with SHA-256), for one of ``topics`` (ARNs, by commas).

    The certificate comes from Amazon's own address only (`ALLOWED_URL`), by HTTPS; that is what the trust rests on.
    Raises `SettingsError` for what is no ARN of a topic.
    """
    wanted = [topic.strip() for topic in topics.split(",") if topic.strip()]
    for topic in wanted:
        if not _ARN.fullmatch(topic):
            raise SettingsError(f"{setting}: expected ARNs as arn:aws:sns:eu-west-1:123456789012:mail; got {topic}")
    try:
        import cryptography  # noqa: F401, PLC0415 - needed with this setting only
    except ImportError as error:
        raise SettingsError(
            f"{setting} needs a package to check signatures with: pip install 'customer-stream[ingest]'"
        ) from error
    foreign = f"expected a topic that {setting} names"

    def by_head(head: Call) -> Objection:
        if head.headers.get("x-amz-sns-message-type") not in _SIGNED:
            return "expected a message of Amazon SNS, with the header x-amz-sns-message-type"
        return "" if head.headers.get("x-amz-sns-topic-arn") in wanted else foreign

    def certificate_url(call: Call) -> str:
        message = envelope(call)
        return _allowed(required(message, "SigningCertURL"), message)

    def by_call(call: Call) -> Objection:
        try:
            message = envelope(call)
            if message.get("TopicArn") not in wanted:
                return foreign
            return _objection(message, call) or staleness(
                instant_ms(message["Timestamp"]), call.received_ms, max_age_s, unit=1000
            )
        except MalformedError as error:
            return str(error)

    return Proof(by_call, by_head, certificate_url)


def _objection(message: dict[str, Any], call: Call) -> Objection:
    """Whether the key of the certificate has signed ``message``."""
    from cryptography import x509  # noqa: PLC0415 - see `by_sns`
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415

    try:
        certificate = x509.load_pem_x509_certificate(call.certificate)
        signature = base64.b64decode(str(required(message, "Signature")), validate=True)
    except ValueError as error:
        raise MalformedError(f"the certificate or the signature cannot be read: {error}") from error
    key, now = certificate.public_key(), datetime.fromtimestamp(call.received_ms / 1000, UTC)
    # version 1 is what topics have by default
    version = str(pick(message, "SignatureVersion"))
    if version not in {"1", "2"} or not isinstance(key, rsa.RSAPublicKey):
        return "expected SignatureVersion 1 or 2, and an RSA key"
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        return "the certificate of the signature is not valid now"
    digest = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - as the version says
    try:
        key.verify(signature, _canonical(message), padding.PKCS1v15(), digest)
    except InvalidSignature:
        return NO_MATCH
    return ""
