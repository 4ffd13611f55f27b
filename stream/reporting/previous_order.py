"""What a customer's packed state says of the time before a day: the last order then, and whether they were lost."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from stream.features import codec
from stream.features.habit import learn_habit, lost_since
from stream.features.profile import NEVER
from stream.features.registry import DAY_MS
from stream.reporting.assess import Basis

__all__ = ["Before", "order_before"]


class Before(NamedTuple):
    """``last_ms``: the last order before the day, None: there was none. ``was_lost`` when the next order came."""

    last_ms: int | None
    was_lost: bool


def order_before(customer: str, state: bytes, day_ms: int, basis: Basis) -> Before:
    """Look at the packed profile of a customer with an order at or after ``day_ms``.

    Orders of 90 days are known one by one, of those before only the last: the habit before is an estimate. Raises
    `CodecError` for what is no profile.
    """
    p = codec.unpack(state, customer)[0]
    at: Any = p["order_at"][: int(p["open_orders"])]
    earlier = [*at[at < day_ms].tolist()]
    if p["settled_last_at"] != NEVER:
        earlier.append(int(p["settled_last_at"]))
    later = at[at >= day_ms]
    if not earlier or not len(later):
        return Before(max(earlier, default=None), was_lost=False)
    last_ms, came_ms = max(earlier), int(later.min())
    # as the profile was before: what happened since moves neither the habit nor the last order
    p["order_days"] -= len(np.setdiff1d(later // DAY_MS, last_ms // DAY_MS))
    p["last_order_at"] = p["last_at"] = last_ms
    p["habit_due"] = True
    learn_habit(p, basis.shop_gap_days)
    lost_ms = lost_since(last_ms, float(p["habit_days"]), round(basis.horizon_days * DAY_MS))
    return Before(last_ms, was_lost=came_ms > lost_ms)
