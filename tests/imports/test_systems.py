"""Each system's exports: the totals are computed again with pandas, by the words of the system's documentation."""

import pandas as pd
import pytest

from stream.identity.addresses import customer_of_address
from stream.imports.issues import Why
from stream.imports.systems import SYSTEMS
from tests.imports.shop import EXPORTS, imported


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(EXPORTS / name, dtype=str, keep_default_na=False)


def dollars(column: pd.Series) -> pd.Series:
    return column.str.replace(r"[$,]", "", regex=True).replace("", "0").astype(float)


class Expected:
    """Orders, customers, cancelled orders, money ordered and paid back."""

    def __init__(
        self, orders: pd.DataFrame, customer: str, amount: pd.Series, paid_back: float, cancelled: int
    ) -> None:
        self.orders = len(orders)
        self.customers = orders[customer].str.lower().nunique()
        self.money = round(float(amount.loc[orders.index].sum()), 2)
        self.paid_back = round(paid_back, 2)
        self.cancelled = cancelled


def shopify() -> Expected:
    lines = read("shopify-orders.csv")
    orders = lines[lines["Total"] != ""]
    stands = orders[(orders["Cancelled at"] == "") & (orders["Financial Status"] != "voided")]
    back = dollars(stands["Refunded Amount"]).sum()
    return Expected(stands, "Email", dollars(orders["Total"]), back, len(orders) - len(stands))


def woocommerce_analytics() -> Expected:
    lines = read("woocommerce-analytics.csv")
    revenue = lines["N. Revenue"].astype(float)
    sales = lines[(revenue >= 0) & (lines["Status"] != "Failed")]
    stands = sales[sales["Status"] != "Cancelled"]
    return Expected(stands, "Customer", revenue, -revenue[revenue < 0].sum(), len(sales) - len(stands))


def woocommerce_advanced() -> Expected:
    lines = read("woocommerce-advanced.csv").drop_duplicates("Order Number")
    stands = lines[lines["Order Status"] != "Cancelled"]
    back = stands["Order Refund Amount"].astype(float).sum()
    return Expected(
        stands, "Email (Billing)", lines["Order Total Amount"].astype(float), back, len(lines) - len(stands)
    )


def woocommerce_orders() -> Expected:
    lines = read("woocommerce-orders.csv")
    paid = lines[lines["status"] != "failed"]
    stands = paid[paid["status"] != "cancelled"]
    back = stands["refunded_total"].astype(float).sum()
    return Expected(stands, "billing_email", lines["order_total"].astype(float), back, len(paid) - len(stands))


def stripe() -> Expected:
    lines = read("stripe-payments.csv")
    paid = lines[lines["Status"] != "Failed"]
    back = paid["Amount Refunded"].astype(float).sum()
    return Expected(paid, "Customer ID", lines["Amount"].astype(float), back, 0)


def square_transactions() -> Expected:
    lines = read("square-transactions.csv")
    known = lines[lines["Customer ID"] != ""]
    sales = known[known["Event Type"] == "Payment"]
    back = -dollars(known[known["Event Type"] == "Refund"]["Total Collected"]).sum()
    return Expected(sales, "Customer ID", dollars(lines["Total Collected"]), back, 0)


def square_items() -> Expected:
    lines = read("square-items.csv")
    known = lines[lines["Customer ID"] != ""].assign(money=lambda table: dollars(table["Net Sales"]))
    sales = known[known["Event Type"] == "Payment"]
    orders = sales.groupby("Transaction ID").agg({"Customer ID": "first", "money": "sum"})
    back = -known[known["Event Type"] == "Refund"]["money"].sum()
    return Expected(orders, "Customer ID", orders["money"], back, 0)


def etsy_orders() -> Expected:
    lines = read("etsy-orders.csv")
    stands = lines[lines["Status"] != "Canceled"]
    adjusted = stands["Adjusted Order Total"].astype(float)
    total = stands["Order Total"].astype(float)
    back = (total - adjusted)[adjusted > 0].sum()
    return Expected(stands, "Buyer User ID", lines["Order Total"].astype(float), back, len(lines) - len(stands))


def etsy_items() -> Expected:
    lines = read("etsy-items.csv").assign(money=lambda table: table["Item Total"].astype(float))
    orders = lines.groupby("Order ID").agg({"Buyer": "first", "money": "sum"})
    return Expected(orders, "Buyer", orders["money"], 0.0, 0)


def amazon() -> Expected:
    lines = pd.read_csv(EXPORTS / "amazon-orders.csv", dtype=str, sep="\t").assign(
        money=lambda table: table["item-price"].astype(float)
    )
    stands = lines[lines["order-status"] != "Cancelled"].groupby("amazon-order-id")
    orders = stands.agg({"buyer-email": "first", "money": "sum"})
    return Expected(orders, "buyer-email", orders["money"], 0.0, lines["amazon-order-id"].nunique() - len(orders))


def ebay() -> Expected:
    lines = pd.read_csv(EXPORTS / "ebay-orders.csv", dtype=str, keep_default_na=False, skiprows=1).fillna("")
    totals = lines[lines["Total Price"] != ""]
    return Expected(totals, "Buyer Username", dollars(totals["Total Price"]), 0.0, 0)


def square_online() -> Expected:
    lines = read("square-online.csv")
    orders = lines[lines["Order Total"] != ""]
    stands = orders[orders["Fulfillment Status"] != "Canceled"]
    back = dollars(stands["Order Refunded Amount"]).sum()
    return Expected(stands, "Recipient Email", dollars(orders["Order Total"]), back, len(orders) - len(stands))


def ebay_transactions() -> Expected:
    lines = pd.read_csv(
        EXPORTS / "ebay-transactions.csv", dtype=str, keep_default_na=False, skiprows=8, encoding="utf-8-sig"
    )
    amount = lines["Gross transaction amount"].replace("--", "0").astype(float)
    sales = lines[lines["Type"] == "Order"]
    refunds = (lines["Type"] == "Refund") & lines["Order number"].isin(sales["Order number"])
    return Expected(sales, "Buyer username", amount, -amount[refunds].sum(), 0)


def paypal() -> Expected:
    lines = pd.read_csv(EXPORTS / "paypal-activity.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    gross = lines["Gross"].str.replace(".", "").str.replace(",", ".").astype(float)
    sales = lines[(gross > 0) & lines["Type"].str.contains("Payment")]
    refunds = (lines["Type"] == "Payment Refund") & lines["Reference Txn ID"].isin(sales["Transaction ID"])
    return Expected(sales, "From Email Address", gross, -gross[refunds].sum(), 0)


def lightspeed() -> Expected:
    lines = read("lightspeed-sales.csv")
    sales = lines[lines["Line Type"] == "Sale"]
    stands = sales[sales["Status"] != "VOIDED"]
    return Expected(stands, "Customer Code", dollars(lines["Total"]), 0.0, len(sales) - len(stands))


CASES = {
    "shopify-orders": ("Shopify, orders", shopify),
    "woocommerce-analytics": ("WooCommerce, analytics of orders", woocommerce_analytics),
    "woocommerce-advanced": ("WooCommerce, Advanced Order Export", woocommerce_advanced),
    "woocommerce-orders": ("WooCommerce, Order/Customer Export", woocommerce_orders),
    "stripe-payments": ("Stripe, payments", stripe),
    "square-transactions": ("Square, transactions", square_transactions),
    "square-items": ("Square, item sales", square_items),
    "etsy-orders": ("Etsy, sold orders", etsy_orders),
    "etsy-items": ("Etsy, sold order items", etsy_items),
    "amazon-orders": ("Amazon, all orders", amazon),
    "ebay-orders": ("eBay, orders report", ebay),
    "square-online": ("Square Online, orders", square_online),
    "ebay-transactions": ("eBay, transaction report", ebay_transactions),
    "paypal-activity": ("PayPal, activity", paypal),
    "lightspeed-sales": ("Lightspeed Retail (X-Series), sales", lightspeed),
}


@pytest.mark.parametrize("name", CASES)
def test_an_export_is_recognised_and_its_totals_are_right(name: str) -> None:
    title, recompute = CASES[name]
    result = imported(EXPORTS / f"{name}.csv")
    expected = recompute()
    summary = result.summary
    assert result.sources[0].mapping.title == title
    assert (summary.orders, summary.customers, summary.cancelled) == (
        expected.orders,
        expected.customers,
        expected.cancelled,
    )
    assert round(result.money(), 2) == expected.money
    assert round(result.paid_back(), 2) == expected.paid_back
    assert expected.orders > 10


@pytest.mark.parametrize("name", CASES)
def test_events_are_sorted_and_one_for_each_order_with_ids_that_stay(name: str) -> None:
    first, again = (imported(EXPORTS / f"{name}.csv") for _ in range(2))
    assert first.events == again.events
    times = [event["occurred_at"] for event in first.events]
    assert times == sorted(times)
    ids = [event["event_id"] for event in first.events]
    assert len({*ids}) == len(ids)
    assert len(first.named("completed")) == first.summary.orders + first.summary.cancelled
    assert not any("@" in str(event) for event in first.events)


def test_there_is_an_export_of_every_system() -> None:
    assert {name.partition("-")[0] for name in CASES} == {*SYSTEMS}


def test_a_customer_has_the_id_under_which_mail_providers_events_arrive() -> None:
    result = imported(EXPORTS / "shopify-orders.csv")
    ids = {event["customer_id"] for event in result.events}
    assert customer_of_address("ann.ode@example.com") in ids
    assert customer_of_address("eve.mueller@example.de") in ids


def test_names_and_addresses_go_to_the_contacts_and_nowhere_else() -> None:
    result = imported(EXPORTS / "shopify-orders.csv", EXPORTS / "shopify-customers.csv")
    ann = result.contacts[customer_of_address("ann.ode@example.com")]
    assert (ann.name, ann.email, ann.marketing) == ("Ann Ode", "ann.ode@example.com", "yes")
    assert "Hull" in ann.address
    assert not any("Ode" in str(event) or "Hull" in str(event) for event in result.events)


def test_a_customer_list_tells_the_address_behind_a_number() -> None:
    # Square's sales know numbers; of all but one customer the list has the address
    result = imported(EXPORTS / "square-transactions.csv", EXPORTS / "square-customers.csv")
    ids = {event["customer_id"] for event in result.events}
    assert customer_of_address("ann.ode@example.com") in ids
    assert [one for one in ids if not one.startswith("email:")] == ["SQ3CUST"]


def test_stripe_without_an_address_takes_the_number_of_the_customer() -> None:
    result = imported(EXPORTS / "stripe-payments.csv")
    assert "cus_1QX" in {event["customer_id"] for event in result.events}


def test_refunds_and_cancellations_have_their_dates_where_the_export_says_them() -> None:
    result = imported(EXPORTS / "stripe-payments.csv")
    lines = read("stripe-payments.csv")
    dated = lines[lines["Refunded date (UTC)"] != ""]
    expected = {f"{date.replace(' ', 'T')}:00Z" for date in dated["Refunded date (UTC)"]}
    assert {event["occurred_at"] for event in result.named("refunded")} == expected
    shop = imported(EXPORTS / "shopify-orders.csv")
    (cancelled,) = shop.named("cancelled")
    (placed,) = [e for e in shop.named("completed") if e["order_id"] == cancelled["order_id"]]
    assert cancelled["occurred_at"] > placed["occurred_at"]


def test_the_items_of_an_order_are_in_its_event() -> None:
    lines = read("shopify-orders.csv")
    events = {event["order_id"]: event for event in imported(EXPORTS / "shopify-orders.csv").named("completed")}
    for order_id, of_order in lines.groupby("Name"):
        items = events[order_id]["items"]
        assert [item["product_id"] for item in items] == [*of_order["Lineitem sku"]]
        assert [item["quantity"] for item in items] == [*of_order["Lineitem quantity"].astype(float)]
        assert [item["price"] for item in items] == [*of_order["Lineitem price"].astype(float)]


def test_orders_and_their_items_in_two_files_are_one_order_each() -> None:
    both = imported(EXPORTS / "etsy-orders.csv", EXPORTS / "etsy-items.csv")
    alone = imported(EXPORTS / "etsy-orders.csv")
    assert both.summary.ordered == alone.summary.ordered
    assert both.summary.orders == alone.summary.orders
    lines = read("etsy-items.csv")
    assert sum(len(event["items"]) for event in both.named("completed")) == len(lines)


def test_orders_that_were_never_paid_and_sales_without_a_customer_are_named_by_line() -> None:
    stripe_lines = read("stripe-payments.csv")
    failed = [*(stripe_lines.index[stripe_lines["Status"] == "Failed"] + 2)]
    assert imported(EXPORTS / "stripe-payments.csv").why(Why.UNPAID) == failed
    lines = read("square-items.csv")
    nobody = [*(lines.index[lines["Customer ID"] == ""] + 2)]
    assert imported(EXPORTS / "square-items.csv").why(Why.NO_CUSTOMER) == nobody


def test_times_are_those_of_the_zone_that_the_export_names() -> None:
    lines = read("square-transactions.csv")
    result = imported(EXPORTS / "square-transactions.csv")
    sales = lines[(lines["Event Type"] == "Payment") & (lines["Customer ID"] != "")]
    local = pd.to_datetime(sales["Date"] + " " + sales["Time"], format="%m/%d/%y %H:%M:%S")
    expected = local.dt.tz_localize("America/New_York").dt.tz_convert("UTC").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert {event["occurred_at"] for event in result.named("completed")} == {*expected}


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_file_that_is_not_of_the_system_that_was_named_is_refused(system: str) -> None:
    other = "etsy-orders.csv" if system != "etsy" else "stripe-payments.csv"
    with pytest.raises(Exception, match=f"does not have the columns of an export of {system}"):
        imported(EXPORTS / other, system=system)
