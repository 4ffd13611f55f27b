"""What a shop has learned of its items, and what an order adds to that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from itertools import chain, islice
from typing import Final, NamedTuple

import msgspec

from stream.recommending.candidates import ANTECEDENTS, EXPLORE, REPEAT, candidates_of
from stream.recommending.fading import FadingCounts
from stream.recommending.follower_rows import MAX_LINES, FollowerRow, FollowerRows, item_id
from stream.recommending.item_shards import SHARDS, ItemShard, shard_of
from stream.recommending.list_ranker import Floats, ListRanker
from stream.recommending.own_items import Shopper
from stream.recommending.sold_counts import FASTER, Lines, SoldCounts, part_of_day, times_of_day
from stream.recommending.table_shelf import TableShelf

__all__ = ["Bounds", "ShopHead", "ShopOrder", "ShopTables", "all_antecedents_of", "antecedents_of", "needed_for"]

#: Items that count as what sells most lately.
_POPULAR: Final = 50
#: Stands for all items: no item has an empty name.
_ALL: Final = ""
#: The rankers learn from so many orders each, and then from every 64th.
_LEARN_ALL: Final = 2000
_LEARN_EVERY: Final = 64


class Bounds(NamedTuple):
    """``items`` whose followers are remembered, and ``followers`` of each; up to twice as many at times."""

    items: int
    followers: int


class ShopOrder(NamedTuple):
    """``id``: a hash. ``hour`` since 1970. ``items``, distinct, with the category where it is known."""

    id: int
    hour: int
    items: Mapping[str, str | None]


class ShopHead(msgspec.Struct, omit_defaults=True):
    """``customers`` who ordered something. ``popular``: lines of orders lately. ``sold``: lines of all items.

    ``zone``: of the clock by which orders count as of a time of the day, from the first one on; empty: UTC. It is kept
    here, so that orders count, are taken back, and are compared with the present time by the same clock.

    The rankers: of own items, and of new ones.
    """

    customers: int = 0
    popular: FadingCounts = msgspec.field(default_factory=FadingCounts)
    sold: SoldCounts = msgspec.field(default_factory=SoldCounts)
    repeat: ListRanker = msgspec.field(default_factory=lambda: ListRanker([*REPEAT.values()]))
    explore: ListRanker = msgspec.field(default_factory=lambda: ListRanker([*EXPLORE.values()]))
    zone: str = ""

    def learns_from(self, order_id: int) -> bool:
        """Whether the rankers learn from an order: from all at first, later from a part."""
        learned = max(self.repeat.record.lists, self.explore.record.lists)
        return learned < _LEARN_ALL or not order_id % _LEARN_EVERY


class ShopTables:
    """The tables of a shop, to be changed. ``rows``: followers by item; ``shards``: counts of items by number.

    Rows and shards that are not needed may be missing (`antecedents_of`, `all_antecedents_of`, `ShopHead.learns_from`).
    A row belongs to an item whose customers are counted, so the bound on these bounds the rows as well.
    """

    def __init__(
        self,
        head: ShopHead,
        rows: Mapping[str, FollowerRow],
        shards: MutableMapping[int, ItemShard],
        bounds: Bounds,
    ) -> None:
        self.head = head
        self.rows = FollowerRows(bounds.followers, rows)
        self.shards = shards
        self.bounds = bounds
        self._names: dict[int, str] | None = None
        self._shard_of: dict[str, ItemShard] = {}
        #: What a step has changed, beside rows.
        self._touched: set[str] = set()
        self.head_has_changed = False

    @property
    def changed_shards(self) -> set[int]:
        """The numbers of the shards of items that were bought or returned."""
        return {*map(shard_of, self._touched)}

    @property
    def rankers(self) -> tuple[ListRanker, ListRanker]:
        """That of own items, and that of new ones."""
        return self.head.repeat, self.head.explore

    def shelf_at(self, hour: int) -> TableShelf:
        """What is known of items at an hour, while nothing changes. All shards must be there."""
        head = self.head
        times, part = times_of_day(head.sold), part_of_day(hour, head.zone)
        return TableShelf(self.rows, self._of, self._names_of, head.popular, times, hour, part)

    def buy(self, shopper: Shopper, order: ShopOrder) -> None:
        """Judge and learn what was chosen, then count an order. One that is known already says nothing."""
        items = [*order.items][:MAX_LINES]
        if not items or shopper.knows(order.id):
            return
        self.head_has_changed = True
        if shopper.items:
            self._learn(shopper, items, order)
        else:
            self.head.customers += 1
        others = shopper.latest(ANTECEDENTS, without=items)
        firsts = shopper.buy(order.id, order.hour, items)
        self._meet(firsts, order)
        self._follow([*items[:ANTECEDENTS], *others], firsts, order.hour)
        self._sell(items, order.hour)

    def take_back(self, shopper: Shopper, order_id: int, items: Sequence[str] | None) -> None:
        """An order was cancelled, or some of its items returned.

        Exactly what the order had counted is taken back, as long as no other one came since. Later on, which items
        were bought last is not known any more, and those bought last now stand for them.
        """
        found = shopper.take_back(order_id, items)
        if found is None or not found.returned:
            return
        self.head_has_changed = True
        for name in [*found.items, *shopper.latest(ANTECEDENTS, without=found.items)]:
            self.rows.take_back(name, found.gone)
        for name, hour in found.gone.items():
            shard = self._shard(name)
            shard.counts.take_back([name], hour)
            if name not in shard.counts.counts:
                self._forget(name, shard)
        self._return(found.returned, found.hour)
        if not shopper.items:
            self.head.customers -= 1

    def _learn(self, shopper: Shopper, items: Sequence[str], order: ShopOrder) -> None:
        head = self.head
        if not head.learns_from(order.id):
            return
        found = candidates_of(shopper, self.shelf_at(order.hour), order.hour)
        bought = {*items}
        repeated = sum(name in shopper.items for name in items)
        _learn(head.repeat, found.own.names, found.own_features, bought, repeated)
        _learn(head.explore, found.new.names, found.new_features, bought, len(items) - repeated)

    def _meet(self, firsts: Sequence[str], order: ShopOrder) -> None:
        """A customer bought items for the first time."""
        keep, names, of = max(self.bounds.items // SHARDS, 1), self._names, self._of
        for name in firsts:
            shard = of(name)
            if names is not None:
                names[item_id(name)] = name
            category = order.items[name]
            if category is not None:
                shard.categories[name] = category
            for gone in shard.counts.count_one(name, order.hour, keep):
                self._forget(gone, shard)

    def _sell(self, items: Sequence[str], hour: int) -> None:
        lines, of = Lines.at(hour, self.head.zone), self._of
        self.head.popular.count(items, FASTER * hour, _POPULAR)
        self.head.sold.count(_ALL, lines, len(items))
        self._touched.update(items)
        for name in items:
            shard = of(name)
            if name in shard.counts.counts:
                shard.sold.count(name, lines)

    def _return(self, items: Sequence[str], hour: int) -> None:
        lines = Lines.at(hour, self.head.zone)
        self.head.popular.take_back(items, FASTER * hour)
        self.head.sold.take_back(_ALL, lines, len(items))
        for name in items:
            self._shard(name).sold.take_back(name, lines)

    def _forget(self, name: str, shard: ItemShard) -> None:
        if self._names is not None:
            self._names.pop(item_id(name), None)
        shard.categories.pop(name, None)
        shard.sold.counts.pop(name, None)
        self.rows.forget(name)

    def _follow(self, antecedents: Sequence[str], firsts: Sequence[str], hour: int) -> None:
        if firsts:
            self.rows.follow(antecedents, firsts, hour, self._is_counted)

    def _of(self, name: str) -> ItemShard:
        shard = self._shard_of.get(name)
        if shard is None:
            shard = self._shard_of[name] = self.shards.setdefault(shard_of(name), ItemShard())
        return shard

    def _is_counted(self, name: str) -> bool:
        return name in self._of(name).counts.counts

    def _shard(self, name: str) -> ItemShard:
        self._touched.add(name)
        return self._of(name)

    def _names_of(self, ids: Iterable[int]) -> list[str | None]:
        if self._names is None:
            self._names = {item_id(name): name for shard in self.shards.values() for name in shard.counts.counts}
        return [*map(self._names.get, ids)]


def antecedents_of(shopper: Shopper, items: Sequence[str]) -> Iterator[str]:
    """Items whose rows an order needs, whatever other orders of the customer come before it in the same step."""
    lines = items[:MAX_LINES]
    # those of the order itself are passed over, and those of orders between only come before others
    return chain(lines, islice(reversed(shopper.items), ANTECEDENTS + len(lines)))


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


def _learn(ranker: ListRanker, names: Sequence[str], features: Floats, bought: set[str], wanted: int) -> None:
    if wanted and names:
        ranker.learn_many(features, [place for place, name in enumerate(names) if name in bought], wanted)
