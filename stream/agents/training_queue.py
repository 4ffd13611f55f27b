"""Examples that were fetched and that the trainer has not taken yet: few of them, in the order of their log.

Partitions that catch up make examples faster than one task learns them. The log keeps those that nobody needs yet: in
memory each took a kilobyte, and an import of two million rows makes three million.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

from stream.agents.input_protocols import EventBatch, Inputs
from stream.errors import StreamError

__all__ = ["AT_ONCE", "GapError", "TrainingBatch", "TrainingQueue", "check_gapless"]

#: Records that are taken at once, and with as many the log is not read any further.
AT_ONCE: Final = 5000
_SOURCE: Final = 0


class TrainingBatch(EventBatch, Protocol):
    """A fetched batch, with where the one before it ended and where its log goes on."""

    @property
    def start_offset(self) -> int: ...
    @property
    def next_offset(self) -> int: ...


class GapError(StreamError):
    """A batch does not begin where the one before it ended."""


def check_gapless(batches: Sequence[TrainingBatch], offset: int) -> None:
    """Raise `GapError` unless they follow one another from ``offset`` on.

    The checkpoint's offset promises that all before it is learned, so nothing may be passed over.
    """
    expected = offset
    for batch in batches:
        if batch.start_offset > expected:
            raise GapError(f"examples from offset {expected} to {batch.start_offset} did not arrive")
        expected = batch.next_offset


class TrainingQueue:
    """``inputs``: the one training partition, source 0. ``topic``: where it is rewound."""

    def __init__(self, inputs: Inputs, topic: str) -> None:
        self._inputs = inputs
        self._topic = topic
        self._batches: deque[TrainingBatch] = deque()
        self._is_held = False
        #: Records that wait.
        self.records = 0

    def __bool__(self) -> bool:
        return bool(self._batches)

    def add(self, batch: TrainingBatch) -> None:
        """Append a fetched batch; with enough of them nothing more is fetched for now."""
        self._batches.append(batch)
        self.records += len(batch.records)
        if self.records >= AT_ONCE:
            self._is_held = True
            # again with each batch: a hold ends with its lease, of which nobody tells
            self._inputs.hold(_SOURCE)

    def take(self) -> list[TrainingBatch]:
        """What waits, up to a bound: while events flow, small batches one by one would never catch up."""
        taken: list[TrainingBatch] = []
        records = 0
        while self._batches and records < AT_ONCE:
            batch = self._batches.popleft()
            self.records -= len(batch.records)
            if batch.is_current:
                taken.append(batch)
                records += len(batch.records)
        if self._is_held and self.records < AT_ONCE:
            self._release()
        return taken

    def clear(self) -> None:
        """Forget what waits."""
        self._batches.clear()
        self.records = 0
        if self._is_held:
            self._release()

    async def rewind(self, offset: int) -> None:
        """Read the log from ``offset`` on; what was fetched before is not current any more."""
        await self._inputs.rewind({self._topic: offset})

    def _release(self) -> None:
        self._is_held = False
        self._inputs.release(_SOURCE)
