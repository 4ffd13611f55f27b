"""Segment's examples become native events."""

from typing import Any

import pytest

from stream.adapters import Ignored, Malformed
from stream.adapters.segment import NAMES
from stream.events.kinds import KIND_OF
from tests.adapters.calls import call, events, translate

# The example of the specification's page on `track`, with its context.
TRACK: dict[str, Any] = {
    "anonymousId": "23adfd82-aa0f-45a7-a756-24f2a7a4c895",
    "context": {
        "library": {"name": "analytics.js", "version": "2.11.1"},
        "page": {"path": "/academy/", "title": "Analytics Academy", "url": "https://segment.com/academy/"},
        "userAgent": "Mozilla/5.0",
        "ip": "108.0.78.21",
    },
    "channel": "client",
    "event": "Product Viewed",
    "messageId": "ajs-f8ca1e4de5024d9430b3928bd8ac6b96",
    "properties": {
        "product_id": "507f1f77bcf86cd799439011",
        "sku": "G-32",
        "category": "Games",
        "name": "Monopoly: 3rd Edition",
        "price": 18.99,
        "currency": "usd",
    },
    "receivedAt": "2015-12-12T19:11:01.266Z",
    "sentAt": "2015-12-12T19:11:01.169Z",
    "timestamp": "2015-12-12T19:11:01.249Z",
    "type": "track",
    "userId": "AiUGstSDIg",
    "originalTimestamp": "2015-12-12T19:11:01.152Z",
}
# `Order Completed` of the e-commerce specification, version 2.
ORDER = {
    "checkout_id": "fksdjfsdjfisjf9sdfjsd9f",
    "order_id": "50314b8e9bcf000000000000",
    "affiliation": "Google Store",
    "total": 27.50,
    "subtotal": 22.50,
    "revenue": 25.00,
    "shipping": 3,
    "tax": 2,
    "discount": 2.5,
    "coupon": "hasbros",
    "currency": "USD",
    "products": [
        {"product_id": "507f1f77bcf86cd799439011", "sku": "45790-32", "price": 19, "quantity": 1, "category": "Games"},
        {"product_id": "505bd76785ebb509fc183733", "sku": "46493-32", "price": 3, "quantity": 2, "category": "Games"},
    ],
}


def track(event: str, properties: object, **changes: object) -> dict[str, object]:
    return {**TRACK, "event": event, "properties": properties, **changes}


def test_a_product_view_becomes_a_click() -> None:
    assert events("segment", TRACK) == [
        {
            "type": "click",
            "event_id": "segment:ajs-f8ca1e4de5024d9430b3928bd8ac6b96",
            "customer_id": "AiUGstSDIg",
            "occurred_at": "2015-12-12T19:11:01.249Z",
            "name": "product_viewed",
            "channel": "client",
            "url": "https://segment.com/academy/",
            "product_id": "507f1f77bcf86cd799439011",
            "category": "Games",
        }
    ]


def test_an_order_becomes_a_purchase_with_its_total() -> None:
    (order,) = events("segment", track("Order Completed", ORDER))
    assert order["type"] == "purchase"
    assert (order["name"], order["order_id"]) == ("completed", "50314b8e9bcf000000000000")
    assert (order["amount"], order["currency"], order["coupon"]) == (27.5, "USD", "hasbros")
    assert order["items"][1] == {
        "product_id": "505bd76785ebb509fc183733",
        "quantity": 2,
        "price": 3,
        "category": "Games",
    }


def test_refunds_and_cancellations_belong_to_their_order() -> None:
    refund = {"order_id": "50314b8e9bcf000000000000", "total": 30, "currency": "USD", "products": []}
    (event,) = events("segment", track("Order Refunded", refund))
    assert (event["name"], event["amount"], event["order_id"]) == ("refunded", 30, "50314b8e9bcf000000000000")
    (event,) = events("segment", track("Order Cancelled", {"order_id": "o-1", "currency": "USD"}))
    assert (event["name"], event["order_id"]) == ("cancelled", "o-1")


def test_every_row_of_the_table_leads_to_an_event_that_workers_accept() -> None:
    for provider_name, row in NAMES.items():
        assert (row.event_type, row.name) in KIND_OF
        (event,) = events("segment", track(provider_name.title(), ORDER))
        assert (event["type"], event["name"]) == (row.event_type, row.name)


def test_pages_and_batches_are_taken_and_each_event_counts_by_itself() -> None:
    page = {**TRACK, "type": "page", "name": "Home", "messageId": "m-2"}
    identify = {"type": "identify", "userId": "u", "messageId": "m-3", "timestamp": "2015-12-12T19:11:01Z"}
    anonymous = {**TRACK, "userId": None}
    found = translate(
        "segment", call({"batch": [TRACK, page, identify, anonymous, track("Promotion Viewed", {}), 7, {}]})
    )
    assert [type(item).__name__ for item in found] == [
        *("Native", "Native", "Ignored", "Ignored", "Ignored", "Malformed", "Malformed")
    ]
    assert found[2:5] == [Ignored("identify"), Ignored("anonymous"), Ignored("track: Promotion Viewed")]
    assert found[6] == Malformed("expected `type`; there is none")


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"messageId": None}, "expected `messageId`; there is none"),
        ({"timestamp": None, "originalTimestamp": None}, "expected `timestamp` or `originalTimestamp`; there is none"),
        ({"event": None}, "expected `event`; there is none"),
        ({"timestamp": {}}, "expected `timestamp` as a time, got dict"),
        ({"event": "Order Completed"}, "expected `order_id`; there is none"),
    ],
)
def test_a_missing_field_that_segment_promises_is_named(change: dict[str, object], detail: str) -> None:
    assert translate("segment", call({**TRACK, **change})) == [Malformed(detail)]


def test_numbers_sent_as_text_and_ids_sent_as_numbers_are_understood() -> None:
    (order,) = events("segment", track("Order Completed", {**ORDER, "total": "27.50", "order_id": 17}, userId=4711))
    assert (order["amount"], order["order_id"], order["customer_id"]) == (27.5, "17", "4711")


def test_a_field_that_is_too_long_is_left_out_and_an_id_that_is_too_long_is_hashed() -> None:
    (event,) = events("segment", track("Product Viewed", {"category": "x" * 257}, messageId="m" * 101))
    assert "category" not in event
    assert event["event_id"].startswith("segment:")
    assert len(event["event_id"]) == len("segment:") + 32
