"""What a person with several ids buys: it is stored under each id, and put together where somebody asks."""

from __future__ import annotations

import math
from collections.abc import Iterable

from stream.recommending.own_items import MAX_ITEMS, MAX_ORDERS, MAX_REFUSED, OWN_HALF_LIFE_H, OwnItem, Shopper

__all__ = ["as_one"]


def as_one(shoppers: Iterable[Shopper]) -> Shopper:
    """One person, by what was bought and complained about under each id; nothing that is given is changed.

    >>> tea = Shopper(items={"tea": OwnItem(first=0, last=24)})
    >>> both = as_one([tea, Shopper(items={"tea": OwnItem(first=48, last=48), "cups": OwnItem(first=30, last=30)})])
    >>> [*both.items], both.items["tea"].orders, both.items["tea"].gap_h
    (['cups', 'tea'], 2, 48.0)
    """
    several = [one for one in shoppers if one != Shopper()]
    if not several:
        return Shopper()
    if several == several[:1]:
        return several[0]
    items: dict[str, OwnItem] = {}
    for one in several:
        for name, own in one.items.items():
            items[name] = _both(items[name], own) if name in items else own
    newest = sorted(items, key=lambda name: items[name].last)[-MAX_ITEMS:]
    orders = {order.id: order for one in several for order in one.orders}
    return Shopper(
        items={name: items[name] for name in newest},
        orders=sorted(orders.values(), key=lambda order: order.hour)[-MAX_ORDERS:],
        refused=sorted({name for one in several for name in one.refused})[:MAX_REFUSED],
    )


def _both(one: OwnItem, other: OwnItem) -> OwnItem:
    last = max(one.last, other.last)
    weight = sum(own.weight * math.exp2((own.last - last) / OWN_HALF_LIFE_H) for own in (one, other))
    return OwnItem(min(one.first, other.first), last, one.orders + other.orders, round(weight, 4))
