"""Responses, tickets and reviews as native events."""

from typing import Any

import pytest

from stream.adapters import Malformed, Native, adapters_of
from stream.events.model import MAX_TEXT_CHARS
from stream.identity.addresses import customer_of_address
from stream.settings import Settings
from tests.adapters.samples import changed, without
from tests.adapters.samples_feedback import FEEDBACK

SAMPLES = {sample.name: sample for sample in FEEDBACK}
ANN = customer_of_address("ann.sparrow@example.com")


def told(name: str, row: str, body: Any = None) -> dict[str, Any]:
    (found,) = adapters_of(Settings())[name].translate(SAMPLES[name].call(row, body=body))
    assert isinstance(found, Native), found
    return {field: value for field, value in found.fields.items() if value is not None}


@pytest.mark.parametrize(
    ("name", "row", "expected"),
    [
        (
            "typeform",
            "form_response",
            {"name": "answered", "scale": "nps", "value": 9, "survey_id": "lT4Z3j", "order_id": "o-7"},
        ),
        ("googleforms", "response", {"name": "answered", "scale": "csat", "value": 4.0, "language": "en"}),
        ("intercom", "conversation.rating.added", {"name": "rated", "scale": "csat", "value": 4, "ticket_id": "147"}),
        ("zendesk", "ticket.rated", {"name": "rated", "scale": "csat", "value": 5, "ticket_id": "5158"}),
        ("hubspot", "survey: NPS", {"name": "rated", "scale": "nps", "value": 9.0, "channel": "EMAIL"}),
        ("hubspot", "survey: CES", {"name": "rated", "scale": "ces", "value": 7.0, "survey_id": "7"}),
        ("judgeme", "review", {"name": "reviewed", "scale": "stars", "value": 4, "product_id": "632910392"}),
        ("satismeter", "response", {"name": "rated", "scale": "nps", "value": 9, "channel": "In-app"}),
    ],
)
def test_a_score_is_on_its_scale_and_says_whose_it_is(name: str, row: str, expected: dict[str, Any]) -> None:
    found = told(name, row)
    assert {field: found.get(field) for field in expected} == expected
    assert found["customer_id"] == ANN
    assert "Quick and kind." in found["text"]


def test_reviews_say_whose_order_they_are_about() -> None:
    found = told("trustpilot", "service-review-created")
    assert (found["scale"], found["value"], found["order_id"]) == ("stars", 4, "o-7")
    # a review has no address: the reviewer is known by Trustpilot's own number
    assert (found["customer_id"], found["text"]) == ("507f191e810c19729de860eb", "Good\nQuick and kind.")


def test_a_ticket_is_asked_or_complained_and_resolved_by_the_same_number() -> None:
    asked, solved = told("zendesk", "ticket.created"), told("zendesk", "ticket.status_changed: solved")
    assert (asked["name"], asked["text"]) == ("asked", "Where is it?\nMy order has not come.")
    assert (asked["customer_id"], asked["channel"]) == ("8447388090494", "web_service")
    assert told("zendesk", "ticket.created: incident")["name"] == "complained"
    assert (solved["name"], solved["ticket_id"]) == ("resolved", asked["ticket_id"])
    assert told("zendesk", "ticket.solved")["customer_id"] == ANN
    asked, solved = told("freshdesk", "created"), told("freshdesk", "status: resolved")
    assert (asked["ticket_id"], solved["ticket_id"], solved["name"]) == ("14", "14", "resolved")


def test_markup_is_taken_out_of_what_customers_wrote() -> None:
    assert told("freshdesk", "created")["text"] == "Where is it?\nMy order & its bill have not come."
    assert told("intercom", "conversation.user.created")["text"] == "My order has not come."


def test_a_text_that_is_too_long_keeps_its_beginning() -> None:
    body = {**SAMPLES["satismeter"].calls["response"], "feedback": "x" * (MAX_TEXT_CHARS + 1)}
    assert told("satismeter", "response", body)["text"] == "x" * MAX_TEXT_CHARS


def test_an_invalid_language_is_left_out() -> None:
    body = SAMPLES["googleforms"].calls["response"]
    for given, expected in (("de_AT", "de-AT"), ("zh-Hant-TW", "zh-Hant-TW"), ("German!", None), ("", None), (7, None)):
        assert told("googleforms", "response", {**body, "language": given}).get("language") == expected


def test_a_question_of_typeform_is_known_by_its_reference_or_its_type() -> None:
    body = SAMPLES["typeform"].calls["form_response"]
    path = "form_response.answers.2.field"
    for field, expected in (
        ({"type": "rating"}, "stars"),
        ({"type": "nps"}, "nps"),
        ({"type": "rating", "ref": "csat"}, "csat"),
        ({"type": "opinion_scale"}, None),
    ):
        found = told("typeform", "form_response", changed(body, path, field))
        assert (found.get("scale"), found.get("value")) == (expected, 9 if expected else None)
    named = changed(body, "form_response.answers.0.field", {"type": "short_text", "ref": "text"})
    assert told("typeform", "form_response", named)["text"] == "Ann"


def test_a_call_without_a_customer_says_what_is_missing() -> None:
    body = without(SAMPLES["trustpilot"].calls["service-review-created"], "events.0.eventData.consumer")
    (found,) = adapters_of(Settings())["trustpilot"].translate(SAMPLES["trustpilot"].call("", body=body))
    assert found == Malformed("expected `customer_id` in the metadata of the message or an address; there is neither")
