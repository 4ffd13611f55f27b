"""What may be offered to a customer, and what is known of each candidate: the inputs of the rankers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from stream.recommending.fading import FadingCounts
from stream.recommending.follower_rows import Followers, Ids, item_id
from stream.recommending.own_items import OWN_HALF_LIFE_H, Shopper
from stream.recommending.sold_counts import Sold

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


class Shelf(NamedTuple):
    """What is known of items: the ``followers`` of one, None if nothing follows; ``customers`` who bought
    each of some lately.

    ``popular``: what sells most lately. ``sold``: of some items, as of now. ``categories`` of items, None if unknown.
    ``names`` of items by their ids, None if one is not counted.
    """

    followers: Callable[[str], Followers | None]
    customers: Callable[[Sequence[str]], Floats]
    popular: FadingCounts
    sold: Callable[[Sequence[str]], Sold]
    categories: Callable[[Iterable[str]], list[str | None]]
    names: Callable[[Iterable[int]], list[str | None]]


class Candidates(NamedTuple):
    """Items and their features, (n, k): ``own`` in the columns of `REPEAT`, ``new`` in those of `EXPLORE`."""

    own: list[str]
    own_features: Floats
    new: list[str]
    new_features: Floats


def candidates_of(shopper: Shopper, shelf: Shelf, hour: int) -> Candidates:
    """All own items, and new ones that go with those bought last or are popular."""
    together = together_with(shopper, shopper.latest(ANTECEDENTS), shelf, hour)
    own = [*shopper.items]
    own_ids = _ids(own)
    follows = [name for name in shelf.names(_best(together, own_ids)) if name is not None]
    new = [*dict.fromkeys([*follows, *(name for name in shelf.popular.counts if name not in shopper.items)])]
    new_ids = _ids(new)
    categories = _categories(shopper, shelf)
    shares = [categories.get(of, 0.0) for of in shelf.categories(new)] if categories else [0.0] * len(new)
    own_context = [together.of(own_ids).share + _RARE, *_selling(own, shelf)]
    companions = together.of(new_ids)
    new_features = [
        companions.share + _RARE,
        shelf.customers(new) + _FEW,
        [share + _RARE_CATEGORY for share in shares],
        companions.largest + _RARE,
        *_selling(new, shelf),
    ]
    return Candidates(
        own, np.column_stack([_repeat(shopper, hour), *map(np.log, own_context)]), new, np.log(np.array(new_features)).T
    )


class Companions(NamedTuple):
    """Followers of own items by ascending ``ids``, (n,).

    ``share``: of the customers of an own item, who bought it as well, the mean over own items; ``largest``: of one.
    """

    ids: Ids
    share: Floats
    largest: Floats

    def of(self, ids: Ids) -> Companions:
        """Of any items; of those that do not follow, 0.

        >>> Companions(np.array([3, 7]), np.array([0.2, 0.1]), np.array([0.5, 0.1])).of(np.array([5, 3])).largest
        array([0. , 0.5])
        """
        if not len(self.ids):
            return Companions(ids, np.zeros(len(ids)), np.zeros(len(ids)))
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        found = self.ids[places] == ids
        return Companions(ids, np.where(found, self.share[places], 0.0), np.where(found, self.largest[places], 0.0))


def together_with(shopper: Shopper, items: Sequence[str], shelf: Shelf, hour: int) -> Companions:
    """What goes with ``items``: shares are shrunk, and weighed by how often the customer buys the items."""
    rows: list[Followers] = []
    weights: list[tuple[float, float]] = []
    total = 0.0
    for name, customers in zip(items, shelf.customers(items).tolist(), strict=True):
        own = shopper.items.get(name)
        weight = 1.0 if own is None else own.weight_at(hour) ** 0.5
        total += weight
        row = shelf.followers(name)
        if row is not None:
            rows.append(row)
            weights.append((weight, 1.0 / (customers + _SHRINKAGE)))
    if not rows:
        return Companions(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    ids = np.concatenate([row.ids for row in rows])
    weight_of, unit_of = np.repeat(np.array(weights), [len(row.ids) for row in rows], 0).T
    shares = np.concatenate([row.customers for row in rows]) * unit_of
    # a stable sort takes four times as long
    in_order = np.argsort(ids)
    ids, shares = ids[in_order], shares[in_order]
    begins = np.flatnonzero(np.concatenate([[True], ids[1:] != ids[:-1]]))
    weighed = shares * weight_of[in_order]
    return Companions(ids[begins], np.add.reduceat(weighed, begins) / total, np.maximum.reduceat(shares, begins))


def _best(together: Companions, own_ids: Ids) -> list[int]:
    """Those that are not among the own, by falling share."""
    own = np.sort(own_ids)
    places = np.minimum(np.searchsorted(own, together.ids), len(own) - 1)
    new = np.flatnonzero(own[places] != together.ids) if len(own) else np.arange(len(together.ids))
    best = new[np.argsort(-together.share[new], kind="stable")[:_MAX_FOLLOWERS]]
    ids: list[int] = together.ids[best].tolist()
    return ids


def _ids(names: Sequence[str]) -> Ids:
    return np.array([*map(item_id, names)], np.int64)


def _selling(names: Sequence[str], shelf: Shelf) -> list[Floats]:
    """The last three columns of both."""
    sold = shelf.sold(names)
    return [sold.lately + _UNSOLD, sold.season + _UNSOLD, sold.timely]


def _categories(shopper: Shopper, shelf: Shelf) -> dict[str | None, float]:
    """Shares of the categories of own items; nothing is known of no category."""
    found = Counter(shelf.categories(shopper.items))
    found.pop(None, None)
    return {category: count / len(shopper.items) for category, count in found.items()}


def _repeat(shopper: Shopper, hour: int) -> Floats:
    """The first six columns of `REPEAT`."""
    known = [(own.first, own.last, own.orders, own.weight) for own in shopper.items.values()]
    first, last, orders, weight = np.array(known, np.float64).reshape(len(known), 4).T
    days = np.maximum(hour - last, 0.0) / 24.0
    has_rhythm = (orders > 1) & (last > first)
    gap_days = np.where(has_rhythm, last - first, 0.0) / np.maximum(orders - 1, 1) / 24.0
    ratio = np.where(has_rhythm, np.log((days + 1.0) / (gap_days + 1.0)), 0.0).clip(-_MAX_LOG_RATIO, _MAX_LOG_RATIO)
    decayed = weight * np.exp2(np.minimum(last - hour, 0.0) / OWN_HALF_LIFE_H)
    return np.column_stack([np.log(decayed + 0.01), np.log1p(days), np.log(orders), ratio, ratio**2, has_rhythm])
