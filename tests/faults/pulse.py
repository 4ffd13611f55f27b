"""The longest standstill of a partition."""

import time
from typing import Self

from tests.faults.bench import Bench
from tests.faults.watch import Watch

__all__ = ["Pulse"]

LOOK_EVERY_S = 0.05


class Pulse:
    """``with Pulse(bench) as pulse: ...``: `longest_s` without a write to a partition that had something to do."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._watch = Watch("pulse", self._look, LOOK_EVERY_S)
        self._tokens: dict[int, str] = {}
        self._moved_at_s: dict[int, float] = {}
        self.longest_s = 0.0

    def __enter__(self) -> Self:
        self._watch.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._watch.__exit__(*exc)

    @property
    def findings(self) -> list[str]:
        """X: the pulse saw nothing, so it has no result."""
        return self._watch.findings

    def _look(self) -> None:
        now_s = time.monotonic()
        for partition, token in enumerate(self._bench.stored.tokens()):
            # a claim, whose token ends in 0, is no write yet
            if token != self._tokens.get(partition) and not token.endswith(":0"):
                self._tokens[partition] = token
                self._moved_at_s[partition] = now_s
                continue
            still_s = now_s - self._moved_at_s.setdefault(partition, now_s)
            if still_s > self.longest_s and not self._bench.finished(partition):
                self.longest_s = still_s
