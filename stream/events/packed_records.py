"""Records that wait: in a few pieces of memory for a batch, instead of half a dozen for each record.

A worker that catches up has some 300,000 records in memory. Of each it needs the columns that were decoded, and of few
the record itself: for a dead letter, or to pass it on. Small pieces also leave gaps that are never filled.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, overload

import numpy as np
import numpy.typing as npt

from stream.events.decode import Decoded
from stream.events.record import Record

__all__ = ["Headers", "MadeRecords", "PackedRecords"]

Headers = Sequence[tuple[str, bytes | None]]


class _Unpacked(NamedTuple):
    """A record as it came."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class MadeRecords(Sequence[Record]):
    """Records each of which is made, or looked up, when it is asked for."""

    @property
    @abstractmethod
    def headers(self) -> list[Headers]:
        """The headers of each record; no record is made for them."""
        ...

    @abstractmethod
    def _made(self, at: int) -> Record:
        """The record at a position, 0 or more."""
        ...

    @overload
    def __getitem__(self, at: int) -> Record: ...
    @overload
    def __getitem__(self, at: slice) -> list[Record]: ...
    def __getitem__(self, at: int | slice) -> Record | list[Record]:
        found = range(len(self))[at]
        return self._made(found) if isinstance(found, int) else list(map(self._made, found))


class PackedRecords(MadeRecords):
    """The records of a decoded batch; one that is asked for is made anew. Those that were rejected stay as they are.

    ``offsets``: int64[N]. ``decoded``: what the decoder made of ``records``. An accepted one has the customer's id as
    its key, which the decoder has checked.
    """

    def __init__(self, records: Sequence[Record], offsets: npt.NDArray[np.int64], decoded: Decoded) -> None:
        self._offsets = offsets
        self._customer_ids = decoded.customer_ids
        self._events = decoded.events
        self._rejected = {rejection.record: records[rejection.record] for rejection in decoded.rejections}
        accepted = [records[at] for at in decoded.events["record"].tolist()] if self._rejected else records
        values = [record.value or b"" for record in accepted]
        self._values = b"".join(values)
        self._ends = np.cumsum(np.fromiter(map(len, values), np.int64, len(values)))
        headers = [record.headers for record in accepted]
        self._headers: Sequence[Headers] = headers if any(headers) else ()

    @property
    def headers(self) -> list[Headers]:
        if not self._headers and not self._rejected:
            return [()] * len(self)
        return [record.headers for record in self]

    def __len__(self) -> int:
        return len(self._offsets)

    def _made(self, at: int) -> Record:
        if at in self._rejected:
            return self._rejected[at]
        row = int(np.searchsorted(self._events["record"], at))
        begin = int(self._ends[row - 1]) if row else 0
        return _Unpacked(
            offset=int(self._offsets[at]),
            timestamp=int(self._events["appended"][row]),
            key=self._customer_ids[row].encode(),
            value=self._values[begin : int(self._ends[row])],
            headers=self._headers[row] if self._headers else (),
        )
