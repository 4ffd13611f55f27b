"""How good recommendations are: ``python -m benchmarks.recommendations LINES --item COLUMN [...]``.

``LINES`` has a line for each item of an order: CSV, as it is or compressed, or Parquet where pyarrow is installed. The
orders go through the tables of the product once, in the order of their times. Before an order of a customer who has
ordered before counts, ten items are recommended, and compared with those that were bought: NDCG, the share of orders
with a hit, and recall. *All* items are own ones first, then new ones; *new* ones were never bought by the customer.

References know the customer's own items up to the order and all else up to the Monday before: what sold in 28 days; own
items, halved every 90 days, with what sold after them; and EASE (Steck, WWW 2019), fitted anew every ``--refit-weeks``
to who has bought what. Their blend adds EASE to own items, with the weight that is best afterwards. So all references
are judged more kindly than they could be used. Gaps are paired, on the same orders, with 95 % intervals.

``--every N`` judges every N-th customer; all customers are learned from.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import xxhash

from benchmarks.recommendation_references import Ease, References
from stream.recommending.candidates import candidates_of
from stream.recommending.list_ranker import LIST_LENGTH
from stream.recommending.own_items import Shopper
from stream.recommending.shop_tables import Bounds, ShopHead, ShopOrder, ShopTables
from stream.settings import Settings

__all__ = ["Basket", "Judged", "Log", "baskets_of", "figures", "judged", "parser_of_lines", "read_log", "table"]

_DISCOUNTS: Final = 1.0 / np.log2(np.arange(2, LIST_LENGTH + 2))
_HOUR_S: Final = 3600

Floats = npt.NDArray[np.float64]


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


class Judged(NamedTuple):
    """NDCG, hit and recall of each order, (orders, 3), by the name of what recommended.

    ``pairs``: of items, that the tables have at the end.
    """

    every: dict[str, Floats]
    new: dict[str, Floats]
    orders_a_second: float
    pairs: int


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


def judged(log: Log, references: References, every: int, bounds: Bounds, limit: int) -> Judged:
    """Play a log: judge the orders of every N-th customer, learn from all, at most the first ``limit``."""
    tables = ShopTables(ShopHead(), {}, {}, bounds)
    place_of = {name: place for place, name in enumerate(log.names)}
    shoppers: dict[int, Shopper] = {}
    found: tuple[dict[str, list[Floats]], dict[str, list[Floats]]] = ({}, {})
    spent_s = 0.0
    for number, basket in enumerate(log.baskets[:limit]):
        shopper = shoppers.setdefault(basket.customer, Shopper())
        if shopper.items and basket.customer % every == 0:
            for of, name, judgement in _judge(basket, shopper, tables, place_of, references):
                found[of].setdefault(name, []).append(judgement)
        items = {log.names[item]: log.categories[item] for item in basket.items}
        began_s = time.process_time()
        tables.buy(shopper, ShopOrder(xxhash.xxh3_64_intdigest(b"%d" % number), basket.hour, items))
        spent_s += time.process_time() - began_s
        references.count(basket)
    stacked = [{name: np.stack(judgements) for name, judgements in of.items()} for of in found]
    return Judged(stacked[0], stacked[1], min(len(log.baskets), limit) / max(spent_s, 1e-9), tables.rows.pairs())


def _judge(
    basket: Basket, shopper: Shopper, tables: ShopTables, place_of: dict[str, int], references: References
) -> Iterator[tuple[int, str, Floats]]:
    """Judgements of all items (0) and of new ones (1)."""
    tables.as_of(basket.hour)
    found = candidates_of(shopper, tables.shelf, basket.hour)
    own = [place_of[name] for name in _ranked(found.own, tables.head.repeat.score_many, found.own_features)]
    new = [place_of[name] for name in _ranked(found.new, tables.head.explore.score_many, found.new_features)]
    bought = {*basket.items}
    fresh = bought - references.own(basket.customer)
    yield 0, "stream", _judgement([*own, *new], bought)
    if fresh:
        yield 1, "stream", _judgement(new, fresh)
    for name, ranked in references.every(basket):
        yield 0, name, _judgement(ranked, bought)
    if fresh:
        for name, ranked in references.new(basket):
            yield 1, name, _judgement(ranked, fresh)


def _ranked(names: Sequence[str], score: Callable[[Floats], Floats], features: Floats) -> list[str]:
    if not names:
        return []
    return [names[place] for place in np.argsort(-score(features), kind="stable")[:LIST_LENGTH]]


def _judgement(ranked: Sequence[int], bought: set[int]) -> Floats:
    hits = np.array([item in bought for item in ranked[:LIST_LENGTH]] or [False])
    ideal = _DISCOUNTS[: min(len(bought), LIST_LENGTH)].sum()
    return np.array([hits @ _DISCOUNTS[: len(hits)] / ideal, float(hits.any()), hits.sum() / len(bought)])


def figures(of: dict[str, Floats]) -> Iterator[tuple[str, ...]]:
    """A row for each that recommended: NDCG, hits, recall, and the gap to it in NDCG."""
    ours = of["stream"]
    for name, judgements in of.items():
        ndcg, hits, recall = judgements.mean(0)
        gaps = ours[:, 0] - judgements[:, 0]
        half = 1.96 * gaps.std() / len(gaps) ** 0.5
        gap = "" if name == "stream" else f"{gaps.mean():+.4f} ± {half:.4f}"
        yield name, f"{ndcg:.4f}", f"{hits:.3f}", f"{recall:.4f}", gap


def table(title: str, of: dict[str, Floats]) -> str:
    """Markdown."""
    lines = [f"| {title} | NDCG@10 | orders with a hit | recall@10 | stream is better by |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in figures(of))])


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


def main() -> None:
    """Print two tables, and what it cost."""
    parser = parser_of_lines(__doc__)
    parser.add_argument("--every", type=int, default=10, help="judge every N-th customer")
    parser.add_argument("--orders", type=int, default=2**62, help="play so many orders")
    parser.add_argument("--ease", type=float, default=0.0, help="regularisation of EASE; 0: without EASE")
    parser.add_argument("--refit-weeks", type=int, default=1)
    options = parser.parse_args()
    log = read_log(options)
    ease = Ease(len(log.names), options.ease, options.refit_weeks) if options.ease else None
    defaults = Settings()
    bounds = Bounds(defaults.recommend_items, defaults.recommend_followers)
    found = judged(log, References(len(log.names), ease), options.every, bounds, options.orders)
    sys.stdout.write(f"{table('all items', found.every)}\n\n{table('new items', found.new)}\n\n")
    sys.stdout.write(
        f"{min(len(log.baskets), options.orders):,} orders, {len(next(iter(found.every.values()), ())):,} judged;"
        f" {found.orders_a_second:,.0f} orders a second of CPU; {found.pairs:,} pairs of items\n"
    )


if __name__ == "__main__":
    main()
