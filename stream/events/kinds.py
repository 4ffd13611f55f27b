"""Event types and names, and the small integer codes under which the core knows them."""

from enum import IntEnum, StrEnum
from types import MappingProxyType

__all__ = ["KIND_OF", "EventKind", "EventType"]


class EventType(StrEnum):
    """The three streams of events; each has its own topic."""

    CLICK = "click"
    EMAIL = "email"
    PURCHASE = "purchase"


class EventKind(IntEnum):
    """One code for each (type, name). Codes are stored nowhere; the order is free to change."""

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


#: ``(type, name) -> kind``. An e-mail opened with ``machine_open`` becomes ``EMAIL_MACHINE_OPENED``.
KIND_OF = MappingProxyType(
    {
        **{(EventType.CLICK, kind.name.lower()): kind for kind in EventKind if kind <= EventKind.PAGE_VIEWED},
        **{
            (EventType.EMAIL, kind.name.lower().removeprefix("email_")): kind
            for kind in EventKind
            if EventKind.EMAIL_SENT <= kind <= EventKind.EMAIL_REPLIED and kind is not EventKind.EMAIL_MACHINE_OPENED
        },
        (EventType.PURCHASE, "completed"): EventKind.ORDER_COMPLETED,
        (EventType.PURCHASE, "refunded"): EventKind.ORDER_REFUNDED,
        (EventType.PURCHASE, "cancelled"): EventKind.ORDER_CANCELLED,
    }
)
