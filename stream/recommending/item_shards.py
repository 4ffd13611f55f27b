"""What is counted of all items, in parts: customers, categories, and what sells when."""

from __future__ import annotations

from typing import Final

import msgspec

from stream.recommending.fading import FadingCounts
from stream.recommending.follower_rows import item_id
from stream.recommending.sold_counts import SoldCounts

__all__ = ["SHARDS", "ItemShard", "shard_of"]

#: Parts in which the counts of all items are kept, so that an order writes a part of them only.
SHARDS: Final = 256


class ItemShard(msgspec.Struct, omit_defaults=True, gc=False):
    """Customers of items, each customer once, what category an item is of, and how much of it is sold."""

    counts: FadingCounts = msgspec.field(default_factory=FadingCounts)
    categories: dict[str, str] = msgspec.field(default_factory=dict)
    sold: SoldCounts = msgspec.field(default_factory=SoldCounts)


def shard_of(name: str) -> int:
    """The number of the part that has the counts of an item."""
    return item_id(name) % SHARDS
