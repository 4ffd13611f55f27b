"""A sample of customers with the newest that is known of each: every customer is in it with the same chance.

A bottom-k sketch: of all customers seen, those whose hashes are least. Who is in it does not depend on the order in
which customers come or how often, and it is known before a customer's second observation, so that those who are in it
have their whole history. Source: E. Cohen, H. Kaplan, "Summarizing data using bottom-k sketches", PODC (2007).
"""

import heapq
from typing import Final

import numpy as np
import numpy.typing as npt
import xxhash
from msgspec import Struct

from stream.features.registry import DAY_MS
from stream.online_models.purchase_process import Histories

__all__ = ["CAPACITY", "CustomerSample", "SampleState"]

CAPACITY: Final = 4_096
_MINUTE_MS: Final = 60_000
_DAY_MINUTES: Final = DAY_MS // _MINUTE_MS
#: Who has not been observed for so long is retired from observation and has placed no order since: an order would have
#: brought them back. Longer than a week, for a trainer that catches up.
_RETIRED_MINUTES: Final = 21 * _DAY_MINUTES
_NEVER_CLOSED: Final = np.zeros(0, np.int64)
_ROW: Final = np.dtype([("hash", "<u8"), ("first", "<u4"), ("last", "<u4"), ("seen", "<u4"), ("x", "<u4")])


class SampleState(Struct, frozen=True, kw_only=True):
    """The rows by hash, packed: hash, first and last day with an order, newest observation (minutes), further days."""

    rows: bytes = b""


class CustomerSample:
    """At most ``capacity`` customers."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._rows: dict[int, tuple[int, int, int, int]] = {}
        #: The hashes, negative, so that the greatest comes first.
        self._heap: list[int] = []

    def __len__(self) -> int:
        return len(self._rows)

    def takes(self, customer_id: str) -> bool:
        """Whether `see` would look at an observation of the customer."""
        if len(self._rows) < self._capacity:
            return True
        key = _key(customer_id)
        return key in self._rows or key < -self._heap[0]

    def see(self, customer_id: str, *, at_ms: int, first_ms: int, last_ms: int, x: int) -> None:
        """Take an observation at ``at_ms``: orders on ``x`` days after the first, from ``first_ms`` to ``last_ms``."""
        key = _key(customer_id)
        known = self._rows.get(key)
        seen = at_ms // _MINUTE_MS
        if known is None:
            if len(self._rows) == self._capacity:
                if key >= -self._heap[0]:
                    return
                del self._rows[-heapq.heappop(self._heap)]
            heapq.heappush(self._heap, -key)
        elif seen <= known[2]:
            return
        self._rows[key] = first_ms // _MINUTE_MS, last_ms // _MINUTE_MS, seen, x

    def forget(self, customer_id: str) -> bool:
        """Take a customer out; whether they were in it. The next new one may take the place."""
        if self._rows.pop(_key(customer_id), None) is None:
            return False
        self._heap = [-key for key in self._rows]
        heapq.heapify(self._heap)
        return True

    def about(self, customer_id: str) -> dict[str, int] | None:
        """What is known of a customer, times in ms; None for who is not in it."""
        row = self._rows.get(_key(customer_id))
        if row is None:
            return None
        first, last, seen, x = row
        times = {"first_ms": first, "last_ms": last, "seen_ms": seen}
        return {name: minutes * _MINUTE_MS for name, minutes in times.items()} | {"further_days": x}

    def histories(self, now_ms: int, closed: npt.NDArray[np.int64] = _NEVER_CLOSED) -> Histories:
        """Of the customers, in the order of their hashes, as of ``now_ms``.

        ``closed``: days since the epoch, ascending, that do not count (`stream.online_models.closures`).
        """
        rows = self._packed()
        first, last, seen = (rows[name].astype(np.float64) for name in ("first", "last", "seen"))
        until = np.maximum(seen, now_ms // _MINUTE_MS - _RETIRED_MINUTES)
        first, last, until = (_open_minutes(minutes, closed) for minutes in (first, last, until))
        x = rows["x"].astype(np.float64)
        span = np.where(x > 0.0, last - first, 0.0)
        return Histories(x, span / _DAY_MINUTES, np.maximum(until - first, span) / _DAY_MINUTES)

    def _packed(self) -> npt.NDArray[np.void]:
        return np.array([(key, *self._rows[key]) for key in sorted(self._rows)], _ROW)

    def state(self) -> SampleState:
        return SampleState(rows=self._packed().tobytes())

    @classmethod
    def from_state(cls, state: SampleState, capacity: int = CAPACITY) -> "CustomerSample":
        """Go on from ``state``. Raises ValueError if it is damaged."""
        sample = cls(capacity)
        for key, *row in np.frombuffer(state.rows, _ROW).tolist()[:capacity]:
            sample._rows[key] = tuple(row)
        sample._heap = [-key for key in sample._rows]
        heapq.heapify(sample._heap)
        return sample


def _open_minutes(minutes: npt.NDArray[np.float64], closed: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Minutes since the epoch without those of ``closed`` days."""
    if len(closed) == 0:
        return minutes
    day = np.floor(minutes / _DAY_MINUTES)
    within = np.where(np.isin(day, closed), minutes - day * _DAY_MINUTES, 0.0)
    return np.asarray(minutes - np.searchsorted(closed, day) * _DAY_MINUTES - within, np.float64)


def _key(customer_id: str) -> int:
    return xxhash.xxh3_64_intdigest(customer_id.encode())
