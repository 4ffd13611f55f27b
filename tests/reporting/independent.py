"""What the reports say, computed again with pandas from what happened in a made-up shop."""

from typing import Any

import pandas as pd

from tests.reporting.made_up_shop import DAY_MS, END_MS, Shop


def frame(shop: Shop) -> pd.DataFrame:
    rows = pd.DataFrame(shop.rows)
    rows["at"] = pd.to_datetime(rows["at_ms"], unit="ms", utc=True)
    rows["day"] = rows["at_ms"] // DAY_MS
    return rows


def habits(shop: Shop, *, shop_gap: float = 30.0, horizon: float = 28.0) -> pd.DataFrame:
    """One row a customer with an order: silence, habit (both in days), overdue, and what they are called."""
    rows = frame(shop)
    by_customer = rows[rows["kind"] == "order"].groupby("customer")
    found = pd.DataFrame(
        {
            "first": by_customer["at_ms"].min(),
            "last": by_customer["at_ms"].max(),
            "order_days": by_customer["day"].nunique(),
            "orders": by_customer.size(),
        }
    )
    span = (found["last"] - found["first"]) / DAY_MS
    found["habit"] = ((span + shop_gap) / found["order_days"]).clip(lower=1)
    found.loc[found["order_days"] == 1, "habit"] = shop_gap
    found["silent"] = (END_MS - found["last"]) / DAY_MS
    pairs = zip(found["silent"], found["habit"], strict=True)
    found["standing"] = [_standing(silent, habit, horizon) for silent, habit in pairs]
    signed = rows["amount"].where(rows["kind"] == "order", -rows["amount"])
    found["spend"] = signed.groupby(rows["customer"]).sum().round(2)
    return found


def _standing(silent: Any, habit: Any, horizon: float) -> str:
    if silent > 3 * habit and silent > horizon:
        return "lost"
    return "at risk" if silent > 1.5 * habit and silent > 7 else "active"
