"""Segment, and RudderStack, which sends the same.

``track`` calls of the e-commerce specification, versions 2 and 1, ``page`` calls, and what ``identify`` and ``alias``
calls tell about a person's ids.

They come one in a request, as a batch of Segment's HTTP API (``{"batch": [...], "sentAt": ...}``), or as the bare array
of its webhook destination.
"""

import re
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import msgspec

from stream.adapters.adapter import Call
from stream.adapters.event_table import (
    CLICK,
    PURCHASE,
    EventTable,
    LinkRow,
    ProviderEvent,
    Reader,
    Row,
    identified_by,
    labelled,
    texts,
)
from stream.adapters.json_fields import (
    amount,
    currency,
    customer_id,
    instant,
    instant_ms,
    label,
    pick,
    required,
    text,
)
from stream.adapters.provider import Provider, signed
from stream.adapters.signatures import Signature, from_header

__all__ = ["NAMES", "PROVIDER", "TABLE"]

#: What an amount is in when the call does not say: the default that Segment documents.
_DEFAULT_CURRENCY: Final = "USD"

_BETWEEN_WORDS: Final = re.compile(r"[\s_-]+")
_ELEMENTS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_PAGE: Final = "page"


def _folded(name: str) -> str:
    """Without regard to case, blanks and underscores."""
    return _BETWEEN_WORDS.sub("", name.casefold())


def _spellings(name: str) -> tuple[str, str]:
    """``order completed`` and, as in version 1, ``completed order``, folded."""
    *thing, verb = name.split()
    return _folded(name), _folded(f"{verb}{''.join(thing)}")


def _is_batch(body: Any) -> bool:
    return isinstance(body, dict) and isinstance(body.get("batch"), list)


def _calls(body: Any) -> list[Any]:
    """A single call, a batch ``{"batch": [...]}``, or a bare array of calls."""
    if isinstance(body, list):
        return body
    return list(body["batch"]) if _is_batch(body) else [body]


def _kind(item: ProviderEvent) -> str:
    call_type = str(required(item.event, "type"))
    name = str(required(item.event, "event")) if call_type == "track" else call_type
    kind = _folded(name) if call_type == "track" else name
    if not (kind in _ROWS or (call_type == kind == _PAGE)):
        return f"track: {name}" if call_type == "track" else call_type
    is_somebody = customer_id(pick(item.event, "userId")) or (item.customers.joins and pick(item.event, "anonymousId"))
    return kind if is_somebody else "anonymous"


def _occurred_at(item: ProviderEvent) -> float | str:
    """When it happened, by a clock that is right.

    A device that sends says when it did so by its own clock (``sentAt``). What that clock is ahead or behind is in
    ``timestamp`` as well, so the time is *received - (sentAt - timestamp)*. Segment's servers compute the same: what
    they pass on has an ``originalTimestamp`` or a ``receivedAt`` beside the ``timestamp``, which is right then.
    """
    message, received_ms = item.event, item.call.received_ms
    at = instant(required(message, "timestamp", "originalTimestamp"), "timestamp")
    at_ms = instant_ms(at)
    # of a batch, all calls are sent at once
    device_ms = instant_ms(pick(message, "sentAt") or (pick(item.body, "sentAt") if _is_batch(item.body) else None))
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


def _url(item: ProviderEvent) -> str | None:
    url = text(pick(item.event, "properties.url", "context.page.url"))
    return url if url is None or len(url) <= 8192 else None  # noqa: PLR2004 - the contract's limit


def _items(item: ProviderEvent) -> list[dict[str, object]] | None:
    products = pick(item.event, "properties.products")
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
    return items or None


def _order_id(item: ProviderEvent) -> str | None:
    """Version 1 says ``orderId``."""
    properties = pick(item.event, "properties")
    return text(pick(properties, "order_id", "orderId", "id") or required(properties, "order_id"))


def _amount(item: ProviderEvent, *, unsigned: bool) -> object:
    return amount(pick(item.event, *_AMOUNTS), unsigned=unsigned)


def _currency(item: ProviderEvent) -> object:
    """A refund without an amount is the whole order, in the order's currency."""
    if pick(item.event, *_AMOUNTS) is None:
        return None
    return currency(pick(item.event, "properties.currency"), _DEFAULT_CURRENCY)


def _product(properties: object) -> str | None:
    """Version 2 says ``product_id``, version 1 ``id``."""
    return label(pick(properties, "product_id", "productId", "id", "sku"))


def _previous(item: ProviderEvent, *, is_address: bool) -> str | None:
    """The id of before: an address or a cookie. Another number of the shop joins nobody: that takes a merge."""
    found = text(pick(item.event, "previousId"))
    return found if found is not None and ("@" in found) is is_address else None


def _user(item: ProviderEvent) -> str | None:
    return customer_id(pick(item.event, "userId"))


_AMOUNTS: Final = ("properties.total", "properties.revenue", "properties.value")

_CLICK: Final[Mapping[str, Reader]] = {
    "url": _url,
    "product_id": lambda item: _product(pick(item.event, "properties")),
    "category": labelled("properties.category"),
}
_ORDER: Final[Mapping[str, Reader]] = {
    "order_id": _order_id,
    "amount": partial(_amount, unsigned=False),
    "currency": _currency,
    "items": _items,
    "coupon": labelled("properties.coupon"),
}
#: Only what a completed order costs has a sign that means something: it must not be negative.
_UNDONE: Final[Mapping[str, Reader]] = {**_ORDER, "amount": partial(_amount, unsigned=True)}

#: By ``event`` of a ``track`` call.
NAMES: Final[Mapping[str, Row]] = MappingProxyType(
    {
        "products searched": Row(CLICK, "product_searched", _CLICK),
        "product list viewed": Row(CLICK, "product_list_viewed", _CLICK),
        "product list filtered": Row(CLICK, "product_list_viewed", _CLICK),
        "product category viewed": Row(CLICK, "product_list_viewed", _CLICK),
        "product viewed": Row(CLICK, "product_viewed", _CLICK),
        "product added": Row(CLICK, "product_added", _CLICK),
        "product removed": Row(CLICK, "product_removed", _CLICK),
        "cart viewed": Row(CLICK, "cart_viewed", _CLICK),
        "checkout started": Row(CLICK, "checkout_started", _CLICK),
        "coupon applied": Row(CLICK, "coupon_redeemed", _CLICK),
        "order completed": Row(PURCHASE, "completed", _ORDER),
        "order refunded": Row(PURCHASE, "refunded", _UNDONE),
        "order cancelled": Row(PURCHASE, "cancelled", _UNDONE),
        "order canceled": Row(PURCHASE, "cancelled", _UNDONE),
    }
)
#: By the spelling of ``event``, see `_spellings`. A page call is ``page``, which is no spelling of a track call.
_ROWS: Final = {spelling: row for name, row in NAMES.items() for spelling in _spellings(name)}

TABLE: Final = EventTable(
    provider="segment",
    one="a Segment call",
    rows=MappingProxyType({**_ROWS, _PAGE: Row(CLICK, "page_viewed", _CLICK)}),
    events=_calls,
    kind=_kind,
    identity=identified_by("messageId"),
    customer=lambda item: _user(item) or "",
    identifiers={
        "anonymous_id": texts("anonymousId"),
        "email": texts("context.traits.email", "properties.email"),
        "phone": texts("context.traits.phone", "properties.phone"),
    },
    links=MappingProxyType(
        {
            "identify": LinkRow(
                "identified",
                (
                    ("customer_id", _user),
                    ("anonymous_id", texts("anonymousId")),
                    ("email", texts("traits.email", "context.traits.email")),
                    ("phone", texts("traits.phone", "context.traits.phone")),
                ),
                identified_by("messageId"),
                _occurred_at,
            ),
            "alias": LinkRow(
                "alias",
                (
                    ("customer_id", _user),
                    ("email", partial(_previous, is_address=True)),
                    ("anonymous_id", partial(_previous, is_address=False)),
                ),
                identified_by("messageId"),
                _occurred_at,
            ),
        }
    ),
    occurred_at=_occurred_at,
    fields={"channel": labelled("channel")},
)


def _signed(call: Call) -> list[bytes]:
    """The body, or the first element of an array."""
    return [call.body, *_first_element(call.body)]


def _first_element(body: bytes) -> list[bytes]:
    """The bytes of the first element of a JSON array, as they are in it; none if ``body`` is no array of any."""
    if body.lstrip()[:1] != b"[":
        return []
    try:
        return [bytes(element).strip() for element in _ELEMENTS.decode(body)[:1]]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


#: HMAC-SHA1 with the shared secret, in hex. Of an array, Segment signs the first element only: the others are not
#: covered, and who could read the traffic could replace them. HTTPS keeps others from reading it.
_SIGNATURE: Final = Signature("X-Signature", from_header("x-signature"), _signed, digest="sha1", encoding="hex")

PROVIDER: Final = Provider("segment", TABLE.translate, signed("ingest_segment_secret", _SIGNATURE))
