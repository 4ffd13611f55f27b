"""Shopify's webhooks: an order, a customer, or the consent of one, a post; the header tells which event it is.

The signature covers the body and no header, so whoever could read the traffic could send an order again as another
event. HTTPS keeps others from reading it.
"""

from typing import Any, Final

from stream.adapters.adapter import Call, Translation
from stream.adapters.customers import CustomerFinder
from stream.adapters.event_table import (
    EMAIL,
    PURCHASE,
    EventTable,
    LinkRow,
    ProviderEvent,
    Row,
    consent,
    customer,
    header,
    labelled,
    needed,
    parts,
    texts,
    time_at,
)
from stream.adapters.json_fields import amount, currency, json_object, pick, required
from stream.adapters.order_items import items_of, sum_of
from stream.adapters.provider import Provider, signed
from stream.adapters.signatures import Signature, from_header

__all__ = ["PROVIDER", "TABLE"]

_TOPIC: Final = header("x-shopify-topic")
_UPDATED: Final = "orders/updated"
_CONSENT: Final = "customers_email_marketing_consent/update"


def _kind(item: ProviderEvent) -> str:
    topic = _TOPIC(item)
    if topic == "refunds/create":
        return "refunds/create names no customer: subscribe to orders/updated"
    if topic == _CONSENT:
        return f"{topic}: {required(item.event, 'email_marketing_consent.state')}"
    if pick(item.event, "test") is True:
        return f"{topic}: a test order"
    if topic == _UPDATED:
        return f"{topic}: {'refund' if _transactions(item) else 'no refund of money'}"
    return topic


def _identity(item: ProviderEvent) -> tuple[object, ...]:
    kind = _kind(item)
    if kind.startswith(_CONSENT):
        return kind, needed("customer_id")(item), pick(item.event, "email_marketing_consent.consent_updated_at")
    if kind.startswith(_UPDATED):
        return (f"refund:{required(item.event, 'refund.id')}",)
    # created and paid are one order
    return (f"order:{required(item.event, 'id')}:{TABLE.rows[kind].name}",)


def _transactions(item: ProviderEvent) -> list[dict[str, Any]]:
    """What has given money back, of the refund that an item is about."""
    found = pick(item.event, "refund.transactions")
    listed = [one for one in (found if isinstance(found, list) else []) if isinstance(one, dict)]
    return [one for one in listed if one.get("kind") == "refund" and one.get("status") == "success"]


def _events(body: Any) -> list[Any]:
    """The order itself, and each of its refunds."""
    order = json_object(body, "what Shopify sends")
    refunds = order.get("refunds")
    return [order, *({**order, "refund": one} for one in (refunds if isinstance(refunds, list) else []))]


_ORDER: Final = {
    "order_id": needed("name", "id"),
    "amount": lambda item: amount(required(item.event, "total_price")),
    "currency": lambda item: currency(required(item.event, "currency")),
    "items": lambda item: items_of(pick(item.event, "line_items"), category="vendor"),
    "coupon": labelled("discount_codes.0.code"),
}
_COMPLETED: Final = Row(PURCHASE, "completed", _ORDER)

_CUSTOMER: Final = (
    ("customer_id", needed("id")),
    ("email", texts("email")),
    ("phone", texts("phone")),
)


def _saved(at: str) -> LinkRow:
    """A customer; ``at``: when it was saved."""
    return LinkRow("identified", _CUSTOMER, parts(_TOPIC, needed("id"), texts(at)), time_at(at))


#: By the topic. Left out: products, and of orders what says nothing new.
TABLE: Final = EventTable(
    provider="shopify",
    one="what Shopify sends",
    rows={
        "orders/create": _COMPLETED,
        "orders/paid": _COMPLETED,
        "orders/cancelled": Row(
            PURCHASE, "cancelled", {"order_id": _ORDER["order_id"], "occurred_at": time_at("cancelled_at")}
        ),
        f"{_UPDATED}: refund": Row(
            PURCHASE,
            "refunded",
            {
                "order_id": _ORDER["order_id"],
                "occurred_at": time_at("refund.processed_at", "refund.created_at"),
                "amount": lambda item: sum_of(one.get("amount") for one in _transactions(item)),
                "currency": lambda item: currency(_transactions(item)[0].get("currency")),
            },
        ),
        f"{_CONSENT}: unsubscribed": Row(EMAIL, "unsubscribed"),
        f"{_CONSENT}: subscribed": consent("granted", "email", "shopify"),
    },
    events=_events,
    kind=_kind,
    identity=_identity,
    customer=customer(
        "note_attributes",
        address=("email", "contact_email", "customer.email", "email_address"),
        own_id=("customer.id", "customer_id"),
    ),
    identifiers={"phone": texts("phone", "customer.phone")},
    links={"customers/create": _saved("created_at"), "customers/update": _saved("updated_at")},
    occurred_at=time_at("processed_at", "created_at", "email_marketing_consent.consent_updated_at"),
)


def _translate(call: Call, customers: CustomerFinder) -> list[Translation]:
    """Of an order that is updated, what counts are its refunds; of any other event, the order."""
    if call.headers.get("x-shopify-topic") == _UPDATED:
        found = TABLE.translate(call, customers)
        return found[1:] or found
    return TABLE.translate(call, customers)[:1]


#: HMAC-SHA256 of the body, under the secret of the app or of the shop's notifications.
_SIGNATURE: Final = Signature("X-Shopify-Hmac-Sha256", from_header("x-shopify-hmac-sha256"))

PROVIDER: Final = Provider("shopify", _translate, signed("ingest_shopify_secret", _SIGNATURE))
