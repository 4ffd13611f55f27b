"""What a shop has learned of its items, and what an order adds to that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec
import xxhash

from stream.recommending.candidates import ANTECEDENTS, EXPLORE, REPEAT, Shelf, candidates_of
from stream.recommending.fading import FadingCounts
from stream.recommending.list_ranker import Floats, ListRanker
from stream.recommending.own_items import Shopper

__all__ = [
    "SHARDS",
    "Bounds",
    "ItemShard",
    "ShopHead",
    "ShopOrder",
    "ShopTables",
    "all_antecedents_of",
    "antecedents_of",
    "needed_for",
    "shard_of",
]

#: Parts in which the counts of all items are kept, so that an order writes a part of them only.
SHARDS: Final = 32
#: Items that count as what sells now.
_POPULAR: Final = 50
#: Lines of an order that count, the first: orders of dealers would cost as their square.
MAX_LINES: Final = 40
#: The rankers learn from so many orders each, and then from every 16th.
_LEARN_ALL: Final = 2000
_LEARN_EVERY: Final = 16


class Bounds(NamedTuple):
    """``items`` whose followers are remembered, and ``followers`` of each; up to twice as many at times."""

    items: int
    followers: int


class ShopOrder(NamedTuple):
    """``id``: a hash. ``hour`` since 1970. ``items``, distinct, with the category where it is known."""

    id: int
    hour: int
    items: Mapping[str, str | None]


class ItemShard(msgspec.Struct, omit_defaults=True):
    """Customers of items, each customer once, and what category an item is of."""

    counts: FadingCounts = msgspec.field(default_factory=FadingCounts)
    categories: dict[str, str] = msgspec.field(default_factory=dict)


class ShopHead(msgspec.Struct, omit_defaults=True):
    """``customers`` who ordered something. ``popular``: lines of orders. The rankers: of own items, and of new ones."""

    customers: int = 0
    popular: FadingCounts = msgspec.field(default_factory=FadingCounts)
    repeat: ListRanker = msgspec.field(default_factory=lambda: ListRanker([*REPEAT.values()]))
    explore: ListRanker = msgspec.field(default_factory=lambda: ListRanker([*EXPLORE.values()]))


class ShopTables:
    """The tables of a shop, to be changed. ``rows``: followers by item, `ItemShard` by number in ``shards``.

    Rows that are not needed may be missing from ``rows`` (`antecedents_of`, `all_antecedents_of`); None: there is none.
    A row belongs to an item whose customers are counted, so the bound on these bounds the rows as well.
    """

    def __init__(
        self,
        head: ShopHead,
        rows: MutableMapping[str, FadingCounts | None],
        shards: MutableMapping[int, ItemShard],
        bounds: Bounds,
    ) -> None:
        self.head = head
        self.rows = rows
        self.shards = shards
        self.bounds = bounds
        self.shelf = Shelf(rows.get, self._customers_lately, head.popular, self._category)
        self._units = [0.0] * SHARDS
        #: What a step has changed.
        self.changed_rows: set[str] = set()
        self.changed_shards: set[int] = set()

    def as_of(self, hour: int) -> None:
        """The hour as of which `shelf` tells from now on."""
        self._units = [self.shards[number].counts.unit(hour) for number in range(SHARDS)]

    def buy(self, shopper: Shopper, order: ShopOrder) -> None:
        """Judge and learn what was chosen, then count an order. One that is known already says nothing."""
        items = [*order.items][:MAX_LINES]
        if not items or shopper.knows(order.id):
            return
        if shopper.items:
            self._learn(shopper, items, order)
        else:
            self.head.customers += 1
        others = shopper.latest(ANTECEDENTS, without=items)
        firsts = shopper.buy(order.id, order.hour, items)
        for name in firsts:
            self._meet(name, order.hour, order.items[name])
        self._follow([*items[:ANTECEDENTS], *others], firsts, order.hour)
        self.head.popular.count(items, order.hour, _POPULAR)

    def take_back(self, shopper: Shopper, order_id: int, items: Sequence[str] | None) -> None:
        """An order was cancelled, or some of its items returned.

        Exactly what the order had counted is taken back, as long as no other one came since. Later on, which items
        were bought last is not known any more, and those bought last now stand for them.
        """
        found = shopper.take_back(order_id, items)
        if found is None or not found.returned:
            return
        for name in [*found.items, *shopper.latest(ANTECEDENTS, without=found.items)]:
            self._unfollow(name, found.gone)
        for name, hour in found.gone.items():
            shard = self._shard(name)
            shard.counts.take_back([name], hour)
            if name not in shard.counts.counts:
                self._forget(name, shard)
        self.head.popular.take_back(found.returned, found.hour)
        if not shopper.items:
            self.head.customers -= 1

    def _unfollow(self, name: str, gone: Mapping[str, int]) -> None:
        row = self.rows.get(name)
        if row is None:
            return
        for follower, hour in gone.items():
            if follower != name:
                row.take_back([follower], hour)
        if not row.counts and not row.floor:
            self.rows[name] = None
        self.changed_rows.add(name)

    def _learn(self, shopper: Shopper, items: Sequence[str], order: ShopOrder) -> None:
        head = self.head
        learned = max(head.repeat.record.lists, head.explore.record.lists)
        if learned >= _LEARN_ALL and order.id % _LEARN_EVERY:
            return
        self.as_of(order.hour)
        found = candidates_of(shopper, self.shelf, order.hour)
        bought = {*items}
        repeated = sum(name in shopper.items for name in items)
        _learn(head.repeat, found.own, found.own_features, bought, repeated)
        _learn(head.explore, found.new, found.new_features, bought, len(items) - repeated)

    def _meet(self, name: str, hour: int, category: str | None) -> None:
        """A customer bought an item for the first time."""
        shard = self._shard(name)
        if category is not None:
            shard.categories[name] = category
        for gone in shard.counts.count([name], hour, max(self.bounds.items // SHARDS, 1)):
            self._forget(gone, shard)

    def _forget(self, name: str, shard: ItemShard) -> None:
        shard.categories.pop(name, None)
        self.rows[name] = None
        self.changed_rows.add(name)

    def _follow(self, antecedents: Sequence[str], firsts: Sequence[str], hour: int) -> None:
        if not firsts:
            return
        among = {*firsts}
        for name in antecedents:
            if name not in self.shards[shard_of(name)].counts.counts:
                continue
            followers = [one for one in firsts if one != name] if name in among else firsts
            if followers:
                row = self.rows.get(name)
                if row is None:
                    row = self.rows[name] = FadingCounts()
                row.count(followers, hour, self.bounds.followers)
                self.changed_rows.add(name)

    def _shard(self, name: str) -> ItemShard:
        number = shard_of(name)
        self.changed_shards.add(number)
        return self.shards[number]

    def _customers_lately(self, name: str) -> float:
        number = shard_of(name)
        return self.shards[number].counts.counts.get(name, 0) * self._units[number]

    def _category(self, name: str) -> str | None:
        return self.shards[shard_of(name)].categories.get(name)


def antecedents_of(shopper: Shopper, items: Sequence[str]) -> Iterator[str]:
    """Items whose rows an order needs, whatever other orders of the customer come before it in the same step."""
    yield from items[:MAX_LINES]
    yield from shopper.latest(ANTECEDENTS + MAX_LINES)


def needed_for(shopper: Shopper) -> Iterator[str]:
    """Items whose rows tell what to recommend."""
    yield from shopper.latest(ANTECEDENTS)
    if shopper.orders:
        yield from shopper.orders[-1].items[:ANTECEDENTS]


def all_antecedents_of(shopper: Shopper) -> Iterator[str]:
    """Items whose rows may be needed when an order is taken back, and whatever comes after it in the same step."""
    yield from shopper.items
    for order in shopper.orders:
        yield from order.items


@lru_cache(1 << 17)
def shard_of(name: str) -> int:
    """The number of the part that has the counts of an item."""
    return xxhash.xxh3_64_intdigest(name.encode("utf-8", "surrogatepass")) % SHARDS


def _learn(ranker: ListRanker, names: Sequence[str], features: Floats, bought: set[str], wanted: int) -> None:
    if wanted and names:
        ranker.learn_many(features, [place for place, name in enumerate(names) if name in bought], wanted)
