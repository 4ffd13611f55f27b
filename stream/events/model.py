"""The event contract: what producers publish, one JSON object per record, keyed by customer.

Unknown extra fields are ignored, so producers may add their own. Optional fields may be absent or null.
``name`` values follow the Segment e-commerce specification and the webhooks of mail providers.
"""

from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, cast

import msgspec
from msgspec import Meta, Struct

from stream.catalogue.declaring import DeclaredType
from stream.catalogue.events import CONTACT_CHANNELS, EVENT_NAMES, EVENT_TYPES, PURPOSES, SCALES, EventType

__all__ = [
    "CONTRACT_OF",
    "EARLIEST_MS",
    "LATEST_MS",
    "MAX_AMOUNT",
    "MAX_TEXT_CHARS",
    "ClickEvent",
    "ConsentEvent",
    "EmailEvent",
    "Event",
    "FeedbackEvent",
    "Identifiers",
    "Instant",
    "InteractionEvent",
    "Item",
    "PurchaseEvent",
]

#: 1990-01-01T00:00:00Z. Anything before it is a broken clock, unless the setting `earliest_year` says otherwise.
EARLIEST_MS = 631_152_000_000

#: 2100-01-01T00:00:00Z. No record is believed to have been appended after it.
LATEST_MS = 4_102_444_800_000

#: The largest credible amount, in major units; more is a price in the wrong unit.
MAX_AMOUNT = 1e9

#: The longest text of a customer; more is a document, and no event.
MAX_TEXT_CHARS = 8192

# Those that `stream.events.decode` refuses, and characters that turn the direction of writing. A look-ahead, because
# "$" also matches before a final newline in some dialects.
_NO_CONTROL_CHARACTERS = {
    "pattern": r"^(?![\s\S]*[\u0000-\u001f\u0080-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069])"
}

CustomerId = Annotated[str, Meta(min_length=1, max_length=128, extra_json_schema=_NO_CONTROL_CHARACTERS)]
Id = Annotated[str, Meta(min_length=1, max_length=100, extra_json_schema=_NO_CONTROL_CHARACTERS)]
Instant = (
    Annotated[datetime, Meta(tz=True, description="RFC 3339, with offset")]
    | Annotated[
        float,
        Meta(description="seconds since the epoch", extra_json_schema={"minimum": EARLIEST_MS / 1000}),
    ]
)
Amount = Annotated[float, Meta(ge=0.0, le=MAX_AMOUNT, description="in major units")]
Currency = Annotated[str, Meta(description="ISO 4217", extra_json_schema={"pattern": "^[A-Z]{3}$", "maxLength": 3})]
Label = Annotated[str, Meta(max_length=256)]
MessageId = Annotated[str, Meta(max_length=998)]
Text = Annotated[str, Meta(max_length=MAX_TEXT_CHARS, description="what the customer wrote or said")]
# The look-ahead is the end of the text: "$" also matches before a final newline in some dialects.
Language = Annotated[
    str,
    Meta(
        max_length=35,
        pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*(?![\s\S])",
        description="BCP 47, as en or pt-BR",
    ),
]

#: An identifier as topics hold it: a keyed hash (`stream.identity.sealing`), so that none is ever stored in clear.
Token = Annotated[
    str,
    Meta(pattern=r"^h1_[A-Za-z0-9_-]{22}(?![\s\S])", description="h1_ and the keyed hash of an identifier"),
]

_HAPPENED: Final = "what happened"


def _about(meaning: str) -> Meta:
    return Meta(description=meaning)


def _names(event_type: EventType) -> Any:
    """The type of the names that are declared for a type of events, in the order of their kinds."""
    return Literal[tuple(one.name for one in EVENT_NAMES.values() if one.type == event_type and not one.variant)]


if TYPE_CHECKING:
    # what editors and type checkers show; a test compares it with the declarations
    ClickName = Literal[
        "product_viewed",
        "product_list_viewed",
        "product_searched",
        "product_added",
        "product_removed",
        "cart_viewed",
        "checkout_started",
        "coupon_redeemed",
        "page_viewed",
    ]
    EmailName = Literal["sent", "delivered", "opened", "clicked", "bounced", "complained", "unsubscribed", "replied"]
    PurchaseName = Literal["completed", "refunded", "cancelled"]
    FeedbackName = Literal["rated", "reviewed", "complained", "suggested", "praised", "answered", "asked", "resolved"]
    InteractionName = Literal[
        "liked",
        "commented",
        "shared",
        "followed",
        "mentioned",
        "visited",
        "called",
        "chatted",
        "met",
        "referred",
        "booked",
        "attended",
    ]
    ConsentName = Literal["granted", "withdrawn"]
    ScaleName = Literal["stars", "nps", "csat", "ces"]
    PurposeName = Literal["service", "marketing", "profiling"]
    ContactChannel = Literal["email", "sms", "phone", "post", "push"]
else:
    ClickName = _names(EventType.CLICK)
    EmailName = _names(EventType.EMAIL)
    PurchaseName = _names(EventType.PURCHASE)
    FeedbackName = _names(EventType.FEEDBACK)
    InteractionName = _names(EventType.INTERACTION)
    ConsentName = _names(EventType.CONSENT)
    ScaleName = Literal[tuple(SCALES)]
    PurposeName = Literal[tuple(PURPOSES)]
    ContactChannel = Literal[CONTACT_CHANNELS]


class Identifiers(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Other identifiers of the customer.

    Topics hold tokens. Client, HTTP endpoint and readers of logs take identifiers in clear and make tokens of them.
    """

    card: Annotated[Token | None, _about("of a loyalty card")] = None
    email: Annotated[Token | None, _about("of an e-mail address")] = None
    phone: Annotated[Token | None, _about("of a telephone number")] = None
    handle: Annotated[Token | None, _about("of a name in a social network")] = None
    anonymous_id: Annotated[Token | None, _about("of a visitor who has not logged in, as a cookie tells it")] = None


class Event(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The fields that all events share."""

    event_id: Annotated[Id, _about("a second event of the type with the id of a known one is dropped")]
    customer_id: Annotated[CustomerId, _about("whose event it is; equals the record key")]
    occurred_at: Annotated[Instant, _about("event time: when it happened")]
    channel: Annotated[Label | None, _about("by which way it came, such as web, email, phone or store")] = None
    identifiers: Annotated[Identifiers | None, _about("by what else the customer is known")] = None

    if TYPE_CHECKING:

        @property
        def name(self) -> str:
            """What happened; each type of events has its own names."""
            raise NotImplementedError


class ClickEvent(Event, frozen=True, kw_only=True, gc=False):
    """Something a customer did on the site, in the app or with a coupon."""

    name: Annotated[ClickName, _about(_HAPPENED)]
    url: Annotated[Annotated[str, Meta(max_length=8192)] | None, _about("the page")] = None
    product_id: Annotated[Label | None, _about("the product that it is about")] = None
    category: Annotated[Label | None, _about("the category of the product or of the list")] = None
    session_id: Annotated[Label | None, _about("the visit to which it belongs")] = None


class EmailEvent(Event, frozen=True, kw_only=True, gc=False):
    """What became of an e-mail."""

    name: Annotated[EmailName, _about(_HAPPENED)]
    campaign_id: Annotated[Label | None, _about("the mailing to which it belongs")] = None
    message_id: Annotated[MessageId | None, _about("the message, as its sender names it")] = None
    machine_open: Annotated[bool | None, _about("opened by a proxy or scanner, not by a person")] = False
    text: Annotated[str | None, _about("what the customer replied")] = None


class Item(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One line of an order."""

    product_id: Annotated[Label, _about("the product")]
    quantity: Annotated[float | None, _about("how many, or how much")] = None
    price: Annotated[float | None, _about("of one, in the currency of the order")] = None
    category: Annotated[Label | None, _about("the category of the product")] = None


class PurchaseEvent(Event, frozen=True, kw_only=True):
    """What became of an order.

    ``completed``: told again of the same ``order_id``, it is the same order; the newest ``amount`` wins. Without an
    ``amount`` it counts as an order, and not as money. ``refunded``: the refund, as a positive amount; without one, all
    that is left of the order with that ``order_id``, which must have been told within 90 days. ``cancelled`` retracts
    the order with that ``order_id`` whole. An ``amount`` needs its ``currency``.
    """

    name: Annotated[PurchaseName, _about(_HAPPENED)]
    order_id: Annotated[Id, _about("the order, the same in all events about it")]
    amount: Annotated[Amount | None, _about("what the order costs, or what is refunded")] = None
    currency: Annotated[Currency | None, _about("of the amount")] = None
    items: Annotated[tuple[Item, ...] | None, _about("what was ordered")] = None
    coupon: Annotated[Label | None, _about("the coupon that was redeemed")] = None


class FeedbackEvent(Event, frozen=True, kw_only=True, gc=False):
    """What a customer said about a product, an order or the shop.

    A ``scale`` and a ``value`` go together, and ``rated`` needs both. ``answered``: a survey. ``asked``: a question or
    a ticket of the customer, which ``resolved`` closes. With a ``survey_id`` and without a ``ticket_id`` it is the shop
    that asked: who then sends no feedback with that ``survey_id`` did not answer.
    """

    name: Annotated[FeedbackName, _about(_HAPPENED)]
    scale: Annotated[ScaleName | None, _about("what the score counts on")] = None
    value: Annotated[float | None, _about("the score")] = None
    text: Annotated[Text | None, _about("stays as it is: send what the shop may keep")] = None
    language: Annotated[Language | None, _about("of the text")] = None
    product_id: Annotated[Label | None, _about("the product that it is about")] = None
    order_id: Annotated[Label | None, _about("the order that it is about")] = None
    survey_id: Annotated[Label | None, _about("the round of a survey that asked, or that is answered")] = None
    ticket_id: Annotated[Label | None, _about("the question or complaint to which it belongs")] = None
    category: Annotated[Label | None, _about("what people have filed it, or its ticket, under")] = None


class InteractionEvent(Event, frozen=True, kw_only=True, gc=False):
    """What a customer did elsewhere than on the site: in a social network, in the store, on the phone.

    ``referred`` needs ``referred_id``.
    """

    name: Annotated[InteractionName, _about(_HAPPENED)]
    place: Annotated[Label | None, _about("where it was, such as the store or the network")] = None
    product_id: Annotated[Label | None, _about("the product that it is about")] = None
    text: Annotated[Text | None, _about("stays as it is: send what the shop may keep")] = None
    language: Annotated[Language | None, _about("of the text")] = None
    referred_id: Annotated[CustomerId | None, _about("whom the customer brought, as a pseudonym")] = None


class ConsentEvent(Event, frozen=True, kw_only=True, gc=False):
    """What a customer agreed to, or takes back."""

    name: Annotated[ConsentName, _about(_HAPPENED)]
    purpose: Annotated[PurposeName, _about("what the data may be used for")]
    contact_channel: Annotated[ContactChannel | None, _about("for which channel it holds; without one for all")] = None
    source: Annotated[Label | None, _about("where the customer said so")] = None
    version: Annotated[Label | None, _about("which wording was agreed to")] = None
    text: Annotated[Annotated[str, Meta(max_length=MAX_TEXT_CHARS)] | None, _about("the wording itself")] = None


def _contract(event_type: EventType, declared: DeclaredType) -> type[Event]:
    """The contract of a type that has its fields in its declaration only."""
    types: list[Any] = [
        Annotated[str, Meta(max_length=field.max_length)] if field.type is str else field.type
        for field in declared.fields
    ]
    fields: list[tuple[str, Any, None]] = [
        (field.name, Annotated[of | None, _about(field.description)] if field.description else of | None, None)
        for field, of in zip(declared.fields, types, strict=True)
    ]
    contract: Any = msgspec.defstruct(
        f"{event_type.title().replace('_', '')}Event",
        [("name", Annotated[_names(event_type), _about(_HAPPENED)]), *fields],
        bases=(Event,),
        namespace={"__doc__": declared.description},
        module=__name__,
        frozen=True,
        kw_only=True,
        gc=False,
    )
    return cast(type[Event], contract)


_WITH_CLASSES: Final[dict[EventType, type[Event]]] = {
    EventType.CLICK: ClickEvent,
    EventType.EMAIL: EmailEvent,
    EventType.PURCHASE: PurchaseEvent,
    EventType.FEEDBACK: FeedbackEvent,
    EventType.INTERACTION: InteractionEvent,
    EventType.CONSENT: ConsentEvent,
}

#: The contract of each type of events.
CONTRACT_OF: Final = MappingProxyType(
    {
        event_type: _WITH_CLASSES.get(event_type) or _contract(event_type, declared)
        for event_type, declared in EVENT_TYPES.items()
    }
)
