"""Segment: ``track`` calls of the e-commerce specification, versions 2 and 1, and ``page`` calls.

They come one in a request, as a batch of Segment's HTTP API (``{"batch": [...], "sentAt": ...}``), or as the bare array
of its webhook destination.
"""

import re
from types import MappingProxyType
from typing import Any, Final

from stream.adapters.adapter import Call, Ignored, Native, Table, Translation
from stream.adapters.reading import (
    amount,
    currency,
    customer_id,
    decoded,
    each,
    event_id,
    instant,
    instant_ms,
    label,
    pick,
    required,
    text,
)
from stream.events.kinds import EventType

__all__ = ["TABLE", "translate"]

#: ``event`` of a ``track`` call, without regard to case, blanks and underscores, and also with the verb first, as in
#: version 1 ("Completed Order").
TABLE: Final[Table] = MappingProxyType(
    {
        "products searched": (EventType.CLICK, "product_searched"),
        "product list viewed": (EventType.CLICK, "product_list_viewed"),
        "product list filtered": (EventType.CLICK, "product_list_viewed"),
        "product category viewed": (EventType.CLICK, "product_list_viewed"),
        "product viewed": (EventType.CLICK, "product_viewed"),
        "product added": (EventType.CLICK, "product_added"),
        "product removed": (EventType.CLICK, "product_removed"),
        "cart viewed": (EventType.CLICK, "cart_viewed"),
        "checkout started": (EventType.CLICK, "checkout_started"),
        "coupon applied": (EventType.CLICK, "coupon_redeemed"),
        "order completed": (EventType.PURCHASE, "completed"),
        "order refunded": (EventType.PURCHASE, "refunded"),
        "order cancelled": (EventType.PURCHASE, "cancelled"),
        "order canceled": (EventType.PURCHASE, "cancelled"),
    }
)
_PAGE = (EventType.CLICK, "page_viewed")

#: What an amount is in when the call does not say: the default that Segment documents.
_DEFAULT_CURRENCY: Final = "USD"

_BETWEEN_WORDS: Final = re.compile(r"[\s_-]+")


def _folded(name: str) -> str:
    return _BETWEEN_WORDS.sub("", name.casefold())


def _spellings(name: str) -> tuple[str, str]:
    """``order completed`` and ``completed order``, folded."""
    *thing, verb = name.split()
    return _folded(name), _folded(f"{verb}{''.join(thing)}")


_BY_SPELLING: Final = MappingProxyType({spelling: row for name, row in TABLE.items() for spelling in _spellings(name)})


def translate(call: Call) -> list[Translation]:
    """A single call, a batch ``{"batch": [...]}``, or a bare array of calls."""
    body = decoded(call.body)
    messages, sent_at = [body], None
    if isinstance(body, list):
        messages = body
    elif isinstance(body, dict) and isinstance(body.get("batch"), list):
        messages, sent_at = body["batch"], body.get("sentAt")
    return each(messages, "a Segment call", lambda message: _one(message, sent_at, call.received_ms))


def _one(message: dict[str, Any], sent_at: object, received_ms: int) -> Translation:
    kind = required(message, "type")
    name = required(message, "event") if kind == "track" else str(kind)
    found = _PAGE if kind == "page" else _BY_SPELLING.get(_folded(str(name))) if kind == "track" else None
    if found is None:
        return Ignored(f"{kind}: {name}" if kind == "track" else str(kind))
    customer = customer_id(pick(message, "userId"))
    if customer is None:
        return Ignored("anonymous")
    event_type, native_name = found
    common = {
        "event_id": event_id("segment", required(message, "messageId")),
        "customer_id": customer,
        "occurred_at": _occurred_at(message, sent_at, received_ms),
        "name": native_name,
        "channel": label(pick(message, "channel")),
    }
    if event_type is EventType.CLICK:
        return Native(event_type, common | _click(message))
    return Native(event_type, common | _order(pick(message, "properties"), native_name))


def _occurred_at(message: dict[str, Any], sent_at: object, received_ms: int) -> float | str:
    """When it happened, by a clock that is right.

    A device that sends says when it did so by its own clock (``sentAt``). What that clock is ahead or behind is in
    ``timestamp`` as well, so the time is *received - (sentAt - timestamp)*. Segment's servers compute the same: what
    they pass on has an ``originalTimestamp`` or a ``receivedAt`` beside the ``timestamp``, which is right then.
    """
    at = instant(required(message, "timestamp", "originalTimestamp"), "timestamp")
    at_ms = instant_ms(at)
    device_ms = instant_ms(pick(message, "sentAt") or sent_at)
    passed_on_ms = instant_ms(pick(message, "receivedAt"))
    is_told = pick(message, "timestamp") is not None
    is_corrected = is_told and (
        pick(message, "originalTimestamp") is not None
        # a corrected time is never after the receipt
        or (passed_on_ms is not None and at_ms is not None and at_ms <= passed_on_ms)
    )
    if is_corrected or at_ms is None or device_ms is None:
        return at
    occurred_ms = (received_ms if passed_on_ms is None else passed_on_ms) - (device_ms - at_ms)
    return occurred_ms / 1000


def _click(message: dict[str, Any]) -> dict[str, object]:
    url = text(pick(message, "properties.url", "context.page.url"))
    return {
        "url": url if url is None or len(url) <= 8192 else None,  # noqa: PLR2004 - the contract's limit
        "product_id": _product(pick(message, "properties")),
        "category": label(pick(message, "properties.category")),
    }


def _order(properties: object, name: str) -> dict[str, object]:
    products = pick(properties, "products")
    items = [
        {
            "product_id": product_id,
            "quantity": amount(pick(product, "quantity")),
            "price": amount(pick(product, "price")),
            "category": label(pick(product, "category")),
        }
        for product in (products if isinstance(products, list) else [])
        if (product_id := _product(product)) is not None
    ]
    # only what a completed order costs has a sign that means something: it must not be negative
    total = amount(pick(properties, "total", "revenue", "value"), unsigned=name != "completed")
    return {
        # version 1 says ``orderId``
        "order_id": text(pick(properties, "order_id", "orderId", "id") or required(properties, "order_id")),
        "amount": total,
        # a refund without an amount is the whole order, in the order's currency
        "currency": currency(pick(properties, "currency"), _DEFAULT_CURRENCY) if total is not None else None,
        "items": items or None,
        "coupon": label(pick(properties, "coupon")),
    }


def _product(properties: object) -> str | None:
    """Version 2 says ``product_id``, version 1 ``id``."""
    return label(pick(properties, "product_id", "productId", "id", "sku"))
