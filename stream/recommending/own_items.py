"""What a customer buys: each item with its decay and its rhythm; and the latest orders, which may be returned."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple

import msgspec

__all__ = ["MAX_ITEMS", "MAX_ORDERS", "MAX_REFUSED", "OWN_HALF_LIFE_H", "KnownOrder", "OwnItem", "Returned", "Shopper"]

#: Ninety days.
OWN_HALF_LIFE_H: Final = 90 * 24
#: Items of a customer that are kept, those bought last.
MAX_ITEMS: Final = 400
#: Orders that can be returned or told again.
MAX_ORDERS: Final = 8
#: Items that are never offered again.
MAX_REFUSED: Final = 100


class OwnItem(msgspec.Struct, array_like=True, gc=False):
    """``orders`` with it; ``weight``: the same, halved every ninety days, as of ``last``. Hours since 1970."""

    first: int
    last: int
    orders: int = 1
    weight: float = 1.0

    def buy(self, hour: int) -> None:
        """Another order with it; late ones count less."""
        if hour >= self.last:
            self.weight = round(self.weight * math.exp2((self.last - hour) / OWN_HALF_LIFE_H) + 1.0, 4)
            self.last = hour
        else:
            self.weight = round(self.weight + math.exp2((hour - self.last) / OWN_HALF_LIFE_H), 4)
            self.first = min(self.first, hour)
        self.orders += 1

    def weight_at(self, hour: int) -> float:
        """The decayed number of orders at an hour."""
        return self.weight * math.exp2(min(self.last - hour, 0) / OWN_HALF_LIFE_H)

    @property
    def gap_h(self) -> float | None:
        """Mean hours between two orders; None after a single one.

        >>> OwnItem(0, 48, orders=3).gap_h
        24.0
        """
        return (self.last - self.first) / (self.orders - 1) if self.orders > 1 and self.last > self.first else None


class KnownOrder(msgspec.Struct, array_like=True, gc=False):
    """An order: a hash of its id, its hour, and its items, without those that were returned."""

    id: int
    hour: int
    items: list[str]


class Returned(NamedTuple):
    """What is returned of an order of an ``hour``, which had ``items``; ``gone``: what the customer owns no more.

    The values of ``gone`` are the hours of the first order with an item.
    """

    hour: int
    items: list[str]
    returned: list[str]
    gone: dict[str, int]


class Shopper(msgspec.Struct, omit_defaults=True, gc=False):
    """A customer. ``items`` and ``orders`` stand in the order in which they were told last, newest at the end.

    ``refused``: items that they complained about.
    """

    items: dict[str, OwnItem] = msgspec.field(default_factory=dict)
    orders: list[KnownOrder] = msgspec.field(default_factory=list)
    refused: list[str] = msgspec.field(default_factory=list)

    def knows(self, order_id: int) -> bool:
        """Whether an order is among the latest."""
        return any(order.id == order_id for order in self.orders)

    def latest(self, limit: int, without: Iterable[str] = ()) -> list[str]:
        """Items bought last, newest first."""
        if not without:
            return [*islice(reversed(self.items), limit)]
        out = {*without}
        return [*islice((name for name in reversed(self.items) if name not in out), limit)]

    def buy(self, order_id: int, hour: int, items: Sequence[str]) -> list[str]:
        """An order that is not known, of distinct items. Returns those that the customer buys for the first time."""
        firsts = [name for name in items if name not in self.items]
        for name in items:
            own = self.items.pop(name, None)
            if own is not None:
                own.buy(hour)
                self.items[name] = own
        for name in firsts:
            self.items[name] = OwnItem(hour, hour)
        for name in [*islice(self.items, max(len(self.items) - MAX_ITEMS, 0))]:
            del self.items[name]
        self.orders.append(KnownOrder(order_id, hour, [*items]))
        del self.orders[:-MAX_ORDERS]
        return firsts

    def take_back(self, order_id: int, items: Iterable[str] | None = None) -> Returned | None:
        """Return an order, or some items of it. None if it is not among the latest."""
        order = next((one for one in self.orders if one.id == order_id), None)
        if order is None:
            return None
        asked = {*order.items} if items is None else {*items}
        before, returned = order.items, [name for name in order.items if name in asked]
        order.items = [name for name in order.items if name not in asked]
        gone = {}
        for name in returned:
            own = self.items.get(name)
            if own is not None and self._return(name, own, order.hour):
                gone[name] = own.first
        return Returned(order.hour, before, returned, gone)

    def refuse(self, item: str) -> None:
        """The customer complained about an item."""
        if item not in self.refused:
            self.refused = sorted([*self.refused, item])[:MAX_REFUSED]

    def _return(self, name: str, own: OwnItem, hour: int) -> bool:
        """One order less of an item; whether it was the only one."""
        if own.orders <= 1:
            del self.items[name]
            return True
        own.orders -= 1
        weight = own.weight - math.exp2((hour - own.last) / OWN_HALF_LIFE_H) if hour <= own.last else own.weight
        last = own.last
        if last == hour:
            last = max((one.hour for one in self.orders if name in one.items), default=own.first)
        own.weight = round(max(weight, 0.0) * math.exp2((own.last - last) / OWN_HALF_LIFE_H), 4)
        own.last = last
        return False
