"""Silences of customers, read from the file of a log, and which alerts caught one that became a lapse.

Uses nothing of the program, because a judge must not depend on what it judges.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = ["DAY_S", "WEEK", "Catch", "Shop", "Spell", "caught", "spells"]

DAY_S = 86_400
WEEK = 7.0
_MIN_DAYS = 3
_LAPSE_GAPS = 3.0


class Shop:
    """The events of the file: times in days since the epoch, by customer."""

    def __init__(self, path: Path) -> None:
        orders: dict[str, list[float]] = defaultdict(list)
        money: dict[str, list[tuple[float, float]]] = defaultdict(list)
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["type"] != "purchase":
                    continue
                at = (datetime.fromisoformat(row["ts"]) - datetime(1970, 1, 1)).total_seconds() / DAY_S  # noqa: DTZ001
                amount = abs(float(row["amount"] or 0.0))
                is_order = row["subtype"] in {"basket", "order"}
                money[row["customer_id"]].append((at, amount if is_order else -amount))
                if is_order:
                    orders[row["customer_id"]].append(at)
        self.orders = {customer: sorted(times) for customer, times in orders.items()}
        self.money = {customer: sorted(moves) for customer, moves in money.items()}
        self.begin = min(times[0] for times in self.orders.values())
        self.end = max(times[-1] for times in self.orders.values())

    def cohort(self, name: str) -> set[str]:
        """The customers of a cohort."""
        if name == "first 12 weeks":
            return {c for c, times in self.orders.items() if times[0] < self.begin + 12 * WEEK}
        customers = sorted(self.orders)
        return set(customers[::3]) if name == "1 in 3" else set(customers)

    def spent(self, customer: str, begin: float, end: float) -> float:
        """Net spend in [begin, end]."""
        return sum(amount for at, amount in self.money[customer] if begin <= at <= end)


class Spell(NamedTuple):
    """A silence after the last of ``days`` days with an order; ``gap`` is the median of their gaps, at least a day."""

    customer: str
    last: float
    following: float
    gap: float
    days: int


def spells(shop: Shop, customers: set[str]) -> list[Spell]:
    """Every silence of a customer with enough days to judge by."""
    found = []
    for customer in sorted(customers & set(shop.orders)):
        times = shop.orders[customer]
        for k, last in enumerate(times):
            days = np.unique(np.floor(times[: k + 1]))
            if len(days) >= _MIN_DAYS:
                following = times[k + 1] if k + 1 < len(times) else np.inf
                found.append(Spell(customer, last, following, max(float(np.median(np.diff(days))), 1.0), len(days)))
    return found


class Catch(NamedTuple):
    """The lapses that alerts caught. ``lead_days``: median, before the lapse. ``early``: within half a gap."""

    alerts: int
    judged: int
    lapses: float
    per_gap: float
    per_year: float
    lead_days: float
    late: int
    early: int


def caught(shop: Shop, alerts: Sequence[tuple[Spell, float]], number: int | None = None) -> Catch:
    """Judge (spell, time) pairs; with ``number``, the expected figures of that many of them picked at random."""
    lapsed, leads, late, early, judged = [], [], 0, 0, 0
    for spell, at in alerts:
        early += at - spell.last < 0.5 * spell.gap
        point = spell.last + _LAPSE_GAPS * spell.gap
        if point > shop.end and spell.following == np.inf:
            continue
        judged += 1
        late += at >= point
        if spell.following > point and at < point:
            lapsed.append(spell)
            leads.append(point - at)
    share = 1.0 if number is None else min(1.0, number / max(len(alerts), 1))
    return Catch(
        alerts=round(len(alerts) * share),
        judged=round(judged * share),
        lapses=len(lapsed) * share,
        per_gap=share * sum(max(shop.spent(s.customer, 0.0, s.last), 0.0) / (s.days - 1) for s in lapsed),
        per_year=share * sum(max(shop.spent(s.customer, s.last - 365.0, s.last), 0.0) for s in lapsed),
        lead_days=float(np.median(leads)) if leads else np.nan,
        late=late,
        early=early,
    )
