"""Segment: ``track`` calls of the e-commerce specification (version 2), and ``page`` calls."""

from types import MappingProxyType
from typing import Any, Final

from stream.adapters.adapter import Call, Ignored, Native, Table, Translation
from stream.adapters.reading import amount, decoded, each, event_id, instant, label, pick, required, text
from stream.events.kinds import EventType

__all__ = ["TABLE", "translate"]

#: ``event`` of a ``track`` call, without regard to case.
TABLE: Final[Table] = MappingProxyType(
    {
        "products searched": (EventType.CLICK, "product_searched"),
        "product list viewed": (EventType.CLICK, "product_list_viewed"),
        "product list filtered": (EventType.CLICK, "product_list_viewed"),
        "product viewed": (EventType.CLICK, "product_viewed"),
        "product added": (EventType.CLICK, "product_added"),
        "product removed": (EventType.CLICK, "product_removed"),
        "cart viewed": (EventType.CLICK, "cart_viewed"),
        "checkout started": (EventType.CLICK, "checkout_started"),
        "coupon applied": (EventType.CLICK, "coupon_redeemed"),
        "order completed": (EventType.PURCHASE, "completed"),
        "order refunded": (EventType.PURCHASE, "refunded"),
        "order cancelled": (EventType.PURCHASE, "cancelled"),
    }
)
_PAGE = (EventType.CLICK, "page_viewed")


def translate(call: Call) -> list[Translation]:
    """A single call, or a batch: ``{"batch": [...]}``."""
    body = decoded(call.body)
    batch = body.get("batch") if isinstance(body, dict) else None
    return each(batch if isinstance(batch, list) else [body], "a Segment call", _one)


def _one(message: dict[str, Any]) -> Translation:
    kind = required(message, "type")
    name = required(message, "event") if kind == "track" else str(kind)
    found = _PAGE if kind == "page" else TABLE.get(str(name).casefold()) if kind == "track" else None
    if found is None:
        return Ignored(f"{kind}: {name}" if kind == "track" else str(kind))
    customer_id = text(pick(message, "userId"))
    if customer_id is None:
        return Ignored("anonymous")
    event_type, native_name = found
    properties = pick(message, "properties") or {}
    common = {
        "event_id": event_id("segment", required(message, "messageId")),
        "customer_id": customer_id,
        "occurred_at": instant(required(message, "timestamp", "originalTimestamp"), "timestamp"),
        "name": native_name,
        "channel": label(pick(message, "channel")),
    }
    return Native(event_type, common | (_order(properties) if event_type is EventType.PURCHASE else _click(message)))


def _click(message: dict[str, Any]) -> dict[str, object]:
    url = text(pick(message, "properties.url", "context.page.url"))
    return {
        "url": url if url is None or len(url) <= 8192 else None,  # noqa: PLR2004 - the contract's limit
        "product_id": label(pick(message, "properties.product_id", "properties.sku")),
        "category": label(pick(message, "properties.category")),
    }


def _order(properties: dict[str, Any]) -> dict[str, object]:
    products = pick(properties, "products")
    items = [
        {
            "product_id": product_id,
            "quantity": amount(pick(product, "quantity")),
            "price": amount(pick(product, "price")),
            "category": label(pick(product, "category")),
        }
        for product in (products if isinstance(products, list) else [])
        if (product_id := label(pick(product, "product_id", "sku"))) is not None
    ]
    return {
        "order_id": text(required(properties, "order_id")),
        "amount": amount(pick(properties, "total", "revenue", "value")),
        "currency": pick(properties, "currency"),
        "items": items or None,
        "coupon": label(pick(properties, "coupon")),
    }
