"""All items that are counted, as arrays, for many questions while nothing changes; and a shelf over them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from stream.recommending.fading import HALF_LIFE_H, FadingCounts, unit_at
from stream.recommending.follower_rows import Floats, FollowerRow, Followers, Ids, item_id
from stream.recommending.item_shards import ItemShard
from stream.recommending.shelf import Beside, Companions, Flags, Items, first_of
from stream.recommending.sold_counts import NUMBERS, Sold, rows_of, sold_of, units_at

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
    def of(cls, shards: Iterable[ItemShard]) -> ItemIndex:
        known = [shard for shard in shards if shard.counts.counts]
        names = [name for shard in known for name in shard.counts.counts]
        epoch = max((shard.counts.epoch for shard in known), default=0)
        weights = np.zeros((len(names) + 1, 1 + NUMBERS))
        begin = 0
        for shard in known:
            counts = shard.counts.counts
            here = weights[begin : begin + len(counts)]
            here[:, 0] = np.array([*counts.values()]) * np.exp2((shard.counts.epoch - epoch) / HALF_LIFE_H)
            here[:, 1:] = rows_of(shard.sold.of(counts)) * units_at(shard.sold.epoch, epoch)
            begin += len(counts)
        categories = [shard.categories.get(name) for shard in known for name in shard.counts.counts]
        ids = np.array([*map(item_id, names)], np.int64)
        order = np.argsort(ids)
        at = order.tolist()
        places = {names[k]: place for place, k in enumerate(at)}
        weights[:-1] = weights[order]
        return cls(
            places,
            [*(names[k] for k in at), None],
            np.concatenate([ids[order], [-1]]),
            epoch,
            weights,
            [*(categories[k] for k in at), None],
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
        self._placed: tuple[ItemIndex, Ids, Floats] | None = None

    def at(self, index: ItemIndex, hour: int) -> Followers | None:
        """Followers by their places; None if none of them is counted. Those that are not counted are left out."""
        placed = self._placed
        if placed is None or placed[0] is not index:
            ids = index.ids[:-1]
            places = np.searchsorted(ids, self._ids)
            counted = np.flatnonzero(ids[np.minimum(places, len(ids) - 1)] == self._ids) if len(ids) else places[:0]
            placed = self._placed = (index, places[counted], self._weights[counted])
        _, places, weights = placed
        return Followers(places, weights * unit_at(self._epoch, hour)) if len(places) else None


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
        # asked for by each list
        self._found: dict[str, Followers | None] = {}

    def handles(self, names: Sequence[str]) -> Ids:
        return np.array(self._index.places_of(names), np.int64)

    def names(self, handles: Ids) -> Sequence[str | None]:
        names = self._index.names
        return [names[place] for place in handles.tolist()]

    def followers(self, name: str) -> Followers | None:
        if name not in self._found:
            row = self._rows(name)
            self._found[name] = None if row is None else row.at(self._index, self._hour)
        return self._found[name]

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
        found = np.flatnonzero(all_shares)
        return first_of(found, all_shares[found], limit)
