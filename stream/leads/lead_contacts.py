"""What is remembered of a person who has not ordered: by week, how the shop and they were in touch.

All of it merges: bits are or-ed, the week of the first order is the earliest. So events may come in any order and any
number of times, and the result is the same.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import msgspec

from stream.catalogue.events import EventKind, EventType
from stream.features.registry import DAY_MS

__all__ = [
    "CART",
    "CLICKED",
    "LEFT",
    "MAX_WEEKS",
    "OPENED",
    "SENT",
    "TALKED",
    "WEEK_MS",
    "LeadHistory",
    "begin_of",
    "contact_of",
    "days_of",
    "is_news",
    "meet",
    "order",
    "visit_days",
    "week_of",
]

WEEK_MS: Final = 7 * DAY_MS
#: The epoch is a Thursday, the day 3 of its week.
_EPOCH_DAY: Final = 3
#: A person who has been known for so long without an order is no lead any more.
MAX_WEEKS: Final = 104

#: Bits of a week: something in the cart, mails that came, were opened, clicked or replied to, were no longer wanted; a
#: talk, a visit to the store and all else beside site and mail.
CART, SENT, OPENED, CLICKED, LEFT, TALKED = (1 << bit for bit in range(6))
#: From here on: the days of the week with a visit to the site.
_DAYS_FROM: Final = 8

_MAILS: Final = MappingProxyType(
    {
        EventKind.EMAIL_OPENED: OPENED | SENT,
        EventKind.EMAIL_CLICKED: CLICKED | SENT,
        EventKind.EMAIL_REPLIED: CLICKED | SENT,
        EventKind.EMAIL_UNSUBSCRIBED: LEFT,
        EventKind.EMAIL_COMPLAINED: LEFT,
        # whom no mail reaches was not in touch
        EventKind.EMAIL_BOUNCED: 0,
    }
)
_IN_CART: Final = frozenset(
    {
        EventKind.PRODUCT_ADDED,
        EventKind.CART_VIEWED,
        EventKind.CHECKOUT_STARTED,
        EventKind.COUPON_REDEEMED,
    }
)


class LeadHistory(msgspec.Struct, omit_defaults=True):
    """``weeks``: what happened in each week (since the epoch, UTC) in which something did, as bits.

    ``ordered``: the week of the first order; from then on nothing is remembered.
    """

    customer_id: str = ""
    weeks: dict[int, int] = msgspec.field(default_factory=dict)
    ordered: int | None = None


def week_of(at_ms: int) -> int:
    """The number of the week; weeks begin on Mondays at 00:00 UTC, that of the epoch is 0.

    >>> week_of(0), week_of(4 * 86_400_000 - 1), week_of(4 * 86_400_000)
    (0, 0, 1)
    """
    return (at_ms // DAY_MS + _EPOCH_DAY) // 7


def begin_of(week: int) -> int:
    """When a week begins (ms).

    >>> week_of(begin_of(2_900)), week_of(begin_of(2_900) - 1)
    (2900, 2899)
    """
    return (7 * week - _EPOCH_DAY) * DAY_MS


def contact_of(event_type: EventType, kind: int, at_ms: int) -> int:
    """The bits of an event that is no purchase; 0 is no contact.

    >>> contact_of(EventType.EMAIL, EventKind.EMAIL_SENT, 0) == SENT
    True
    >>> days_of(contact_of(EventType.CLICK, EventKind.PAGE_VIEWED, 4 * 86_400_000))
    [0]
    """
    if event_type is EventType.CLICK:
        day = 1 << (_DAYS_FROM + (at_ms // DAY_MS + _EPOCH_DAY) % 7)
        return day | CART if kind in _IN_CART else day
    if event_type is EventType.EMAIL:
        return _MAILS.get(EventKind(kind), SENT)
    # an agreement is no talk, and taking one back even less
    return 0 if event_type is EventType.CONSENT else TALKED


def days_of(bits: int) -> list[int]:
    """The days of the week (0: Monday) with a visit to the site, in order."""
    return [day for day in range(7) if bits >> (_DAYS_FROM + day) & 1]


def visit_days(bits: int) -> int:
    """How many days of the week have a visit to the site."""
    return (bits >> _DAYS_FROM).bit_count()


def is_news(lead: LeadHistory, week: int, bits: int) -> bool:
    """Whether a contact of these bits in a week would be remembered, and is not."""
    if lead.ordered is not None and week >= lead.ordered:
        return False
    if lead.weeks and week >= min(lead.weeks) + MAX_WEEKS:
        return False
    return bool(bits & ~lead.weeks.get(week, 0))


def meet(lead: LeadHistory, week: int, bits: int) -> None:
    """Remember a contact."""
    if not is_news(lead, week, bits):
        return
    lead.weeks[week] = lead.weeks.get(week, 0) | bits
    _keep_before(lead, min(lead.weeks) + MAX_WEEKS)


def order(lead: LeadHistory, week: int) -> None:
    """Remember an order."""
    if lead.ordered is None or week < lead.ordered:
        lead.ordered = week
        _keep_before(lead, week)


def _keep_before(lead: LeadHistory, end: int) -> None:
    if lead.weeks and max(lead.weeks) >= end:
        lead.weeks = {week: bits for week, bits in lead.weeks.items() if week < end}
