"""Logs of orders with their items, as benchmarks of recommendations read them, and as matrices."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array  # type: ignore[import-untyped]

__all__ = ["Basket", "Earlier", "Log", "LogMatrix", "Sparse", "baskets_of", "parser_of_lines", "read_log"]

_HOUR_S: Final = 3600

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Sparse = Any
"""A matrix of `scipy.sparse`, which has no types."""


class Basket(NamedTuple):
    """An order: ``items`` are distinct positions in the list of all. ``hour`` since 1970."""

    customer: int
    hour: int
    items: list[int]


class Log(NamedTuple):
    """``baskets`` in the order of their times; names and categories of items by their positions."""

    baskets: list[Basket]
    names: list[str]
    categories: list[str | None]


class Earlier(NamedTuple):
    """Orders of the customers of some orders that came before these: the ``row`` of the later one, the ``order``.

    ``hours``: between the two. ``back``: how many orders of the customer lie between, from 0. All (n,).
    """

    row: Ints
    order: Ints
    hours: Floats
    back: Ints


class LogMatrix:
    """A log as arrays: ``bought`` (orders, items) has a 1 for each line; ``customer`` and ``hour`` of each order."""

    def __init__(self, log: Log) -> None:
        self.customer: Ints = np.array([basket.customer for basket in log.baskets])
        self.hour: Ints = np.array([basket.hour for basket in log.baskets])
        sizes = [len(basket.items) for basket in log.baskets]
        items = np.concatenate([np.array(basket.items) for basket in log.baskets])
        begins = np.concatenate([[0], np.cumsum(sizes)])
        shape = (len(log.baskets), len(log.names))
        self.bought: Sparse = csr_array((np.ones(len(items), np.float32), items, begins), shape)
        self.customers = int(self.customer.max()) + 1
        self._by_customer: Ints = np.argsort(self.customer, kind="stable")
        firsts = np.searchsorted(self.customer[self._by_customer], np.arange(self.customers))
        self._first_of: Ints = firsts.astype(np.int64)
        #: How many orders of the customer came before each.
        self.before: Ints = np.empty(len(self.customer), np.int64)
        self.before[self._by_customer] = np.arange(len(self.customer)) - firsts[self.customer[self._by_customer]]

    def earlier(self, orders: Ints) -> Earlier:
        """All earlier orders of the customers of ``orders``."""
        counts = self.before[orders]
        row = np.repeat(np.arange(len(orders)), counts)
        place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        order = self._by_customer[self._first_of[self.customer[orders]][row] + place]
        hours = (self.hour[orders][row] - self.hour[order]).astype(np.float64)
        return Earlier(row, order, hours, counts[row] - 1 - place)

    def history(self, orders: Ints, weigh: Callable[[Earlier], Floats]) -> Sparse:
        """What the customers of ``orders`` bought before them, (orders, items), as much as ``weigh`` says."""
        earlier = self.earlier(orders)
        shape = (len(orders), len(self.customer))
        weights = csr_array((weigh(earlier).astype(np.float32), (earlier.row, earlier.order)), shape)
        return weights @ self.bought

    def first_from(self, hour: int) -> int:
        """The first order of an hour or later."""
        return int(np.searchsorted(self.hour, hour))


def baskets_of(lines: pd.DataFrame, columns: argparse.Namespace) -> Log:
    """The orders of a table of lines; those without a customer, an order or an item are left out."""
    used = [columns.time, columns.customer, columns.order, columns.item]
    lines = lines.dropna(subset=used)
    if columns.keep:
        lines = lines[lines[columns.item].astype(str).str.match(columns.keep)]
    if columns.positive:
        lines = lines[pd.to_numeric(lines[columns.positive]) > 0]
    for drop in columns.drop:
        name, _, pattern = drop.partition("=")
        lines = lines[~lines[name].astype(str).str.contains(pattern, case=False)]
    hours = pd.to_datetime(lines[columns.time]).astype("datetime64[s]").astype("int64") // _HOUR_S
    places, names = pd.factorize(lines[columns.item].astype(str))
    customers, orders = (pd.factorize(lines[name])[0] for name in (columns.customer, columns.order))
    in_order = np.lexsort((orders, hours.to_numpy()))
    rows = zip(*(of[in_order].tolist() for of in (orders, customers, hours.to_numpy(), places)), strict=True)
    baskets: dict[int, Basket] = {}
    for order, customer, hour, item in rows:
        basket = baskets.setdefault(order, Basket(customer, hour, []))
        if item not in basket.items:
            basket.items.append(item)
    categories: list[str | None] = [None] * len(names)
    if columns.category:
        for place, category in zip(places, lines[columns.category], strict=True):
            categories[place] = None if pd.isna(category) else str(category)
    return Log([*baskets.values()], [str(name) for name in names], categories)


def parser_of_lines(about: str | None) -> argparse.ArgumentParser:
    """A parser of where the lines of orders are, and what their columns mean."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines")
    for column in ("time", "customer", "order", "item"):
        parser.add_argument(f"--{column}", required=True, help="a column")
    parser.add_argument("--category", help="a column")
    parser.add_argument("--positive", help="keep lines with a positive number in this column")
    parser.add_argument("--keep", help="keep items that match this regular expression")
    parser.add_argument("--drop", action="append", default=[], metavar="COLUMN=REGEX", help="drop lines that have this")
    return parser


def read_log(options: argparse.Namespace) -> Log:
    """The orders of the lines that are asked for."""
    reader: Any = pd.read_parquet if options.lines.endswith(".parquet") else pd.read_csv
    return baskets_of(reader(options.lines, **({} if reader is pd.read_parquet else {"dtype": str})), options)
