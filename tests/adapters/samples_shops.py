"""Calls of Shopify, WooCommerce and Stripe, after their documentation."""

from typing import Any

from tests.adapters.samples import Sample, changed, hmac_of

__all__ = ["SHOPIFY", "SHOPS", "STRIPE", "WOOCOMMERCE"]

_SECRET = "a-shared-secret"

# https://shopify.dev/docs/api/admin-rest/latest/resources/order
_SHOPIFY_ORDER: dict[str, Any] = {
    "id": 820982911946154508,
    "name": "#1001",
    "order_number": 1001,
    "email": "Ann.Sparrow@example.com",
    "contact_email": "ann.sparrow@example.com",
    "phone": "+493012345",
    "browser_ip": "203.0.113.7",
    "created_at": "2024-05-31T12:30:00-04:00",
    "processed_at": "2024-05-31T12:30:00-04:00",
    "cancelled_at": None,
    "currency": "EUR",
    "total_price": "398.00",
    "test": False,
    "note_attributes": [],
    "discount_codes": [{"code": "SPRING", "amount": "10.00", "type": "fixed_amount"}],
    "customer": {"id": 115310627314723954, "email": "ann.sparrow@example.com", "first_name": "Ann"},
    "billing_address": {"name": "Ann Sparrow", "address1": "Lindenstr. 1", "city": "Berlin"},
    "line_items": [
        {"id": 1, "sku": "IPOD", "product_id": 632910392, "quantity": 1, "price": "199.00", "vendor": "Apple"},
        {"id": 2, "sku": None, "product_id": 7, "quantity": 1, "price": "209.00", "vendor": "Apple"},
    ],
    "refunds": [],
}
_SHOPIFY_REFUND = {
    "id": 509562969,
    "order_id": 820982911946154508,
    "created_at": "2024-06-02T09:00:00-04:00",
    "processed_at": "2024-06-02T09:00:00-04:00",
    "note": "Ann Sparrow sent it back",
    "transactions": [
        {"id": 1, "kind": "refund", "status": "success", "amount": "100.10", "currency": "EUR"},
        {"id": 2, "kind": "refund", "status": "success", "amount": "0.20", "currency": "EUR"},
        {"id": 3, "kind": "refund", "status": "failure", "amount": "100.00", "currency": "EUR"},
    ],
}
_CONSENT = {
    "customer_id": 706405506930370084,
    "email_address": "ann.sparrow@example.com",
    "email_marketing_consent": {
        "state": "unsubscribed",
        "opt_in_level": None,
        "consent_updated_at": "2024-06-03T11:00:00-04:00",
    },
}
# https://shopify.dev/docs/api/admin-rest/latest/resources/customer
_SHOPIFY_CUSTOMER = {
    "id": 706405506930370084,
    "email": "ann.sparrow@example.com",
    "phone": "+493012345",
    "first_name": "Ann",
    "last_name": "Sparrow",
    "created_at": "2024-05-30T08:00:00-04:00",
    "updated_at": "2024-06-04T08:00:00-04:00",
    "default_address": {"address1": "Lindenstr. 1", "phone": "+49301111111"},
}
_REFUNDED = {**_SHOPIFY_ORDER, "refunds": [_SHOPIFY_REFUND]}
_CONSENT_TOPIC = "customers_email_marketing_consent/update"


def _topic(topic: str) -> dict[str, str]:
    return {"x-shopify-topic": topic}


SHOPIFY = Sample(
    "shopify",
    calls={
        "orders/create": _SHOPIFY_ORDER,
        "orders/paid": _SHOPIFY_ORDER,
        "orders/cancelled": {**_SHOPIFY_ORDER, "cancelled_at": "2024-06-01T10:00:00-04:00"},
        "orders/updated: refund": _REFUNDED,
        f"{_CONSENT_TOPIC}: unsubscribed": _CONSENT,
        f"{_CONSENT_TOPIC}: subscribed": changed(_CONSENT, "email_marketing_consent.state", "subscribed"),
    },
    ignored={
        "orders/updated: no refund of money": _SHOPIFY_ORDER,
        "products/update": {"id": 1},
        "orders/create: a test order": {**_SHOPIFY_ORDER, "test": True},
        f"{_CONSENT_TOPIC}: pending": changed(_CONSENT, "email_marketing_consent.state", "pending"),
        "refunds/create names no customer: subscribe to orders/updated": _SHOPIFY_REFUND,
    },
    links={"customers/create": _SHOPIFY_CUSTOMER, "customers/update": _SHOPIFY_CUSTOMER},
    headers={
        "customers/update": _topic("customers/update"),
        "orders/create": _topic("orders/create"),
        "orders/paid": _topic("orders/paid"),
        "orders/cancelled": _topic("orders/cancelled"),
        "orders/updated: refund": _topic("orders/updated"),
        "orders/updated: no refund of money": _topic("orders/updated"),
        f"{_CONSENT_TOPIC}: unsubscribed": _topic(_CONSENT_TOPIC),
        f"{_CONSENT_TOPIC}: subscribed": _topic(_CONSENT_TOPIC),
        f"{_CONSENT_TOPIC}: pending": _topic(_CONSENT_TOPIC),
        "products/update": _topic("products/update"),
        "customers/create": _topic("customers/create"),
        "orders/create: a test order": _topic("orders/create"),
        "refunds/create names no customer: subscribe to orders/updated": _topic("refunds/create"),
    },
    promised={
        "orders/create": ("id", "total_price", "currency"),
        "orders/cancelled": ("cancelled_at",),
        "orders/updated: refund": ("refunds.0.id",),
        f"{_CONSENT_TOPIC}: unsubscribed": ("email_marketing_consent.state", "customer_id"),
    },
    settings={"ingest_shopify_secret": _SECRET},
    sign=lambda body, _at_s: {"x-shopify-hmac-sha256": hmac_of(_SECRET, body)},
    # an order is created and paid
    shares_ids=True,
)

# https://woocommerce.github.io/woocommerce-rest-api-docs/#order-properties
_WOO_ORDER: dict[str, Any] = {
    "id": 727,
    "number": "727",
    "status": "processing",
    "currency": "USD",
    "date_created": "2017-03-22T16:28:02",
    "date_created_gmt": "2017-03-22T19:28:02",
    "date_modified_gmt": "2017-03-22T19:30:08",
    "date_paid_gmt": "2017-03-22T19:28:08",
    "total": "29.35",
    "customer_id": 0,
    "customer_ip_address": "203.0.113.7",
    "customer_note": "Ann Sparrow is home at six",
    "billing": {
        "first_name": "Ann",
        "last_name": "Sparrow",
        "address_1": "Lindenstr. 1",
        "email": "ann.sparrow@example.com",
        "phone": "+493012345",
    },
    "meta_data": [{"id": 13106, "key": "_download_permissions_granted", "value": "yes"}],
    "line_items": [{"id": 315, "product_id": 93, "sku": "Bar3", "quantity": 2, "price": 3, "total": "6.00"}],
    "coupon_lines": [{"id": 1, "code": "spring"}],
    "refunds": [],
}
# https://woocommerce.github.io/woocommerce-rest-api-docs/#customer-properties
_WOO_CUSTOMER = {
    "id": 25,
    "date_created_gmt": "2017-03-21T19:09:28",
    "date_modified_gmt": "2017-03-21T19:09:30",
    "email": "ann.sparrow@example.com",
    "first_name": "Ann",
    "billing": {"first_name": "Ann", "address_1": "Lindenstr. 1", "phone": "+493012345"},
    "meta_data": [],
}
_UPDATED = {"x-wc-webhook-topic": "order.updated"}
WOOCOMMERCE = Sample(
    "woocommerce",
    calls={
        "processing": _WOO_ORDER,
        "completed": {**_WOO_ORDER, "status": "completed"},
        "cancelled": {**_WOO_ORDER, "status": "cancelled"},
        "refunded": {**_WOO_ORDER, "status": "refunded"},
        "refund": {**_WOO_ORDER, "status": "refunded", "refunds": [{"id": 726, "reason": "", "total": "-10.00"}]},
    },
    ignored={
        "pending": {**_WOO_ORDER, "status": "pending"},
        "on-hold": {**_WOO_ORDER, "status": "on-hold"},
        "order.deleted": {"id": 727},
    },
    links={"customer.created": _WOO_CUSTOMER, "customer.updated": _WOO_CUSTOMER},
    headers={
        **dict.fromkeys(("processing", "completed", "cancelled", "refunded", "refund", "pending", "on-hold"), _UPDATED),
        "customer.created": {"x-wc-webhook-topic": "customer.created"},
        "customer.updated": {"x-wc-webhook-topic": "customer.updated"},
        "order.deleted": {"x-wc-webhook-topic": "order.deleted"},
    },
    promised={"processing": ("id", "status", "total", "currency"), "refund": ("refunds.0.id", "refunds.0.total")},
    settings={"ingest_woocommerce_secret": _SECRET},
    sign=lambda body, _at_s: {"x-wc-webhook-signature": hmac_of(_SECRET, body)},
    # an order is processed and completed
    shares_ids=True,
)

# https://docs.stripe.com/api/events/object , https://docs.stripe.com/api/charges/object
_CHARGE: dict[str, Any] = {
    "id": "ch_3MmlLrLkdIwHu7ix0snN0B15",
    "object": "charge",
    "amount": 1099,
    "amount_captured": 1099,
    "amount_refunded": 0,
    "captured": True,
    "created": 1679090539,
    "currency": "usd",
    "customer": "cus_9s6XKzkNRiz8i3",
    "metadata": {},
    "receipt_email": None,
    "billing_details": {
        "email": "ann.sparrow@example.com",
        "name": "Ann Sparrow",
        "phone": "+493012345",
        "address": {"line1": "Lindenstr. 1"},
    },
    "payment_intent": "pi_3MmlLrLkdIwHu7ix0EL0rXtB",
}


# https://docs.stripe.com/api/customers/object
_STRIPE_CUSTOMER: dict[str, Any] = {
    "id": "cus_NffrFeUfNV2Hib",
    "object": "customer",
    "address": {"line1": "Lindenstr. 1", "city": "Berlin"},
    "created": 1680893993,
    "email": "ann.sparrow@example.com",
    "invoice_prefix": "0759376C",
    "metadata": {},
    "name": "Ann Sparrow",
    "phone": "+493012345",
    "livemode": True,
}


def _stripe(event_type: str, charge: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": f"evt_{event_type}",
        "object": "event",
        "type": event_type,
        "created": 1679090540,
        "livemode": True,
        "data": {"object": charge, **changes},
    }


def _stripes(body: bytes, at_s: float) -> dict[str, str]:
    signature = hmac_of("whsec_of_stripe", f"{at_s:.0f}.".encode() + body, encoding="hex")
    return {"stripe-signature": f"t={at_s:.0f},v1={'0' * 64},v1={signature},v0=6ffbb59b2300aae63f272406069a9788"}


STRIPE = Sample(
    "stripe",
    calls={
        "charge.succeeded": _stripe("charge.succeeded", _CHARGE),
        "charge.captured": _stripe("charge.captured", _CHARGE, previous_attributes={"captured": False}),
        "charge.refunded": _stripe(
            "charge.refunded", {**_CHARGE, "amount_refunded": 700}, previous_attributes={"amount_refunded": 200}
        ),
    },
    ignored={
        "payment_intent.succeeded": _stripe("payment_intent.succeeded", {"id": "pi_1"}),
        "customer.deleted": _stripe("customer.deleted", _STRIPE_CUSTOMER),
        "charge.succeeded: not captured": _stripe("charge.succeeded", {**_CHARGE, "captured": False}),
        "charge.succeeded: a test": {**_stripe("charge.succeeded", _CHARGE), "livemode": False},
        "customer.created: a test": {**_stripe("customer.created", _STRIPE_CUSTOMER), "livemode": False},
    },
    links={
        "customer.created": _stripe("customer.created", _STRIPE_CUSTOMER),
        "customer.updated": _stripe("customer.updated", _STRIPE_CUSTOMER, previous_attributes={"phone": None}),
    },
    promised={
        "charge.succeeded": ("id", "type", "created", "data.object.id", "data.object.currency"),
        "charge.refunded": ("data.previous_attributes.amount_refunded",),
    },
    settings={"ingest_stripe_secret": "whsec_of_stripe"},
    sign=_stripes,
    tells_time=True,
)

SHOPS = (SHOPIFY, WOOCOMMERCE, STRIPE)
