"""What is known of items while orders are counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from stream.recommending.fading import HALF_LIFE_H, ONE, FadingCounts
from stream.recommending.follower_rows import Floats, FollowerRows, Followers, Ids, item_id
from stream.recommending.item_shards import ItemShard
from stream.recommending.shelf import Beside, Flags, Items, SparseCompanions
from stream.recommending.sold_counts import NONE, Sold, rows_of, sold_of, units_at

__all__ = ["TableShelf"]


class TableShelf:
    """A `Shelf` at an hour, in a ``part`` of the day, of what may change afterwards; handles are `item_id`.

    ``shard_of``: the part that has an item. ``names_of``: of items by their ids. ``times``: as `times_of_day`.
    """

    def __init__(
        self,
        rows: FollowerRows,
        shard_of: Callable[[str], ItemShard],
        names_of: Callable[[Iterable[int]], Sequence[str | None]],
        popular: FadingCounts,
        times: Floats,
        hour: int,
        part: int,
    ) -> None:
        self.popular = popular
        self._rows = rows
        self._shard_of = shard_of
        self._names_of = names_of
        self._times = times
        self._hour = hour
        self._part = part
        # asked for by each list
        self._found: dict[str, Followers | None] = {}

    def handles(self, names: Sequence[str]) -> Ids:
        return np.array([*map(item_id, names)], np.int64)

    def names(self, handles: Ids) -> Sequence[str | None]:
        return self._names_of(handles.tolist())

    def followers(self, name: str) -> Followers | None:
        if name not in self._found:
            self._found[name] = self._rows.followers(name, self._hour)
        return self._found[name]

    def companions(self, beside: Beside, shares: Floats, weighed: Floats, total: float) -> SparseCompanions:
        return SparseCompanions.of(beside.handles, shares, weighed, total)

    def customers(self, items: Items) -> Floats:
        counts = [self._shard_of(name).counts for name in items.names]
        weights = np.array([of.counts.get(name, 0) for of, name in zip(counts, items.names, strict=True)], np.float64)
        epochs = np.array([of.epoch for of in counts], np.float64)
        lately: Floats = weights * np.exp2((epochs - self._hour) / HALF_LIFE_H) / ONE
        return lately

    def sold(self, items: Items) -> Sold:
        sold = [self._shard_of(name).sold for name in items.names]
        found = rows_of(of.counts.get(name, NONE) for of, name in zip(sold, items.names, strict=True))
        hours = np.array([of.epoch for of in sold], np.float64)
        return sold_of(found * units_at(hours[:, None], self._hour), self._part, self._times)

    def categories(self, items: Items) -> Sequence[str | None]:
        return [*map(self.category, items.names)]

    def category(self, name: str) -> str | None:
        return self._shard_of(name).categories.get(name)

    def among(self, handles: Ids, others: Ids) -> Flags:
        return np.isin(handles, others)
