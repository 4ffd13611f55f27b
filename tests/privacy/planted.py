"""A person with something unmistakable in every field of every event."""

import time
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import msgspec

from stream.client import (
    ClickEvent,
    EmailEvent,
    FeedbackEvent,
    Identifiers,
    InteractionEvent,
    Item,
    PurchaseEvent,
)
from stream.events.model import CONTRACT_OF, ConsentEvent, Event

__all__ = ["IDENTIFIERS", "PERSON", "events", "planted_fields", "planted_in", "texts_of"]

PERSON = "canary-person-7f3a"
#: In clear; topics and stores have hashes of them only.
IDENTIFIERS = {
    "email": "canary-mail-91c2@example.com",
    "handle": "@canary_handle_55aa",
    "anonymous_id": "canary-cookie-0b7e",
}
#: Of a closed list of words, or a form that has no room for a canary.
_FIXED = {
    "name",
    "scale",
    "language",
    "currency",
    "purpose",
    "contact_channel",
    "identifiers",
    "customer_id",
    "occurred_at",
}
#: Words of the shop, which stay in counts over all customers.
_SHOPS = {"product_id", "category", "channel", "survey_id"}
_ASKED_AT = time.time() - 3600


def planted_fields(event_type: str, contract: type[Event]) -> dict[str, str]:
    """Something unmistakable for each field of a contract that holds a text of the sender's own."""
    names = [field.name for field in msgspec.structs.fields(contract) if _is_text(field.type)]
    return {
        name: f"{'shop' if name in _SHOPS else 'canary'}-{event_type}-{name}-x" for name in names if name not in _FIXED
    }


def _is_text(declared: Any) -> bool:
    """Whether text is among the types of a field, and not in a list."""
    if get_origin(declared) is Literal:
        return False
    return declared is str or (get_origin(declared) is not tuple and any(map(_is_text, get_args(declared))))


def events() -> list[Event]:
    """An event of every type, and a few more so that the core scores the person."""
    needed: dict[type[Event], dict[str, Any]] = {
        ClickEvent: {"name": "product_viewed"},
        EmailEvent: {"name": "replied"},
        PurchaseEvent: {
            "name": "completed",
            "amount": 12.5,
            "currency": "EUR",
            "items": (Item(product_id="shop-item-product-x", category="shop-item-category-x"),),
        },
        FeedbackEvent: {"name": "rated", "scale": "stars", "value": 1.0, "language": "en"},
        InteractionEvent: {"name": "commented", "language": "en"},
        ConsentEvent: {"name": "granted", "purpose": "marketing"},
    }
    made: list[Event] = []
    for number, (event_type, contract) in enumerate(CONTRACT_OF.items()):
        fields: dict[str, Any] = {**planted_fields(event_type.value, contract), **needed[contract]}
        made.append(
            contract(
                customer_id=PERSON,
                occurred_at=_ASKED_AT + number,
                identifiers=Identifiers(**IDENTIFIERS),
                **fields,
            )
        )
    return made


def texts_of(made: list[Event]) -> Iterator[str]:
    """Every canary that is in the events as such."""
    for event in made:
        yield from planted_fields(_type_of(event), type(event)).values()
    yield "shop-item-product-x"
    yield "shop-item-category-x"


def planted_in(data: bytes) -> list[str]:
    """What is found in bytes that must not have anything of the person."""
    wanted = [b"canary-", b"canary_"]
    return [data[max(at - 60, 0) : at + 60].decode(errors="replace") for one in wanted if (at := data.find(one)) >= 0]


def _type_of(event: Event) -> str:
    return next(event_type.value for event_type, contract in CONTRACT_OF.items() if contract is type(event))
