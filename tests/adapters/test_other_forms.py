"""Calls as a program between the provider and us may rewrite them: they mean the same, or are refused with a reason."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from stream.adapters import Ignored, Malformed, Native
from stream.adapters.json_fields import MalformedError
from stream.client.event_contract import Draft
from stream.events.times import epoch_ms, instant
from tests.adapters.calls import NOW_MS
from tests.adapters.samples import Sample, changed
from tests.adapters.samples_feedback import GOOGLEFORMS, JUDGEME
from tests.adapters.samples_shops import STRIPE
from tests.adapters.test_contract import CONTRACT, ROWS, SAMPLES, adapter, paths_of

JSON_ROWS = [(sample, row) for sample, row in ROWS if not sample.form]
FAR = timezone(timedelta(hours=5, minutes=45))
IS_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*(Z|[+-]\d\d:\d\d)")


def outcome(sample: Sample, row: str, body: Any) -> list[dict[str, Any] | str]:
    """What becomes of a call: each event, times in ms, or the reason why it is none."""
    try:
        translations = adapter(sample).translate(sample.call(row, body=body))
    except MalformedError as error:
        return [str(error)]
    found: list[dict[str, Any] | str] = []
    for one in translations:
        if isinstance(one, Native):
            admitted = CONTRACT.admit([Draft(one.value(), one.event_type)], NOW_MS)
            reasons = [rejection.detail for rejection in admitted.rejections]
            found += reasons or [{**json.loads(one.value()), "occurred_at": at} for at in _times(one)]
        else:
            assert isinstance(one, Malformed | Ignored)
            found.append(one.detail if isinstance(one, Malformed) else one.what)
    return found


def _times(one: Native) -> list[int]:
    at = json.loads(one.value())["occurred_at"]
    return [epoch_ms(datetime.fromisoformat(at) if isinstance(at, str) else instant(round(at * 1000)))]


def value_at(body: Any, path: str) -> Any:
    for name in path.split("."):
        body = body[int(name)] if isinstance(body, list) else body[name]
    return body


def left_out(body: Any, path: str) -> Any:
    """``body`` without the name at ``path``."""
    name, _, rest = path.partition(".")
    if isinstance(body, list):
        return [left_out(item, rest) if k == int(name) else item for k, item in enumerate(body)]
    return {k: left_out(v, rest) if k == name else v for k, v in body.items() if rest or k != name}


def values(body: Any) -> Iterator[tuple[str, Any]]:
    for path in paths_of(body):
        yield path, value_at(body, path)


def no_ids(found: list[dict[str, Any] | str]) -> list[dict[str, Any] | str]:
    """An id that is made of a number may be another where the number is a text: senders do not change their form."""
    return [{k: v for k, v in one.items() if k != "event_id"} if isinstance(one, dict) else one for one in found]


@pytest.mark.parametrize(("sample", "row"), JSON_ROWS, ids=lambda part: getattr(part, "name", part))
def test_what_a_provider_adds_one_day_changes_nothing(sample: Sample, row: str) -> None:
    body = sample.calls[row]
    told = outcome(sample, row, body)
    nested = [path for path, value in values(body) if isinstance(value, dict)]
    for path in nested:
        more = {**value_at(body, path), "brand_new": {"list": [None, {"a": 1}]}}
        assert outcome(sample, row, changed(body, path, more)) == told, path
    if isinstance(body, dict):
        assert outcome(sample, row, {**body, "brand_new": [1]}) == told


@pytest.mark.parametrize(("sample", "row"), JSON_ROWS, ids=lambda part: getattr(part, "name", part))
def test_the_same_time_in_another_zone_is_the_same_time(sample: Sample, row: str) -> None:
    body = sample.calls[row]
    told = no_ids(outcome(sample, row, body))
    for path, value in values(body):
        if isinstance(value, str) and IS_TIME.fullmatch(value):
            elsewhere = datetime.fromisoformat(value).astimezone(FAR).isoformat()
            assert no_ids(outcome(sample, row, changed(body, path, elsewhere))) == told, path


@pytest.mark.parametrize(("sample", "row"), JSON_ROWS, ids=lambda part: getattr(part, "name", part))
def test_a_number_as_text_or_with_a_point_means_the_same_or_is_refused(sample: Sample, row: str) -> None:
    body = sample.calls[row]
    told = no_ids(outcome(sample, row, body))
    for path, value in values(body):
        if isinstance(value, int | float) and not isinstance(value, bool):
            for other in (str(value), *([float(value)] if abs(value) < 2**53 else [])):
                found = no_ids(outcome(sample, row, changed(body, path, other)))
                assert found == told or any(isinstance(one, str) for one in found), (path, other)


@pytest.mark.parametrize(("sample", "row"), JSON_ROWS, ids=lambda part: getattr(part, "name", part))
def test_null_means_what_leaving_it_out_means_and_neither_is_silent(sample: Sample, row: str) -> None:
    body = sample.calls[row]
    for path, _ in values(body):
        without, null = outcome(sample, row, left_out(body, path)), outcome(sample, row, changed(body, path, None))
        # an event, or a text that says why there is none
        assert without, path
        assert null, path
        assert null == without or (isinstance(null[0], str) and isinstance(without[0], str)), path


def test_a_refund_of_stripe_in_texts_is_what_came_back_this_time() -> None:
    body = STRIPE.calls["charge.refunded"]
    (told,) = outcome(STRIPE, "charge.refunded", body)
    texts = body
    for path in ("data.object.amount_refunded", "data.previous_attributes.amount_refunded"):
        texts = changed(texts, path, str(value_at(body, path)))
    assert outcome(STRIPE, "charge.refunded", texts) == [told]
    (refused,) = outcome(STRIPE, "charge.refunded", changed(body, "data.previous_attributes.amount_refunded", 0.5))
    assert "whole number" in str(refused)


def test_an_address_that_postmark_may_not_write_to_has_unsubscribed_also_without_a_reason() -> None:
    sample, row = SAMPLES["postmark"], "SubscriptionChange: ManualSuppression"
    body = sample.calls[row]
    (told,) = outcome(sample, row, changed(body, "SuppressionReason", None))
    assert isinstance(told, dict)
    assert told["name"] == "unsubscribed"
    again = {**body, "SuppressionReason": None, "SuppressSending": False}
    assert outcome(sample, row, again) == ["SubscriptionChange: reactivated"]


def test_what_was_written_counts_where_no_score_was_given() -> None:
    body = GOOGLEFORMS.calls["response"]
    (told,) = outcome(GOOGLEFORMS, "response", {name: of for name, of in body.items() if name != "value"})
    assert isinstance(told, dict)
    assert (told["name"], told["text"], "scale" in told) == ("answered", body["text"], False)
    (told,) = outcome(JUDGEME, "review", changed(JUDGEME.calls["review"], "review.rating", None))
    assert isinstance(told, dict)
    assert (told["name"], "scale" in told, "Quick and kind." in told["text"]) == ("reviewed", False, True)
