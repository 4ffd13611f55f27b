"""What is counted of all items, in parts: customers, categories, and what sells when; and an index over all parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from stream.recommending.fading import HALF_LIFE_H, FadingCounts
from stream.recommending.follower_rows import item_id
from stream.recommending.list_ranker import Floats
from stream.recommending.sold_counts import NUMBERS, SoldCounts, rows_of, units_at

__all__ = ["SHARDS", "ItemIndex", "ItemShard", "shard_of"]

#: Parts in which the counts of all items are kept, so that an order writes a part of them only.
SHARDS: Final = 256


class ItemShard(msgspec.Struct, omit_defaults=True, gc=False):
    """Customers of items, each customer once, what category an item is of, and how much of it is sold."""

    counts: FadingCounts = msgspec.field(default_factory=FadingCounts)
    categories: dict[str, str] = msgspec.field(default_factory=dict)
    sold: SoldCounts = msgspec.field(default_factory=SoldCounts)


class ItemIndex(NamedTuple):
    """Of all items that are counted: ``names`` by their ids; by names their ``places`` in what follows.

    ``weights`` as of an ``epoch`` (hours), (n + 1, 1 + NUMBERS): of customers, then as `SoldCounts`; the last row is
    that of an item which is not counted. ``categories``: (n + 1).
    """

    names: Mapping[int, str]
    places: Mapping[str, int]
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
        places = {name: place for place, name in enumerate(names)}
        return cls({item_id(name): name for name in names}, places, epoch, weights, [*categories, None])

    def places_of(self, names: Iterable[str]) -> list[int]:
        get, unknown = self.places.get, len(self.places)
        return [get(name, unknown) for name in names]


def shard_of(name: str) -> int:
    """The number of the part that has the counts of an item."""
    return item_id(name) % SHARDS
