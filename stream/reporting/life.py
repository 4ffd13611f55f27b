"""How many customers were active, at risk and lost over time, by the habit each had then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from stream.features.habit import habits_after
from stream.features.registry import DAY_MS
from stream.reporting.assess import OVERDUE_HABITS, Standing, standing_of
from stream.reporting.order_log import Orders

__all__ = ["Life", "standing_at"]


class Life(Struct, frozen=True):
    """Customers by standing at one time."""

    at_ms: int
    active: int
    at_risk: int
    lost: int


def standing_at(
    orders: Orders,
    times_ms: Sequence[int],
    *,
    shop_gap_days: float,
    horizon_days: float,
    overdue: float = OVERDUE_HABITS,
) -> list[Life]:
    """Count at each of ``times_ms``, from the orders until then; the shop's gap is that of today."""
    visits = _Visits.of(orders, shop_gap_days)
    return [visits.count(at_ms, horizon_days, overdue) for at_ms in times_ms]


class _Visits(Struct, frozen=True):
    """The orders of each customer, with the habit that they had from each on, and the time of the next."""

    at_ms: npt.NDArray[np.int64]
    next_ms: npt.NDArray[np.int64]
    habit: npt.NDArray[np.float64]

    @classmethod
    def of(cls, orders: Orders, shop_gap_days: float) -> _Visits:
        customer, at_ms = orders.customer, orders.at_ms
        is_same = customer[1:] == customer[:-1]
        next_ms = np.full(len(at_ms), np.iinfo(np.int64).max)
        next_ms[:-1][is_same] = at_ms[1:][is_same]
        return cls(at_ms, next_ms, habits_after(customer, at_ms, shop_gap_days))

    def count(self, at_ms: int, horizon_days: float, overdue: float) -> Life:
        now = (self.at_ms <= at_ms) & (at_ms < self.next_ms)
        silent = (at_ms - self.at_ms[now]) / DAY_MS
        counts = np.bincount(standing_of(silent, self.habit[now], horizon_days, overdue), minlength=len(Standing))
        return Life(at_ms, *(int(counts[standing]) for standing in (Standing.ACTIVE, Standing.AT_RISK, Standing.LOST)))
