"""Orders, refunds and payments of the shop systems as native events."""

from typing import Any

import pytest

from stream.adapters import Ignored, Malformed, Native, adapters_of
from stream.identity.addresses import customer_of_address
from stream.settings import Settings
from tests.adapters.samples import Sample, changed
from tests.adapters.samples_shops import SHOPIFY, STRIPE, WOOCOMMERCE

ANN = customer_of_address("ann.sparrow@example.com")


def told(sample: Sample, row: str, *, body: Any = None, **settings: Any) -> list[dict[str, Any]]:
    found = adapters_of(Settings(**settings))[sample.name].translate(sample.call(row, body=body))
    assert all(isinstance(one, Native) for one in found), found
    return [
        {name: value for name, value in one.fields.items() if value is not None}
        for one in found
        if isinstance(one, Native)
    ]


def test_an_order_of_shopify() -> None:
    (event,) = told(SHOPIFY, "orders/create")
    assert event == {
        "event_id": "shopify:order:820982911946154508:completed",
        "customer_id": ANN,
        "occurred_at": "2024-05-31T12:30:00-04:00",
        "name": "completed",
        # as `stream import` calls it
        "order_id": "#1001",
        "amount": 398.0,
        "currency": "EUR",
        "coupon": "SPRING",
        "items": [
            {"product_id": "IPOD", "quantity": 1, "price": 199.0, "category": "Apple"},
            {"product_id": "7", "quantity": 1, "price": 209.0, "category": "Apple"},
        ],
    }
    assert told(SHOPIFY, "orders/paid") == [event]
    (cancelled,) = told(SHOPIFY, "orders/cancelled")
    assert (cancelled["order_id"], cancelled["occurred_at"]) == ("#1001", "2024-06-01T10:00:00-04:00")
    assert "amount" not in cancelled


def test_a_refund_of_shopify_is_the_money_paid_back() -> None:
    (event,) = told(SHOPIFY, "orders/updated: refund")
    # 100.10 + 0.20; the failed refund does not count
    assert (event["amount"], event["currency"], event["order_id"]) == (100.3, "EUR", "#1001")
    assert (event["event_id"], event["occurred_at"]) == ("shopify:refund:509562969", "2024-06-02T09:00:00-04:00")


def test_several_refunds_are_one_event_each_and_one_without_money_is_none() -> None:
    body = SHOPIFY.calls["orders/updated: refund"]
    second = {**body["refunds"][0], "id": 2}
    third = {**body["refunds"][0], "id": 3, "transactions": []}
    found = adapters_of(Settings())["shopify"].translate(
        SHOPIFY.call("orders/updated: refund", body={**body, "refunds": [*body["refunds"], second, third]})
    )
    assert [type(one) for one in found] == [Native, Native, Ignored]


def test_a_guest_without_an_address_is_malformed_and_a_customer_without_one_is_the_shops_number() -> None:
    body = {**SHOPIFY.calls["orders/create"], "email": None, "contact_email": "", "customer": {"id": 17}}
    assert told(SHOPIFY, "orders/create", body=body)[0]["customer_id"] == "17"
    assert told(SHOPIFY, "orders/create", ingest_email_customers="refuse")[0]["customer_id"] == "115310627314723954"
    noted = {**body, "note_attributes": [{"name": "customer_id", "value": "c-5"}]}
    assert told(SHOPIFY, "orders/create", body=noted)[0]["customer_id"] == "c-5"


def test_an_order_of_woocommerce() -> None:
    (event,) = told(WOOCOMMERCE, "processing")
    assert event == {
        "event_id": "woocommerce:order:727:completed",
        "customer_id": ANN,
        "occurred_at": "2017-03-22T19:28:08Z",
        "name": "completed",
        "order_id": "727",
        "amount": 29.35,
        "currency": "USD",
        "coupon": "spring",
        "items": [{"product_id": "Bar3", "quantity": 2, "price": 3, "category": None}],
    }
    (refunded,) = told(WOOCOMMERCE, "refunded")
    assert (refunded["name"], refunded["occurred_at"]) == ("refunded", "2017-03-22T19:30:08Z")
    assert "amount" not in refunded
    order, refund = told(WOOCOMMERCE, "refund")
    assert order == event
    assert (refund["amount"], refund["currency"], refund["event_id"]) == (10.0, "USD", "woocommerce:refund:726")


def test_the_ping_of_woocommerce_is_known() -> None:
    adapter = adapters_of(Settings(**WOOCOMMERCE.settings))["woocommerce"]
    ping = WOOCOMMERCE.call("processing", body=b"webhook_id=3")._replace(
        headers={"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
    )
    assert adapter.proof is not None
    assert adapter.proof.by_head(ping) == ""
    assert adapter.is_probe(ping)
    assert not adapter.is_probe(ping._replace(body=b"{}"))
    assert not adapter.is_probe(ping._replace(headers={}))
    assert adapter.proof.by_call(ping._replace(body=b"order=1"))


def test_a_charge_of_stripe() -> None:
    (event,) = told(STRIPE, "charge.succeeded")
    assert event == {
        "event_id": "stripe:evt_charge.succeeded",
        "customer_id": ANN,
        "occurred_at": 1679090539,
        "name": "completed",
        "order_id": "ch_3MmlLrLkdIwHu7ix0snN0B15",
        "amount": 10.99,
        "currency": "USD",
    }
    (refund,) = told(STRIPE, "charge.refunded")
    # 700 in all, 200 before
    assert (refund["name"], refund["amount"], refund["occurred_at"]) == ("refunded", 5.0, 1679090540)


@pytest.mark.parametrize(
    ("currency", "amount", "expected"),
    [
        ("jpy", 1099, 1099.0),
        ("kwd", 10_990, 10.99),
        ("eur", 1099, 10.99),
        ("ugx", 109_900, 1099.0),
        ("eur", "1099", 10.99),
    ],
)
def test_an_amount_of_stripe_is_in_the_smallest_unit_of_its_currency(
    currency: str, amount: object, expected: object
) -> None:
    body = changed(STRIPE.calls["charge.succeeded"], "data.object.currency", currency)
    (event,) = told(STRIPE, "charge.succeeded", body=changed(body, "data.object.amount_captured", amount))
    assert (event["amount"], event["currency"]) == (expected, currency.upper())


def test_a_guest_of_woocommerce_without_an_address_is_ignored() -> None:
    body = changed(WOOCOMMERCE.calls["processing"], "billing.email", "")
    (found,) = adapters_of(Settings())["woocommerce"].translate(WOOCOMMERCE.call("processing", body=body))
    assert isinstance(found, Malformed)
    assert told(WOOCOMMERCE, "processing", body={**body, "customer_id": 25})[0]["customer_id"] == "25"
