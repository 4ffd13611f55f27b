"""Calls of Amazon SES by SNS, after their documentation, signed with a certificate that is made here."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from stream.adapters import Call
from tests.adapters.calls import NOW_MS

__all__ = ["CERTIFICATE_URL", "EVENT", "TOPIC", "certificate", "key", "message", "ses_call", "signed"]

TOPIC = "arn:aws:sns:eu-west-1:123456789012:ses-events"
CERTIFICATE_URL = f"https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-{'0a' * 16}.pem"
NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)

# https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html
EVENT: dict[str, Any] = {
    "eventType": "Open",
    "mail": {
        "timestamp": "2017-08-09T21:59:49.927Z",
        "source": "sender@example.com",
        "messageId": "EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000",
        "destination": ["Ann.Sparrow@example.com"],
        "commonHeaders": {"to": ["Ann Sparrow <ann.sparrow@example.com>"], "subject": "For Ann Sparrow"},
        "tags": {"ses:configuration-set": ["ConfigSet"], "campaign_id": ["spring"]},
    },
    "open": {
        "timestamp": "2017-08-09T22:00:19.652Z",
        "userAgent": "Mozilla/5.0",
        "ipAddress": "192.0.2.1",
    },
}

key = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(of: rsa.RSAPrivateKey = key, *, days: int = 30) -> bytes:
    """Self-signed, because only the address of a certificate is checked. ``days``: its validity, from a day ago."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(of.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=31))
        .not_valid_after(NOW - timedelta(days=31) + timedelta(days=31 + days))
        .sign(of, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


CERTIFICATE = certificate()


def message(event: object = EVENT, *, at: datetime = NOW, **changes: Any) -> dict[str, Any]:
    """The envelope, as yet without a signature."""
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": event if isinstance(event, str) else json.dumps(event),
        "Timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z",
        "SignatureVersion": "1",
        "SigningCertURL": CERTIFICATE_URL,
        **changes,
    }


def signed(envelope: dict[str, Any], by: rsa.RSAPrivateKey = key) -> dict[str, Any]:
    """Signs the text of SNS's documentation: names and values by name, each followed by a newline."""
    optional = ("SubscribeURL", "Subject", "Token")
    names = ["Message", "MessageId", *optional, "Timestamp", "TopicArn", "Type"]
    told = [name for name in sorted(names) if name in envelope]
    text = "".join(f"{name}\n{envelope[name]}\n" for name in told)
    digest = hashes.SHA256() if envelope["SignatureVersion"] == "2" else hashes.SHA1()  # noqa: S303 - as SNS does
    signature = by.sign(text.encode(), padding.PKCS1v15(), digest)
    return {**envelope, "Signature": base64.b64encode(signature).decode()}


def ses_call(envelope: dict[str, Any], *, certified_by: bytes = CERTIFICATE) -> Call:
    headers = {
        "x-amz-sns-message-type": str(envelope.get("Type")),
        "x-amz-sns-topic-arn": str(envelope.get("TopicArn")),
        "content-type": "text/plain; charset=UTF-8",
    }
    return Call(headers, json.dumps(envelope).encode(), NOW_MS, certificate=certified_by)
