"""All items that are counted, as arrays, for many questions while nothing changes; and a shelf over them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from stream.recommending.fading import HALF_LIFE_H, FadingCounts, unit_at
from stream.recommending.follower_rows import Floats, FollowerRow, Followers, Ids, item_id
from stream.recommending.item_shards import ItemShard
from stream.recommending.shelf import Beside, Companions, Flags, Items, first_of
from stream.recommending.sold_counts import NUMBERS, Sold, sold_of, units_at

__all__ = ["IndexShelf", "IndexedRow", "ItemIndex"]


class ItemIndex(NamedTuple):
    """Items stand by their `item_id`, ascending, and each is known by its place.

    ``names``, ``ids`` and ``categories``, (n + 1): the last one is that of any item which is not counted. ``weights``
    as of an ``epoch`` (hours), (n + 1, 1 + NUMBERS): of customers, then as `SoldCounts`.
    """

    places: Mapping[str, int]
    names: Sequence[str | None]
    ids: Ids
    epoch: int
    weights: Floats
    categories: Sequence[str | None]

    @classmethod
    def of(cls, parts: Iterable[ItemShard]) -> ItemIndex:
        """The sum of what several partitions have counted; all items at once, one by one takes seconds."""
        known = [part for part in parts if part.counts.counts]
        names = [*chain.from_iterable(part.counts.counts for part in known)]
        sizes = [len(part.counts.counts) for part in known]
        epoch = max((part.counts.epoch for part in known), default=0)
        weights = np.empty((len(names), 1 + NUMBERS))
        customers = chain.from_iterable(part.counts.counts.values() for part in known)
        sold = chain.from_iterable(chain.from_iterable(part.sold.of(part.counts.counts) for part in known))
        weights[:, 0] = np.fromiter(customers, np.float64, len(names))
        weights[:, 1:] = np.fromiter(sold, np.float64, len(names) * NUMBERS).reshape(-1, NUMBERS)
        epochs, sold_epochs = [part.counts.epoch for part in known], [part.sold.epoch for part in known]
        weights[:, 0] *= np.repeat(np.exp2((np.array(epochs) - epoch) / HALF_LIFE_H), sizes)
        weights[:, 1:] *= np.repeat(units_at(np.array(sold_epochs, np.float64)[:, None], epoch), sizes, 0)
        ids = np.fromiter(map(item_id, names), np.int64, len(names))
        order = np.argsort(ids, kind="stable")
        ids = ids[order]
        firsts = np.flatnonzero(np.concatenate([[True], ids[1:] != ids[:-1]])[: len(ids)])
        sums = np.add.reduceat(weights[order], firsts) if names else weights
        at = [names[k] for k in order[firsts].tolist()]
        categories: dict[str, str] = {}
        for part in known:
            categories |= part.categories
        return cls(
            {name: place for place, name in enumerate(at)},
            [*at, None],
            np.concatenate([ids[firsts], [-1]]),
            epoch,
            np.concatenate([sums, np.zeros((1, 1 + NUMBERS))]),
            [*map(categories.get, at), None],
        )

    def places_of(self, names: Iterable[str]) -> list[int]:
        get, unknown = self.places.get, len(self.places)
        return [get(name, unknown) for name in names]


class IndexedRow:
    """A row as it was read, with the places of its followers in the index that was asked for last."""

    def __init__(self, row: FollowerRow) -> None:
        self._epoch = row.epoch
        self._ids: Ids = np.frombuffer(row.ids, "<i8").astype(np.int64)
        self._weights: Floats = np.frombuffer(row.weights, "<i8").astype(np.float64)
        self._placed: tuple[ItemIndex, Followers] | None = None

    def at(self, index: ItemIndex) -> Followers | None:
        """Followers by their places, with weights; None if none of them is counted. Others are left out."""
        placed = self._placed
        if placed is None or placed[0] is not index:
            ids = index.ids[:-1]
            places = np.searchsorted(ids, self._ids)
            counted = np.flatnonzero(ids[np.minimum(places, len(ids) - 1)] == self._ids) if len(ids) else places[:0]
            placed = self._placed = (index, Followers(places[counted], self._weights[counted]))
        return placed[1] if len(placed[1].ids) else None

    def unit(self, hour: int) -> float:
        """By what weights are multiplied to be customers as of an hour."""
        return unit_at(self._epoch, hour)


class IndexShelf:
    """A `Shelf` at an hour, in a ``part`` of the day; handles are places.

    ``rows``: of items, None if nothing follows. ``times``: as `times_of_day`, of all items.
    """

    def __init__(
        self,
        index: ItemIndex,
        rows: Callable[[str], IndexedRow | None],
        popular: FadingCounts,
        times: Floats,
        hour: int,
        part: int,
    ) -> None:
        self.popular = popular
        self._index = index
        self._rows = rows
        self._times = times
        self._hour = hour
        self._part = part
        self._units = units_at(index.epoch, hour)

    def handles(self, names: Sequence[str]) -> Ids:
        return np.array(self._index.places_of(names), np.int64)

    def names(self, handles: Ids) -> Sequence[str | None]:
        names = self._index.names
        return [names[place] for place in handles.tolist()]

    def beside(self, names: Sequence[str]) -> Beside:
        found = [(name, row, at) for name in names if (row := self._rows(name)) and (at := row.at(self._index))]
        items = [name for name, _, _ in found]
        units = [row.unit(self._hour) for _, row, _ in found]
        return Beside.at(items, self.customers(Items(items, self.handles(items))), [at for _, _, at in found], units)

    def companions(self, beside: Beside, shares: Floats, weighed: Floats, total: float) -> Companions:
        size = len(self._index.ids)
        largest = np.zeros(size)
        np.maximum.at(largest, beside.handles, shares)
        sums = np.bincount(beside.handles, weighed, size)
        mean: Floats = sums / (total or 1.0)
        return _DenseCompanions(self._index.ids, mean, largest)

    def customers(self, items: Items) -> Floats:
        customers: Floats = self._index.weights[items.handles, 0] * unit_at(self._index.epoch, self._hour)
        return customers

    def sold(self, items: Items) -> Sold:
        return sold_of(self._index.weights[items.handles, 1:] * self._units, self._part, self._times)

    def categories(self, items: Items) -> Sequence[str | None]:
        categories = self._index.categories
        return [categories[place] for place in items.handles.tolist()]

    def category(self, name: str) -> str | None:
        return self._index.categories[self._index.places.get(name, -1)]

    def among(self, handles: Ids, others: Ids) -> Flags:
        found = np.zeros(len(self._index.ids), np.bool_)
        found[others] = True
        return found[handles]


class _DenseCompanions(NamedTuple):
    """`Companions` by the places of all items, whose ``ids`` ascend."""

    ids: Ids
    shares: Floats
    largest: Floats

    def share_of(self, handles: Ids) -> Floats:
        return self.shares[handles]

    def largest_of(self, handles: Ids) -> Floats:
        return self.largest[handles]

    def best(self, limit: int, without: Ids) -> Ids:
        all_shares = self.shares.astype(np.float32)
        all_shares[without] = 0.0
        # of flags: of numbers it takes ten times as long
        found = np.flatnonzero(all_shares != 0.0)
        return first_of(found, all_shares[found], limit)
