"""The profiles of a partition's customers that are in memory between steps, bounded by what they take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from stream.features.profile import NEVER

__all__ = ["ENTRY_BYTES", "NO_TIMER", "UNKNOWN_TIMER", "Cached", "ProfileCache"]

#: What a customer takes beside the packed profile: the id, the head of a `bytes`, a place in the dict, and a row.
ENTRY_BYTES: Final = 250
#: Due at this time or later: no timer.
NO_TIMER: Final = -int(NEVER)
#: What the store has is not known, so it differs from any time.
UNKNOWN_TIMER: Final = -(1 << 63)
#: Rows of the tables at first.
_ROWS: Final = 64
#: The row of one who has none.
_NO_ROW: Final = -1
#: When the customer of a row without one was seen: such a row is not the longest unseen.
_NOBODY: Final = (1 << 63) - 1
#: The share of customers that is dropped at once, beside those above the bound: to look for them is to look at all.
_DROPPED: Final = 16


class Cached(NamedTuple):
    """By customer, int64[N] each: `ProfileCache.rows_of` them, and `ProfileCache.due_at` these."""

    rows: npt.NDArray[np.int64]
    due: npt.NDArray[np.int64]

    def at(self, these: npt.NDArray[np.int64]) -> Cached:
        """Of ``these`` of the customers."""
        return Cached(self.rows[these], self.due[these])


class ProfileCache:
    """Packed profiles by customer, None for one who has none; `accept` drops the longest unseen above ``max_bytes``.

    Customers have rows in tables, so that a step finds each of them once, and takes and writes the rest at a stretch:
    with a million customers nothing of it is in the processor's cache, and to find it takes longer than all else. For
    the same reason the size is that of as many profiles of the mean size.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.clear()

    def clear(self) -> None:
        """Drop everybody."""
        self._rows: dict[str, int] = {}
        self._free: list[int] = []
        #: Rows of customers who were dropped: nobody else has them before the next `accept`.
        self._left: list[int] = []
        self._customers = np.empty(_ROWS, object)
        self._packed = np.empty(_ROWS, object)
        self._due = np.empty(_ROWS, np.int64)
        #: The step that wrote or read a customer last.
        self._seen = np.empty(_ROWS, np.int64)
        self._steps = 0
        self._mean_bytes = 0.0

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, customer: object) -> bool:
        return customer in self._rows

    def get(self, customer: str) -> bytes | None:
        """The packed profile of a customer; None: there is none, or it is not here."""
        row = self._rows.get(customer)
        found: bytes | None = None if row is None else self._packed[row]
        return found

    @property
    def size_bytes(self) -> float:
        """What profiles and their entries take, about."""
        return len(self) * (ENTRY_BYTES + self._mean_bytes)

    def missing(self, customers: Iterable[str]) -> list[str]:
        """Those of ``customers`` who are not here, each once."""
        rows = self._rows
        return [*dict.fromkeys([customer for customer in customers if customer not in rows])]

    def rows_of(self, customers: Sequence[str]) -> npt.NDArray[np.int64]:
        """Where customers are, int64[N], until the next `accept`. Raises KeyError for one who is not here."""
        return np.fromiter(map(self._rows.__getitem__, customers), np.int64, len(customers))

    def packed_at(self, rows: npt.NDArray[np.int64]) -> list[bytes | None]:
        """The packed profiles at ``rows``."""
        found: list[bytes | None] = self._packed[rows].tolist()
        return found

    def due_at(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The timers (ms) that the store has of the customers at ``rows``, or `NO_TIMER`, or `UNKNOWN_TIMER`."""
        found: npt.NDArray[np.int64] = self._due[rows]
        return found

    def put(self, customers: Sequence[str], packed: Sequence[bytes | None]) -> npt.NDArray[np.int64]:
        """Take in profiles that were just read, also of who is here; return `rows_of` them.

        ``customers``: each once.
        """
        at = np.fromiter(map(self._rows.get, customers, repeat(_NO_ROW)), np.int64, len(customers))
        if len(new := np.flatnonzero(at == _NO_ROW)):
            at[new] = rows = self._new_rows(len(new))
            self._rows.update(zip(map(customers.__getitem__, new.tolist()), rows, strict=True))
            self._due[rows] = UNKNOWN_TIMER
        self._customers[at] = _objects(customers)
        self._packed[at] = _objects(packed)
        self._seen[at] = self._steps
        return at

    def drop(self, customer: str) -> None:
        """Read it again before its next step."""
        row = self._rows.pop(customer, None)
        if row is not None:
            self._left.append(row)

    def accept(
        self,
        packed: Mapping[str, bytes],
        rows: npt.NDArray[np.int64],
        due: npt.NDArray[np.int64],
        idle: Iterable[str],
    ) -> None:
        """A step has been stored.

        ``packed``: the profiles of its customers. Of the same, ``rows``: `rows_of` them, asked for after the last
        `accept`; ``due``: when their timers are due (ms; from `NO_TIMER` on there is none). ``idle``: customers, of
        these or others, who have no timer any more.
        """
        self._steps += 1
        if packed:
            self._packed[rows] = _objects([*packed.values()])
            self._seen[rows] = self._steps
            self._due[rows] = np.minimum(due, NO_TIMER)
            mean = sum(map(len, packed.values())) / len(packed)
            self._mean_bytes += (mean - self._mean_bytes) * len(packed) / max(len(packed), len(self))
        for customer in idle:
            if (row := self._rows.get(customer)) is not None:
                self._due[row] = NO_TIMER
        if self._left:
            self._let_go(self._left)
            self._left = []
        if self.size_bytes > self._max_bytes:
            kept = int(self._max_bytes / (ENTRY_BYTES + self._mean_bytes))
            self._drop_longest_unseen(len(self) - kept + kept // _DROPPED)

    def _drop_longest_unseen(self, count: int) -> None:
        seen = self._seen[: self._used]
        rows = np.argpartition(seen, count - 1)[:count]
        for customer in self._customers[rows].tolist():
            del self._rows[customer]
        self._let_go(rows.tolist())

    def _let_go(self, rows: list[int]) -> None:
        self._customers[rows] = self._packed[rows] = None
        self._seen[rows] = _NOBODY
        self._free.extend(rows)

    @property
    def _used(self) -> int:
        """Rows that somebody has or has had."""
        return len(self._rows) + len(self._left) + len(self._free)

    def _new_rows(self, count: int) -> list[int]:
        used = self._used
        again = self._free[-count:]
        del self._free[-count:]
        rows = [*again, *range(used, used + count - len(again))]
        if rows[-1] >= len(self._due):
            self._grow(max(2 * len(self._due), rows[-1] + 1))
        return rows

    def _grow(self, size: int) -> None:
        """Make the tables of ``size`` rows."""
        old = len(self._due)
        for name in ("_customers", "_packed", "_due", "_seen"):
            table = getattr(self, name)
            larger = np.empty(size, table.dtype)
            larger[:old] = table
            setattr(self, name, larger)


def _objects(of: Sequence[object]) -> npt.NDArray[np.object_]:
    """An array of one dimension of these objects, whatever they are."""
    made = np.empty(len(of), object)
    made[:] = of
    return made
