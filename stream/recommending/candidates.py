"""What may be offered to a customer, and what is known of each candidate: the inputs of the rankers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from heapq import nlargest
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from stream.recommending.fading import FadingCounts
from stream.recommending.own_items import OwnItem, Shopper

__all__ = ["ANTECEDENTS", "EXPLORE", "REPEAT", "Candidates", "Shelf", "candidates_of", "together_with"]

Floats = npt.NDArray[np.float64]

#: Own items from which is concluded to others, those bought last.
ANTECEDENTS: Final = 25
#: Candidates by what goes with own items; popular ones come on top.
_MAX_FOLLOWERS: Final = 150
#: Customers of an item who count as unconvinced that anything goes with it (shrinkage).
_SHRINKAGE: Final = 30.0
_RARE: Final = 1e-3
_RARE_CATEGORY: Final = 1e-2
_FEW: Final = 5.0
_MAX_LOG_RATIO: Final = 2.0

#: Features with the weights from which the rankers begin.
REPEAT: Final[Mapping[str, float]] = {
    "log of decayed orders": 1.0,
    "log of days since the last": 0.0,
    "log of orders": 0.0,
    "due": 0.0,
    "far from due": 0.0,
    "has a rhythm": 0.0,
    "goes with own items": 0.1,
    "popular": 0.1,
}
EXPLORE: Final[Mapping[str, float]] = {
    "goes with own items": 1.0,
    "customers": -0.4,
    "popular": 0.3,
    "category": 0.1,
    "goes with one of them": 0.2,
}


class Shelf(NamedTuple):
    """What is known of items: ``row`` has the followers of one, ``customers`` how many bought one lately.

    ``popular``: what sells now. ``category`` of an item, None if unknown.
    """

    row: Callable[[str], FadingCounts | None]
    customers: Callable[[str], float]
    popular: FadingCounts
    category: Callable[[str], str | None]


class Candidates(NamedTuple):
    """Items and their features, (n, k): ``own`` in the columns of `REPEAT`, ``new`` in those of `EXPLORE`."""

    own: list[str]
    own_features: Floats
    new: list[str]
    new_features: Floats


def candidates_of(shopper: Shopper, shelf: Shelf, hour: int) -> Candidates:
    """All own items, and new ones that go with those bought last or are popular."""
    together, largest = together_with(shopper, shopper.latest(ANTECEDENTS), shelf, hour)
    popular = _popularity(shelf.popular)
    items = shopper.items
    own = [*items]
    best = nlargest(_MAX_FOLLOWERS, [(value, name) for name, value in together.items() if name not in items])
    new = [*dict.fromkeys([name for _, name in best] + [name for name in popular if name not in items])]
    own_features = np.array([_repeat(one, hour) for one in items.values()]).reshape(len(own), 6)
    categories = _categories(shopper, shelf)
    shares = [categories.get(shelf.category(name), 0.0) for name in new] if categories else [0.0] * len(new)
    new_features = [_strengths(together, new), [shelf.customers(name) + _FEW for name in new], _strengths(popular, new)]
    own_context = np.log([_strengths(together, own), _strengths(popular, own)])
    return Candidates(
        own,
        np.column_stack([own_features, own_context.T]),
        new,
        np.log([*new_features, [share + _RARE_CATEGORY for share in shares], _strengths(largest, new)]).T,
    )


def _strengths(found: Mapping[str, float], names: Sequence[str]) -> list[float]:
    return [found.get(name, 0.0) + _RARE for name in names]


class Companions(NamedTuple):
    """Of followers of own items: the mean ``share`` of the customers of those who bought them, and the ``largest``."""

    share: dict[str, float]
    largest: dict[str, float]


def together_with(shopper: Shopper, items: Sequence[str], shelf: Shelf, hour: int) -> Companions:
    """What goes with ``items``: shares are shrunk, and weighed by how often the customer buys the items."""
    share: dict[str, float] = {}
    largest: dict[str, float] = {}
    total = 0.0
    for name in items:
        own = shopper.items.get(name)
        weight = 1.0 if own is None else own.weight_at(hour) ** 0.5
        total += weight
        row = shelf.row(name)
        if row is None or not row.counts:
            continue
        factor = row.unit(hour) / (shelf.customers(name) + _SHRINKAGE)
        for follower, count in row.counts.items():
            found = factor * count
            share[follower] = share.get(follower, 0.0) + weight * found
            if found > largest.get(follower, 0.0):
                largest[follower] = found
    return Companions({name: value / total for name, value in share.items()}, largest)


def _popularity(counts: FadingCounts) -> dict[str, float]:
    total = sum(counts.counts.values())
    return {name: count / total for name, count in counts.counts.items()} if total else {}


def _categories(shopper: Shopper, shelf: Shelf) -> dict[str | None, float]:
    """Shares of the categories of own items; nothing is known of no category."""
    found: dict[str | None, float] = {}
    for name in shopper.items:
        category = shelf.category(name)
        if category is not None:
            found[category] = found.get(category, 0.0) + 1.0
    return {category: count / len(shopper.items) for category, count in found.items()}


def _repeat(own: OwnItem, hour: int) -> tuple[float, ...]:
    days = max(hour - own.last, 0) / 24.0
    gap_h = own.gap_h
    ratio = 0.0
    if gap_h is not None:
        ratio = math.log((days + 1.0) / (gap_h / 24.0 + 1.0))
        ratio = min(max(ratio, -_MAX_LOG_RATIO), _MAX_LOG_RATIO)
    return (
        math.log(own.weight_at(hour) + 0.01),
        math.log1p(days),
        math.log(own.orders),
        ratio,
        ratio * ratio,
        float(gap_h is not None),
    )
