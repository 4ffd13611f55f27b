"""How good recommendations are: ``python -m benchmarks.recommendations LINES --item COLUMN [...]``.

``LINES`` has a line for each item of an order: CSV, as it is or compressed, or Parquet where pyarrow is installed. The
orders go through the tables of the product once, in the order of their times. Before an order of a customer who has
ordered before counts, ten items are recommended, and compared with those that were bought: NDCG, the share of orders
with a hit, and recall. *All* items are own ones first, then new ones; *new* ones were never bought by the customer.

Orders of the second half of the time are judged, or those from ``--since``. References know the customer's own items up
to the order and all else up to the Monday before, to which they are fitted anew. Their parameters are chosen on the two
months before, for all and for new items apart, fitted every four weeks there. Models of items know the ``--fitted``
with the most customers. Gaps are paired, on the same orders, with 95 % intervals.

``--every N`` judges every N-th customer; all customers are learned from.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

import numpy as np
import xxhash

from benchmarks.recommendation_judging import Judged, best_of, judge_references, judgement, table
from benchmarks.recommendation_log import Floats, Ints, Log, LogMatrix, parser_of_lines, read_log
from benchmarks.recommendation_references import Blend, Own, Reference, families
from stream.recommending.candidates import candidates_of
from stream.recommending.list_ranker import LIST_LENGTH
from stream.recommending.own_items import Shopper
from stream.recommending.shop_tables import Bounds, ShopHead, ShopOrder, ShopTables
from stream.settings import Settings

__all__ = ["OURS", "Played", "chosen", "judged_orders", "played"]

OURS: Final = "stream"
_TUNED_H: Final = 61 * 24
_TUNED_REFIT_WEEKS: Final = 4
_WEIGHTS: Final = (0.03, 0.1, 0.3, 1.0, 3.0)


class Played(NamedTuple):
    """``judged``: in the order of the orders asked for. ``pairs``: of items, that the tables have at the end."""

    judged: Judged
    orders_a_second: float
    pairs: int


def judged_orders(log: LogMatrix, since_hour: int, until_hour: int, every: int) -> Ints:
    """Orders of such hours, of every N-th customer, who had ordered before."""
    asked = (log.hour >= since_hour) & (log.hour < until_hour) & (log.before > 0) & (log.customer % every == 0)
    return np.flatnonzero(asked)


def played(log: Log, asked: Ints, bounds: Bounds) -> Played:
    """Play a log through the tables of the product; judge the orders that are ``asked``."""
    tables = ShopTables(ShopHead(), {}, {}, bounds)
    place_of = {name: place for place, name in enumerate(log.names)}
    shoppers: dict[int, Shopper] = {}
    owned: dict[int, set[int]] = {}
    judged: list[tuple[Floats, Floats]] = []
    spent_s, wanted = 0.0, {*asked.tolist()}
    for number, basket in enumerate(log.baskets):
        shopper = shoppers.setdefault(basket.customer, Shopper())
        own = owned.setdefault(basket.customer, set())
        if number in wanted:
            found = candidates_of(shopper, tables.shelf_at(basket.hour), basket.hour)
            again = _ranked(found.own.names, tables.head.repeat.score_many, found.own_features, place_of)
            new = _ranked(found.new.names, tables.head.explore.score_many, found.new_features, place_of)
            bought = {*basket.items}
            judged.append((judgement([*again, *new], bought), judgement(new, bought - own)))
        items = {log.names[item]: log.categories[item] for item in basket.items}
        own.update(basket.items)
        began_s = time.process_time()
        tables.buy(shopper, ShopOrder(xxhash.xxh3_64_intdigest(b"%d" % number), basket.hour, items))
        spent_s += time.process_time() - began_s
    stacked = Judged(np.stack([every for every, _ in judged]), np.stack([new for _, new in judged]))
    return Played(stacked, len(log.baskets) / max(spent_s, 1e-9), tables.rows.pairs())


def _ranked(
    names: Sequence[str], score: Callable[[Floats], Floats], features: Floats, place_of: Mapping[str, int]
) -> list[int]:
    if not names:
        return []
    return [place_of[names[place]] for place in np.argsort(-score(features), kind="stable")[:LIST_LENGTH]]


def chosen(log: LogMatrix, orders: Ints, items: int) -> tuple[dict[str, Reference], dict[str, Reference]]:
    """Of each family the parameters that are best on ``orders``: over all items, and over new ones."""
    every: dict[str, Reference] = {}
    new: dict[str, Reference] = {}

    def choose(family: str, candidates: Sequence[Reference]) -> None:
        by_name = {one.name: one for one in candidates}
        found = judge_references(log, orders, by_name, refit_weeks=_TUNED_REFIT_WEEKS, items=items)
        every[family] = by_name[best_of(found, new=False)]
        new[family] = by_name[best_of(found, new=True)]
        sys.stderr.write(f"{family}: {every[family].name}; new items: {new[family].name}\n")

    for family, candidates in families().items():
        choose(family, candidates)
    own = every["own items, decayed"]
    if isinstance(own, Own):
        for family in ("item-kNN", "EASE", "ALS"):
            if family in every:
                choose(f"own items + {family}", [Blend(own, every[family], weight) for weight in _WEIGHTS])
    return every, new


def main() -> None:
    """Print two tables, and what it cost."""
    parser = parser_of_lines(__doc__)
    parser.add_argument("--every", type=int, default=10, help="judge every N-th customer")
    parser.add_argument("--since", type=date.fromisoformat, help="judge orders from this day on")
    parser.add_argument("--fitted", type=int, default=4000, help="items of which models of items know")
    options = parser.parse_args()
    log = read_log(options)
    matrix = LogMatrix(log)
    first, last = int(matrix.hour[0]), int(matrix.hour[-1])
    since = (first + last) // 2 if options.since is None else (options.since - date(1970, 1, 1)).days * 24
    before = judged_orders(matrix, since - _TUNED_H, since, options.every)
    orders = judged_orders(matrix, since, last + 1, options.every)
    every, new = chosen(matrix, before, options.fitted)
    defaults = Settings()
    ours = played(log, orders, Bounds(defaults.recommend_items, defaults.recommend_followers))
    asked = {**{f"all {name}": one for name, one in every.items()}, **{f"new {name}": one for name, one in new.items()}}
    found = judge_references(matrix, orders, asked, refit_weeks=1, items=options.fitted)
    of_all = {OURS: ours.judged.every, **{name: found[f"all {name}"].every for name in every}}
    of_new = {OURS: ours.judged.new, **{name: found[f"new {name}"].new for name in new}}
    sys.stdout.write(f"{table('all items', of_all, OURS)}\n\n{table('new items', of_new, OURS)}\n\n")
    sys.stdout.write(
        f"{len(log.baskets):,} orders of {len(log.names):,} items, {len(orders):,} judged;"
        f" {ours.orders_a_second:,.0f} orders a second of CPU; {ours.pairs:,} pairs of items\n"
    )


if __name__ == "__main__":
    main()
