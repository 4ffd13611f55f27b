"""One partition of a projection with its state in Redis and its logs: steps of any size, some of them lost."""

from collections.abc import Sequence
from typing import Any

from stream.identity.note_proof import NoteProof
from stream.processing.state import Outgoing
from stream.projections.protocol import Projection
from tests.oracle.record import Record
from tests.projections.stepping import SteppedPartition, part_of

__all__ = ["Store"]


class Store:
    """``logs``: of each input. ``done``: how many records of each have been folded."""

    def __init__(
        self,
        projection: Projection[Any],
        partition: int,
        cache: int,
        at_ms: int = 0,
        departures: NoteProof | None = None,
    ) -> None:
        self.own = SteppedPartition(projection, partition, cache=cache, departures=departures)
        self.partition, self.stored, self.timers = self.own.partition, self.own.stored, self.own.timers
        self.logs: dict[int, list[Record]] = {source: [] for source in range(len(projection.inputs))}
        self.done = dict.fromkeys(self.logs, 0)
        self._at_ms = at_ms

    def append(
        self, source: int, key: str, value: bytes, headers: Sequence[tuple[str, bytes | None]] = (), at_ms: int = 0
    ) -> None:
        log = self.logs[source]
        log.append(Record(key.encode(), value, at_ms or self._at_ms, len(log), tuple(headers)))

    def step(self, size: int, *, lost: bool) -> Sequence[Outgoing]:
        """Fold up to ``size`` records of each log; a lost step is forgotten, and publishes nothing."""
        parts = []
        for source, log in self.logs.items():
            records = log[self.done[source] : self.done[source] + size]
            if records:
                parts.append(part_of(source, records))
        outcome = self.own.step(*parts, lost=lost)
        assert not outcome.rejected
        if lost:
            return ()
        for part in parts:
            self.done[part.source] += len(part.records)
        return outcome.outgoing

    def fire(self, now_ms: int) -> Sequence[Outgoing]:
        """Fire the timers that are due before a time."""
        return self.own.fire(now_ms, now_ms).outgoing

    def erase(self, ids: Sequence[str]) -> Sequence[Outgoing]:
        """Take what is kept of people out."""
        self.own.load(self.partition.read_erasure(ids))
        outcome = self.partition.step(now_ms=0)
        self.own.accept(outcome)
        return outcome.outgoing

    def resume(self, before: "Store") -> None:
        """Go on with what another process has stored, where it stands in the logs."""
        self.own.stored = self.stored = before.stored
        self.logs, self.done = before.logs, before.done

    @property
    def is_done(self) -> bool:
        return all(self.done[source] == len(log) for source, log in self.logs.items())
