"""Which fields of an event are encrypted, beside the ids of persons."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from stream.catalogue.declaring import Personal
from stream.catalogue.events import EVENT_TYPES, EventType
from stream.events.model import MAX_TEXT_CHARS

__all__ = ["CONCEALED", "EVENT_ID", "PERSONS", "PSEUDONYMS", "READABLE", "ConcealedField"]

_LABEL: Final = 256
_ID: Final = 100
#: No field has a limit of its own beyond that of the event.
_ANY: Final = 40_000


class ConcealedField(NamedTuple):
    """``limit``: characters that its contract allows. ``is_id``: equal ones must stay equal, whatever their length."""

    limit: int
    is_id: bool = False


#: Of the id of an event, in all types and wherever else one is named.
EVENT_ID: Final = ConcealedField(_ID, is_id=True)

_OWN: Final[Mapping[EventType, Mapping[str, ConcealedField]]] = {
    EventType.CLICK: {"url": ConcealedField(MAX_TEXT_CHARS), "session_id": ConcealedField(_LABEL, is_id=True)},
    EventType.EMAIL: {
        "message_id": ConcealedField(998, is_id=True),
        "campaign_id": ConcealedField(_LABEL, is_id=True),
        "text": ConcealedField(_ANY),
    },
    EventType.PURCHASE: {
        "order_id": ConcealedField(_ID, is_id=True),
        "coupon": ConcealedField(_LABEL, is_id=True),
    },
    EventType.FEEDBACK: {
        # as long as that of an order, so that the same order has the same id
        "order_id": ConcealedField(_ID, is_id=True),
        "ticket_id": ConcealedField(_LABEL, is_id=True),
        "text": ConcealedField(MAX_TEXT_CHARS),
    },
    EventType.INTERACTION: {
        "place": ConcealedField(_LABEL, is_id=True),
        "text": ConcealedField(MAX_TEXT_CHARS),
    },
    EventType.CONSENT: {
        "source": ConcealedField(_LABEL, is_id=True),
        "version": ConcealedField(_LABEL, is_id=True),
        "text": ConcealedField(MAX_TEXT_CHARS),
    },
}


def _of(event_type: EventType) -> Mapping[str, ConcealedField]:
    declared = {
        field.name: ConcealedField(field.max_length or _LABEL, is_id=True)
        for field in EVENT_TYPES[event_type].fields
        if field.type is str and field.personal is Personal.IDENTIFIES
    }
    return MappingProxyType({"event_id": EVENT_ID, **_OWN.get(event_type, {}), **declared})


#: Type -> field -> how it is encrypted. What is not here stays readable: times, names, amounts, and words of the shop.
CONCEALED: Final[Mapping[EventType, Mapping[str, ConcealedField]]] = MappingProxyType(
    {event_type: _of(event_type) for event_type in EventType}
)

#: Fields that are the id of another person.
PERSONS: Final = frozenset({"referred_id"})
#: Fields that have pseudonyms.
PSEUDONYMS: Final = PERSONS | {"customer_id", "identifiers"}

_ORDER: Final = "workers order and keep events by it"
_SUMS: Final = "features, models and sums are made of it"
_SHOP: Final = "a word of the shop, not of the person"
#: What describes a person and stays readable under the pseudonym, and why. Of types of packages: all that describes.
READABLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("occurred_at", "name"), _ORDER),
        **dict.fromkeys(("amount", "currency", "scale", "value", "language", "channel", "machine_open"), _SUMS),
        **dict.fromkeys(("purpose", "contact_channel"), "who uses data asks for it"),
        **dict.fromkeys(("items", "product_id", "category", "survey_id"), _SHOP),
    }
)
