"""What is known of items while orders are counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stream.recommending.fading import FadingCounts
from stream.recommending.follower_rows import Floats, FollowerRows, Ids
from stream.recommending.item_table import ItemTable
from stream.recommending.shelf import Beside, Flags, Items, SparseCompanions
from stream.recommending.sold_counts import Sold, sold_of

__all__ = ["TableShelf"]


class TableShelf:
    """A `Shelf` at an hour, in a ``part`` of the day, of what may change afterwards; handles are `item_id`.

    ``times``: as `times_of_day`.
    """

    def __init__(
        self,
        rows: FollowerRows,
        items: ItemTable,
        popular: FadingCounts,
        times: Floats,
        hour: int,
        part: int,
    ) -> None:
        self.popular = popular
        self._rows = rows
        self._items = items
        self._times = times
        self._hour = hour
        self._part = part
        self._placed: list[tuple[Sequence[str], Ids]] = []

    def handles(self, names: Sequence[str]) -> Ids:
        return self._items.ids(names, self._places(names))

    def names(self, handles: Ids) -> Sequence[str | None]:
        return self._items.names_of(handles.tolist())

    def beside(self, names: Sequence[str]) -> Beside:
        rows = self._rows.followers(names, self._hour)
        customers = self._items.customers(self._items.places(rows.items), self._hour)
        return Beside(rows.items, customers, *rows.of, rows.numbers)

    def companions(self, beside: Beside, shares: Floats, weighed: Floats, total: float) -> SparseCompanions:
        return SparseCompanions.of(beside.handles, shares, weighed, total)

    def customers(self, items: Items) -> Floats:
        return self._items.customers(self._places(items.names), self._hour)

    def sold(self, items: Items) -> Sold:
        return sold_of(self._items.sold(self._places(items.names), self._hour), self._part, self._times)

    def categories(self, items: Items) -> Sequence[str | None]:
        return self._items.categories(self._places(items.names))

    def category(self, name: str) -> str | None:
        return self._items.categories(self._items.places([name]))[0]

    def among(self, handles: Ids, others: Ids) -> Flags:
        return np.isin(handles, others)

    def _places(self, names: Sequence[str]) -> Ids:
        """Where items stand: the same ones are asked for several times."""
        for known, places in self._placed:
            if known is names:
                return places
        places = self._items.places(names)
        self._placed.append((names, places))
        return places
