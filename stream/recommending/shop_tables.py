"""What a shop has learned of its items, and what an order adds to that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Final, NamedTuple

import msgspec
import numpy as np

from stream.recommending.candidates import ANTECEDENTS, EXPLORE, REPEAT, candidates_of
from stream.recommending.fading import FadingCounts
from stream.recommending.follower_rows import MAX_LINES, FollowerRow, FollowerRows, Ids
from stream.recommending.item_shards import SHARDS, ItemShard
from stream.recommending.item_table import ItemTable
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
        shards: Mapping[int, ItemShard],
        bounds: Bounds,
    ) -> None:
        self.head = head
        self.rows = FollowerRows(bounds.followers, rows)
        self.items = ItemTable(shards, max(bounds.items // SHARDS, 1))
        self.head_has_changed = False

    @property
    def shards(self) -> dict[int, ItemShard]:
        """All parts that have items."""
        return self.items.shards(range(SHARDS))

    @property
    def changed_shards(self) -> dict[int, ItemShard]:
        """Parts of items that were bought or returned, by number."""
        return self.items.shards(self.items.changed)

    @property
    def rankers(self) -> tuple[ListRanker, ListRanker]:
        """That of own items, and that of new ones."""
        return self.head.repeat, self.head.explore

    def shelf_at(self, hour: int) -> TableShelf:
        """What is known of items at an hour, while nothing changes. All shards must be there."""
        head = self.head
        times, part = times_of_day(head.sold), part_of_day(hour, head.zone)
        return TableShelf(self.rows, self.items, head.popular, times, hour, part)

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
        places = self._meet(firsts, items, others, order) if firsts else self.items.places(items)
        self._sell(items, places, order.hour)

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
            if self.rows.take_back(name, found.gone):
                self.items.lose_row(name)
        for name, hour in found.gone.items():
            if self.items.take_back(name, hour):
                self.rows.forget(name)
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

    def _meet(self, firsts: Sequence[str], items: Sequence[str], others: Sequence[str], order: ShopOrder) -> Ids:
        """A customer bought items for the first time, after ``others``; returns where all of the order stand then."""
        met = self.items.meet({name: order.items[name] for name in firsts}, order.hour)
        places = self.items.places(items)
        if met.gone:
            for name in met.gone:
                self.rows.forget(name)
            self.rows.follow([*items[:ANTECEDENTS], *others], firsts, order.hour, self.items.__contains__)
        else:
            antecedents = np.concatenate([places[:ANTECEDENTS], self.items.places(others)])
            slots = self.items.slots(antecedents, self.rows.slot_of)
            self.rows.count(slots, self.items.ids(firsts, met.places), order.hour)
        return places

    def _sell(self, items: Sequence[str], places: Ids, hour: int) -> None:
        lines = Lines.at(hour, self.head.zone)
        self.head.popular.count(items, FASTER * hour, _POPULAR)
        self.head.sold.count(_ALL, lines, len(items))
        self.items.sell(items, places, lines)

    def _return(self, items: Sequence[str], hour: int) -> None:
        lines = Lines.at(hour, self.head.zone)
        self.head.popular.take_back(items, FASTER * hour)
        self.head.sold.take_back(_ALL, lines, len(items))
        for name in items:
            self.items.return_line(name, lines)


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
