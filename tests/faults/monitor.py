"""Watching a run from outside: committed against stored offsets, memory."""

from contextlib import ExitStack
from typing import Self

from tests.faults.bench import Bench
from tests.faults.watch import Watch

__all__ = ["Monitor"]

EVERY_S = 0.3
#: A worker of these tests has a hundred customers; memory above this is a leak.
MEMORY_LIMIT_MB = 600.0


class Monitor:
    """``with Monitor(bench) as monitor: ...``; `violations` afterwards.

    ``check_offsets``: false for faults that take stored state away; then only the end counts.
    """

    def __init__(self, bench: Bench, *, check_offsets: bool) -> None:
        self._bench = bench
        self._watches = [Watch("monitor of memory", self._look_at_memory, EVERY_S)]
        if check_offsets:
            self._watches.append(Watch("monitor of offsets", self._look_at_offsets, EVERY_S))
        self._stack = ExitStack()
        self._ahead: dict[tuple[str, int], tuple[int, int]] = {}
        self.memory_mb = 0.0

    def __enter__(self) -> Self:
        for watch in self._watches:
            self._stack.enter_context(watch)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    @property
    def violations(self) -> list[str]:
        """D: an offset was committed before it was stored. M: a worker grew beyond the limit. X: nobody looked."""
        found = [f"D: {tp} was committed at {c} when {s} was stored" for tp, (c, s) in self._ahead.items()]
        if self.memory_mb > MEMORY_LIMIT_MB:
            found.append(f"M: a worker took {self.memory_mb:.0f} MB, expected at most {MEMORY_LIMIT_MB:.0f}")
        if not self.memory_mb:
            found.append("X: the memory of no worker was seen")
        return [*found, *(finding for watch in self._watches for finding in watch.findings)]

    def _look_at_memory(self) -> None:
        self.memory_mb = max([self.memory_mb, *(w.memory_mb for w in list(self._bench.workers.values()))])

    def _look_at_offsets(self) -> None:
        # in this order, because stored offsets only grow
        committed = self._bench.topics.committed(patience_s=0.0)
        stored = self._bench.stored.offsets()
        for tp, offset in committed.items():
            if offset > stored.get(tp, 0):
                self._ahead.setdefault(tp, (offset, stored.get(tp, 0)))
