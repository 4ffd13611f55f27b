"""Exports of shop systems: a table of columns each, after the systems' documentation."""

from typing import Final, Literal, NamedTuple

from stream.imports.import_fields import Field
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
    columns: dict[Field, str]
    usual_dates: Literal["", "dmy", "mdy"] = ""
    timezone: str = ""


_BILLING: Final = {
    Field.FIRST_NAME: "first name billing|billing first name",
    Field.LAST_NAME: "last name billing|billing last name",
    Field.COMPANY: "company billing|billing company",
    Field.PHONE: "phone billing|billing phone",
    Field.STREET: "address 1 2 billing|address 1 billing|billing address 1",
    Field.STREET_2: "address 2 billing|billing address 2",
    Field.CITY: "city billing|billing city",
    Field.REGION: "state code billing|state name billing|billing state",
    Field.POSTCODE: "postcode billing|billing postcode",
    Field.COUNTRY: "country code billing|country name billing|billing country",
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
            Field.ORDER_ID: "name",
            Field.EMAIL: "email",
            Field.DATE: "created at|paid at",
            Field.AMOUNT: "total",
            Field.CURRENCY: "currency",
            Field.STATUS: "financial status",
            Field.REFUNDED: "refunded amount",
            Field.CANCELLED_AT: "cancelled at",
            Field.PRODUCT: "lineitem sku",
            Field.PRODUCT_NAME: "lineitem name",
            Field.QUANTITY: "lineitem quantity",
            Field.PRICE: "lineitem price",
            Field.CATEGORY: "vendor",
            Field.COUPON: "discount code",
            Field.NAME: "billing name|shipping name",
            Field.COMPANY: "billing company",
            Field.PHONE: "phone|billing phone",
            Field.STREET: "billing address1|billing street",
            Field.STREET_2: "billing address2",
            Field.CITY: "billing city",
            Field.REGION: "billing province name|billing province",
            Field.POSTCODE: "billing zip",
            Field.COUNTRY: "billing country",
            Field.MARKETING: "accepts marketing",
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
            Field.CUSTOMER: "customer id",
            Field.EMAIL: "email",
            Field.FIRST_NAME: "first name",
            Field.LAST_NAME: "last name",
            Field.COMPANY: "default address company|company",
            Field.PHONE: "phone|default address phone",
            Field.STREET: "default address address1|address1",
            Field.STREET_2: "default address address2|address2",
            Field.CITY: "default address city|city",
            Field.REGION: "default address province code|province",
            Field.POSTCODE: "default address zip|zip",
            Field.COUNTRY: "default address country code|country",
            Field.MARKETING: "accepts email marketing|accepts marketing",
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
            Field.ORDER_ID: "order number",
            Field.DATE: "date",
            Field.STATUS: "status",
            Field.CUSTOMER: "customer",
            Field.NAME: "customer",
            Field.AMOUNT: "n revenue|net sales|net revenue",
            Field.COUPON: "coupon s|coupons",
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
            Field.ORDER_ID: "order number",
            Field.DATE: "order date|paid date",
            Field.STATUS: "order status",
            Field.EMAIL: "email billing|customer user email",
            Field.CUSTOMER: "customer user id|customer id",
            Field.AMOUNT: "order total amount",
            Field.CURRENCY: "currency|order currency",
            Field.REFUNDED: "order refund amount",
            Field.PRODUCT: "sku",
            Field.PRODUCT_NAME: "item name|product name",
            Field.QUANTITY: "quantity",
            Field.PRICE: "item cost",
            Field.CATEGORY: "category",
            Field.COUPON: "coupon code",
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
            Field.ORDER_ID: "order number|order id",
            Field.DATE: "date|order date|paid date",
            Field.STATUS: "status|order status",
            Field.EMAIL: "billing email|customer email",
            Field.CUSTOMER: "customer id|customer user",
            Field.AMOUNT: "order total",
            Field.CURRENCY: "order currency|currency",
            Field.REFUNDED: "refunded total|refund total",
            Field.PRODUCT: "item sku",
            Field.PRODUCT_NAME: "item name",
            Field.QUANTITY: "item quantity",
            Field.PRICE: "item price",
            Field.COUPON: "coupons|coupon items",
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
            Field.ORDER_ID: "id",
            Field.DATE: "created date utc|created utc|created",
            Field.AMOUNT: "amount",
            Field.CURRENCY: "currency",
            Field.STATUS: "status",
            Field.REFUNDED: "amount refunded",
            Field.REFUNDED_AT: "refunded date utc|refunded date",
            Field.EMAIL: "customer email",
            Field.CUSTOMER: "customer id",
            Field.NAME: "customer description|card name",
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
            Field.ORDER_ID: "transaction id",
            Field.DATE: "date",
            Field.TIME: "time",
            Field.ZONE: "time zone",
            Field.AMOUNT: "net sales",
            Field.EVENT: "event type",
            Field.CUSTOMER: "customer id",
            Field.NAME: "customer name",
            Field.PRODUCT: "sku",
            Field.PRODUCT_NAME: "item",
            Field.QUANTITY: "qty",
            Field.CATEGORY: "category",
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
            Field.ORDER_ID: "transaction id",
            Field.DATE: "date",
            Field.TIME: "time",
            Field.ZONE: "time zone",
            Field.AMOUNT: "total collected",
            Field.EVENT: "event type",
            Field.CUSTOMER: "customer id",
            Field.NAME: "customer name",
            Field.STATUS: "transaction status",
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
            Field.CUSTOMER: "square customer id",
            Field.EMAIL: "email address",
            Field.FIRST_NAME: "first name",
            Field.LAST_NAME: "last name",
            Field.COMPANY: "company name",
            Field.PHONE: "phone number",
            Field.STREET: "street address 1",
            Field.STREET_2: "street address 2",
            Field.CITY: "city",
            Field.REGION: "state",
            Field.POSTCODE: "postal code",
            Field.MARKETING: "email subscription status",
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
            Field.ORDER_ID: "order id",
            Field.DATE: "sale date",
            Field.CUSTOMER: "buyer user id|buyer",
            Field.NAME: "full name",
            Field.FIRST_NAME: "first name",
            Field.LAST_NAME: "last name",
            Field.AMOUNT: "order total",
            Field.AMOUNT_AFTER_REFUNDS: "adjusted order total",
            Field.CURRENCY: "currency",
            Field.STATUS: "status",
            Field.COUPON: "coupon code",
            Field.STREET: "street 1",
            Field.STREET_2: "street 2",
            Field.CITY: "ship city",
            Field.REGION: "ship state",
            Field.POSTCODE: "ship zipcode",
            Field.COUNTRY: "ship country",
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
            Field.ORDER_ID: "order id",
            Field.DATE: "sale date",
            Field.CUSTOMER: "buyer",
            Field.NAME: "ship name",
            Field.AMOUNT: "item total",
            Field.CURRENCY: "currency",
            Field.PRODUCT: "sku|listing id",
            Field.PRODUCT_NAME: "item name",
            Field.QUANTITY: "quantity",
            Field.PRICE: "price",
            Field.COUPON: "coupon code",
            Field.STREET: "ship address1",
            Field.STREET_2: "ship address2",
            Field.CITY: "ship city",
            Field.REGION: "ship state",
            Field.POSTCODE: "ship zipcode",
            Field.COUNTRY: "ship country",
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
            Field.ORDER_ID: "order number",
            Field.DATE: "sale date|paid on date",
            Field.CUSTOMER: "buyer username",
            Field.NAME: "buyer name|ship to name",
            Field.AMOUNT: "total price",
            Field.PHONE: "ship to phone|buyer phone",
            Field.PRODUCT: "custom label|item number",
            Field.PRODUCT_NAME: "item title",
            Field.QUANTITY: "quantity",
            Field.PRICE: "sold for",
            Field.STREET: "buyer address 1|ship to address 1",
            Field.STREET_2: "buyer address 2|ship to address 2",
            Field.CITY: "buyer city|ship to city",
            Field.REGION: "buyer state|ship to state",
            Field.POSTCODE: "buyer zip|ship to zip",
            Field.COUNTRY: "buyer country|ship to country",
        },
        usual_dates="mdy",
    ),
)
