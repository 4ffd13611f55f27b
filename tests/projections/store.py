"""One partition of a projection with its state in Redis and its logs: steps of any size, some of them lost."""

from collections.abc import Sequence
from typing import Any

from stream.identity.note_proof import NoteProof
from stream.processing.state import Outgoing
from stream.projections.folding import FoldingPartition, Outcome, Part, ProjectionTopics
from stream.projections.protocol import Projection
from tests.oracle.record import Record

__all__ = ["Store"]


class Store:
    def __init__(
        self,
        projection: Projection[Any],
        partition: int,
        cache: int,
        at_ms: int = 0,
        departures: NoteProof | None = None,
    ) -> None:
        self.stored: dict[str, bytes] = {}
        self.logs: dict[int, list[Record]] = {source: [] for source in range(len(projection.inputs))}
        self.done = dict.fromkeys(self.logs, 0)
        self.timers: dict[str, int] = {}
        self.partition = FoldingPartition(
            projection, partition, ProjectionTopics("dead-letters", "alerts"), cache, departures=departures
        )
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
                parts.append(Part(source, records, records[-1].offset + 1))
        missing = self.partition.read(parts)
        while missing:
            self._load(missing)
            missing = self.partition.further()
        outcome = self.partition.step(now_ms=0)
        assert not outcome.rejected
        if lost:
            self.partition.restore(self.partition.state)
            return ()
        for part in parts:
            self.done[part.source] += len(part.records)
        return self._accept(outcome)

    def fire(self, now_ms: int) -> Sequence[Outgoing]:
        """Fire the timers that are due before a time."""
        due = [timer for timer, at_ms in self.timers.items() if at_ms < now_ms]
        self._load(self.partition.missing(self.partition.keys_of(due)))
        return self._accept(self.partition.fire(due, now_ms))

    @property
    def is_done(self) -> bool:
        return all(self.done[source] == len(log) for source, log in self.logs.items())

    def _load(self, keys: Sequence[str]) -> None:
        self.partition.remember(keys, [self.stored.get(key) for key in keys])

    def _accept(self, outcome: Outcome) -> Sequence[Outgoing]:
        self.partition.accept(outcome)
        self.stored |= outcome.written
        for key in outcome.forgotten:
            del self.stored[key]
        for timer in outcome.idle:
            self.timers.pop(timer, None)
        self.timers |= outcome.timers
        return outcome.outgoing
