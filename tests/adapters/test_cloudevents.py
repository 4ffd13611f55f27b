"""CloudEvents in binary, structured and batch mode."""

import json
from typing import Any

import pytest

from stream.adapters import Call, Ignored, Malformed
from stream.adapters.json_fields import MalformedError
from stream.events.kinds import KIND_OF
from tests.adapters.calls import NOW_MS, call, events, translate

STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "type": "com.example.shop.click.product_viewed",
    "source": "/shop/web",
    "subject": "c-1",
    "id": "A234-1234-1234",
    "time": "2018-04-05T17:31:00Z",
    "datacontenttype": "application/json",
    "data": {"product_id": "p-7"},
}
NATIVE = {
    "type": "click",
    "customer_id": "c-1",
    "occurred_at": "2018-04-05T17:31:00Z",
    "name": "product_viewed",
    "product_id": "p-7",
}


def test_structured_binary_and_batch_mode_mean_the_same() -> None:
    (structured,) = events("cloudevents", EVENT, STRUCTURED)
    assert {**structured, **NATIVE} == structured
    assert structured["event_id"].startswith("ce:")
    assert structured.keys() == {*NATIVE, "event_id"}
    headers = {f"ce-{name}": EVENT[name] for name in ("specversion", "type", "source", "subject", "id", "time")}
    binary = events("cloudevents", EVENT["data"], {**headers, "content-type": "application/json"})
    batch = events("cloudevents", [EVENT, EVENT], {"content-type": "application/cloudevents-batch+json"})
    assert binary == [structured]
    assert batch == [structured, structured]


def test_headers_are_percent_decoded() -> None:
    headers = {
        **{f"ce-{name}": EVENT[name] for name in ("specversion", "type", "source", "id", "time")},
        "ce-subject": "J%C3%BCrgen%2B",
    }
    (event,) = events("cloudevents", {}, headers)
    assert event["customer_id"] == "Jürgen+"


def test_source_and_id_together_identify_an_event() -> None:
    ids = {
        events("cloudevents", {**EVENT, "source": source, "id": number}, STRUCTURED)[0]["event_id"]
        for source, number in [("/a", "1"), ("/b", "1"), ("/a", "2"), ("/a", "1")]
    }
    assert len(ids) == 3


def test_what_the_data_says_is_preferred_to_the_attributes() -> None:
    data = {"event_id": "own", "customer_id": "c-9", "occurred_at": 1_522_949_460, "name": "cart_viewed", "url": None}
    (event,) = events("cloudevents", {**EVENT, "data": data}, STRUCTURED)
    assert (event["event_id"], event["customer_id"], event["name"]) == ("own", "c-9", "cart_viewed")
    assert event["occurred_at"] == 1_522_949_460


def test_every_event_of_ours_has_a_type() -> None:
    order = {"order_id": "o", "amount": 5, "currency": "EUR", "scale": "nps", "value": 9, "referred_id": "c-2"}
    data = {**order, "purpose": "marketing"}
    for event_type, name in KIND_OF:
        (event,) = events("cloudevents", {**EVENT, "type": f"io.shop.{event_type}.{name}", "data": data}, STRUCTURED)
        assert (event["type"], event["name"]) == (event_type, name)


@pytest.mark.parametrize("kind", ["com.example.order.shipped", "click", "x.email.product_viewed"])
def test_other_types_are_ignored(kind: str) -> None:
    assert translate("cloudevents", Call(STRUCTURED, json.dumps({**EVENT, "type": kind}).encode(), NOW_MS)) == [
        Ignored(kind)
    ]


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"id": None}, "expected `id`; there is none"),
        ({"source": 5}, "expected the attribute `source` as a text"),
        ({"specversion": "0.3"}, "expected specversion 1.0, got '0.3'"),
        ({"data": "text"}, "expected `data` as a JSON object, got str"),
        ({"data_base64": "AA=="}, "expected `data` as a JSON object, got `data_base64`"),
    ],
)
def test_what_is_no_cloud_event_is_named(change: dict[str, object], detail: str) -> None:
    body = json.dumps({**EVENT, **change}).encode()
    assert translate("cloudevents", Call(STRUCTURED, body, NOW_MS)) == [Malformed(detail)]


def test_a_call_without_any_sign_of_cloud_events_is_refused() -> None:
    with pytest.raises(MalformedError, match="expected ce- headers"):
        translate("cloudevents", call(EVENT, content_type="application/json"))
    with pytest.raises(MalformedError, match="expected a JSON array"):
        translate("cloudevents", call(EVENT, content_type="application/cloudevents-batch+json"))
    with pytest.raises(MalformedError, match="the body is not JSON"):
        translate("cloudevents", Call(STRUCTURED, b"{", NOW_MS))
