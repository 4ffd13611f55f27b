"""Watching a run from outside: committed against stored offsets, memory."""

import threading
from typing import Self

import redis
from confluent_kafka import KafkaException

from tests.faults.bench import Bench

__all__ = ["Monitor"]

EVERY_S = 0.3
#: A worker of these tests has a hundred customers; what is above this leaks.
MEMORY_LIMIT_MB = 600.0


class Monitor:
    """``with Monitor(bench) as monitor: ...``; `violations` afterwards.

    ``check_offsets``: false for faults that take stored state away; then only the end counts.
    """

    def __init__(self, bench: Bench, *, check_offsets: bool) -> None:
        self._bench = bench
        self._check_offsets = check_offsets
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="monitor", daemon=True)
        self._ahead: dict[tuple[str, int], tuple[int, int]] = {}
        self.memory_mb = 0.0
        self.looks = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def violations(self) -> list[str]:
        """D: an offset was committed before it was stored. M: a worker grew beyond the limit."""
        found = [f"D: {tp} was committed at {c} when {s} was stored" for tp, (c, s) in self._ahead.items()]
        if self.memory_mb > MEMORY_LIMIT_MB:
            found.append(f"M: a worker took {self.memory_mb:.0f} MB, expected at most {MEMORY_LIMIT_MB:.0f}")
        return found

    def _watch(self) -> None:
        while not self._ended.wait(EVERY_S):
            self.memory_mb = max([self.memory_mb, *(w.memory_mb for w in list(self._bench.workers.values()))])
            if not self._check_offsets:
                continue
            try:
                # in this order: what is stored only grows
                committed = self._bench.committed()
                stored = self._bench.offsets()
            except (KafkaException, redis.RedisError):
                continue  # a server is away, which is the fault
            self.looks += 1
            for tp, offset in committed.items():
                if offset > stored.get(tp, 0):
                    self._ahead.setdefault(tp, (offset, stored.get(tp, 0)))
