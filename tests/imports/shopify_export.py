"""A made-up shop, and its export from Shopify."""

import random
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

__all__ = ["END", "export", "made_up_orders", "settled_by"]

COLUMNS = ["Name", "Email", "Financial Status", "Created at", "Total", "Currency", "Refunded Amount", "Cancelled at"]
END = datetime(2025, 12, 20)  # noqa: DTZ001 - local to the shop


def made_up_orders(customers: int, seed: int, days: int = 730) -> pd.DataFrame:
    """Orders of ``days`` days: Name, Email, kind, at, Total, refunded; ``settled``: time of the refund or
    cancellation.
    """
    chance = random.Random(seed)
    lines = []
    for customer in range(customers):
        at = END - timedelta(days=chance.uniform(30, days))
        gap = chance.lognormvariate(3.9, 0.6)
        while at < END:
            total = round(chance.lognormvariate(3.2, 0.7), 2)
            settled = at + timedelta(days=chance.uniform(1, 25))
            kind = chance.choices(["paid", "refunded", "part", "cancelled"], [90, 4, 4, 2])[0]
            refunded = {"refunded": total, "part": round(total / 3, 2)}.get(kind, 0.0)
            lines.append((f"c{customer}@example.com", kind, at, total, refunded, settled))
            at += timedelta(days=chance.expovariate(1 / gap) + 0.01)
    table = pd.DataFrame(lines, columns=["Email", "kind", "at", "Total", "refunded", "settled"])
    return table.sort_values("at", ignore_index=True).assign(Name=lambda t: "#" + (t.index + 1001).astype(str))


def settled_by(orders: pd.DataFrame, when: datetime) -> pd.DataFrame:
    """The orders as of that time, without later refunds and cancellations."""
    known = orders["settled"] < when
    return orders.assign(kind=orders["kind"].where(known, "paid"), refunded=orders["refunded"].where(known, 0.0))


def export(orders: pd.DataFrame, path: Path, when: datetime) -> Path:
    """The export of that day, newest first."""
    table = orders[orders["at"] < when].copy()
    known = table["settled"] < when
    cancelled = known & (table["kind"] == "cancelled")
    table["Financial Status"] = table["kind"].where(known & (table["kind"] == "refunded"), "paid")
    table["Refunded Amount"] = table["refunded"].where(known, 0.0).map("{:.2f}".format)
    table["Created at"] = table["at"].dt.strftime("%Y-%m-%d %H:%M:%S +0000")
    table["Cancelled at"] = table["settled"].dt.strftime("%Y-%m-%d %H:%M:%S +0000").where(cancelled, "")
    table["Total"] = table["Total"].map("{:.2f}".format)
    table["Currency"] = "EUR"
    table["Lineitem name"] = "Tea"
    table.iloc[::-1][[*COLUMNS, "Lineitem name"]].to_csv(path, index=False)
    return path
