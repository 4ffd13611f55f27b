"""A partition of a projection, and what its steps have stored, as the real store keeps it."""

from collections.abc import Sequence
from typing import Any

from stream.identity.note_proof import NoteProof
from stream.projections.folding import FoldingPartition, Outcome, Part, ProjectionTopics
from stream.projections.protocol import Projection
from stream.projections.state_cache import ENTRY_BYTES
from tests.oracle.record import Record

__all__ = ["SteppedPartition", "part_of"]

_SMALL_BYTES = 50


def part_of(source: int, records: Sequence[Record]) -> Part:
    """``records`` of an input, from the first one of the log on or after others."""
    return Part(source, records, records[-1].offset + 1 if records else 0)


class SteppedPartition:
    """``stored``: states by key. ``timers``: when each is due. ``cache``: room for so many small states."""

    def __init__(
        self,
        projection: Projection[Any],
        partition: int = 0,
        *,
        cache: int = 1000,
        departures: NoteProof | None = None,
        stored: dict[str, bytes] | None = None,
    ) -> None:
        self.stored = {} if stored is None else stored
        self.timers: dict[str, int] = {}
        self.partition = FoldingPartition(
            projection,
            partition,
            ProjectionTopics("dead-letters", "alerts"),
            cache * (ENTRY_BYTES + _SMALL_BYTES),
            departures=departures,
        )

    def step(self, *parts: Part, now_ms: int = 0, lost: bool = False) -> Outcome:
        """Fold; a step that is lost has stored nothing."""
        self.load(self.partition.read(parts))
        outcome = self.partition.step(now_ms)
        if lost:
            self.partition.restore(self.partition.state)
        else:
            self.accept(outcome)
        return outcome

    def fire(self, before_ms: int, now_ms: int) -> Outcome:
        """Fire the timers that are due before a time."""
        due = [timer for timer, at_ms in self.timers.items() if at_ms < before_ms]
        self.load(self.partition.missing(self.partition.keys_of(due)))
        outcome = self.partition.fire(due, now_ms)
        self.accept(outcome)
        return outcome

    def load(self, missing: Sequence[str]) -> None:
        """Give the partition the states that it asks for, until it asks for no more."""
        while missing:
            self.partition.remember(missing, [self.stored.get(key) for key in missing])
            missing = self.partition.further()

    def accept(self, outcome: Outcome) -> None:
        """Store what a step has written."""
        self.partition.accept(outcome)
        self.stored |= outcome.written
        for key in outcome.forgotten:
            self.stored.pop(key, None)
        for timer in outcome.idle:
            self.timers.pop(timer, None)
        self.timers |= outcome.timers
