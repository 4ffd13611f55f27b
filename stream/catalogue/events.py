"""Event types and names, the kinds under which the kernel knows them, and the channels in which they count.

Names follow the Segment e-commerce specification and the webhooks of mail providers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final

from stream.catalogue.declaring import MAX_NUMBERS, Channel, DeclaredType, EventName, Retention, Scale
from stream.catalogue.extension import extended

__all__ = [
    "CHANNELS",
    "CONTACT_CHANNELS",
    "EVENT_NAMES",
    "EVENT_TYPES",
    "KERNEL_TYPES",
    "PLACE_OF_CHANNEL",
    "PURPOSES",
    "SCALES",
    "EventKind",
    "EventType",
    "by_kind",
    "in_order",
]

_TYPES = (
    DeclaredType(
        "click",
        "What customers do on the site and in the app.",
        {"name": "product_viewed", "product_id": "p-7"},
        reference="product_id",
        in_kernel=True,
    ),
    DeclaredType(
        "email",
        "What becomes of e-mails.",
        {"name": "opened", "campaign_id": "spring"},
        reference="campaign_id",
        in_kernel=True,
    ),
    DeclaredType(
        "purchase",
        "What becomes of orders.",
        {"name": "completed", "order_id": "o-1", "amount": 49.9, "currency": "EUR"},
        reference="order_id",
        in_kernel=True,
        ids_are_plain=True,
    ),
    DeclaredType(
        "feedback",
        "What customers say: ratings, reviews, complaints, questions, answers to surveys.",
        {"name": "rated", "scale": "stars", "value": 4, "product_id": "p-7", "text": "Fits well."},
        reference="product_id",
        why="to know how satisfied customers are, and who waits for an answer",
    ),
    DeclaredType(
        "interaction",
        "What customers do elsewhere than on the site: in social networks, in the store, on the phone.",
        {"name": "visited", "channel": "store", "place": "Main Street"},
        reference="place",
        why="to know what customers do outside of the site",
    ),
    DeclaredType(
        "consent",
        "What customers agree to, and take back: for a purpose, on all channels or on one.",
        {"name": "granted", "purpose": "marketing", "contact_channel": "email", "source": "checkout", "version": "3"},
        reference="purpose",
        kept=Retention.DECISIONS,
        why="to show what a customer agreed to, and to obey it",
    ),
)

#: The order of the list is free: what is stored are the numbers.
_CHANNELS = (
    Channel("click", 0, is_fine=True),
    Channel("email", 1, is_fine=True),
    Channel("purchase", 2, is_fine=True, kept_by="stream.features.orders"),
    Channel("cart", 3),
)


def _site(name: str, *more: str, csv: tuple[str, ...] = ()) -> EventName:
    return EventName("click", name, name, ("click", *more), csv, is_interest=True)


#: The order of the list is free.
_NAMES = (
    _site("product_viewed"),
    _site("product_list_viewed"),
    _site("product_searched"),
    _site("product_added", "cart"),
    _site("product_removed"),
    _site("cart_viewed"),
    _site("checkout_started"),
    _site("coupon_redeemed", csv=("coupon_redeem",)),
    _site("page_viewed"),
    EventName("email", "sent", "email_sent"),
    EventName("email", "delivered", "email_delivered"),
    EventName("email", "opened", "email_opened", ("email",), is_interest=True),
    EventName("email", "opened", "email_machine_opened", variant="machine_open"),
    EventName("email", "clicked", "email_clicked", ("email",), is_interest=True),
    EventName("email", "bounced", "email_bounced"),
    EventName("email", "complained", "email_complained", is_leaving=True, says_so=True),
    EventName("email", "unsubscribed", "email_unsubscribed", is_leaving=True, says_so=True),
    EventName("email", "replied", "email_replied", ("email",), is_interest=True),
    EventName("purchase", "completed", "order_completed", ("purchase",), ("basket", "order")),
    EventName("purchase", "refunded", "order_refunded", (), ("return", "refund"), is_leaving=True),
    EventName("purchase", "cancelled", "order_cancelled", (), ("cancel", "canceled"), is_leaving=True),
    EventName("feedback", "rated", "feedback_rated"),
    EventName("feedback", "reviewed", "feedback_reviewed"),
    # the bare name is that of a complaint about an e-mail
    EventName("feedback", "complained", "feedback_complained", is_typed=True),
    EventName("feedback", "suggested", "feedback_suggested"),
    EventName("feedback", "praised", "feedback_praised"),
    EventName("feedback", "answered", "feedback_answered"),
    EventName("feedback", "asked", "feedback_asked"),
    EventName("feedback", "resolved", "feedback_resolved"),
    EventName("interaction", "liked", "interaction_liked"),
    EventName("interaction", "commented", "interaction_commented"),
    EventName("interaction", "shared", "interaction_shared"),
    EventName("interaction", "followed", "interaction_followed"),
    EventName("interaction", "mentioned", "interaction_mentioned"),
    EventName("interaction", "visited", "interaction_visited"),
    EventName("interaction", "called", "interaction_called"),
    EventName("interaction", "chatted", "interaction_chatted"),
    EventName("interaction", "met", "interaction_met"),
    EventName("interaction", "referred", "interaction_referred"),
    EventName("interaction", "booked", "interaction_booked"),
    EventName("interaction", "attended", "interaction_attended"),
    EventName("consent", "granted", "consent_granted"),
    EventName("consent", "withdrawn", "consent_withdrawn"),
)

#: What the scores of feedback count on. CSAT and CES as the books ask: 1 to 5 satisfied, 1 to 7 easy.
SCALES: Final[Mapping[str, Scale]] = MappingProxyType(
    {
        "stars": Scale(1, 5, "stars of a review"),
        "nps": Scale(0, 10, "would recommend (Net Promoter Score)"),
        "csat": Scale(1, 5, "satisfied (Customer Satisfaction)"),
        "ces": Scale(1, 7, "was easy (Customer Effort Score)"),
    }
)


#: What data of a customer may be used for, where the customer has a say.
PURPOSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "service": "messages about what the customer has ordered or asked",
        "marketing": "messages that are to sell something",
        "profiling": "scores of the customer, and models that learn from what the customer does",
    }
)
#: By what a customer may be contacted.
CONTACT_CHANNELS: Final = ("email", "sms", "phone", "post", "push")


class EventType(StrEnum):
    """The streams of events; each has its own topic."""

    CLICK = "click"
    EMAIL = "email"
    PURCHASE = "purchase"
    FEEDBACK = "feedback"
    INTERACTION = "interaction"
    CONSENT = "consent"
    # those of extensions
    vars().update({declared.name.upper(): declared.name for declared in extended().types})


class EventKind(IntEnum):
    """One code for each kind of event. Kernel expressions name them; they are stored nowhere."""

    PRODUCT_VIEWED = 0
    PRODUCT_LIST_VIEWED = 1
    PRODUCT_SEARCHED = 2
    PRODUCT_ADDED = 3
    PRODUCT_REMOVED = 4
    CART_VIEWED = 5
    CHECKOUT_STARTED = 6
    COUPON_REDEEMED = 7
    PAGE_VIEWED = 8
    EMAIL_SENT = 9
    EMAIL_DELIVERED = 10
    EMAIL_OPENED = 11
    EMAIL_MACHINE_OPENED = 12
    EMAIL_CLICKED = 13
    EMAIL_BOUNCED = 14
    EMAIL_COMPLAINED = 15
    EMAIL_UNSUBSCRIBED = 16
    EMAIL_REPLIED = 17
    ORDER_COMPLETED = 18
    ORDER_REFUNDED = 19
    ORDER_CANCELLED = 20
    FEEDBACK_RATED = 21
    FEEDBACK_REVIEWED = 22
    FEEDBACK_COMPLAINED = 23
    FEEDBACK_SUGGESTED = 24
    FEEDBACK_PRAISED = 25
    FEEDBACK_ANSWERED = 26
    FEEDBACK_ASKED = 27
    FEEDBACK_RESOLVED = 28
    INTERACTION_LIKED = 29
    INTERACTION_COMMENTED = 30
    INTERACTION_SHARED = 31
    INTERACTION_FOLLOWED = 32
    INTERACTION_MENTIONED = 33
    INTERACTION_VISITED = 34
    INTERACTION_CALLED = 35
    INTERACTION_CHATTED = 36
    INTERACTION_MET = 37
    INTERACTION_REFERRED = 38
    INTERACTION_BOOKED = 39
    INTERACTION_ATTENDED = 40
    CONSENT_GRANTED = 41
    CONSENT_WITHDRAWN = 42
    # those of extensions
    vars().update({declared.kind.upper(): 43 + k for k, declared in enumerate(extended().names)})


def in_order(channels: Iterable[Channel]) -> tuple[Channel, ...]:
    """Channels by number. Raises ValueError unless numbers are distinct, those of hour and minute tiles the lowest."""
    found = tuple(sorted(channels, key=lambda channel: channel.number))
    numbered = [(channel.number, channel.name) for channel in found]
    if not all(0 <= number < MAX_NUMBERS for number, _ in numbered):
        raise ValueError(f"the numbers of channels must be from 0 to {MAX_NUMBERS - 1}: {numbered}")
    if len({number for number, _ in numbered}) < len(found):
        raise ValueError(f"two channels have the same number: {numbered}")
    if [channel.is_fine for channel in found] != sorted((channel.is_fine for channel in found), reverse=True):
        raise ValueError("channels of hour and five-minute tiles must have the lowest numbers")
    return found


def by_kind(names: Iterable[EventName]) -> Mapping[EventKind, EventName]:
    """What is declared of each kind, by its code. Raises ValueError unless each kind is declared once."""
    found: dict[EventKind, EventName] = {}
    for name in names:
        kind = EventKind[name.kind.upper()]
        if kind in found:
            raise ValueError(f"two event names have the kind {name.kind}")
        found[kind] = name
    if missing := [kind.name for kind in EventKind if kind not in found]:
        raise ValueError(f"event kinds without a name: {', '.join(missing)}")
    return MappingProxyType(dict(sorted(found.items())))


def _checked(names: Iterable[EventName]) -> tuple[EventName, ...]:
    """``names``, with what extensions let them count. Raises ValueError for what does not fit together."""
    known = {channel.name: channel for channel in CHANNELS}
    found = tuple(replace(one, counts=(*one.counts, *_EXTENSION.counts.get(one.kind, ()))) for one in names)
    if unknown := set(_EXTENSION.counts) - {one.kind for one in found}:
        raise ValueError(f"there are no event kinds {', '.join(sorted(unknown))}")
    type_of: dict[str, str] = {}
    for one in found:
        if unknown := set(one.counts) - set(known):
            raise ValueError(f"{one.kind} counts in channels that are not declared: {', '.join(sorted(unknown))}")
        if not one.is_typed and type_of.setdefault(one.name, one.type) != one.type:
            raise ValueError(f"the event name {one.name} belongs to two types; an event need not state its type")
        if one.counts and not EVENT_TYPES[EventType(one.type)].in_kernel:
            raise ValueError(f"{one.kind} counts in a channel, but the kernel does not read events of type {one.type}")
    return found


_EXTENSION = extended()

EVENT_TYPES: Final[Mapping[EventType, DeclaredType]] = MappingProxyType(
    {EventType(declared.name): declared for declared in (*_TYPES, *_EXTENSION.types)}
)

#: The types whose topics the kernel reads, in the order of its inputs: by name, so that of declarations does not count.
KERNEL_TYPES: Final = tuple(sorted(t for t, declared in EVENT_TYPES.items() if declared.in_kernel))

#: By number; a channel's place here is its place in the tiles of a profile in memory.
CHANNELS: Final = in_order((*_CHANNELS, *_EXTENSION.channels))
PLACE_OF_CHANNEL: Final[Mapping[str, int]] = MappingProxyType({one.name: k for k, one in enumerate(CHANNELS)})

#: By code.
EVENT_NAMES: Final = by_kind(_checked((*_NAMES, *_EXTENSION.names)))
