"""Exports that mix orders with refunds, payouts, fees, and the lines of orders."""

import pandas as pd

from stream.identity.addresses import customer_of_address
from stream.imports.issues import Why
from tests.imports.shop import EXPORTS, imported
from tests.imports.test_systems import read


def test_payouts_fees_and_bills_of_the_shop_are_no_orders() -> None:
    for name, column, orders in (("ebay-transactions", "Type", ["Order", "Refund"]), ("paypal-activity", "Name", None)):
        skipped = 8 if orders else 0
        lines = pd.read_csv(
            EXPORTS / f"{name}.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig", skiprows=skipped
        )
        others = ~lines[column].isin(orders) if orders else lines[column].isin(["", "Parcel Co"])
        found = imported(EXPORTS / f"{name}.csv").why(Why.NO_ORDER)
        assert found == [skipped + 2 + k for k in lines.index[others]]
        assert found


def test_a_refund_of_paypal_is_of_the_customer_and_the_order_that_were_paid_back() -> None:
    result = imported(EXPORTS / "paypal-activity.csv")
    sales = {event["order_id"]: event["customer_id"] for event in result.named("completed")}
    refunds = result.named("refunded")
    assert refunds
    assert all(sales.get(event["order_id"], event["customer_id"]) == event["customer_id"] for event in refunds)
    assert customer_of_address("shop@example.com") not in {event["customer_id"] for event in result.events}


def test_the_items_of_a_sale_at_the_till_are_those_of_its_lines() -> None:
    lines = read("lightspeed-sales.csv")
    items = lines[lines["Line Type"] == "Sale Line"].groupby("Receipt Number")["Sku"].agg(list)
    found = {
        event["order_id"]: [item["product_id"] for item in event["items"]]
        for event in imported(EXPORTS / "lightspeed-sales.csv").named("completed")
    }
    assert {number: sorted(found[number]) for number in found} == {number: sorted(items[number]) for number in found}
