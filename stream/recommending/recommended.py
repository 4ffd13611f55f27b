"""What to offer to a customer, in three lists, with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice, pairwise
from typing import Final, NamedTuple, Protocol

import msgspec
import numpy as np

from stream.recommending.candidates import ANTECEDENTS, candidates_of, together_with
from stream.recommending.follower_rows import Floats, Ids
from stream.recommending.list_ranker import ListRanker
from stream.recommending.own_items import OwnItem, Shopper
from stream.recommending.shelf import Beside, Items, Shelf

__all__ = ["ListSource", "RecommendationLists", "Recommended", "recommended"]

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


class ListSource(Protocol):
    """What lists are made of: what is known of items, and two rankers."""

    @property
    def rankers(self) -> tuple[ListRanker, ListRanker]:
        """That of own items, and that of new ones."""

    def shelf_at(self, hour: int) -> Shelf:
        """What is known of items at an hour."""


def recommended(
    shopper: Shopper, shop: ListSource, hour: int, limit: int, refused: AbstractSet[str] = frozenset()
) -> RecommendationLists:
    """The lists at an hour, at most ``limit`` items each and none twice, without what is ``refused`` or complained of.

    New items are ordered by the chance to be bought next; those that go with the last order by the share of the
    customers of its items, divided by the square root of how many customers an item has, so that not all are popular.
    """
    shelf, (repeat, explore) = shop.shelf_at(hour), shop.rankers
    never = refused | {*shopper.refused}
    found = candidates_of(shopper, shelf, hour)
    again = _best(found.own.names, repeat.score_many(found.own_features), never)
    also = _best(found.new.names, explore.score_many(found.new_features), never)
    handle_of = dict(zip(found.new.names, found.new.handles.tolist(), strict=True))
    offered = [*islice(_diverse(also, shelf), limit)]
    last = shopper.orders[-1].items[:ANTECEDENTS] if shopper.orders else []
    pairs = _Pairs(found.latest).among(np.array([*map(handle_of.__getitem__, offered)], np.int64), shelf)
    return RecommendationLists(
        tuple(Recommended(name, _rhythm(shopper.items[name], hour)) for name in islice(again, limit)),
        tuple(Recommended(name, _why(name, pairs.best(handle_of[name]), shopper, shelf)) for name in offered),
        tuple(islice(_goes_with(last, shopper, shelf, hour, never | {*shopper.items, *offered}), limit)),
    )


def _best(names: Sequence[str], values: Floats, never: AbstractSet[str]) -> Iterator[str]:
    """Those with the largest values first, equals by their names; most are never asked for."""
    if not names:
        return
    # what differs by how it was added up is equal
    sorted_by = values.astype(np.float32)
    order = np.argsort(-sorted_by, kind="stable")
    ranked = sorted_by[order]
    begins = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]])).tolist()
    for begin, end in pairwise([*begins, len(names)]):
        equals = [names[place] for place in order[begin:end].tolist()]
        yield from (name for name in sorted(equals) if name not in never)


def _diverse(names: Iterable[str], shelf: Shelf) -> Iterator[str]:
    """Without more than `_MAX_OF_CATEGORY` of a category, of whatever length the list is."""
    seen: dict[str, int] = {}
    for name in names:
        of = shelf.category(name)
        if of is not None:
            seen[of] = seen.get(of, 0) + 1
            if seen[of] > _MAX_OF_CATEGORY:
                continue
        yield name


def _goes_with(
    last: Sequence[str], shopper: Shopper, shelf: Shelf, hour: int, never: AbstractSet[str]
) -> Iterator[Recommended]:
    row_of = shelf.beside(last)
    together = together_with(shopper, last, row_of, shelf, hour)
    pairs = _Pairs(row_of)
    most = together.best(_MAX_BESIDE, np.zeros(0, np.int64))
    most = most[shelf.among(most, pairs.handles)]
    named = zip(most.tolist(), shelf.names(most), strict=True)
    handle_of = {name: handle for handle, name in named if name is not None}
    names, handles = [*handle_of], np.array([*handle_of.values()], np.int64)
    values = together.share_of(handles) * (shelf.customers(Items(names, handles)) + 1.0) ** -0.5
    for name in _best(names, values, never):
        pair = pairs.best(handle_of[name])
        if pair is not None:
            yield Recommended(name, _bought_with(pair))


class _Pairs:
    """Some items with what follows each, if enough customers bought both that it is worth a word."""

    def __init__(self, row_of: Beside, worth: Ids | None = None) -> None:
        self._row_of = row_of
        self._worth = np.flatnonzero(row_of.customers >= _MIN_CUSTOMERS) if worth is None else worth
        #: Of all that follow.
        self.handles: Ids = row_of.handles[self._worth]

    def among(self, handles: Ids, shelf: Shelf) -> _Pairs:
        """Those with some items only, which are found faster among them."""
        return _Pairs(self._row_of, self._worth[shelf.among(self.handles, handles)])

    def best(self, handle: int) -> _Pair | None:
        """The item whose customers bought another one most often; None if hardly any did."""
        row_of, places = self._row_of, self._worth[self.handles == handle]
        pairs = zip(row_of.numbers[places].tolist(), row_of.customers[places].tolist(), strict=True)
        found = (_Pair(row_of.items[number], customers, float(row_of.of[number])) for number, customers in pairs)
        return max(found, key=lambda one: (one.customers / (one.of + 1.0), one.item), default=None)


def _why(name: str, pair: _Pair | None, shopper: Shopper, shelf: Shelf) -> str:
    if pair is not None:
        return _bought_with(pair)
    category, own = shelf.category(name), [*shopper.items]
    alike = 0 if category is None else [*shelf.categories(Items(own, shelf.handles(own)))].count(category)
    if alike:
        return f"Of the category {category}, as {alike} of the {len(own)} items they buy."
    return "Bought by many now." if name in shelf.popular.counts else "Bought by others who buy alike."


def _bought_with(pair: _Pair) -> str:
    # buyers of the item who came long ago have faded more than what they bought later: then it is no share of them
    of = f" of {pair.of:.0f}" if round(pair.customers) <= round(pair.of) else ""
    return f"Bought with {pair.item}, or after it, by {pair.customers:.0f}{of} customers lately."


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
