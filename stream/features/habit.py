"""How often a customer usually orders, and how far behind that habit they are.

The habit is the median of the gaps between days with an order: one long holiday does not move it. The gaps of the 90
days before the newest event are known one by one, from the tiles; of the older ones only their number and their sum,
so they are taken to be exponential with that mean. `learn_habit` works it out for a profile.

Who has shown fewer than two gaps has the mean gap instead, shrunk to the shop's, as if they had shown `SHOP_WEIGHT`
gaps of the shop's length as well::

    habit = (span + k * shop_gap) / (order_days - 1 + k)

with the days from the first order to the last (``span``), the distinct days with an order, and ``k = SHOP_WEIGHT``:
the posterior mean of an exponential gap under its conjugate prior. `habits_after` gives the habits that customers had
after each of their orders.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from stream.compiling import jit
from stream.features.profile import DAY_TILES, PROFILE, PURCHASE, reset
from stream.features.registry import DAY_MS

__all__ = [
    "EARLY_HABITS",
    "LOST_HABITS",
    "RISK_POWER",
    "SHOP_GAP_DAYS",
    "SHOP_WEIGHT",
    "habit_days",
    "habits_after",
    "learn_habit",
    "lost_since",
    "overdue_habits",
]

#: The shop's usual gap between orders (days) where it is not known yet.
SHOP_GAP_DAYS: Final = 30.0
#: How many gaps of the shop's length count as if they were the customer's own.
SHOP_WEIGHT: Final = 1.0
#: Four of five next orders come between so many habits after the last one and `LOST_HABITS` (docs/learning.md).
EARLY_HABITS: Final = 0.25
#: A customer who has been silent for more habits than this is lost, not at risk.
LOST_HABITS: Final = 3.0

#: The power of the risk of churn in what is at stake for an alert (`stream.processing.policy`).
RISK_POWER: Final = 0.3

#: Two orders a day are one visit: no habit is shorter.
_SHORTEST_DAYS: Final = 1.0

#: Gaps that are known one by one lie in the days whose tiles are sure to be there.
_KNOWN_DAYS: Final = 90
#: Share of the own gaps that are shorter than a long one.
_LONG: Final = 0.8
#: Own gaps from which the shop's does not count any more.
_OWN_GAPS: Final = 2

Floats = npt.NDArray[np.float64]


@jit
def habit_days(span_days, order_days, shop_gap_days):  # type: ignore[no-untyped-def]
    """The usual gap (days) of a customer who ordered on ``order_days`` distinct days, ``span_days`` from first to last.

    >>> habit_days(84.0, 7, 30.0)  # six gaps of 14 days, and one of the shop's
    16.285714285714285
    >>> habit_days(0.0, 1, 30.0)  # one order shows no gap: the shop's
    30.0
    """
    if order_days <= 1:
        return max(shop_gap_days, _SHORTEST_DAYS)
    habit = (span_days + SHOP_WEIGHT * shop_gap_days) / (order_days - 1.0 + SHOP_WEIGHT)
    return max(habit, _SHORTEST_DAYS)


@jit
def _count_gaps(p):  # type: ignore[no-untyped-def]
    """Fill ``p.gap_count`` with the gaps of the known days; return their number and the first day of them, or -1."""
    for k in range(DAY_TILES):
        p.gap_count[k] = 0
    last = p.last_order_at // DAY_MS
    first = -1
    previous = -1
    gaps = 0
    for day in range(max(p.last_at // DAY_MS - _KNOWN_DAYS + 1, p.first_order_at // DAY_MS), last + 1):
        slot = day % DAY_TILES
        if p.day_stamp[slot] == day and p.day_count[slot, PURCHASE] > 0:
            if first < 0:
                first = day
            else:
                p.gap_count[day - previous] += 1
                gaps += 1
            previous = day
    return gaps, first


@jit
def _gap_of_rank(p, rank, older, mean):  # type: ignore[no-untyped-def]
    """The ``rank``-th (from 1) of the counted gaps and ``older`` exponential ones with that mean, in days."""
    target = rank - 0.5
    below = 0.0
    for gap in range(1, DAY_TILES):
        count = p.gap_count[gap]
        if count == 0:
            continue
        if target - below < older:
            between = -mean * math.log(1.0 - (target - below) / older)
            if between <= gap:
                return between
        below += count
        if below + (older * (1.0 - math.exp(-gap / mean)) if older > 0 else 0.0) >= target:
            return float(gap)
    return -mean * math.log(1.0 - (target - below) / older)


@jit
def _quantile(p, share, gaps, older, mean):  # type: ignore[no-untyped-def]
    """The gap (days) below which ``share`` of all ``gaps`` lie, linear between two of them."""
    position = share * (gaps - 1) + 1.0
    rank = int(position)
    low = _gap_of_rank(p, rank, older, mean)
    if position == rank:
        return low
    return low + (position - rank) * (_gap_of_rank(p, rank + 1, older, mean) - low)


@jit
def learn_habit(p, shop_gap_days):  # type: ignore[no-untyped-def]
    """Bring ``p.habit_days`` and ``p.long_gap_days`` (four of five own gaps are shorter) up to date."""
    if not p.habit_due and p.habit_shop_gap == shop_gap_days:
        return
    p.habit_due = False
    p.habit_shop_gap = shop_gap_days
    gaps = p.order_days - 1
    if p.orders == 0 or gaps < _OWN_GAPS:
        span = (p.last_order_at - p.first_order_at) / DAY_MS if p.orders > 0 else 0.0
        p.habit_days = habit_days(span, p.order_days, shop_gap_days)
        p.long_gap_days = p.habit_days * math.log(1.0 - _LONG) / math.log(0.5)
        return
    known, first = _count_gaps(p)
    if first < 0:
        first = p.last_order_at // DAY_MS
    older = max(gaps - known, 0)
    mean = max((first - p.first_order_at // DAY_MS) / max(older, 1), _SHORTEST_DAYS)
    p.habit_days = max(_quantile(p, 0.5, known + older, older, mean), _SHORTEST_DAYS)
    p.long_gap_days = max(_quantile(p, _LONG, known + older, older, mean), p.habit_days)


@jit
def lost_since(last_order_at, habit, horizon_ms):  # type: ignore[no-untyped-def]
    """The time (ms) after which the customer counts as lost: `LOST_HABITS` after the last order, at least a horizon.

    >>> lost_since(0, 14.0, 28 * DAY_MS) // DAY_MS, lost_since(0, 2.0, 28 * DAY_MS) // DAY_MS
    (42, 28)
    """
    return last_order_at + max(np.int64(LOST_HABITS * habit * DAY_MS), np.int64(horizon_ms))


def habits_after(customer: npt.NDArray[np.int64], at_ms: npt.NDArray[np.int64], shop_gap_days: float) -> Floats:
    """The habit (days) of the customer of each order, as it was after that order, float64[N].

    ``customer``, ``at_ms``: int64[N], orders by customer and then by time. Nothing but orders is known here, so the 90
    days end with the last order.

    >>> day = np.array([0, 10, 24, 30, 0]) * DAY_MS
    >>> habits_after(np.array([0, 0, 0, 0, 1]), day, 30.0)
    array([30., 20., 12., 10., 30.])
    """
    habits = np.zeros(len(at_ms))
    _fill_habits(np.zeros(1, PROFILE), customer, at_ms, shop_gap_days, habits)
    return habits


@jit
def _fill_habits(working, customer, at_ms, shop_gap_days, habits):  # type: ignore[no-untyped-def]
    p = working[0]
    for row in range(at_ms.shape[0]):
        at = at_ms[row]
        if row == 0 or customer[row] != customer[row - 1]:
            reset(p, 0)
            p.first_order_at = at
        day = at // DAY_MS
        slot = day % DAY_TILES
        if p.day_stamp[slot] != day:
            p.day_stamp[slot] = day
            p.order_days += 1
        p.day_count[slot, PURCHASE] = 1
        p.orders += 1
        p.last_order_at = at
        p.last_at = at
        p.habit_due = True
        learn_habit(p, shop_gap_days)
        habits[row] = p.habit_days


def overdue_habits(days_since_order: npt.ArrayLike, habit: npt.ArrayLike) -> Floats:
    """How many habits have passed since the last order, elementwise; NaN without an order.

    >>> overdue_habits([86.0, 7.0], [14.0, 14.0])
    array([6.14285714, 0.5       ])
    """
    return np.asarray(np.asarray(days_since_order, np.float64) / np.asarray(habit, np.float64))
