"""The documented examples of SendGrid, Mailgun and Postmark become native events."""

import hashlib
from typing import Any

import pytest

from stream.adapters import Ignored, Malformed, mailgun, postmark, sendgrid
from stream.adapters.adapter import Table
from stream.adapters.reading import MalformedError
from stream.events.kinds import KIND_OF
from tests.adapters.calls import call, events, translate

ADDRESS_ID = f"email:{hashlib.sha256(b'example@test.com').hexdigest()}"
SENDGRID: dict[str, Any] = {
    "email": "Example@test.com ",
    "timestamp": 1513299569,
    "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
    "event": "open",
    "sg_machine_open": False,
    "category": ["cat facts", "spring"],
    "sg_event_id": "FOTFFO0ecsBE-zxFXfs6WA==",
    "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
    "useragent": "Mozilla/4.0 (compatible; MSIE 6.1; Windows XP; .NET CLR 1.1.4322; .NET CLR 2.0.50727)",
    "ip": "255.255.255.255",
}
MAILGUN: dict[str, Any] = {
    "signature": {
        "timestamp": "1529006854",
        "token": "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0",
        "signature": "d2271d12299f6592d9d44cd9d250f0704e4674c30d79d07c47a66f95ce71cf55",
    },
    "event-data": {
        "event": "opened",
        "timestamp": 1529006854.329574,
        "id": "DACSsAdVSeGpLid7TN03WA",
        "recipient": "example@test.com",
        "client-info": {"client-os": "Linux", "device-type": "desktop", "client-name": "Chrome"},
        "message": {"headers": {"message-id": "20130503182626.18666.16540@sample.mailgun.com"}},
        "tags": ["my_tag_1", "my_tag_2"],
        "user-variables": {"customer_id": "c-1", "my-var": "Mailgun Variable #1"},
    },
}
POSTMARK: dict[str, Any] = {
    "RecordType": "Open",
    "FirstOpen": True,
    "Recipient": "example@test.com",
    "MessageID": "00000000-0000-0000-0000-000000000000",
    "MessageStream": "outbound",
    "ReceivedAt": "2023-09-26T07:31:41Z",
    "Tag": "welcome-email",
    "UserAgent": "Mozilla/5.0",
    "Metadata": {"customer_id": "c-1"},
}
BOUNCE = {
    "RecordType": "Bounce",
    "ID": 42,
    "Type": "HardBounce",
    "TypeCode": 1,
    "Tag": "Test",
    "MessageID": "00000000-0000-0000-0000-000000000000",
    "Metadata": {"customer_id": "c-1"},
    "Email": "example@test.com",
    "BouncedAt": "2019-11-05T16:33:54.9070259Z",
}
CHANGE = {
    "RecordType": "SubscriptionChange",
    "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
    "MessageStream": "outbound",
    "ChangedAt": "2020-02-01T10:53:34.416071Z",
    "Recipient": "example@test.com",
    "Origin": "Recipient",
    "SuppressSending": True,
    "SuppressionReason": "ManualSuppression",
    "Tag": "my-tag",
    "Metadata": {"customer_id": "c-1"},
}


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


@pytest.mark.parametrize("table", [sendgrid.TABLE, mailgun.TABLE, postmark.TABLE])
def test_every_row_leads_to_an_event_of_ours(table: Table) -> None:
    assert set(table.values()) <= set(KIND_OF)


@pytest.mark.parametrize("name", sendgrid.TABLE)
def test_every_row_for_sendgrid_is_accepted_by_workers(name: str) -> None:
    (event,) = events("sendgrid", [{**SENDGRID, "event": name}])
    assert (event["type"], event["name"]) == sendgrid.TABLE[name]


@pytest.mark.parametrize("name", mailgun.TABLE)
def test_every_row_for_mailgun_is_accepted_by_workers(name: str) -> None:
    (event,) = events("mailgun", sent_by_mailgun(event=name, severity="permanent"))
    assert (event["type"], event["name"]) == mailgun.TABLE[name]


@pytest.mark.parametrize("row", postmark.TABLE)
def test_every_row_for_postmark_is_accepted_by_workers(row: str) -> None:
    record_type, _, detail = row.partition(": ")
    record = {"Bounce": BOUNCE, "SubscriptionChange": CHANGE}.get(record_type, POSTMARK)
    changed = {**record, "RecordType": record_type, "Type": detail, "SuppressionReason": detail}
    (event,) = events("postmark", changed)
    assert (event["type"], event["name"]) == postmark.TABLE[row]


def test_opens_by_machines_are_marked() -> None:
    (event,) = events("sendgrid", [{**SENDGRID, "sg_machine_open": True}])
    assert event["machine_open"] is True
    (event,) = events("mailgun", sent_by_mailgun(**{"client-info": {"bot": "apple"}}))
    assert event["machine_open"] is True


def test_what_says_nothing_about_the_customer_is_ignored() -> None:
    assert translate(
        "sendgrid",
        call([{**SENDGRID, "event": name} for name in ("deferred", "dropped", "group_resubscribe")]),
    ) == [Ignored("deferred"), Ignored("dropped"), Ignored("group_resubscribe")]
    assert translate("sendgrid", call([{**SENDGRID, "event": "bounce", "type": "blocked"}])) == [Ignored("blocked")]
    temporary = sent_by_mailgun(event="failed", severity="temporary")
    assert translate("mailgun", call(temporary)) == [Ignored("failed: temporary")]
    assert translate("postmark", call({**BOUNCE, "Type": "SoftBounce"})) == [Ignored("Bounce: SoftBounce")]
    assert translate("postmark", call({**CHANGE, "SuppressionReason": "HardBounce"})) == [
        Ignored("SubscriptionChange: HardBounce")
    ]
    assert translate("postmark", call({**CHANGE, "SuppressSending": False, "SuppressionReason": None})) == [
        Ignored("SubscriptionChange: reactivated")
    ]


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
        # the site's owner stops the sending to an address: there is no message
        ("postmark", {**CHANGE, "MessageID": None}, {**CHANGE, "MessageID": None, "Recipient": "other@test.com"}),
        ("postmark", {**CHANGE, "MessageID": ""}, {**CHANGE, "MessageID": "", "MessageStream": "broadcast"}),
        ("postmark", {**BOUNCE, "MessageID": None}, {**BOUNCE, "MessageID": None, "BouncedAt": "2019-11-06T16:33:54Z"}),
    ],
)
def test_what_has_no_id_has_the_same_one_when_it_is_sent_again(adapter: str, body: object, another: object) -> None:
    (event,), (again,), (other,) = events(adapter, body), events(adapter, body), events(adapter, another)
    assert event == again
    assert event["event_id"] != other["event_id"]


def test_what_a_message_said_of_its_customer_has_one_spelling() -> None:
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
def test_what_a_provider_promises_and_is_not_there_is_named(adapter: str, body: object, problem: str) -> None:
    assert translate(adapter, call(body)) == [Malformed(problem)]
