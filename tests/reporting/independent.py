"""The figures of the reports, computed again with pandas from a shop's events."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from tests.reporting.made_up_shop import DAY_MS, END_MS, Shop


def frame(shop: Shop) -> pd.DataFrame:
    rows = pd.DataFrame(shop.rows)
    rows["at"] = pd.to_datetime(rows["at_ms"], unit="ms", utc=True)
    rows["day"] = rows["at_ms"] // DAY_MS
    return rows


def habits(shop: Shop, *, shop_gap: float = 30.0, horizon: float = 28.0, sees_all: bool = True) -> pd.DataFrame:
    """One row a customer with an order; ``sees_all``: not orders alone, but looks and refunds as well."""
    last_event: dict[str, int] = {}
    for event in shop.events if sees_all else ():
        last_event[event.customer_id] = max(event.at_ms, last_event.get(event.customer_id, 0))
    return habits_of(frame(shop), last_event, now_ms=END_MS, shop_gap=shop_gap, horizon=horizon)


def habits_of(
    rows: pd.DataFrame, last_event: dict[str, int], *, now_ms: int, shop_gap: float, horizon: float
) -> pd.DataFrame:
    """One row a customer with an order: silence, habit (both in days), overdue, and what they are called.

    ``rows``: customer, at_ms, day, amount, kind ("order" or "refund"). ``last_event`` (ms): the last order if missing.
    """
    by_customer = rows[rows["kind"] == "order"].groupby("customer")
    found = pd.DataFrame(
        {
            "first": by_customer["at_ms"].min(),
            "last": by_customer["at_ms"].max(),
            "order_days": by_customer["day"].nunique(),
            "orders": by_customer.size(),
        }
    )
    found["habit"] = [
        _habit(sorted({*days}), (last - first) / DAY_MS, last_event.get(str(customer), last) // DAY_MS, shop_gap)
        for (customer, days), first, last in zip(by_customer["day"], found["first"], found["last"], strict=True)
    ]
    found["silent"] = (now_ms - found["last"]) / DAY_MS
    pairs = zip(found["silent"], found["habit"], strict=True)
    found["standing"] = [_standing(silent, habit, horizon) for silent, habit in pairs]
    signed = rows["amount"].where(rows["kind"] == "order", -rows["amount"])
    found["spend"] = signed.groupby(rows["customer"]).sum().round(2)
    return found


def _habit(days: Sequence[int], span: float, newest_day: int, shop_gap: float) -> float:
    """The median gap: those of the last 90 days one by one, of older ones only their mean is known."""
    if len(days) <= 2:
        return max(shop_gap if len(days) == 1 else (span + shop_gap) / 2, 1.0)
    recent = [day for day in days if day > newest_day - 90] or [days[-1]]
    known = [float(later - earlier) for earlier, later in pairwise(recent)]
    older = len(days) - len(recent)
    if older == 0:
        return max(float(np.median(known)), 1.0)
    mean = max((recent[0] - days[0]) / older, 1.0)
    middle = (len(days) - 2) / 2 + 1.0  # the rank of the median, from 1
    ranks = (math.floor(middle), math.ceil(middle))
    return max(sum(_smallest(known, older, mean, rank - 0.5) for rank in ranks) / 2, 1.0)


def _smallest(known: Sequence[float], older: int, mean: float, count: float) -> float:
    """The shortest gap that ``count`` of all are not longer than, by bisection."""
    low, high = 0.0, 10_000.0
    for _ in range(60):
        gap = (low + high) / 2
        shorter = sum(one <= gap for one in known) + older * (1.0 - math.exp(-gap / mean))
        low, high = (low, gap) if shorter >= count else (gap, high)
    return high


def _standing(silent: Any, habit: Any, horizon: float) -> str:
    if silent > 3 * habit and silent > horizon:
        return "lost"
    return "at risk" if silent > 1.5 * habit and silent > 7 else "active"
