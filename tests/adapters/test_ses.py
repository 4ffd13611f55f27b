"""Amazon SES by SNS: signatures of a certificate that is made here, and the events in the envelope."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from stream.adapters import TABLES, Adapter, Call, Ignored, Malformed, Native, Visit, adapters_of
from stream.adapters.json_fields import MalformedError
from stream.client.event_contract import Draft, EventContract
from stream.errors import SettingsError
from stream.identity.addresses import customer_of_address
from stream.settings import Settings
from tests.adapters.calls import NOW_MS
from tests.adapters.samples import PERSONAL
from tests.adapters.samples_ses import (
    CERTIFICATE_URL,
    EVENT,
    NOW,
    TOPIC,
    certificate,
    message,
    ses_call,
    signed,
)

SES = adapters_of(Settings(ingest_ses_topics=f"{TOPIC}, arn:aws:sns:us-east-1:123456789012:other"))["ses"]
SUBSCRIBE_URL = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37fb"
ROWS: dict[str, dict[str, Any]] = {
    "Send": {"eventType": "Send", "send": {}},
    "Delivery": {"eventType": "Delivery", "delivery": {"timestamp": "2016-10-19T23:21:04.133Z"}},
    "Open": EVENT,
    "Click": {"eventType": "Click", "click": {"timestamp": "2017-08-09T23:51:25.570Z", "link": "http://example.com/"}},
    "Bounce: Permanent": {
        "notificationType": "Bounce",
        "eventType": None,
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [{"emailAddress": "ann.sparrow@example.com", "diagnosticCode": "smtp; 550"}],
            "timestamp": "2017-08-05T00:41:02.669Z",
        },
    },
    "Complaint": {
        "eventType": "Complaint",
        "complaint": {
            "complainedRecipients": [{"emailAddress": "ann.sparrow@example.com"}],
            "timestamp": "2017-08-05T00:41:02.669Z",
        },
    },
    "Subscription: unsubscribeAll": {
        "eventType": "Subscription",
        "subscription": {
            "timestamp": "2022-01-12T01:00:17.910Z",
            "newTopicPreferences": {"unsubscribeAll": True, "topicSubscriptionStatus": []},
        },
    },
}


def proof(adapter: Adapter, call: Call) -> str:
    assert adapter.proof is not None
    return adapter.proof.by_head(call._replace(body=b"", certificate=b"")) or adapter.proof.by_call(call)


def event_of(row: str) -> dict[str, Any]:
    return {**EVENT, **ROWS[row]}


def test_every_row_has_an_example() -> None:
    assert {*ROWS} == {*TABLES["ses"].rows}


@pytest.mark.parametrize("row", ROWS)
def test_every_row_becomes_the_event_that_it_names(row: str) -> None:
    (event,) = SES.translate(ses_call(message(event_of(row))))
    assert isinstance(event, Native)
    assert event.fields["name"] == TABLES["ses"].rows[row].name
    assert event.fields["customer_id"] == customer_of_address("ann.sparrow@example.com")
    assert event.fields["campaign_id"] == "spring"
    assert EventContract(Settings()).admit([Draft(event.value(), event.event_type)], NOW_MS).rejections == []
    assert [word for word in PERSONAL if word.casefold() in event.value().decode().casefold()] == []
    # another message of SNS about the same event
    (again,) = SES.translate(ses_call(message(event_of(row), MessageId="another")))
    assert again == event


def test_an_event_about_several_receivers_is_one_for_each() -> None:
    several = {**event_of("Send"), "mail": {**EVENT["mail"], "destination": ["a@example.com", "b@example.com"]}}
    found = [event for event in SES.translate(ses_call(message(several))) if isinstance(event, Native)]
    assert [event.fields["customer_id"] for event in found] == [
        *map(customer_of_address, ("a@example.com", "b@example.com"))
    ]
    assert len({event.fields["event_id"] for event in found}) == 2


def test_a_message_may_name_its_customer() -> None:
    tagged = {**EVENT, "mail": {**EVENT["mail"], "tags": {"customer_id": ["c-1"]}}}
    (event,) = SES.translate(ses_call(message(tagged)))
    assert isinstance(event, Native)
    assert event.fields["customer_id"] == "c-1"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"eventType": "DeliveryDelay"}, "DeliveryDelay"),
        ({"eventType": "Bounce", "bounce": {"bounceType": "Transient"}}, "Bounce: Transient"),
        ({"eventType": "Subscription", "subscription": {}}, "Subscription: other"),
    ],
)
def test_unknown_events_are_ignored(changes: dict[str, Any], what: str) -> None:
    assert SES.translate(ses_call(message({**EVENT, **changes}))) == [Ignored(what)]


def test_other_messages_are_told_from_events() -> None:
    tried = message("Successfully validated SNS topic for Amazon SES event publishing.")
    assert SES.translate(ses_call(tried)) == [Ignored("validation of the topic")]
    ended = message(
        "You have chosen to deactivate", Type="UnsubscribeConfirmation", SubscribeURL=SUBSCRIBE_URL, Token="t"
    )
    assert SES.translate(ses_call(ended)) == [Ignored("UnsubscribeConfirmation")]
    with pytest.raises(MalformedError, match="the body is not JSON"):
        SES.translate(ses_call(message("hello")))
    with pytest.raises(MalformedError, match="expected Type as one of Notification"):
        SES.translate(ses_call(message(Type="Other")))
    bare = {**EVENT, "mail": {**EVENT["mail"], "messageId": None}}
    assert SES.translate(ses_call(message(bare))) == [Malformed("expected `mail.messageId`; there is none")]


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("more", [{}, {"Subject": "Amazon SES"}])
def test_a_signed_message_is_genuine(version: str, more: dict[str, Any]) -> None:
    assert proof(SES, ses_call(signed(message(SignatureVersion=version, **more)))) == ""


def test_a_subscription_is_confirmed_at_amazons_address_only() -> None:
    asked = message(
        "You have chosen to subscribe", Type="SubscriptionConfirmation", Token="t", SubscribeURL=SUBSCRIBE_URL
    )
    call = ses_call(signed(asked))
    assert proof(SES, call) == ""
    assert SES.translate(call) == [Visit("SubscriptionConfirmation", SUBSCRIBE_URL)]
    for url in (
        SUBSCRIBE_URL.replace("https", "http"),
        SUBSCRIBE_URL.replace("eu-west-1", "us-east-1", 1),
        SUBSCRIBE_URL.replace(".amazonaws.com", ".amazonaws.com.evil.example"),
        SUBSCRIBE_URL.replace("sns.", "user@evil.example/sns."),
        SUBSCRIBE_URL.replace("ConfirmSubscription", "Unsubscribe"),
        SUBSCRIBE_URL + "\n",
        "",
    ):
        with pytest.raises(MalformedError, match=r"SubscribeURL|address of Amazon"):
            SES.translate(ses_call({**asked, "SubscribeURL": url}))


@pytest.mark.parametrize(
    "url",
    [
        "http" + CERTIFICATE_URL.removeprefix("https"),
        CERTIFICATE_URL.replace("amazonaws.com", "amazonaws.com.example.org"),
        CERTIFICATE_URL.replace("sns.eu-west-1", "evil"),
        CERTIFICATE_URL.replace("eu-west-1", "us-east-1"),
        CERTIFICATE_URL.replace("Simple", "../Simple"),
        f"{CERTIFICATE_URL}?x",
        CERTIFICATE_URL.replace("sns.", "sns.eu-west-1.amazonaws.com@"),
        "",
        17,
    ],
)
def test_a_certificate_from_another_host_is_not_fetched(url: object) -> None:
    assert SES.proof is not None
    assert SES.proof.certificate_url(ses_call(signed(message()))) == CERTIFICATE_URL
    with pytest.raises(MalformedError, match=r"SigningCertURL|address of Amazon"):
        SES.proof.certificate_url(ses_call({**message(), "SigningCertURL": url}))


def test_a_changed_message_is_not_genuine() -> None:
    genuine = signed(message())
    for name in ("Message", "MessageId", "Timestamp"):
        assert "signature" in proof(SES, ses_call({**genuine, name: f"{genuine[name]}x"}))
    assert "expected a topic" in proof(SES, ses_call({**genuine, "TopicArn": f"{TOPIC}s"}))
    assert "SignatureVersion" in proof(SES, ses_call({**genuine, "SignatureVersion": "3"}))
    assert "cannot be read" in proof(SES, ses_call({**genuine, "Signature": "***"}))
    assert "expected `Signature`" in proof(SES, ses_call({**genuine, "Signature": None}))
    assert "Message" in proof(SES, ses_call({**genuine, "Message": {}}))


def test_another_key_or_certificate_is_not_amazons() -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert "signature" in proof(SES, ses_call(signed(message(), stranger)))
    assert proof(SES, ses_call(signed(message(), stranger), certified_by=certificate(stranger))) == ""
    assert "cannot be read" in proof(SES, ses_call(signed(message()), certified_by=b"no certificate"))
    assert "not valid now" in proof(SES, ses_call(signed(message()), certified_by=certificate(days=-1)))


def test_an_old_message_is_refused() -> None:
    for age, expected in ((25.9, ""), (26.1, "hours old"), (-0.2, "clocks")):
        found = proof(SES, ses_call(signed(message(at=NOW - timedelta(hours=age)))))
        assert (expected in found) if expected else not found


def test_an_invalid_arn_is_refused_at_the_start() -> None:
    with pytest.raises(SettingsError, match="ingest_ses_topics: expected ARNs"):
        adapters_of(Settings(ingest_ses_topics="ses-events"))
