"""WooCommerce's webhooks: an order or a customer a post; the header tells which event it is, the order its state."""

from typing import Any, Final

from stream.adapters.adapter import Call, Objection, Proof
from stream.adapters.event_table import (
    PURCHASE,
    EventTable,
    LinkRow,
    ProviderEvent,
    Row,
    header,
    labelled,
    needed,
    parts,
    texts,
    time_utc,
)
from stream.adapters.forms import FORM
from stream.adapters.json_fields import amount, currency, json_object, pick, required
from stream.adapters.order_items import items_of, sum_of
from stream.adapters.provider import Provider, max_age_s
from stream.adapters.signatures import Signature, by_signature, from_header
from stream.settings import Settings

__all__ = ["PROVIDER", "TABLE"]

_TOPIC: Final = header("x-wc-webhook-topic")
_ORDERS: Final = frozenset({"order.created", "order.updated", "order.restored"})
#: States of an order that is paid, or was.
_PAID: Final = frozenset({"processing", "completed", "refunded"})


def _kind(item: ProviderEvent) -> str:
    topic = _TOPIC(item)
    if topic not in _ORDERS:
        return topic
    if "refund" in item.event:
        return "refund"
    status = str(required(item.event, "status"))
    if status == "refunded":
        # its refunds tell what came back; without any, all of it has
        return "refunded" if not item.event.get("refunds") else "completed"
    return status


def _events(body: Any) -> list[Any]:
    """The order itself, and each of its refunds."""
    order = json_object(body, "what WooCommerce sends")
    refunds = order.get("refunds")
    told = refunds if str(order.get("status")) in _PAID and isinstance(refunds, list) else []
    return [order, *({**order, "refund": one} for one in told)]


def _identity(item: ProviderEvent) -> tuple[object, ...]:
    """An order is told whenever anything of it changes; what became of it counts once."""
    kind = _kind(item)
    if kind == "refund":
        return (f"refund:{required(item.event, 'refund.id')}",)
    return (f"order:{required(item.event, 'id')}:{TABLE.rows[kind].name}",)


def _customer(item: ProviderEvent) -> str:
    """A guest has the number 0."""
    number = pick(item.event, "customer_id") or None
    return item.customers.find(pick(item.event, "meta_data"), address=pick(item.event, "billing.email"), own_id=number)


_ORDER_ID: Final = needed("number", "id")
_COMPLETED: Final = Row(
    PURCHASE,
    "completed",
    {
        "order_id": _ORDER_ID,
        "amount": lambda item: amount(required(item.event, "total")),
        "currency": lambda item: currency(required(item.event, "currency")),
        "items": lambda item: items_of(pick(item.event, "line_items")),
        "coupon": labelled("coupon_lines.0.code"),
    },
)


def _number(item: ProviderEvent) -> str:
    """The customer as orders name them that have no address."""
    return item.customers.find(pick(item.event, "meta_data"), own_id=pick(item.event, "id"))


def _saved(*at: str) -> LinkRow:
    """A customer; ``at``: when it was saved."""
    ids = (("customer_id", _number), ("email", texts("email", "billing.email")), ("phone", texts("billing.phone")))
    return LinkRow("identified", ids, parts(_TOPIC, needed("id"), texts(*at)), time_utc(*at))


_CHANGED: Final = {"order_id": _ORDER_ID, "occurred_at": time_utc("date_modified_gmt", "date_created_gmt")}

#: By the state of the order. Left out: pending, on-hold, failed, draft, and what is about no order.
TABLE: Final = EventTable(
    provider="woocommerce",
    one="what WooCommerce sends",
    rows={
        "processing": _COMPLETED,
        "completed": _COMPLETED,
        "cancelled": Row(PURCHASE, "cancelled", _CHANGED),
        "refunded": Row(PURCHASE, "refunded", _CHANGED),
        "refund": Row(
            PURCHASE,
            "refunded",
            {
                **_CHANGED,
                "amount": lambda item: sum_of([required(item.event, "refund.total")]),
                "currency": lambda item: currency(required(item.event, "currency")),
            },
        ),
    },
    events=_events,
    kind=_kind,
    identity=_identity,
    customer=_customer,
    identifiers={"email": texts("billing.email"), "phone": texts("billing.phone")},
    links={
        "customer.created": _saved("date_created_gmt"),
        "customer.updated": _saved("date_modified_gmt", "date_created_gmt"),
    },
    occurred_at=time_utc("date_paid_gmt", "date_created_gmt"),
)

#: HMAC-SHA256 of the body, under the secret of the webhook.
_SIGNATURE: Final = Signature("X-WC-Webhook-Signature", from_header("x-wc-webhook-signature"))


def _is_form(call: Call) -> bool:
    return call.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM


def _is_ping(call: Call) -> bool:
    """When a webhook is saved, WooCommerce posts its number, unsigned, and drops the webhook if that is refused."""
    return _is_form(call) and call.body.startswith(b"webhook_id=")


def _proof(settings: Settings) -> Proof | None:
    if not settings.ingest_woocommerce_secret:
        return None
    proof = by_signature(settings.ingest_woocommerce_secret, _SIGNATURE, max_age_s=max_age_s(settings))

    def by_head(head: Call) -> Objection:
        return "" if _is_form(head) else proof.by_head(head)

    return Proof(proof.by_call, by_head)


PROVIDER: Final = Provider("woocommerce", TABLE.translate, _proof, is_probe=_is_ping)
