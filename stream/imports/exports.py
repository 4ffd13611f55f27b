"""Exports of shop systems: a table of columns each, after the systems' documentation."""

from typing import Final, Literal, NamedTuple

from stream.imports.import_fields import Piece
from stream.imports.mapping import Amounts, Content

__all__ = ["EXPORTS", "Export"]


class Export(NamedTuple):
    """One kind of export. ``requires``: columns by which it is known; ``columns``: for each field where it may be.

    Names are in the form of `names.compared`. ``usual_dates``: how the system writes its dates, if they do not tell;
    ``timezone``: of its times, where the system fixes it.
    """

    system: str
    title: str
    content: Content
    amounts: Amounts
    requires: tuple[str, ...]
    columns: dict[Piece, str]
    usual_dates: Literal["", "dmy", "mdy"] = ""
    timezone: str = ""


_BILLING: Final = {
    Piece.FIRST_NAME: "first name billing|billing first name",
    Piece.LAST_NAME: "last name billing|billing last name",
    Piece.COMPANY: "company billing|billing company",
    Piece.PHONE: "phone billing|billing phone",
    Piece.STREET: "address 1 2 billing|address 1 billing|billing address 1",
    Piece.STREET_2: "address 2 billing|billing address 2",
    Piece.CITY: "city billing|billing city",
    Piece.REGION: "state code billing|state name billing|billing state",
    Piece.POSTCODE: "postcode billing|billing postcode",
    Piece.COUNTRY: "country code billing|country name billing|billing country",
}

EXPORTS: Final = (
    # https://help.shopify.com/en/manual/fulfillment/managing-orders/exporting-orders
    Export(
        "shopify",
        "Shopify, orders",
        "orders",
        "order",
        ("name", "financial status", "created at", "total", "lineitem name"),
        {
            Piece.ORDER_ID: "name",
            Piece.EMAIL: "email",
            Piece.DATE: "created at|paid at",
            Piece.AMOUNT: "total",
            Piece.CURRENCY: "currency",
            Piece.STATUS: "financial status",
            Piece.REFUNDED: "refunded amount",
            Piece.CANCELLED_AT: "cancelled at",
            Piece.PRODUCT: "lineitem sku",
            Piece.PRODUCT_NAME: "lineitem name",
            Piece.QUANTITY: "lineitem quantity",
            Piece.PRICE: "lineitem price",
            Piece.CATEGORY: "vendor",
            Piece.COUPON: "discount code",
            Piece.NAME: "billing name|shipping name",
            Piece.COMPANY: "billing company",
            Piece.PHONE: "phone|billing phone",
            Piece.STREET: "billing address1|billing street",
            Piece.STREET_2: "billing address2",
            Piece.CITY: "billing city",
            Piece.REGION: "billing province name|billing province",
            Piece.POSTCODE: "billing zip",
            Piece.COUNTRY: "billing country",
            Piece.MARKETING: "accepts marketing",
        },
    ),
    # https://help.shopify.com/en/manual/customers/import-export-customers
    Export(
        "shopify",
        "Shopify, customers",
        "customers",
        "order",
        ("first name", "last name", "email", "total spent", "total orders"),
        {
            Piece.CUSTOMER: "customer id",
            Piece.EMAIL: "email",
            Piece.FIRST_NAME: "first name",
            Piece.LAST_NAME: "last name",
            Piece.COMPANY: "default address company|company",
            Piece.PHONE: "phone|default address phone",
            Piece.STREET: "default address address1|address1",
            Piece.STREET_2: "default address address2|address2",
            Piece.CITY: "default address city|city",
            Piece.REGION: "default address province code|province",
            Piece.POSTCODE: "default address zip|zip",
            Piece.COUNTRY: "default address country code|country",
            Piece.MARKETING: "accepts email marketing|accepts marketing",
        },
    ),
    # https://woocommerce.com/document/woocommerce-analytics/orders-report/
    Export(
        "woocommerce",
        "WooCommerce, analytics of orders",
        "orders",
        "order",
        ("date", "order number", "status", "customer", "customer type", "items sold"),
        {
            Piece.ORDER_ID: "order number",
            Piece.DATE: "date",
            Piece.STATUS: "status",
            Piece.CUSTOMER: "customer",
            Piece.NAME: "customer",
            Piece.AMOUNT: "n revenue|net sales|net revenue",
            Piece.COUPON: "coupon s|coupons",
        },
    ),
    # https://docs.algolplus.com/algol_order_export/ : one row a line of an order
    Export(
        "woocommerce",
        "WooCommerce, Advanced Order Export",
        "orders",
        "order",
        ("order number", "order status", "order date", "order total amount"),
        {
            Piece.ORDER_ID: "order number",
            Piece.DATE: "order date|paid date",
            Piece.STATUS: "order status",
            Piece.EMAIL: "email billing|customer user email",
            Piece.CUSTOMER: "customer user id|customer id",
            Piece.AMOUNT: "order total amount",
            Piece.CURRENCY: "currency|order currency",
            Piece.REFUNDED: "order refund amount",
            Piece.PRODUCT: "sku",
            Piece.PRODUCT_NAME: "item name|product name",
            Piece.QUANTITY: "quantity",
            Piece.PRICE: "item cost",
            Piece.CATEGORY: "category",
            Piece.COUPON: "coupon code",
            **_BILLING,
        },
    ),
    # https://woocommerce.com/document/ordercustomer-csv-export/ , https://www.webtoffee.com/order-export-plugin/
    Export(
        "woocommerce",
        "WooCommerce, Order/Customer Export",
        "orders",
        "order",
        ("order number", "status", "order total", "billing email", "billing first name"),
        {
            Piece.ORDER_ID: "order number|order id",
            Piece.DATE: "date|order date|paid date",
            Piece.STATUS: "status|order status",
            Piece.EMAIL: "billing email|customer email",
            Piece.CUSTOMER: "customer id|customer user",
            Piece.AMOUNT: "order total",
            Piece.CURRENCY: "order currency|currency",
            Piece.REFUNDED: "refunded total|refund total",
            Piece.PRODUCT: "item sku",
            Piece.PRODUCT_NAME: "item name",
            Piece.QUANTITY: "item quantity",
            Piece.PRICE: "item price",
            Piece.COUPON: "coupons|coupon items",
            **_BILLING,
        },
    ),
    # https://docs.stripe.com/reports/exports (payments): times are UTC, amounts in major units
    Export(
        "stripe",
        "Stripe, payments",
        "orders",
        "order",
        ("id", "amount", "amount refunded", "currency", "status", "fee"),
        {
            Piece.ORDER_ID: "id",
            Piece.DATE: "created date utc|created utc|created",
            Piece.AMOUNT: "amount",
            Piece.CURRENCY: "currency",
            Piece.STATUS: "status",
            Piece.REFUNDED: "amount refunded",
            Piece.REFUNDED_AT: "refunded date utc|refunded date",
            Piece.EMAIL: "customer email",
            Piece.CUSTOMER: "customer id",
            Piece.NAME: "customer description|card name",
        },
        timezone="UTC",
    ),
    # https://squareup.com/help/us/en/article/5072 : items detail, a row each
    Export(
        "square",
        "Square, item sales",
        "orders",
        "line",
        ("date", "time", "item", "qty", "net sales", "transaction id"),
        {
            Piece.ORDER_ID: "transaction id",
            Piece.DATE: "date",
            Piece.TIME: "time",
            Piece.ZONE: "time zone",
            Piece.AMOUNT: "net sales",
            Piece.EVENT: "event type",
            Piece.CUSTOMER: "customer id",
            Piece.NAME: "customer name",
            Piece.PRODUCT: "sku",
            Piece.PRODUCT_NAME: "item",
            Piece.QUANTITY: "qty",
            Piece.CATEGORY: "category",
        },
        usual_dates="mdy",
    ),
    # https://squareup.com/help/us/en/article/5072 : transactions
    Export(
        "square",
        "Square, transactions",
        "orders",
        "order",
        ("date", "time", "gross sales", "total collected", "transaction id"),
        {
            Piece.ORDER_ID: "transaction id",
            Piece.DATE: "date",
            Piece.TIME: "time",
            Piece.ZONE: "time zone",
            Piece.AMOUNT: "total collected",
            Piece.EVENT: "event type",
            Piece.CUSTOMER: "customer id",
            Piece.NAME: "customer name",
            Piece.STATUS: "transaction status",
        },
        usual_dates="mdy",
    ),
    # https://squareup.com/help/us/en/article/8113 : customer directory
    Export(
        "square",
        "Square, customers",
        "customers",
        "order",
        ("first name", "last name", "email address", "square customer id"),
        {
            Piece.CUSTOMER: "square customer id",
            Piece.EMAIL: "email address",
            Piece.FIRST_NAME: "first name",
            Piece.LAST_NAME: "last name",
            Piece.COMPANY: "company name",
            Piece.PHONE: "phone number",
            Piece.STREET: "street address 1",
            Piece.STREET_2: "street address 2",
            Piece.CITY: "city",
            Piece.REGION: "state",
            Piece.POSTCODE: "postal code",
            Piece.MARKETING: "email subscription status",
        },
    ),
    # https://help.etsy.com/hc/en-us/articles/360000343508 : orders
    Export(
        "etsy",
        "Etsy, sold orders",
        "orders",
        "order",
        ("sale date", "order id", "buyer user id", "order value", "order total"),
        {
            Piece.ORDER_ID: "order id",
            Piece.DATE: "sale date",
            Piece.CUSTOMER: "buyer user id|buyer",
            Piece.NAME: "full name",
            Piece.FIRST_NAME: "first name",
            Piece.LAST_NAME: "last name",
            Piece.AMOUNT: "order total",
            Piece.AMOUNT_AFTER_REFUNDS: "adjusted order total",
            Piece.CURRENCY: "currency",
            Piece.STATUS: "status",
            Piece.COUPON: "coupon code",
            Piece.STREET: "street 1",
            Piece.STREET_2: "street 2",
            Piece.CITY: "ship city",
            Piece.REGION: "ship state",
            Piece.POSTCODE: "ship zipcode",
            Piece.COUNTRY: "ship country",
        },
        usual_dates="mdy",
    ),
    # https://help.etsy.com/hc/en-us/articles/360000343508 : order items
    Export(
        "etsy",
        "Etsy, sold order items",
        "orders",
        "line",
        ("sale date", "item name", "buyer", "quantity", "item total", "order id"),
        {
            Piece.ORDER_ID: "order id",
            Piece.DATE: "sale date",
            Piece.CUSTOMER: "buyer",
            Piece.NAME: "ship name",
            Piece.AMOUNT: "item total",
            Piece.CURRENCY: "currency",
            Piece.PRODUCT: "sku|listing id",
            Piece.PRODUCT_NAME: "item name",
            Piece.QUANTITY: "quantity",
            Piece.PRICE: "price",
            Piece.COUPON: "coupon code",
            Piece.STREET: "ship address1",
            Piece.STREET_2: "ship address2",
            Piece.CITY: "ship city",
            Piece.REGION: "ship state",
            Piece.POSTCODE: "ship zipcode",
            Piece.COUNTRY: "ship country",
        },
        usual_dates="mdy",
    ),
    # https://www.ebay.com/help/selling/managing-sales/downloading-order-reports : a total row, then the items
    Export(
        "ebay",
        "eBay, orders report",
        "orders",
        "order",
        ("sales record number", "order number", "buyer username", "sale date", "total price"),
        {
            Piece.ORDER_ID: "order number",
            Piece.DATE: "sale date|paid on date",
            Piece.CUSTOMER: "buyer username",
            Piece.NAME: "buyer name|ship to name",
            Piece.AMOUNT: "total price",
            Piece.PHONE: "ship to phone|buyer phone",
            Piece.PRODUCT: "custom label|item number",
            Piece.PRODUCT_NAME: "item title",
            Piece.QUANTITY: "quantity",
            Piece.PRICE: "sold for",
            Piece.STREET: "buyer address 1|ship to address 1",
            Piece.STREET_2: "buyer address 2|ship to address 2",
            Piece.CITY: "buyer city|ship to city",
            Piece.REGION: "buyer state|ship to state",
            Piece.POSTCODE: "buyer zip|ship to zip",
            Piece.COUNTRY: "buyer country|ship to country",
        },
        usual_dates="mdy",
    ),
)
