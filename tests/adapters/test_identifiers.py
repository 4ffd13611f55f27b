"""Identifiers of customers in webhooks, once there is a key to hash them with."""

from typing import Any

import msgspec
import pytest

from stream.adapters import Ignored, Native
from stream.client.event_contract import Draft, EventContract
from stream.identity.addresses import customer_of_address
from stream.identity.sealing import Sealer
from stream.settings import Settings
from tests.adapters.calls import NOW_MS, call, translate
from tests.adapters.test_segment import TRACK

KEY = "k" * 32
SEALER = Sealer.of(Settings(identity_key=KEY))
SENDGRID = [{"email": "ann@example.com", "timestamp": 1_717_158_600, "event": "open", "sg_event_id": "s-1"}]
BREVO = {"event": "click", "email": "ann@example.com", "ts_event": 1_717_158_600, "message-id": "<m>", "id": 7}


def stored(adapter: str, body: object, **settings: Any) -> list[dict[str, Any]]:
    """The events as they go to Kafka."""
    natives = translate(adapter, call(body), identity_key=KEY, **settings)
    drafts = [Draft(native.value(), native.event_type) for native in natives if isinstance(native, Native)]
    admitted = EventContract(Settings(identity_key=KEY)).admit(drafts, NOW_MS)
    assert admitted.rejections == []
    return [msgspec.json.decode(record.value) for record in admitted.records]


def test_a_visitor_of_segment_has_an_identifier() -> None:
    (event,) = stored("segment", {**TRACK, "userId": None})
    token = SEALER.token("anonymous_id", TRACK["anonymousId"])
    assert event["customer_id"] == f"anonymous_id:{token}"
    assert event["identifiers"] == {"anonymous_id": token}


def test_a_login_at_segment_brings_customer_cookie_and_address() -> None:
    traits = {"traits": {"email": "Ann@Example.com"}}
    (event,) = stored("segment", {**TRACK, "context": traits})
    assert event["customer_id"] == TRACK["userId"]
    assert event["identifiers"] == {
        "anonymous_id": SEALER.token("anonymous_id", TRACK["anonymousId"]),
        "email": SEALER.token("email", "ann@example.com"),
    }


def test_a_call_without_a_customer_or_without_a_key_is_ignored() -> None:
    nobody = {**TRACK, "userId": None, "anonymousId": None}
    assert translate("segment", call(nobody), identity_key=KEY) == [Ignored("anonymous")]
    assert translate("segment", call({**TRACK, "userId": None})) == [Ignored("anonymous")]


@pytest.mark.parametrize(("adapter", "body"), [("sendgrid", SENDGRID), ("brevo", BREVO)])
def test_the_address_of_a_mail_is_an_identifier_of_its_customer(adapter: str, body: object) -> None:
    (event,) = stored(adapter, body)
    assert event["customer_id"] == customer_of_address("ann@example.com")
    assert event["identifiers"] == {"email": SEALER.token("email", "ann@example.com")}


def test_addresses_are_not_used_when_the_settings_forbid_it() -> None:
    with_customer = [{**SENDGRID[0], "customer_id": "c-1"}]
    (event,) = stored("sendgrid", with_customer, ingest_email_customers="refuse")
    assert (event["customer_id"], "identifiers" in event) == ("c-1", False)


def test_without_a_key_no_event_has_identifiers() -> None:
    (native,) = translate("sendgrid", call(SENDGRID))
    assert isinstance(native, Native)
    assert "identifiers" not in msgspec.json.decode(native.value())
