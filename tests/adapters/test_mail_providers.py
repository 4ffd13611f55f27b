"""The documented examples of SendGrid, Mailgun and Postmark become native events."""

import hashlib
from typing import Any

import pytest

from stream.adapters import Malformed
from stream.adapters.json_fields import MalformedError
from tests.adapters.calls import call, events, translate
from tests.adapters.samples_mail import BOUNCE, CHANGE, MAIL, MAILGUN, POSTMARK, SENDGRID

ADDRESS_ID = f"email:{hashlib.sha256(b'ann.sparrow@example.com').hexdigest()}"


def sent_by_mailgun(**changes: object) -> dict[str, Any]:
    return {**MAILGUN, "event-data": {**MAILGUN["event-data"], **changes}}


def test_sendgrid_events_become_email_events() -> None:
    (event,) = events("sendgrid", [SENDGRID])
    assert event == {
        "type": "email",
        "event_id": "sendgrid:FOTFFO0ecsBE-zxFXfs6WA==",
        "customer_id": ADDRESS_ID,
        "occurred_at": 1513299569,
        "name": "opened",
        "campaign_id": "cat facts",
        "message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
    }


def test_mailgun_events_become_email_events() -> None:
    (event,) = events("mailgun", MAILGUN)
    assert event == {
        "type": "email",
        "event_id": "mailgun:DACSsAdVSeGpLid7TN03WA:1529006854.329574",
        "customer_id": "c-1",
        "occurred_at": 1529006854.329574,
        "name": "opened",
        "campaign_id": "my_tag_1",
        "message_id": "20130503182626.18666.16540@sample.mailgun.com",
    }


def test_postmark_records_become_email_events() -> None:
    (event,) = events("postmark", POSTMARK)
    assert event.pop("event_id").startswith("postmark:")
    assert event == {
        "type": "email",
        "customer_id": "c-1",
        "occurred_at": "2023-09-26T07:31:41Z",
        "name": "opened",
        "campaign_id": "welcome-email",
        "message_id": "00000000-0000-0000-0000-000000000000",
    }


def test_opens_by_machines_are_marked() -> None:
    (event,) = events("sendgrid", [{**SENDGRID, "sg_machine_open": True}])
    assert event["machine_open"] is True
    (event,) = events("mailgun", sent_by_mailgun(**{"client-info": {"bot": "apple"}}))
    assert event["machine_open"] is True


def test_the_same_record_has_the_same_id_and_another_one_another() -> None:
    def id_of(**changes: object) -> str:
        return str(events("postmark", {**POSTMARK, **changes})[0]["event_id"])

    assert id_of() == id_of(UserAgent="other")
    different = [
        id_of(),
        id_of(ReceivedAt="2023-09-26T07:31:42Z"),
        id_of(RecordType="Click", OriginalLink="https://a"),
        id_of(RecordType="Click", OriginalLink="https://b"),
        id_of(Recipient="other@test.com"),
    ]
    assert len({*different}) == len(different)


@pytest.mark.parametrize(
    ("adapter", "body", "another"),
    [
        ("sendgrid", [{**SENDGRID, "sg_event_id": None}], [{**SENDGRID, "sg_event_id": None, "timestamp": 1513299570}]),
        ("mailgun", sent_by_mailgun(id=None), sent_by_mailgun(id=None, event="clicked")),
        # the account's owner suppresses an address: there is no message
        ("postmark", {**CHANGE, "MessageID": None}, {**CHANGE, "MessageID": None, "Recipient": "other@test.com"}),
        ("postmark", {**CHANGE, "MessageID": ""}, {**CHANGE, "MessageID": "", "MessageStream": "broadcast"}),
        ("postmark", {**BOUNCE, "MessageID": None}, {**BOUNCE, "MessageID": None, "BouncedAt": "2019-11-06T16:33:54Z"}),
    ],
)
def test_a_record_without_an_id_gets_the_same_id_when_it_is_sent_again(
    adapter: str, body: object, another: object
) -> None:
    (event,), (again,), (other,) = events(adapter, body), events(adapter, body), events(adapter, another)
    assert event == again
    assert event["event_id"] != other["event_id"]


def test_the_customer_in_a_message_has_one_spelling() -> None:
    (event,) = events("postmark", {**CHANGE, "Metadata": {"customer_id": " Zoe\u0308 "}})
    assert event["customer_id"] == "Zo\u00eb"


def test_the_customer_is_named_by_the_metadata_that_the_settings_say() -> None:
    (event,) = events("sendgrid", [{**SENDGRID, "shop_id": 17}], ingest_customer_key="shop_id")
    assert event["customer_id"] == "17"
    (event,) = events("sendgrid", [{**SENDGRID, "unique_args": {"customer_id": "c-5"}}])
    assert event["customer_id"] == "c-5"
    (event,) = events("mailgun", sent_by_mailgun(**{"user-variables": {}}))
    assert event["customer_id"] == ADDRESS_ID
    (event,) = events("postmark", {**BOUNCE, "Metadata": {}})
    assert event["customer_id"] == ADDRESS_ID


def test_addresses_may_be_refused_as_customers() -> None:
    assert translate("sendgrid", call([SENDGRID]), ingest_email_customers="refuse") == [
        Malformed("expected the customer as `customer_id` in the metadata of the message; there is none")
    ]
    assert translate("sendgrid", call([{**SENDGRID, "email": None}])) == [
        Malformed("expected `customer_id` in the metadata of the message or an address; there is neither")
    ]


@pytest.mark.parametrize(
    ("adapter", "body", "problem"),
    [
        ("sendgrid", {}, "expected a JSON array of SendGrid events, got dict"),
        ("mailgun", [], "expected a Mailgun webhook as a JSON object, got list"),
        ("mailgun", {"signature": {}}, "expected `event-data`; there is none"),
    ],
)
def test_a_call_of_another_shape_is_refused(adapter: str, body: object, problem: str) -> None:
    with pytest.raises(MalformedError, match=problem):
        translate(adapter, call(body))


@pytest.mark.parametrize(
    ("adapter", "body", "problem"),
    [
        ("sendgrid", [{**SENDGRID, "timestamp": None}], "expected `timestamp`; there is none"),
        ("sendgrid", ["open"], "expected a SendGrid event as a JSON object, got str"),
        ("mailgun", sent_by_mailgun(event="failed"), "expected `severity`; there is none"),
        ("postmark", {**POSTMARK, "RecordType": None}, "expected `RecordType`; there is none"),
        ("postmark", {**BOUNCE, "Type": None}, "expected `Type`; there is none"),
        ("postmark", [POSTMARK], "expected a Postmark record as a JSON object, got list"),
    ],
)
def test_a_missing_field_that_the_provider_promises_is_named(adapter: str, body: object, problem: str) -> None:
    assert translate(adapter, call(body)) == [Malformed(problem)]


def test_klaviyo_may_name_the_customer_in_the_profile() -> None:
    sample = next(sample for sample in MAIL if sample.name == "klaviyo")
    body = sample.calls["opened_email"]
    payload = body["data"][0]["payload"]
    attributes = payload["data"]["attributes"]
    bare = {**attributes, "event_properties": {}}
    included = [
        {"type": "metric", "id": "m", "attributes": {"email": "metric@example.com"}},
        {"type": "profile", "id": "p", "attributes": {"email": "ann.sparrow@example.com", "external_id": "25"}},
    ]
    said = {**payload, "data": {**payload["data"], "attributes": bare}, "included": included}
    (event,) = events("klaviyo", {**body, "data": [{**body["data"][0], "payload": said}]})
    assert event["customer_id"] == ADDRESS_ID
    said["included"] = []
    (event,) = events("klaviyo", {**body, "data": [{**body["data"][0], "payload": said}]})
    assert event["customer_id"] == "01KP4EGHH8QJ3N3AY2Z6V7RMDK"


def test_brevo_takes_the_customer_from_what_the_shop_gave_to_the_message() -> None:
    sample = next(sample for sample in MAIL if sample.name == "brevo")
    for given in ('{"customer_id": "c-1"}', "customer_id:c-1|other:2"):
        (event,) = events("brevo", {**sample.calls["delivered"], "X-Mailin-custom": given})
        assert event["customer_id"] == "c-1"
    (event,) = events("brevo", {**sample.calls["proxy_open"], "X-Mailin-custom": "[1]"})
    assert (event["customer_id"], event["machine_open"]) == (ADDRESS_ID, True)
