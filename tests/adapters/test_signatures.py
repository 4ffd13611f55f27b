"""Signatures: those of the providers' documentation and of keys made here; anything else is refused."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from stream.adapters import Call, adapters_of
from stream.errors import SettingsError
from stream.settings import Settings

# The example in the tests of SendGrid's own libraries (MIT licence).
SENDGRID_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfS"
    "mpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
)
SENDGRID_HEADERS = {
    "x-twilio-email-event-webhook-signature": (
        "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
    ),
    "x-twilio-email-event-webhook-timestamp": "1600112502",
}
SENDGRID_BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)
KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"


def is_genuine(adapter: str, call: Call, **settings: Any) -> bool:
    verify = adapters_of(Settings(**settings))[adapter].is_genuine
    assert verify is not None
    return verify(call)


def test_without_a_key_nothing_can_be_verified() -> None:
    assert [name for name, adapter in adapters_of(Settings()).items() if adapter.is_genuine] == []


def test_sendgrids_own_example_is_genuine_and_no_change_of_it_is() -> None:
    settings = {"ingest_sendgrid_public_key": SENDGRID_KEY}
    assert is_genuine("sendgrid", Call(SENDGRID_HEADERS, SENDGRID_BODY), **settings)
    assert not is_genuine("sendgrid", Call(SENDGRID_HEADERS, SENDGRID_BODY.strip()), **settings)
    for name in SENDGRID_HEADERS:
        without = {other: value for other, value in SENDGRID_HEADERS.items() if other != name}
        assert not is_genuine("sendgrid", Call(without, SENDGRID_BODY), **settings)
    later = {**SENDGRID_HEADERS, "x-twilio-email-event-webhook-timestamp": "1600112503"}
    assert not is_genuine("sendgrid", Call(later, SENDGRID_BODY), **settings)
    garbled = {**SENDGRID_HEADERS, "x-twilio-email-event-webhook-signature": "not base64!"}
    assert not is_genuine("sendgrid", Call(garbled, SENDGRID_BODY), **settings)


def test_a_signature_by_another_key_is_not_genuine() -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    signature = stranger.sign(b"1600112502" + SENDGRID_BODY, ec.ECDSA(hashes.SHA256()))
    headers = {
        **SENDGRID_HEADERS,
        "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
    }
    public = stranger.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    call = Call(headers, SENDGRID_BODY)
    assert not is_genuine("sendgrid", call, ingest_sendgrid_public_key=SENDGRID_KEY)
    assert is_genuine("sendgrid", call, ingest_sendgrid_public_key=base64.b64encode(public).decode())


def an_rsa_key() -> str:
    public = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    encoded = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(encoded).decode()


@pytest.mark.parametrize("key", ["no key", base64.b64encode(b"no key").decode(), an_rsa_key()])
def test_what_is_no_verification_key_is_refused_at_the_start(key: str) -> None:
    with pytest.raises(SettingsError, match="ingest_sendgrid_public_key"):
        adapters_of(Settings(ingest_sendgrid_public_key=key))


def signed_by_mailgun(key: str, **changes: object) -> Call:
    timestamp, token = "1529006854", "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0"
    signature = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    signed: dict[str, object] = {"timestamp": timestamp, "token": token, "signature": signature, **changes}
    return Call({}, json.dumps({"signature": signed, "event-data": {}}).encode())


def test_mailguns_signature_needs_the_key() -> None:
    assert is_genuine("mailgun", signed_by_mailgun(KEY), ingest_mailgun_signing_key=KEY)
    assert not is_genuine("mailgun", signed_by_mailgun("another"), ingest_mailgun_signing_key=KEY)


@pytest.mark.parametrize(
    "change", [{"token": "x"}, {"timestamp": "1"}, {"signature": ""}, {"signature": 5}, {"token": None}]
)
def test_a_changed_signature_of_mailgun_is_not_genuine(change: dict[str, object]) -> None:
    assert not is_genuine("mailgun", signed_by_mailgun(KEY, **change), ingest_mailgun_signing_key=KEY)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"signature": "x"}', b"{}"])
def test_a_body_without_mailguns_signature_is_not_genuine(body: bytes) -> None:
    assert not is_genuine("mailgun", Call({}, body), ingest_mailgun_signing_key=KEY)


def test_segments_signature_is_over_the_body() -> None:
    body = b'{"type": "track"}'
    signature = hmac.new(b"secret", body, hashlib.sha1).hexdigest()
    settings = {"ingest_segment_secret": "secret"}
    assert is_genuine("segment", Call({"x-signature": signature}, body), **settings)
    assert not is_genuine("segment", Call({"x-signature": signature}, body + b" "), **settings)
    assert not is_genuine("segment", Call({}, body), **settings)
    for garbled in ("é", "\udcff"):
        assert not is_genuine("segment", Call({"x-signature": garbled}, body), **settings)


def basic(text: str) -> Call:
    return Call({"authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}, b"")


def test_postmark_knows_user_and_password() -> None:
    settings = {"ingest_postmark_username": "postmark", "ingest_postmark_password": "pass:word"}
    assert is_genuine("postmark", basic("postmark:pass:word"), **settings)
    for wrong in ("postmark:pass", "other:pass:word", "postmark", ":", ""):
        assert not is_genuine("postmark", basic(wrong), **settings)
    for garbled in ("Basic ***", "Basic é", "Basic \udcff", "Basic /w=="):
        assert not is_genuine("postmark", Call({"authorization": garbled}, b""), **settings)
    assert not is_genuine("postmark", Call({"authorization": "Bearer postmark:pass:word"}, b""), **settings)
    assert not is_genuine("postmark", Call({}, b""), **settings)


@pytest.mark.parametrize("setting", ["ingest_postmark_username", "ingest_postmark_password"])
def test_half_of_the_credentials_is_refused(setting: str) -> None:
    given: dict[str, Any] = {setting: "half"}
    with pytest.raises(SettingsError, match="belong together"):
        adapters_of(Settings(**given))
