"""How a shop has sold: by calendar month (or week, in a young shop), and in the last 30 days beside the 30 before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
from msgspec import Struct

from stream.events.columns import MONEY_SCALE
from stream.features.registry import DAY_MS
from stream.reporting.order_log import Orders
from stream.reporting.writing import Writing

__all__ = ["MAX_MONTHS", "Period", "Sales", "Totals", "calendar", "period_ends", "sales"]

#: Shops younger than this are shown by week.
_YOUNG_DAYS: Final = 120
#: The latest so many months are shown.
MAX_MONTHS: Final = 24
_RECENT_DAYS: Final = 30


class Totals(Struct, frozen=True):
    """A span of time. ``revenue``: orders less refunds; ``average_order``: before refunds, null without an order.

    ``new`` customers made their first order in it, ``returning`` ones ordered in it and before it.
    """

    revenue: float
    orders: int
    new: int
    returning: int
    average_order: float | None


class Period(Struct, frozen=True):
    """A month or a week. ``complete``: it is over."""

    begin: date
    totals: Totals
    complete: bool


class Sales(Struct, frozen=True):
    """Everything (``whole``), the last 30 days (``recent``) and the 30 days ``before`` them.

    ``repeat_rate``: share of the customers with more than one order. ``weekly``: ``periods`` are weeks, else months.
    """

    first_ms: int
    last_ms: int
    customers: int
    repeat_rate: float
    whole: Totals
    recent: Totals
    before: Totals
    weekly: bool
    periods: Sequence[Period]


def totals(orders: Orders, begin_ms: int, end_ms: int) -> Totals:
    """Count from ``begin_ms`` to before ``end_ms``."""
    within = (orders.at_ms >= begin_ms) & (orders.at_ms < end_ms)
    amounts = orders.amount[within]
    priced = amounts[amounts >= 0]
    new = within & (orders.first_ms >= begin_ms)
    count_new = len(np.unique(orders.customer[new]))
    return Totals(
        revenue=orders.revenue(begin_ms, end_ms),
        orders=int(within.sum()),
        new=count_new,
        returning=len(np.unique(orders.customer[within])) - count_new,
        average_order=int(priced.sum()) / len(priced) / MONEY_SCALE if len(priced) else None,
    )


def calendar(first_ms: int, now_ms: int, writing: Writing) -> tuple[bool, list[date]]:
    """Whether periods are weeks, and the days on which they begin; the last day is that after the last period."""
    first, last = writing.day_of(first_ms), writing.day_of(now_ms)
    weekly = (now_ms - first_ms) / DAY_MS < _YOUNG_DAYS
    begin = first - timedelta(days=first.weekday()) if weekly else first.replace(day=1)
    begins = [begin]
    while begins[-1] <= last:
        begins.append(begins[-1] + timedelta(days=7) if weekly else _next_month(begins[-1]))
    return weekly, begins[-MAX_MONTHS - 1 :]


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def sales(orders: Orders, now_ms: int, writing: Writing) -> Sales | None:
    """Count ``orders`` (none of them later than ``now_ms``); None without an order."""
    if not len(orders.at_ms):
        return None
    first_ms, last_ms = int(orders.at_ms.min()), int(orders.at_ms.max())
    weekly, begins = calendar(first_ms, now_ms, writing)
    edges = [writing.midnight_ms(day) for day in begins]
    counts = np.unique(orders.customer, return_counts=True)[1]
    recent_ms = now_ms + 1 - _RECENT_DAYS * DAY_MS
    return Sales(
        first_ms=first_ms,
        last_ms=last_ms,
        customers=len(counts),
        repeat_rate=float((counts > 1).mean()),
        whole=totals(orders, 0, now_ms + 1),
        recent=totals(orders, recent_ms, now_ms + 1),
        before=totals(orders, recent_ms - _RECENT_DAYS * DAY_MS, recent_ms),
        weekly=weekly,
        periods=[
            Period(day, totals(orders, begin, end), complete=end <= now_ms)
            for day, begin, end in zip(begins[:-1], edges[:-1], edges[1:], strict=True)
        ],
    )


def period_ends(found: Sales, now_ms: int, writing: Writing) -> list[int]:
    """The last moment (ms) of each period, ``now_ms`` for the one that is not over."""
    begins = [writing.midnight_ms(period.begin) for period in found.periods]
    return [begin - 1 for begin in begins[1:]] + [now_ms]
