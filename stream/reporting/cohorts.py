"""Retention by cohort: of the customers who came in one month, how many ordered in each month after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np
from msgspec import Struct

from stream.reporting.order_log import Orders
from stream.reporting.writing import Writing

__all__ = ["MAX_AGE", "Cohort", "cohorts"]

#: Months after the first that are shown, and so many cohorts.
MAX_AGE: Final = 12


class Cohort(Struct, frozen=True):
    """``customers`` whose first order was in the period (a month, or a week) that begins on ``begin``.

    ``ordered[k]``: how many of them ordered k + 1 periods later; the last period may not be over.
    """

    begin: date
    customers: int
    ordered: Sequence[int]


def cohorts(orders: Orders, now_ms: int, writing: Writing) -> list[Cohort]:
    """The latest `MAX_AGE` + 1 cohorts, by calendar month of the shop; oldest first."""
    if not len(orders.at_ms):
        return []
    begins = _months(int(orders.at_ms.min()), now_ms, writing)
    edges = np.array([writing.midnight_ms(day) for day in begins])
    month = np.searchsorted(edges, orders.at_ms, side="right") - 1
    first = np.searchsorted(edges, orders.first_ms, side="right") - 1
    # one row for each customer and month with an order
    pairs = np.unique(orders.customer * len(begins) + month, return_index=True)[1]
    age = (month - first)[pairs]
    of = first[pairs]
    found = []
    for k in range(max(len(begins) - MAX_AGE - 1, 0), len(begins)):
        counts = np.bincount(age[of == k], minlength=len(begins) - k)
        if counts[0]:
            found.append(Cohort(begins[k], int(counts[0]), [int(n) for n in counts[1 : MAX_AGE + 1]]))
    return found


def _months(first_ms: int, now_ms: int, writing: Writing) -> list[date]:
    day, last = writing.day_of(first_ms).replace(day=1), writing.day_of(now_ms)
    begins = []
    while day <= last:
        begins.append(day)
        day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return begins
