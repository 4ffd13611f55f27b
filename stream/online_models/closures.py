"""Days on which a shop was closed, told by the orders that did not come.

While a shop is closed, as over Christmas, everybody is silent, and a purchase process that is fitted to these days
takes its customers for gone: nothing tells it otherwise in a young log. So closures do not count when it is fitted.

A closure is three days in a row or more, on each of which no order is known although `EXPECTED` would be: by chance a
day has none with probability exp(-EXPECTED), less than one in a thousand. Weekly closing days are part of the shop's
pace. Orders become known at the customers' weekly landmarks, so of a day *k* days ago *k* sevenths are known.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct, field

from stream.features.registry import DAY_MS

__all__ = ["EXPECTED", "OrderDays"]

EXPECTED: Final = 7.0
_DAYS_IN_A_ROW: Final = 3
_LANDMARK_DAYS: Final = 7
#: Days that are kept.
_KEPT: Final = 3 * 365

Integers = npt.NDArray[np.int64]


class OrderDays(Struct, kw_only=True):
    """Orders that are known of each day since the epoch; days without any are not in ``orders``. Stored unchanged."""

    orders: dict[int, int] = field(default_factory=dict)

    def count(self, at_ms: int) -> None:
        """One more order, at ``at_ms``."""
        day = at_ms // DAY_MS
        if day not in self.orders:
            for old in [old for old in self.orders if old <= day - _KEPT]:
                del self.orders[old]
        self.orders[day] = self.orders.get(day, 0) + 1

    def closed(self, now_ms: int) -> Integers:
        """The days of closures before ``now_ms``, ascending, int64[days]."""
        today = now_ms // DAY_MS
        known = np.array(sorted(self.orders.items()), np.int64).reshape(-1, 2)
        known = known[(known[:, 0] < today) & (known[:, 0] > today - _KEPT)]
        if len(known) == 0:
            return np.zeros(0, np.int64)
        days = np.arange(known[0, 0], today)
        orders = np.zeros(len(days), np.int64)
        orders[known[:, 0] - days[0]] = known[:, 1]
        share = np.minimum((today - days) / _LANDMARK_DAYS, 1.0)
        usual = known[:, 1].sum() / share[orders > 0].sum()
        is_empty = (orders == 0) & (usual * share >= EXPECTED)
        edges = np.diff(np.concatenate([[0], is_empty.astype(np.int64), [0]]))
        begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        long = ends - begins >= _DAYS_IN_A_ROW
        runs = [days[begin:end] for begin, end in zip(begins[long], ends[long], strict=True)]
        return np.concatenate([np.zeros(0, np.int64), *runs])
