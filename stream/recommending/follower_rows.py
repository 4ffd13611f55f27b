"""What follows each item: counts that fade, packed, so that an order of many lines is counted in microseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import xxhash

from stream.recommending.fading import HALF_LIFE_H, MOVES_AFTER, ONE, SLACK, STAY, unit_at, weight_at

__all__ = ["MAX_LINES", "FollowerRow", "FollowerRows", "Followers", "RowsOf", "item_id"]

#: Lines of an order that count, the first. What is beyond is not known to be owned, so it is not bought again either.
MAX_LINES: Final = 100
_STORED: Final = np.dtype("<i8")
#: Rows for which there is room at first.
_ROWS: Final = 1024
_MAX_WEIGHT: Final = 2**62
#: Places in a table of followers: a power of two, several times as many as an order has lines.
_TABLE: Final = 512
#: Columns of what is known of a row.
_CHANGED, _OWN = 3, 4
_FADING: Final = (HALF_LIFE_H, ONE, MOVES_AFTER, STAY, SLACK)

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Followers(NamedTuple):
    """Of an item: ``ids`` of others, (n,), and how many ``customers`` bought each with it or later, as of an hour."""

    ids: Ids
    customers: Floats

    def of(self, item: int) -> float:
        """Customers of one of them, 0 if it is none.

        >>> Followers(np.array([7, 9]), np.array([1.5, 3.0])).of(9)
        3.0
        """
        return float(self.customers[self.ids == item].sum())


class RowsOf(NamedTuple):
    """What follows each of ``items``, one row after the other: ``of`` all, and the ``numbers`` of the rows, (n,).

    Items that nothing follows are left out.
    """

    items: list[str]
    of: Followers
    numbers: Ids


class FollowerRow(msgspec.Struct, omit_defaults=True, gc=False):
    """As it is stored: ``ids`` by `item_id` and ``weights``, both of 64 bits, little-endian; else as `FadingCounts`."""

    epoch: int = 0
    floor: int = 0
    ids: bytes = b""
    weights: bytes = b""

    @classmethod
    def merged(cls, parts_of: Sequence[Sequence[FollowerRow]]) -> list[FollowerRow]:
        """Of each item the sum of what several partitions have counted; all items at once, one by one takes long."""
        several = [place for place, parts in enumerate(parts_of) if len(parts) > 1]
        merged = [parts[0] if parts else cls() for parts in parts_of]
        parts = [part for place in several for part in parts_of[place]]
        if not parts:
            return merged
        epochs = [max(part.epoch for part in parts_of[place]) for place in several]
        counts = [len(parts_of[place]) for place in several]
        shares = np.exp2((np.array([part.epoch for part in parts]) - np.repeat(epochs, counts)) / HALF_LIFE_H)
        begins = np.cumsum([0, *counts[:-1]])
        floors = np.add.reduceat(np.rint(np.array([part.floor for part in parts]) * shares), begins).astype(np.int64)
        sizes = [len(part.ids) // _STORED.itemsize for part in parts]
        rows = np.repeat(np.repeat(np.arange(len(several), dtype=np.min_scalar_type(len(several))), counts), sizes)
        ids = np.frombuffer(b"".join([part.ids for part in parts]), _STORED)
        # by row, and by id in it: a stable sort of small numbers counts them
        in_order = np.argsort(ids)
        in_order = in_order[np.argsort(rows[in_order], kind="stable")]
        rows, ids = rows[in_order], ids[in_order]
        first = np.flatnonzero(np.concatenate([[True], (rows[1:] != rows[:-1]) | (ids[1:] != ids[:-1])])[: len(ids)])
        weights = np.frombuffer(b"".join([part.weights for part in parts]), _STORED) * np.repeat(shares, sizes)
        sums = np.add.reduceat(np.rint(weights)[in_order], first).astype(_STORED) if len(first) else weights[:0]
        ends = np.searchsorted(rows[first], np.arange(len(several)), "right") * _STORED.itemsize
        packed, summed = ids[first].tobytes(), sums.tobytes()
        columns = (several, epochs, floors.tolist(), [0, *ends[:-1].tolist()], ends.tolist())
        for place, epoch, floor, begin, end in zip(*columns, strict=True):
            merged[place] = cls(epoch, floor, packed[begin:end], summed[begin:end])
        return merged


class FollowerRows:
    """Rows of some items, to be changed: at most ``keep`` followers each, up to twice as many at times."""

    def __init__(self, keep: int, rows: Mapping[str, FollowerRow]) -> None:
        self._keep = keep
        self._slots = {name: slot for slot, name in enumerate(rows)}
        self._free = len(rows)
        self._forgotten: set[str] = set()
        widest = max((len(row.ids) for row in rows.values()), default=0) // _STORED.itemsize
        width = max(SLACK * keep, widest) + MAX_LINES
        # what is beyond the size of a row is never read
        self._ids: Ids = np.empty((len(rows) + _ROWS, width), np.int64)
        self._weights: Ids = np.empty_like(self._ids)
        #: Of each row: its size, epoch, floor, whether it has changed, and the id of its item.
        self._of: Ids = np.zeros((_OWN + 1, len(self._ids)), np.int64)
        #: What counting works in: a table of hashes, and a place of each follower.
        self._scratch: tuple[Ids, Ids] = np.zeros(_TABLE, np.int64), np.zeros(MAX_LINES, np.int64)
        self._of[_OWN, : len(rows)] = [*map(item_id, rows)]
        stored = [*rows.values()]
        sizes = np.array([len(row.ids) // _STORED.itemsize for row in stored], np.int64)
        self._of[0, : len(rows)] = sizes
        self._of[1:3, : len(rows)] = [[row.epoch for row in stored], [row.floor for row in stored]]
        # all rows at once: one after the other takes four times as long
        places = _places(sizes)
        self._ids[places] = np.frombuffer(b"".join([row.ids for row in stored]), _STORED)
        self._weights[places] = np.frombuffer(b"".join([row.weights for row in stored]), _STORED)

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self._slots)

    def pairs(self) -> int:
        """Followers of all rows."""
        return int(self._of[0].sum())

    def followers(self, names: Iterable[str], hour: int) -> RowsOf:
        """What follows items, as of an hour."""
        asked = [(name, slot) for name in names if (slot := self._slots.get(name)) is not None]
        slots = np.array([slot for _, slot in asked], np.int64)
        sizes, epochs = self._of[:2, slots]
        items = [name for (name, _), size in zip(asked, sizes.tolist(), strict=True) if size]
        is_followed = sizes > 0
        slots, sizes, epochs = slots[is_followed], sizes[is_followed], epochs[is_followed]
        units = np.array([unit_at(epoch, hour) for epoch in epochs.tolist()])
        numbers, columns = _places(sizes)
        at = slots[numbers] * self._ids.shape[1] + columns
        customers = self._weights.ravel()[at].astype(np.float64) * units[numbers]
        return RowsOf(items, Followers(self._ids.ravel()[at], customers), numbers)

    def follow(
        self, antecedents: Sequence[str], followers: Sequence[str], hour: int, may_begin: Callable[[str], bool]
    ) -> None:
        """As `count`; ``may_begin``: whether an item may have a row that has none."""
        slots = [self.slot_of(name) for name in antecedents if name in self._slots or may_begin(name)]
        self.count(np.array(slots, np.int64), np.array([*map(item_id, followers)], np.int64), hour)

    def count(self, slots: Ids, followers: Ids, hour: int) -> None:
        """Count what comes with distinct items, or after them, once at an hour; at most `MAX_LINES`.

        ``slots``: of the items. ``followers``: `item_id` of others.
        """
        from stream.recommending.follower_kernel import follow  # noqa: PLC0415 - commands only read, and start faster

        follow(self._ids, self._weights, self._of, slots, followers, hour, self._keep, _FADING, self._scratch)

    def slot_of(self, name: str) -> int:
        """Where the row of an item is; one that has none begins here."""
        slot = self._slots.get(name)
        if slot is None:
            slot = self._slots[name] = self._free
            self._free += 1
            if slot >= len(self._ids):
                self._grow()
            self._of[_OWN, slot] = item_id(name)
        return slot

    def take_back(self, name: str, followers: Mapping[str, int]) -> bool:
        """Take the count of each follower at its hour back, unless it was cut off.

        A row that is empty goes. Whether it is gone.
        """
        slot = self._slots.get(name)
        if slot is None:
            return True
        size, epoch, floor = self._of[:3, slot].tolist()
        if not size:
            # begun in this step, and nothing has followed yet: it has no epoch
            return False
        ids, weights = self._ids[slot], self._weights[slot]
        for follower, hour in followers.items():
            if follower != name:
                # what the row has never counted may lie far after its epoch
                weights[:size][ids[:size] == item_id(follower)] -= min(weight_at(hour, epoch), _MAX_WEIGHT)
        kept = np.flatnonzero(weights[:size] > 0)
        ids[: len(kept)], weights[: len(kept)] = ids[kept], weights[kept]
        self._of[0, slot] = len(kept)
        self._of[_CHANGED, slot] = 1
        is_gone = not len(kept) and not floor
        if is_gone:
            self.forget(name)
        return is_gone

    def forget(self, name: str) -> None:
        """Nothing follows an item any more."""
        self._forgotten.add(name)
        slot = self._slots.pop(name, None)
        if slot is not None:
            self._of[:_OWN, slot] = 0

    def changed(self) -> Iterator[tuple[str, FollowerRow | None]]:
        """The rows that have changed; None: there is none any more."""
        is_changed = self._of[_CHANGED].tolist()
        changed = {name: slot for name, slot in self._slots.items() if is_changed[slot]}
        for name in self._forgotten - changed.keys():
            yield name, None
        slots = np.array([*changed.values()], np.int64)
        sizes, epochs, floors = self._of[:3, slots]
        rows, columns = _places(sizes)
        ids, weights = (of[slots[rows], columns].astype(_STORED).tobytes() for of in (self._ids, self._weights))
        ends = np.cumsum(sizes) * _STORED.itemsize
        begins = ends - sizes * _STORED.itemsize
        columns_of = (begins.tolist(), ends.tolist(), epochs.tolist(), floors.tolist())
        for name, begin, end, epoch, floor in zip(changed, *columns_of, strict=True):
            yield name, FollowerRow(epoch, floor, ids[begin:end], weights[begin:end])

    def _grow(self) -> None:
        rows, width = self._ids.shape
        ids, weights = np.empty((2, 2 * rows, width), np.int64)
        of = np.zeros((len(self._of), 2 * rows), np.int64)
        ids[:rows], weights[:rows], of[:, :rows] = self._ids, self._weights, self._of
        self._ids, self._weights, self._of = ids, weights, of


def _places(sizes: Ids) -> tuple[Ids, Ids]:
    """Rows and columns of the cells of rows of these sizes.

    >>> [of.tolist() for of in _places(np.array([2, 0, 1]))]
    [[0, 0, 2], [0, 1, 0]]
    """
    rows = np.repeat(np.arange(len(sizes)), sizes)
    return rows, np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)


@lru_cache(1 << 17)
def item_id(name: str) -> int:
    """A hash of an item's name, of 63 bits: two of a million items are alike with a chance of 1 in 20 million."""
    return xxhash.xxh3_64_intdigest(name.encode("utf-8", "surrogatepass")) >> 1
