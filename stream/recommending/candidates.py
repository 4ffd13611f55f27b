"""What may be offered to a customer, and what is known of each candidate: the inputs of the rankers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from stream.recommending.own_items import OWN_HALF_LIFE_H, Shopper
from stream.recommending.shelf import Beside, Companions, Items, Shelf

__all__ = ["ANTECEDENTS", "EXPLORE", "REPEAT", "Candidates", "candidates_of", "together_with"]

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
_UNSOLD: Final = 0.1
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
    "sold lately": 0.5,
    "sold in a season": -0.3,
    "sold at this time of the day": 0.4,
}
EXPLORE: Final[Mapping[str, float]] = {
    "goes with own items": 0.9,
    "customers": -0.5,
    "category": 0.1,
    "goes with one of them": 0.3,
    "sold lately": 1.0,
    "sold in a season": -0.7,
    "sold at this time of the day": 0.5,
}


class Candidates(NamedTuple):
    """Items and their features, (n, k): ``own`` in the columns of `REPEAT`, ``new`` in those of `EXPLORE`.

    ``latest``: what goes with the items bought last.
    """

    own: Items
    own_features: Floats
    new: Items
    new_features: Floats
    latest: Beside


def candidates_of(shopper: Shopper, shelf: Shelf, hour: int) -> Candidates:
    """All own items, and new ones that go with those bought last or are popular."""
    latest = shopper.latest(ANTECEDENTS)
    row_of = shelf.beside(latest)
    together = together_with(shopper, latest, row_of, shelf, hour)
    own = _items([*shopper.items], shelf)
    follow = [name for name in shelf.names(together.best(_MAX_FOLLOWERS, own.handles)) if name is not None]
    popular = (name for name in shelf.popular.counts if name not in shopper.items)
    new = _items([*dict.fromkeys([*follow, *popular])], shelf)
    shares = _categories(shelf.categories(own))
    own_context = [together.share_of(own.handles) + _RARE, *_selling(own, shelf)]
    new_features = [
        together.share_of(new.handles) + _RARE,
        shelf.customers(new) + _FEW,
        np.array([shares.get(of, 0.0) for of in shelf.categories(new)] if shares else np.zeros(len(new.names)))
        + _RARE_CATEGORY,
        together.largest_of(new.handles) + _RARE,
        *_selling(new, shelf),
    ]
    own_features = np.column_stack([_repeat(shopper, hour), np.log(own_context).T])
    return Candidates(own, own_features, new, np.log(new_features).T, row_of)


def together_with(shopper: Shopper, items: Sequence[str], row_of: Beside, shelf: Shelf, hour: int) -> Companions:
    """What goes with ``items``: shares are shrunk, and weighed by how often the customer buys the items.

    ``row_of``: what is beside them. Items that nothing follows count as followed by none.
    """
    known = shopper.items
    weight_of = {name: known[name].weight_at(hour) ** 0.5 if name in known else 1.0 for name in items}
    weights = np.array([weight_of[name] for name in row_of.items])
    shares = row_of.customers * (1.0 / (row_of.of + _SHRINKAGE))[row_of.numbers]
    return shelf.companions(row_of, shares, shares * weights[row_of.numbers], sum(weight_of.values()))


def _items(names: Sequence[str], shelf: Shelf) -> Items:
    return Items(names, shelf.handles(names))


def _selling(items: Items, shelf: Shelf) -> list[Floats]:
    """The last three columns of both."""
    sold = shelf.sold(items)
    return [sold.lately + _UNSOLD, sold.season + _UNSOLD, sold.timely]


def _categories(own: Sequence[str | None]) -> dict[str | None, float]:
    """Shares of the categories of own items; nothing is known of no category."""
    found = Counter(own)
    found.pop(None, None)
    return {category: count / len(own) for category, count in found.items()}


def _repeat(shopper: Shopper, hour: int) -> Floats:
    """The first six columns of `REPEAT`."""
    known = shopper.items.values()
    first, last, orders, weight = (
        np.array(of, np.float64)
        for of in (
            [own.first for own in known],
            [own.last for own in known],
            [own.orders for own in known],
            [own.weight for own in known],
        )
    )
    days = np.maximum(hour - last, 0.0) / 24.0
    has_rhythm = (orders > 1) & (last > first)
    gap_days = np.where(has_rhythm, last - first, 0.0) / np.maximum(orders - 1, 1) / 24.0
    ratio = np.where(has_rhythm, np.log((days + 1.0) / (gap_days + 1.0)), 0.0).clip(-_MAX_LOG_RATIO, _MAX_LOG_RATIO)
    decayed = weight * np.exp2(np.minimum(last - hour, 0.0) / OWN_HALF_LIFE_H)
    return np.column_stack([np.log(decayed + 0.01), np.log1p(days), np.log(orders), ratio, ratio**2, has_rhythm])
