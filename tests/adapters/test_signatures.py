"""Signatures of the providers' documentation and of keys made here are accepted, all others refused."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from stream.adapters import Call, adapters_of
from stream.adapters.used_tokens import UsedTokens
from stream.errors import SettingsError
from stream.settings import Settings
from tests.adapters.calls import NOW_MS

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


#: When SendGrid signed its example, and Mailgun that of its documentation.
SENDGRID_MS, MAILGUN_MS = 1_600_112_502_000, 1_529_006_854_000


def sendgrids(headers: dict[str, str] | None = None, *, body: bytes = SENDGRID_BODY, after_s: float = 60) -> Call:
    return Call(SENDGRID_HEADERS if headers is None else headers, body, SENDGRID_MS + round(after_s * 1000))


def is_genuine(adapter: str, call: Call, **settings: Any) -> bool:
    """The endpoint's verdict: by the head first, without the body."""
    proof = adapters_of(Settings(**settings))[adapter].proof
    assert proof is not None
    return not (proof.by_head(call._replace(body=b"")) or proof.by_call(call))


def test_without_a_key_no_call_can_be_verified() -> None:
    assert [name for name, adapter in adapters_of(Settings()).items() if adapter.proof] == []


def test_sendgrids_own_example_is_genuine_and_no_change_of_it_is() -> None:
    settings = {"ingest_sendgrid_public_key": SENDGRID_KEY}
    assert is_genuine("sendgrid", sendgrids(), **settings)
    assert not is_genuine("sendgrid", sendgrids(body=SENDGRID_BODY.strip()), **settings)
    for name in SENDGRID_HEADERS:
        without = {other: value for other, value in SENDGRID_HEADERS.items() if other != name}
        assert not is_genuine("sendgrid", sendgrids(without), **settings)
    later = {**SENDGRID_HEADERS, "x-twilio-email-event-webhook-timestamp": "1600112503"}
    assert not is_genuine("sendgrid", sendgrids(later), **settings)
    garbled = {**SENDGRID_HEADERS, "x-twilio-email-event-webhook-signature": "not base64!"}
    assert not is_genuine("sendgrid", sendgrids(garbled), **settings)


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
    call = sendgrids(headers)
    assert not is_genuine("sendgrid", call, ingest_sendgrid_public_key=SENDGRID_KEY)
    assert is_genuine("sendgrid", call, ingest_sendgrid_public_key=base64.b64encode(public).decode())


def an_rsa_key() -> str:
    public = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    encoded = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(encoded).decode()


@pytest.mark.parametrize("key", ["no key", base64.b64encode(b"no key").decode(), an_rsa_key()])
def test_an_invalid_verification_key_is_refused_at_the_start(key: str) -> None:
    with pytest.raises(SettingsError, match="ingest_sendgrid_public_key"):
        adapters_of(Settings(ingest_sendgrid_public_key=key))


def signed_by_mailgun(
    key: str, *, event: object = None, after_s: float = 60, changes: Mapping[str, object] = MappingProxyType({})
) -> Call:
    timestamp, token = "1529006854", "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0"
    signature = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    signed: dict[str, object] = {"timestamp": timestamp, "token": token, "signature": signature, **changes}
    return Call({}, json.dumps({"signature": signed, "event-data": event}).encode(), MAILGUN_MS + round(after_s * 1000))


DAY_S = 86_400


@pytest.mark.parametrize(("after_s", "expected"), [(-301, False), (-299, True), (DAY_S, True), (DAY_S + 7201, False)])
def test_a_signature_that_tells_its_time_is_accepted_for_a_limited_time(after_s: float, expected: bool) -> None:
    assert is_genuine("sendgrid", sendgrids(after_s=after_s), ingest_sendgrid_public_key=SENDGRID_KEY) is expected
    call = signed_by_mailgun(KEY, after_s=after_s)
    assert is_genuine("mailgun", call, ingest_mailgun_signing_key=KEY) is expected


def test_a_setting_says_how_long_a_signature_is_accepted() -> None:
    old, limit = sendgrids(after_s=3601), {"ingest_sendgrid_public_key": SENDGRID_KEY, "ingest_signature_age_h": 1}
    assert not is_genuine("sendgrid", old, **limit)
    assert is_genuine("sendgrid", sendgrids(after_s=3599), **limit)


def test_a_token_of_mailgun_serves_one_event_and_its_repetitions() -> None:
    proof = adapters_of(Settings(ingest_mailgun_signing_key=KEY))["mailgun"].proof
    assert proof is not None
    assert not proof.by_call(signed_by_mailgun(KEY, event={"id": "1", "event": "opened"}))
    assert not proof.by_call(signed_by_mailgun(KEY, event={"event": "opened", "id": "1"}, after_s=8 * 3600))
    for _ in range(2):
        assert "another event" in proof.by_call(signed_by_mailgun(KEY, event={"id": "2", "event": "opened"}))
    # a forged call does not use up a token
    other = adapters_of(Settings(ingest_mailgun_signing_key=KEY))["mailgun"].proof
    assert other is not None
    assert other.by_call(signed_by_mailgun("another", event={"id": "2"}))
    assert not other.by_call(signed_by_mailgun(KEY, event={"id": "1"}))


def test_the_number_of_remembered_tokens_is_bounded() -> None:
    used = UsedTokens(max_age_ms=1000, max_tokens=2)
    assert [used.serves(token, b"a", 0) for token in "xyz"] == [True] * 3
    assert not used.serves("z", b"b", 0)
    assert used.serves("x", b"b", 0), "the oldest is forgotten"


def test_mailguns_signature_needs_the_key() -> None:
    assert is_genuine("mailgun", signed_by_mailgun(KEY), ingest_mailgun_signing_key=KEY)
    assert not is_genuine("mailgun", signed_by_mailgun("another"), ingest_mailgun_signing_key=KEY)


@pytest.mark.parametrize(
    "change", [{"token": "x"}, {"timestamp": "1"}, {"signature": ""}, {"signature": 5}, {"token": None}]
)
def test_a_changed_signature_of_mailgun_is_not_genuine(change: dict[str, object]) -> None:
    assert not is_genuine("mailgun", signed_by_mailgun(KEY, changes=change), ingest_mailgun_signing_key=KEY)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"signature": "x"}', b"{}"])
def test_a_body_without_mailguns_signature_is_not_genuine(body: bytes) -> None:
    assert not is_genuine("mailgun", Call({}, body, NOW_MS), ingest_mailgun_signing_key=KEY)


def test_segments_signature_is_over_the_body() -> None:
    body = b'{"type": "track"}'
    signature = hmac.new(b"secret", body, hashlib.sha1).hexdigest()
    settings = {"ingest_segment_secret": "secret"}
    assert is_genuine("segment", Call({"x-signature": signature}, body, NOW_MS), **settings)
    assert not is_genuine("segment", Call({"x-signature": signature}, body + b" ", NOW_MS), **settings)
    assert not is_genuine("segment", Call({}, body, NOW_MS), **settings)
    for garbled in ("é", "\udcff"):
        assert not is_genuine("segment", Call({"x-signature": garbled}, body, NOW_MS), **settings)


def test_segment_signs_the_first_element_of_an_array() -> None:
    first = b'{"type":"track", "n":1}'
    settings = {"ingest_segment_secret": "secret"}
    signature = {"x-signature": hmac.new(b"secret", first, hashlib.sha1).hexdigest()}
    for body in (b"[" + first + b',{"n":2}]', b" [ " + first + b' , {"n":2} ] ', b"[" + first + b"]"):
        assert is_genuine("segment", Call(signature, body, NOW_MS), **settings)
    for body in (b'[{"n":2},' + first + b"]", b"[]", b"[", b"[" + first, b'{"batch":[' + first + b"]}"):
        assert not is_genuine("segment", Call(signature, body, NOW_MS), **settings)
    whole = b"[" + first + b"]"
    over_all = {"x-signature": hmac.new(b"secret", whole, hashlib.sha1).hexdigest()}
    assert is_genuine("segment", Call(over_all, whole, NOW_MS), **settings)


@pytest.mark.parametrize(
    ("adapter", "settings"),
    [
        ("segment", {"ingest_segment_secret": "secret"}),
        ("sendgrid", {"ingest_sendgrid_public_key": SENDGRID_KEY}),
        ("postmark", {"ingest_postmark_username": "u", "ingest_postmark_password": "p"}),
    ],
)
def test_a_call_without_its_proof_is_known_by_its_head(adapter: str, settings: dict[str, str]) -> None:
    proof = adapters_of(Settings(**settings))[adapter].proof  # type: ignore[arg-type]
    assert proof is not None
    assert proof.by_head(Call({}, b"", NOW_MS))


def basic(text: str) -> Call:
    return Call({"authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}, b"", NOW_MS)


def test_postmark_knows_user_and_password() -> None:
    settings = {"ingest_postmark_username": "postmark", "ingest_postmark_password": "pass:word"}
    assert is_genuine("postmark", basic("postmark:pass:word"), **settings)
    for wrong in ("postmark:pass", "other:pass:word", "postmark", ":", ""):
        assert not is_genuine("postmark", basic(wrong), **settings)
    for garbled in ("Basic ***", "Basic é", "Basic \udcff", "Basic /w=="):
        assert not is_genuine("postmark", Call({"authorization": garbled}, b"", NOW_MS), **settings)
    assert not is_genuine("postmark", Call({"authorization": "Bearer postmark:pass:word"}, b"", NOW_MS), **settings)
    assert not is_genuine("postmark", Call({}, b"", NOW_MS), **settings)


@pytest.mark.parametrize("setting", ["ingest_postmark_username", "ingest_postmark_password"])
def test_half_of_the_credentials_is_refused(setting: str) -> None:
    given: dict[str, Any] = {setting: "half"}
    with pytest.raises(SettingsError, match="belong together"):
        adapters_of(Settings(**given))
