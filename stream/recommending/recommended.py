"""What to offer to a customer, in three lists, with reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Final, NamedTuple

import msgspec
import numpy as np

from stream.recommending.candidates import ANTECEDENTS, Shelf, candidates_of, together_with
from stream.recommending.follower_rows import item_id
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
    never = refused | {*shopper.refused}
    found = candidates_of(shopper, tables.shelf, hour)
    again = _best(found.own, tables.head.repeat.chances(found.own_features).tolist() if found.own else [], never)
    also = _best(found.new, tables.head.explore.chances(found.new_features).tolist() if found.new else [], never)
    offered = [*_diverse(also, tables.shelf.categories(also))][:limit]
    last = shopper.orders[-1].items if shopper.orders else []
    pairs = _Pairs(shopper.latest(ANTECEDENTS), tables.shelf)
    return RecommendationLists(
        tuple(Recommended(name, _rhythm(shopper.items[name], hour)) for name in again[:limit]),
        tuple(Recommended(name, _why(name, pairs, shopper, tables)) for name in offered),
        tuple(islice(_beside(last, shopper, tables, hour, never | {*shopper.items, *offered}), limit)),
    )


def _best(names: Sequence[str], chances: Sequence[float], never: AbstractSet[str]) -> list[str]:
    ranked = sorted(zip(chances, names, strict=True), key=lambda one: (-one[0], one[1]))
    return [name for _, name in ranked if name not in never]


def _diverse(names: Sequence[str], categories: Sequence[str | None]) -> Iterator[str]:
    """Without more than `_MAX_OF_CATEGORY` of a category, of whatever length the list is."""
    seen: dict[str, int] = {}
    for name, of in zip(names, categories, strict=True):
        if of is not None:
            seen[of] = seen.get(of, 0) + 1
            if seen[of] > _MAX_OF_CATEGORY:
                continue
        yield name


def _beside(
    last: Sequence[str], shopper: Shopper, tables: ShopTables, hour: int, never: AbstractSet[str]
) -> Iterator[Recommended]:
    together = together_with(shopper, last[:ANTECEDENTS], tables.shelf, hour)
    most = np.argsort(-together.share, kind="stable")[:_MAX_BESIDE]
    named = zip(map(tables.shelf.name, together.ids[most].tolist()), together.share[most].tolist(), strict=True)
    shares = {name: share for name, share in named if name is not None}
    rarity = (tables.shelf.customers([*shares]) + 1.0) ** -0.5
    values = dict(zip(shares, (np.array([*shares.values()]) * rarity).tolist(), strict=True))
    pairs = _Pairs(last[:ANTECEDENTS], tables.shelf)
    for name in _best([*values], [*values.values()], never):
        pair = pairs.best(name)
        if pair is not None:
            yield Recommended(name, _bought_with(pair))


class _Pairs:
    """Some items with what follows each."""

    def __init__(self, items: Sequence[str], shelf: Shelf) -> None:
        rows = [(item, of, shelf.followers(item)) for item, of in zip(items, shelf.customers(items), strict=True)]
        self._items = [(item, float(of), row) for item, of, row in rows if row is not None]
        self._ids = np.concatenate([row.ids for *_, row in self._items]) if self._items else np.zeros(0, np.int64)
        self._ends = np.cumsum([len(row.ids) for *_, row in self._items])
        counts = np.concatenate([row.customers for *_, row in self._items]) if self._items else np.zeros(0)
        self._worth = {*self._ids[counts >= _MIN_CUSTOMERS].tolist()}

    def best(self, name: str) -> _Pair | None:
        """The item whose customers bought another one most often; None if hardly any did."""
        if item_id(name) not in self._worth:
            return None
        places = np.flatnonzero(self._ids == item_id(name))
        found = []
        for place, number in zip(places, np.searchsorted(self._ends, places, "right"), strict=True):
            item, of, row = self._items[number]
            found.append(_Pair(item, float(row.customers[place - self._ends[number] + len(row.ids)]), of))
        best = max(found, key=lambda one: (one.customers / (one.of + 1.0), one.item), default=None)
        return best if best is not None and best.customers >= _MIN_CUSTOMERS else None


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
    ago = max(hour - own.last, 0) // _HOURS_A_DAY
    last = f"the last {ago} {'day' if ago == 1 else 'days'} ago"
    gap_h = own.gap_h
    if gap_h is None:
        return f"Bought in {own.orders} {'order' if own.orders == 1 else 'orders'}, {last}."
    gap = max(round(gap_h / _HOURS_A_DAY), 1)
    return f"Bought in {own.orders} orders, about every {gap} {'day' if gap == 1 else 'days'}, {last}."
