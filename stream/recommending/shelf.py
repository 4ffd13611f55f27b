"""What a shop knows of its items, as lists of a customer ask for it: in arrays, by handles of the items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from stream.recommending.fading import FadingCounts
from stream.recommending.follower_rows import Floats, Followers, Ids
from stream.recommending.sold_counts import Sold

__all__ = ["Beside", "Companions", "Items", "Shelf", "SparseCompanions", "first_of"]

Flags = npt.NDArray[np.bool_]


class Items(NamedTuple):
    """``names`` of items, and their ``handles``, (n,): the numbers by which a shelf knows them."""

    names: Sequence[str]
    handles: Ids


class Companions(Protocol):
    """Followers of own items.

    The share of one: of the customers of an own item, who bought it as well, the mean over own items.
    """

    def share_of(self, handles: Ids) -> Floats:
        """The shares of any items; of those that do not follow, 0."""

    def largest_of(self, handles: Ids) -> Floats:
        """The share of the customers of one own item, the largest."""

    def best(self, limit: int, without: Ids) -> Ids:
        """The handles of those with the largest shares, by falling share; equals by the hashes of their names.

        Shares that are alike but for how they were added up are equal.
        """


class Shelf(Protocol):
    """What is known of items at an hour. ``popular``: what sells most lately."""

    popular: FadingCounts

    def handles(self, names: Sequence[str]) -> Ids:
        """The numbers by which items are known here."""

    def names(self, handles: Ids) -> Sequence[str | None]:
        """The names of items; None of one that is not counted."""

    def beside(self, names: Sequence[str]) -> Beside:
        """What follows each of some items; those that nothing follows are left out."""

    def companions(self, beside: Beside, shares: Floats, weighed: Floats, total: float) -> Companions:
        """Followers by their ``shares``, (m,); the sums of ``weighed``, (m,), are divided by ``total``."""

    def customers(self, items: Items) -> Floats:
        """Who bought each lately."""

    def sold(self, items: Items) -> Sold:
        """What sells of each."""

    def categories(self, items: Items) -> Sequence[str | None]:
        """Of what category each is, None if it is not known."""

    def category(self, name: str) -> str | None:
        """Of what category an item is."""

    def among(self, handles: Ids, others: Ids) -> Flags:
        """Which of some are among others."""


class Beside(NamedTuple):
    """What follows some items, one row after the other.

    ``of``: customers of each of the ``items`` that have a row. ``handles`` of the followers, (m,), ``customers`` who
    bought each with the item or later, and the ``numbers`` of the rows.
    """

    items: Sequence[str]
    of: Floats
    handles: Ids
    customers: Floats
    numbers: Ids

    @classmethod
    def at(cls, items: Sequence[str], of: Floats, rows: Sequence[Followers], units: Sequence[float]) -> Beside:
        """Of ``items`` with what follows each; ``units``: of each row, by which its counts are multiplied."""
        if not rows:
            return cls(items, of, np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64))
        numbers = np.repeat(np.arange(len(rows)), [len(row.ids) for row in rows])
        customers = np.concatenate([row.customers for row in rows]) * np.array(units)[numbers]
        return cls(items, of, np.concatenate([row.ids for row in rows]), customers, numbers)


class SparseCompanions(NamedTuple):
    """`Companions` by ascending ``ids``, (n,), of all that follow."""

    ids: Ids
    shares: Floats
    largest: Floats

    @classmethod
    def of(cls, handles: Ids, shares: Floats, weighed: Floats, total: float) -> SparseCompanions:
        """As `Shelf.companions`, of followers with these handles."""
        if not len(handles):
            return cls(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
        # a stable sort takes four times as long
        in_order = np.argsort(handles)
        ids, shares = handles[in_order], shares[in_order]
        begins = np.flatnonzero(np.concatenate([[True], ids[1:] != ids[:-1]]))
        sums = np.add.reduceat(weighed[in_order], begins)
        return cls(ids[begins], sums / total, np.maximum.reduceat(shares, begins))

    def share_of(self, handles: Ids) -> Floats:
        """
        >>> SparseCompanions(np.array([3, 7]), np.array([0.2, 0.1]), np.array([0.5, 0.1])).share_of(np.array([5, 3]))
        array([0. , 0.2])
        """
        return self._of(handles, self.shares)

    def largest_of(self, handles: Ids) -> Floats:
        return self._of(handles, self.largest)

    def best(self, limit: int, without: Ids) -> Ids:
        is_new = np.ones(len(self.ids), np.bool_)
        if len(self.ids):
            places = np.minimum(np.searchsorted(self.ids, without), len(self.ids) - 1)
            is_new[places[self.ids[places] == without]] = False
        return first_of(self.ids[is_new], self.shares[is_new].astype(np.float32), limit)

    def _of(self, handles: Ids, values: Floats) -> Floats:
        if not len(self.ids):
            return np.zeros(len(handles))
        places = np.minimum(np.searchsorted(self.ids, handles), len(self.ids) - 1)
        return np.where(self.ids[places] == handles, values[places], 0.0)


def first_of(handles: Ids, shares: npt.NDArray[np.float32], limit: int) -> Ids:
    """Those with the largest shares, equals in the order in which they stand."""
    if len(handles) > limit:
        # those that reach the least that is wanted, and all equals of it: a sort of all takes several times as long
        wanted = shares >= np.partition(shares, -limit)[-limit]
        handles, shares = handles[wanted], shares[wanted]
    first: Ids = handles[np.argsort(-shares, kind="stable")[:limit]]
    return first
