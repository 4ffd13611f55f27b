"""What goes with items, for a process that is asked all the time: read once, and again when it is old."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from stream.projections.recommendations import Recommendations, RecommendationState, item_key
from stream.recommending.follower_rows import FollowerRow
from stream.recommending.item_index import IndexedRow
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["KnownRows"]

_PROJECTION: Final = (Recommendations.name, Recommendations.version)
#: Counts of sixty days change little in ten minutes.
_OLD_AFTER_S: Final = 600.0
#: Rows that are kept, those read last: 6 kB each at most, most of them less than 2 kB.
_MAX_ROWS: Final = 20_000

_decode: Final = msgspec.json.Decoder(RecommendationState).decode


class _Known(NamedTuple):
    read_at_s: float
    row: IndexedRow | None


class KnownRows:
    """Rows of items, summed over all partitions. For any thread."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._rows: dict[str, _Known] = {}
        self._changing = threading.Lock()

    def of(self, desk: ProjectionDesk, items: Sequence[str]) -> Mapping[str, IndexedRow | None]:
        """The rows of some items, None if nothing follows one; in one round trip, or none. Raises `StorageError`."""
        now_s = self._monotonic()
        known = {item: self._rows.get(item) for item in items}
        old = [item for item, one in known.items() if one is None or now_s - one.read_at_s > _OLD_AFTER_S]
        found = {item: one.row for item, one in known.items() if one is not None}
        if old:
            read = _read(desk, old)
            found |= read
            with self._changing:
                for item, row in read.items():
                    self._rows.pop(item, None)
                    self._rows[item] = _Known(now_s, row)
                while len(self._rows) > _MAX_ROWS:
                    del self._rows[next(iter(self._rows))]
        return found


def _read(desk: ProjectionDesk, items: Sequence[str]) -> dict[str, IndexedRow | None]:
    stored = desk.shared_of(*_PROJECTION, map(item_key, items))
    parts_of = [[row for state in stored[item_key(item)] if (row := _decode(state).row)] for item in items]
    merged = zip(items, FollowerRow.merged(parts_of), strict=True)
    return {item: IndexedRow(row) if row.ids else None for item, row in merged}
