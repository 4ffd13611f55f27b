"""What to offer to a customer, in three lists, with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from itertools import islice, pairwise
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from stream.recommending.candidates import ANTECEDENTS, Shelf, candidates_of, together_with
from stream.recommending.follower_rows import Floats, Ids, item_id
from stream.recommending.own_items import OwnItem, Shopper
from stream.recommending.shop_tables import ShopTables

__all__ = ["RecommendationLists", "Recommended", "recommended"]

#: Items of one category among the new ones that are shown, where categories are known.
_MAX_OF_CATEGORY: Final = 3
#: Customers who bought two items lately, below whom a pair is not worth a word.
_MIN_CUSTOMERS: Final = 2.0
#: Items beside the last order that are compared, those that most customers of its items bought.
_MAX_BESIDE: Final = 500
_HOURS_A_DAY: Final = 24


class Recommended(msgspec.Struct, frozen=True):
    """An item, and why in one sentence."""

    item: str
    reason: str


class RecommendationLists(msgspec.Struct, frozen=True):
    """``again``: own items that are due. ``also``: new ones. ``goes_with``: new ones beside what was bought last."""

    again: tuple[Recommended, ...] = ()
    also: tuple[Recommended, ...] = ()
    goes_with: tuple[Recommended, ...] = ()


class _Pair(NamedTuple):
    """``customers`` of ``item`` lately who bought a follower with it or after it, of ``of`` customers."""

    item: str
    customers: float
    of: float


def recommended(
    shopper: Shopper, tables: ShopTables, hour: int, limit: int, refused: AbstractSet[str] = frozenset()
) -> RecommendationLists:
    """The lists at an hour, at most ``limit`` items each and none twice, without what is ``refused`` or complained of.

    New items are ordered by the chance to be bought next; those that go with the last order by the share of the
    customers of its items, divided by the square root of how many customers an item has, so that not all are popular.
    """
    tables.as_of(hour)
    # a row is asked for up to four times
    shelf = tables.shelf._replace(followers=cache(tables.shelf.followers))
    never = refused | {*shopper.refused}
    found = candidates_of(shopper, shelf, hour)
    again = _best(found.own, tables.head.repeat.chances(found.own_features), never) if found.own else iter(())
    also = _best(found.new, tables.head.explore.chances(found.new_features), never) if found.new else iter(())
    offered = [*islice(_diverse(also, shelf), limit)]
    last = shopper.orders[-1].items[:ANTECEDENTS] if shopper.orders else []
    pairs = _Pairs(shopper.latest(ANTECEDENTS), shelf)
    return RecommendationLists(
        tuple(Recommended(name, _rhythm(shopper.items[name], hour)) for name in islice(again, limit)),
        tuple(Recommended(name, _why(name, pairs, shopper, tables)) for name in offered),
        tuple(islice(_beside(last, shopper, shelf, hour, never | {*shopper.items, *offered}), limit)),
    )


def _best(names: Sequence[str], values: Floats, never: AbstractSet[str]) -> Iterator[str]:
    """Those with the largest values first, equals by their names; most are never asked for."""
    order = np.argsort(-values, kind="stable")
    ranked = values[order]
    begins = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]])).tolist()
    for begin, end in pairwise([*begins, len(names)]):
        equals = [names[place] for place in order[begin:end].tolist()]
        yield from (name for name in sorted(equals) if name not in never)


def _diverse(names: Iterable[str], shelf: Shelf) -> Iterator[str]:
    """Without more than `_MAX_OF_CATEGORY` of a category, of whatever length the list is."""
    seen: dict[str, int] = {}
    for name in names:
        (of,) = shelf.categories([name])
        if of is not None:
            seen[of] = seen.get(of, 0) + 1
            if seen[of] > _MAX_OF_CATEGORY:
                continue
        yield name


def _beside(
    last: Sequence[str], shopper: Shopper, shelf: Shelf, hour: int, never: AbstractSet[str]
) -> Iterator[Recommended]:
    together = together_with(shopper, last, shelf, hour)
    pairs = _Pairs(last, shelf)
    most = np.argsort(-together.share, kind="stable")[:_MAX_BESIDE]
    most = most[pairs.know(together.ids[most])]
    named = shelf.names(together.ids[most].tolist())
    known = [place for place, name in enumerate(named) if name is not None]
    names = [name for name in named if name is not None]
    values = together.share[most[known]] * (shelf.customers(names) + 1.0) ** -0.5
    for name in _best(names, values, never) if names else ():
        pair = pairs.best(name)
        if pair is not None:
            yield Recommended(name, _bought_with(pair))


class _Pairs:
    """Some items with what follows each."""

    def __init__(self, items: Sequence[str], shelf: Shelf) -> None:
        rows = [(item, of, shelf.followers(item)) for item, of in zip(items, shelf.customers(items), strict=True)]
        self._items = [(item, float(of)) for item, of, row in rows if row is not None]
        found = [row for *_, row in rows if row is not None]
        counts = np.concatenate([row.customers for row in found]) if found else np.zeros(0)
        ids = np.concatenate([row.ids for row in found]) if found else np.zeros(0, np.int64)
        numbers = np.repeat(np.arange(len(found)), [len(row.ids) for row in found])
        # a pair of fewer is never told
        worth = np.flatnonzero(counts >= _MIN_CUSTOMERS)
        in_order = worth[np.argsort(ids[worth])]
        self._ids, self._customers, self._numbers = ids[in_order], counts[in_order], numbers[in_order]

    def know(self, ids: Ids) -> npt.NDArray[np.bool_]:
        """Of which items `best` tells something."""
        return np.isin(ids, self._ids)

    def best(self, name: str) -> _Pair | None:
        """The item whose customers bought another one most often; None if hardly any did."""
        wanted = item_id(name)
        begin, end = np.searchsorted(self._ids, wanted), np.searchsorted(self._ids, wanted, "right")
        pairs = zip(self._numbers[begin:end].tolist(), self._customers[begin:end].tolist(), strict=True)
        found = (_Pair(self._items[number][0], customers, self._items[number][1]) for number, customers in pairs)
        return max(found, key=lambda one: (one.customers / (one.of + 1.0), one.item), default=None)


def _why(name: str, pairs: _Pairs, shopper: Shopper, tables: ShopTables) -> str:
    pair = pairs.best(name)
    if pair is not None:
        return _bought_with(pair)
    (category,) = tables.shelf.categories([name])
    own = tables.shelf.categories(shopper.items).count(category) if category is not None else 0
    if own:
        return f"Of the category {category}, as {own} of the {len(shopper.items)} items they buy."
    return "Bought by many now." if name in tables.head.popular.counts else "Bought by others who buy alike."


def _bought_with(pair: _Pair) -> str:
    of = max(pair.of, pair.customers)
    return f"Bought with {pair.item}, or after it, by {pair.customers:.0f} of {of:.0f} customers lately."


def _rhythm(own: OwnItem, hour: int) -> str:
    days = max(hour - own.last, 0) // _HOURS_A_DAY
    ago = f"{_days(days)} ago" if days else "less than a day ago"
    if own.orders == 1:
        return f"Bought once, {ago}."
    gap_h = own.gap_h
    if gap_h is None:
        return f"Bought in {own.orders} orders, the last {ago}."
    return f"Bought in {own.orders} orders, about every {_days(max(round(gap_h / _HOURS_A_DAY), 1))}, the last {ago}."


def _days(number: int) -> str:
    return f"{number} {'day' if number == 1 else 'days'}"
