"""One fault as it is tried: what is done to a bench, and on which log."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from tests.faults.bench import Bench
from tests.faults.processes import WorkerProcess
from tests.faults.worker import Plan
from tests.kafka.cluster import KafkaCluster

__all__ = ["Fault", "Pulse", "Trial"]

LOOK_EVERY_S = 0.05


class Pulse:
    """``with Pulse(bench) as pulse: ...``: `longest_s` without a write to a partition that had something to do."""

    def __init__(self, bench: Bench, partitions: list[int]) -> None:
        self._bench = bench
        self._partitions = partitions
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pulse", daemon=True)
        self.longest_s = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        tokens: dict[int, str] = {}
        moved_at_s: dict[int, float] = {}
        while not self._ended.wait(LOOK_EVERY_S):
            now_s = time.monotonic()
            found = self._bench.tokens()
            for partition in self._partitions:
                # a claim, whose token ends in 0, is no write yet
                if found[partition] != tokens.get(partition) and not found[partition].endswith(":0"):
                    tokens[partition] = found[partition]
                    moved_at_s[partition] = now_s
                    continue
                still_s = now_s - moved_at_s.setdefault(partition, now_s)
                if still_s > self.longest_s and not self._bench.finished(partition):
                    self.longest_s = still_s


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
        hit = list(range(self.bench.log.partitions)) if partitions is None else partitions
        under_load = not all(map(self.bench.finished, hit))
        strike()
        self.faults += 1
        before = self.bench.tokens()  # not earlier: a victim may still write while it is struck
        took_s = self.bench.wait("writes after the fault", lambda: self.bench.moved_since(before, hit))
        if under_load:
            self.recoveries.append(took_s)

    def restart(self, name: str, plan: Plan) -> WorkerProcess:
        """Stop a worker, start it under another plan, and wait until it writes."""
        partitions = self.partitions_of(name)
        self.bench.workers[name].stop()
        before = self.bench.tokens()
        process = self.bench.start(name, plan)
        self.bench.wait(f"{name} writes", lambda: self.bench.moved_since(before, partitions))
        return process

    def wait_for_end(self, what: str, worker: WorkerProcess, timeout_s: float) -> None:
        """Wait until the process has ended on its own."""
        self.bench.wait(what, lambda: not worker.running, timeout_s)

    def wait_for_owners(self, count: int) -> None:
        """Wait until so many workers own a partition: the first to join has all until the others have joined."""

        def owners() -> set[str]:
            return {self.bench.owner_of(partition) for partition in range(self.bench.log.partitions)}

        self.bench.wait(f"{count} owners", lambda: len(owners() - {""}) == count)

    def wait_for_steps(self) -> None:
        """Wait until every worker has stored a step since its claim: before that it has looked for the model."""

        def stepping() -> set[str]:
            # a claim has sequence 0
            return {self.bench.worker_in(token) for token in self.bench.tokens() if not token.endswith(":0")}

        self.bench.wait("a step of every worker", lambda: stepping() >= self.bench.workers.keys())

    def is_back(self, worker: str) -> bool:
        """Whether the worker owns something again, or there is nothing left to own."""
        return self.bench.finished_all() or bool(self.partitions_of(worker))

    def owner(self) -> str:
        """A worker that owns a partition with something to do, as long as there is one."""
        partitions = range(self.bench.log.partitions)
        unfinished = [partition for partition in partitions if not self.bench.finished(partition)]
        return self.bench.owner_of(self.random.choice(unfinished or partitions))

    def has_ended(self, worker: WorkerProcess) -> bool:
        """Whether the process has ended, or can no longer be made to."""
        return not worker.running or self.bench.finished_all()

    def partitions_of(self, worker: str) -> list[int]:
        return [p for p in range(self.bench.log.partitions) if self.bench.owner_of(p) == worker]


@dataclass(frozen=True)
class Fault:
    """``number``: as in the table of docs/reliability.md. ``inject``: strikes while the log is being processed.

    ``log`` and ``bench`` are arguments of `made_log` and `Bench`. ``takes_state_away``: then what Kafka has been told
    may be ahead until the worker has noticed. ``ends_in_refusal``: then there is nothing to compare. ``runs``: of a
    full campaign. ``needs_kafka``: why the embedded broker cannot have this fault. ``own_broker``: of ``brokers``
    nodes, because it is harmed. ``broken``: events whose processing raises. ``limit_s``: no recovery may take longer.
    ``alone``: nothing else runs meanwhile, for the times are measured. ``short``: a cut-down one for `make test`.
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
    ends_in_refusal: bool = False
    needs_kafka: str = ""
    own_broker: bool = False
    brokers: int = 1
    broken: int = 0
    limit_s: float = float("inf")
    alone: bool = False
    short: bool = False

    def runs_on(self, kind: str) -> bool:
        """Whether a broker of this kind can have the fault."""
        return kind == "kafka" or not self.needs_kafka
