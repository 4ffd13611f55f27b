"""Event-time alignment of the inputs of one partition index.

Each input is in the order of its log. Records are merged by (running maximum of event time within the input, input),
so the merged order is a function of the logs alone, however they were cut into batches::

    click     1 2     6 7 ...
    email       2   5             <- nothing buffered beyond 5, and not at its end: nothing after 5 can be taken
    purchase  1   3 4     8 ...
    taken     1 1 2 2 3 4 5
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from stream.catalogue.events import KERNEL_TYPES
from stream.events.decode import Decoded
from stream.events.rejections import Rejection
from stream.processing.picked_records import PickedRecords

__all__ = ["Aligner", "Chunk", "Taken"]


@dataclass(slots=True)
class Chunk:
    """Decoded records of one fetched batch of one input; ``batch`` is what is acked when all of it was taken."""

    batch: Any
    first_offset: int
    next_offset: int
    offsets: npt.NDArray[np.int64]
    records: Sequence[Any]
    decoded: Decoded
    order: npt.NDArray[np.int64]
    taken: int = 0


@dataclass(frozen=True)
class Taken:
    """A run of the merged order.

    ``events`` (EVENT) and ``customer_ids`` are merged; ``sources`` are the input of each event. ``rejections``: (input,
    source record, rejection). ``next_offsets``: by input, where the next run begins, for inputs that advanced.
    ``finished``: batches whose last record is in this run or an earlier one. ``forwarded``: (input, source record) of
    events that belong to another partition. ``passed_over``: how many records count elsewhere, and are left out here.
    """

    events: npt.NDArray[np.void]
    customer_ids: list[str]
    sources: npt.NDArray[np.int64]
    records: Sequence[Any]
    rejections: list[tuple[int, Any, Rejection]]
    next_offsets: dict[int, int]
    finished: list[Any]
    forwarded: list[tuple[int, Any]] = field(default_factory=list)
    passed_over: int = 0

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """The customers of the events, each once and numbered, in the order of their first events."""
        customers = dict.fromkeys(self.customer_ids)
        return dict(zip(customers, range(len(customers)), strict=True))

    def only(self, positions: npt.NDArray[np.int64]) -> Taken:
        """The run with only the events at these positions; all else is as it was."""
        kept = positions.tolist()
        return replace(
            self,
            events=self.events[positions],
            customer_ids=[self.customer_ids[k] for k in kept],
            sources=self.sources[positions],
            records=PickedRecords([self.records], positions),
        )

    def by_input(self, chosen: npt.NDArray[np.bool_]) -> dict[int, int]:
        """How many of the chosen events each input has."""
        return dict(enumerate(np.bincount(self.sources[chosen], minlength=len(KERNEL_TYPES)).tolist()))

    @property
    def records_in(self) -> int:
        """Number of source records of the run."""
        return len(self.customer_ids) + len(self.rejections) + len(self.forwarded) + self.passed_over


class Aligner:
    """Buffers decoded batches of ``inputs`` inputs and gives them out merged by event time."""

    def __init__(self, inputs: int) -> None:
        self._chunks: list[deque[Chunk]] = [deque() for _ in range(inputs)]
        self._newest = [np.iinfo(np.int64).min] * inputs
        self._buffered = [0] * inputs

    def push(
        self,
        source: int,
        batch: Any,
        offsets: npt.NDArray[np.int64],
        records: Sequence[Any],
        decoded: Decoded,
    ) -> None:
        """Append a fetched batch of input ``source``; ``offsets`` are those of its records, ascending."""
        times = np.full(len(records), self._newest[source], np.int64)
        times[decoded.events["record"]] = decoded.events["time"]
        order = np.maximum(np.maximum.accumulate(times), self._newest[source])
        self._newest[source] = int(order[-1])
        first, last = int(offsets[0]), int(offsets[-1])
        self._chunks[source].append(Chunk(batch, first, last + 1, offsets, records, decoded, order))
        self._buffered[source] += len(records)

    def buffered(self, source: int) -> int:
        """Number of records of the input that wait to be taken."""
        return self._buffered[source]

    def oldest(self, source: int) -> Any | None:
        """The record of the input that waits longest, None when nothing is buffered."""
        chunks = self._chunks[source]
        return chunks[0].records[chunks[0].taken] if chunks else None

    def waiting_for(self, at_end: Sequence[bool]) -> list[int]:
        """Inputs that hold the merge back: their buffer is empty, but their log has more."""
        if not any(self._buffered):
            return []
        return [i for i, count in enumerate(self._buffered) if count == 0 and not at_end[i]]

    def take(self, at_end: Sequence[bool], limit: int) -> Taken | None:
        """Take up to about ``limit`` records in merged order; None when nothing can be taken.

        ``at_end[i]``: input *i* has no more records at present (or has been waited for long enough), so that it does
        not hold back the others when its buffer is empty.
        """
        bound: tuple[int, int] | None = None
        for i, chunks in enumerate(self._chunks):
            if at_end[i]:
                continue
            last = (int(chunks[-1].order[-1]), i) if chunks else (self._newest[i], i)
            if bound is None or last < bound:
                bound = last
        counts = self._cut(bound, limit)
        if not any(counts):
            return None
        return self._collect(counts)

    def _cut(self, bound: tuple[int, int] | None, limit: int) -> list[int]:
        """How many records of each input lie within the bound and the first ``limit`` of the merged order."""
        orders = []
        for i, chunks in enumerate(self._chunks):
            parts, size = [], 0
            for chunk in chunks:
                parts.append(chunk.order[chunk.taken :])
                size += len(parts[-1])
                if size >= limit:
                    break
            order = np.concatenate(parts) if parts else np.empty(0, np.int64)
            if bound is not None:
                # records at the bound itself may go if their input comes before, or is, the one that sets the bound
                side: Literal["left", "right"] = "right" if i <= bound[1] else "left"
                order = order[: int(np.searchsorted(order, bound[0], side=side))]
            orders.append(order)
        total = sum(map(len, orders))
        if total <= limit:
            return [len(order) for order in orders]
        merged = np.concatenate(orders)
        source = np.repeat(np.arange(len(orders)), [len(order) for order in orders])
        first = np.lexsort((source, merged))[:limit]
        counts: list[int] = np.bincount(source[first], minlength=len(orders)).tolist()
        return counts

    def _collect(self, counts: list[int]) -> Taken:
        events, customers, keys, sources = [], [], [], []
        batches: list[Sequence[Any]] = []
        places, behind = [], 0
        rejections: list[tuple[int, Any, Rejection]] = []
        next_offsets: dict[int, int] = {}
        finished: list[Any] = []
        for source, count in enumerate(counts):
            left = count
            self._buffered[source] -= count
            while left:
                chunk = self._chunks[source][0]
                start, stop = chunk.taken, min(chunk.taken + left, len(chunk.records))
                left -= stop - start
                column = chunk.decoded.events["record"]
                low, high = np.searchsorted(column, (start, stop))
                events.append(chunk.decoded.events[low:high])
                customers += chunk.decoded.customer_ids[low:high]
                keys.append(chunk.order[column[low:high]])
                sources.append(np.full(high - low, source, np.int64))
                batches.append(chunk.records)
                places.append(column[low:high] + behind)
                behind += len(chunk.records)
                rejections += [
                    (source, chunk.records[rejection.record], rejection)
                    for rejection in chunk.decoded.rejections
                    if start <= rejection.record < stop
                ]
                chunk.taken = stop
                if stop == len(chunk.records):
                    next_offsets[source] = chunk.next_offset
                    finished.append(chunk.batch)
                    self._chunks[source].popleft()
                else:
                    next_offsets[source] = int(chunk.offsets[stop])
        source_of = np.concatenate(sources)
        order = np.lexsort((source_of, np.concatenate(keys)))
        positions = order.tolist()  # of Python integers: NumPy's cost more than what is looked up with them
        return Taken(
            events=np.concatenate(events)[order],
            customer_ids=[customers[k] for k in positions],
            sources=source_of[order],
            records=PickedRecords(batches, np.concatenate(places)[order]),
            rejections=rejections,
            next_offsets=next_offsets,
            finished=finished,
        )

    def clear(self) -> list[Any]:
        """Forget everything buffered; return the batches that were."""
        batches = [chunk.batch for chunks in self._chunks for chunk in chunks]
        for i, chunks in enumerate(self._chunks):
            chunks.clear()
            self._buffered[i] = 0
            self._newest[i] = np.iinfo(np.int64).min
        return batches
