"""One fault as it is tried: what is done to a bench, and on which log."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.bench import Bench
from tests.faults.processes import WorkerProcess
from tests.faults.worker import Plan
from tests.kafka.cluster import KafkaCluster

__all__ = ["Fault", "Trial"]


@dataclass
class Trial:
    """A bench under way, its schedule's generator, and what was measured.

    ``recoveries``: seconds from a fault to new writes in every partition that it hit. ``findings``: violations that
    only the fault itself can tell. ``faults``: how many were injected.
    """

    bench: Bench
    random: random.Random
    kafka: KafkaCluster | None = None
    recoveries: list[float] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    faults: int = 0

    def moments(self, count: int, low: float = 0.05, high: float = 0.85) -> list[float]:
        """Shares of the log, ascending and apart, at which to strike."""
        width = (high - low) / count
        return [low + width * (k + self.random.uniform(0.1, 0.9)) for k in range(count)]

    def measure(self, strike: Callable[[], object], partitions: list[int] | None = None) -> None:
        """Strike, then wait until each of ``partitions`` (default: all) has been written to again, or is finished."""
        before = self.bench.tokens()
        hit = list(range(self.bench.log.partitions)) if partitions is None else partitions
        under_load = not all(map(self.bench.finished, hit))
        strike()
        self.faults += 1
        took_s = self.bench.wait("writes after the fault", lambda: self.bench.moved_since(before, hit))
        if under_load:
            self.recoveries.append(took_s)

    def is_back(self, worker: str) -> bool:
        """Whether the worker owns something again, or there is nothing left to own."""
        return self.bench.finished_all() or bool(self.partitions_of(worker))

    def has_ended(self, worker: WorkerProcess) -> bool:
        """Whether the process has ended, or can no longer be made to."""
        return not worker.running or self.bench.finished_all()

    def partitions_of(self, worker: str) -> list[int]:
        return [p for p in range(self.bench.log.partitions) if self.bench.owner_of(p) == worker]


@dataclass(frozen=True)
class Fault:
    """``number``: as in the table of docs/reliability.md. ``inject``: strikes while the log is being processed.

    ``log`` and ``bench`` are arguments of `made_log` and `Bench`. ``takes_state_away``: then what Kafka has been told
    may be ahead until the worker has noticed. ``runs``: of a full test. ``needs``: a broker that is no other.
    ``broken``: events whose processing raises. ``short``: a cut-down one for `make test`.
    """

    name: str
    number: str
    inject: Callable[[Trial], None]
    log: Mapping[str, Any] = field(default_factory=dict)
    bench: Mapping[str, Any] = field(default_factory=dict)
    plan: Plan = field(default_factory=lambda: Plan(pace_ms=25.0))
    takes_state_away: bool = False
    repeats_nothing: bool = False
    runs: int = 3
    needs: str = ""
    brokers: int = 1
    kafka: Mapping[str, str] = field(default_factory=dict)
    broken: int = 0
    short: bool = False
