"""How business goes, by month or week of the shop: read from totals, as fast for many customers as for few."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import NamedTuple

from msgspec import Struct
from sqlalchemy import Connection, select

from stream.directory.calendar import Grain, next_begin
from stream.directory.purchases import EVER, Metric
from stream.directory.schema import totals
from stream.reporting.cohorts import Cohort

__all__ = ["Kpis", "Loyalty", "cohorts", "kpis", "loyalty"]


class Kpis(Struct, frozen=True, kw_only=True):
    """A period that begins on ``begin``. Money is in 1/MONEY_SCALE of the base currency.

    ``sold``: orders, on the day of each; ``refunded``: what was given back, on the day of that; ``revenue``: sold less
    refunded. ``buyers`` ordered in the period: for the first time (``new``), or not (``returning``). ``came_into``:
    how often customers came into each stage; ``flows``: the same by ``from>to``.
    """

    begin: date
    sold: int = 0
    refunded: int = 0
    orders: int = 0
    buyers: int = 0
    new: int = 0
    flows: dict[str, int] = {}

    @property
    def revenue(self) -> int:
        return self.sold - self.refunded

    @property
    def returning(self) -> int:
        return self.buyers - self.new

    @property
    def came_into(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for flow, count in self.flows.items():
            stage = flow.partition(">")[2]
            found[stage] = found.get(stage, 0) + count
        return found


class Loyalty(NamedTuple):
    """Of all time: customers with an order (``buyers``), and those of them with more than one (``repeaters``)."""

    buyers: int
    repeaters: int

    @property
    def repeat_rate(self) -> float | None:
        """Share of the buyers who ordered more than once, None without buyers."""
        return self.repeaters / self.buyers if self.buyers else None


def kpis(connection: Connection, grain: Grain) -> list[Kpis]:
    """Every period from the first with anything in it to the last, those between with nothing among them."""
    sums: dict[str, dict[str, int]] = defaultdict(dict)
    flows: dict[str, dict[str, int]] = defaultdict(dict)
    of = totals.c
    for row in connection.execute(select(totals).where(of.grain == grain.value, of.value != 0).order_by(of.key)):
        if row.metric == Metric.FLOW:
            flows[row.begin][row.key] = row.value
        elif row.metric != Metric.COHORT:
            sums[row.begin][row.metric] = row.value
        elif row.begin == row.key:
            sums[row.begin]["new"] = row.value
    found = []
    begins = sorted({*sums, *flows})
    begin = date.fromisoformat(begins[0]) if begins else date.max
    while begins and begin.isoformat() <= begins[-1]:
        of_period = begin.isoformat()
        found.append(Kpis(begin=begin, **sums.get(of_period, {}), flows=flows.get(of_period, {})))
        begin = next_begin(grain, begin)
    return found


def cohorts(connection: Connection, grain: Grain) -> list[Cohort]:
    """Retention: of the customers whose first order was in a period, how many ordered in each period after.

    Oldest first; ``ordered[k]`` of k + 1 periods later, up to the last period with an order of any customer.
    """
    of = totals.c
    query = select(of.begin, of.key, of.value).where(of.grain == grain.value, of.metric == Metric.COHORT, of.value != 0)
    cells = {(row.begin, row.key): row.value for row in connection.execute(query)}
    last = max((key for _, key in cells), default="")
    found = []
    for first in sorted({first for first, _ in cells}):
        begin = date.fromisoformat(first)
        ordered, following = [], next_begin(grain, begin)
        while following.isoformat() <= last:
            ordered.append(cells.get((first, following.isoformat()), 0))
            following = next_begin(grain, following)
        found.append(Cohort(begin, cells.get((first, first), 0), ordered))
    return found


def loyalty(connection: Connection) -> Loyalty:
    of = totals.c
    query = select(of.metric, of.value).where(of.grain == EVER)
    found = {row.metric: row.value for row in connection.execute(query)}
    return Loyalty(found.get(Metric.BUYERS, 0), found.get(Metric.REPEATERS, 0))
