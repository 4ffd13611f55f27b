"""One fault: its strike on a bench, and its log."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import redis

from stream.local.durable_broker import DurableBroker
from tests.faults.bench import Bench
from tests.faults.processes import WorkerProcess
from tests.faults.worker import Plan
from tests.kafka.cluster import KafkaCluster

__all__ = ["BESIDE_BROKER", "EMBEDDED_HANGS", "Fault", "Trial"]

#: Why such a fault is tried on one broker only.
BESIDE_BROKER = "nothing that a broker sees is struck"
#: Why the embedded broker cannot have such a fault.
EMBEDDED_HANGS = (
    "its group coordinator lets a join hang for ever when a static member dies, or misses its session, while the group "
    "rebalances; see docs/reliability.md"
)


@dataclass
class Trial:
    """A bench under way, its schedule's generator, and what was measured.

    ``recoveries``: seconds from a fault to new writes in every partition that it hit. ``findings``: violations that
    only the fault itself can tell. ``faults``: how many were injected. ``points``: how often a process ended at each
    named point of a step.
    """

    bench: Bench
    random: random.Random
    kafka: KafkaCluster | None = None
    durable: DurableBroker | None = None
    recoveries: list[float] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    faults: int = 0
    points: Counter[str] = field(default_factory=Counter)

    def moments(self, count: int, low: float = 0.05, high: float = 0.85) -> list[float]:
        """Shares of the log, ascending and apart, at which to strike."""
        width = (high - low) / count
        return [low + width * (k + self.random.uniform(0.1, 0.9)) for k in range(count)]

    def measure(self, strike: Callable[[], object], partitions: list[int] | None = None) -> None:
        """Strike, then wait until each of ``partitions`` (default: all) is written to again or finished."""
        hit = list(range(self.bench.log.partitions)) if partitions is None else partitions
        under_load = not all(map(self.bench.finished, hit))
        strike()
        self.faults += 1
        before = self.bench.stored.tokens()  # not earlier: a victim may still write while it is struck
        took_s = self.bench.wait("writes after the fault", lambda: self.bench.moved_since(before, hit))
        if under_load:
            self.recoveries.append(took_s)

    def strike_each(self, strikes: list[Callable[[], None]], after: Callable[[], object] = lambda: None) -> None:
        """Each of these, in any order, while workers go on with the log; none may lose a partition over it."""
        bench = self.bench
        self.random.shuffle(strikes)
        self.wait_for_owners(len(bench.workers))
        claims = bench.stored.claims()
        for moment, strike in zip(self.moments(len(strikes), high=0.6), strikes, strict=True):
            bench.wait_for_progress(moment)
            self.measure(strike)
            after()
        self.expect_calm(claims, 0)

    @contextmanager
    def hanging_redis(self, claims_of_each: int) -> Iterator[None]:
        """Redis answers nothing meanwhile; then all workers resume, with at most this many claims of each partition."""
        bench = self.bench
        claims = bench.stored.claims()
        bench.redis.freeze()
        try:
            yield
            try:
                bench.client.ping()
            except redis.RedisError:
                pass  # that is the fault
            else:
                self.findings.append("X: Redis answered although it hangs")
        finally:
            bench.redis.thaw()
        self.measure(lambda: None)
        self.expect_calm(claims, claims_of_each * bench.log.partitions)

    def restart(self, name: str, plan: Plan) -> WorkerProcess:
        """Stop a worker, start it under another plan, and wait until it writes."""
        partitions = self.partitions_of(name)
        self.bench.workers[name].stop()
        before = self.bench.stored.tokens()
        process = self.bench.start(name, plan)
        self.bench.wait(f"{name} writes", lambda: self.bench.moved_since(before, partitions))
        return process

    def wait_for_end(self, what: str, worker: WorkerProcess, status: int, timeout_s: float) -> None:
        """Wait until the process has ended on its own, which must be with this status."""
        worker.expected_status = status
        self.bench.wait(what, lambda: not worker.running, timeout_s)

    def expect_calm(self, claims_before: int, at_most: int) -> None:
        """R: partitions were given back and forth, which each time is a claim."""
        if (claimed := self.bench.stored.claims() - claims_before) > at_most:
            self.findings.append(f"R: {claimed} claims of {self.bench.log.partitions} partitions, expected {at_most}")

    def wait_for_owners(self, count: int) -> None:
        """Wait until so many workers own a partition: the first to join has all until the others have joined."""

        def owners() -> set[str]:
            return {self.bench.owner_of(partition) for partition in range(self.bench.log.partitions)}

        self.bench.wait(f"{count} owners", lambda: len(owners() - {""}) == count)

    def wait_for_steps(self) -> None:
        """Wait until every worker has stored a step since its claim: before that it has looked for the model."""

        def stepping() -> set[str]:
            # a claim has sequence 0
            return {self.bench.worker_in(token) for token in self.bench.stored.tokens() if not token.endswith(":0")}

        self.bench.wait("a step of every worker", lambda: stepping() >= self.bench.workers.keys())

    def is_back(self, worker: str) -> bool:
        """Whether the worker owns something again, or there is nothing left to own."""
        return self.bench.finished_all() or bool(self.partitions_of(worker))

    def owner(self) -> str:
        """A worker that owns a partition with work, as long as there is one.

        The candidates depend on the moment, so the draw takes one number of the schedule, however many there are.
        Otherwise the rest of the schedule would not follow from its seed.
        """
        share = self.random.random()
        partitions = range(self.bench.log.partitions)
        unfinished = [partition for partition in partitions if not self.bench.finished(partition)]
        owners = sorted({self.bench.owner_of(partition) for partition in unfinished or partitions} - {""})
        if not owners:
            raise AssertionError("expected a partition with an owner")
        return owners[int(share * len(owners))]

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
    ``needs_durable``: why only the broker of ``stream up`` is tried, "" if any broker may be.
    ``beside_broker``: nothing that a broker sees is struck, so the embedded one is enough.
    ``rescored``: all customers are looked at when the log has been processed.
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
    needs_durable: str = ""
    beside_broker: bool = False
    rescored: bool = False

    @property
    def description(self) -> str:
        """What strikes, in a line."""
        inject = self.inject.func if isinstance(self.inject, partial) else self.inject
        return " ".join((inject.__doc__ or "").split())

    def runs_on(self, kind: str) -> bool:
        """Whether a broker of this kind can have the fault."""
        if self.needs_durable:
            return kind == "durable"
        if self.beside_broker:
            return kind == "embedded"
        return kind == "kafka" or not self.needs_kafka
