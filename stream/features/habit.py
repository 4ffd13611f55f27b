"""How often a customer usually orders, and how far behind that habit they are.

The habit is the mean gap between days with an order, shrunk to the shop's usual gap, as if the customer had shown
`SHOP_WEIGHT` gaps of the shop's length as well::

    habit = (span + k * shop_gap) / (order_days - 1 + k)

with the days from the first order to the last (``span``), the distinct days with an order, and ``k = SHOP_WEIGHT``.
It is the posterior mean of an exponential gap under its conjugate prior. The compiled functions take one customer, the
others (plural names) arrays of them.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from stream.compiling import jit
from stream.features.registry import DAY_MS

__all__ = [
    "LOST_HABITS",
    "SHOP_GAP_DAYS",
    "SHOP_WEIGHT",
    "habit_days",
    "habits_days",
    "lost_since",
    "overdue_habits",
    "profile_habit_days",
]

#: The shop's usual gap between orders (days) where it is not known yet.
SHOP_GAP_DAYS: Final = 30.0
#: How many gaps of the shop's length count as if they were the customer's own.
SHOP_WEIGHT: Final = 1.0
#: A customer who has been silent for more habits than this is lost, not at risk.
LOST_HABITS: Final = 3.0

#: Two orders a day are one visit: no habit is shorter.
_SHORTEST_DAYS: Final = 1.0

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
def profile_habit_days(p, shop_gap_days):  # type: ignore[no-untyped-def]
    """The usual gap (days) of the customer of a PROFILE record; the shop's before an order."""
    if p.orders == 0:
        return habit_days(0.0, 0, shop_gap_days)
    return habit_days((p.last_order_at - p.first_order_at) / DAY_MS, p.order_days, shop_gap_days)


@jit
def lost_since(last_order_at, habit, horizon_ms):  # type: ignore[no-untyped-def]
    """The time (ms) after which the customer counts as lost: `LOST_HABITS` after the last order, at least a horizon.

    >>> lost_since(0, 14.0, 28 * DAY_MS) // DAY_MS, lost_since(0, 2.0, 28 * DAY_MS) // DAY_MS
    (42, 28)
    """
    return last_order_at + max(np.int64(LOST_HABITS * habit * DAY_MS), np.int64(horizon_ms))


def habits_days(span_days: npt.ArrayLike, order_days: npt.ArrayLike, shop_gap_days: float) -> Floats:
    """`habit_days` of many customers, elementwise.

    >>> habits_days([84.0, 0.0], [7, 1], 30.0)
    array([16.28571429, 30.        ])
    """
    days = np.asarray(order_days, np.float64)
    gaps = np.maximum(days - 1.0, 0.0)
    span = np.where(gaps > 0.0, np.asarray(span_days, np.float64), 0.0)
    return np.asarray(np.maximum((span + SHOP_WEIGHT * shop_gap_days) / (gaps + SHOP_WEIGHT), _SHORTEST_DAYS))


def overdue_habits(days_since_order: npt.ArrayLike, habit: npt.ArrayLike) -> Floats:
    """How many habits have passed since the last order, elementwise; NaN without an order.

    >>> overdue_habits([86.0, 7.0], [14.0, 14.0])
    array([6.14285714, 0.5       ])
    """
    return np.asarray(np.asarray(days_since_order, np.float64) / np.asarray(habit, np.float64))
