"""Running one trial of one fault, and what came of it."""

import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stream.local.broker import EmbeddedBroker
from stream.processing.rules import rules_of
from stream.settings import Settings
from tests.faults.bench import Bench, TooLateError
from tests.faults.event_log import made_log
from tests.faults.expectation import expected
from tests.faults.invariants import verdict
from tests.faults.kafka_faults import KAFKA_FAULTS
from tests.faults.monitor import Monitor
from tests.faults.redis_faults import REDIS_FAULTS
from tests.faults.scenario import Fault, Trial
from tests.faults.worker_faults import WORKER_FAULTS
from tests.kafka.cluster import KafkaCluster

__all__ = ["FAULTS", "Result", "attempt", "broker_for"]

FAULTS = {fault.name: fault for fault in (*WORKER_FAULTS, *REDIS_FAULTS, *KAFKA_FAULTS)}
#: Endings that cannot be compared with an undisturbed run: they end in a refusal.
_ENDS_IN_REFUSAL = frozenset({"retention-ran-out"})


@dataclass(frozen=True)
class Result:
    """Of one trial. ``mutant``: the guarantee that was switched off, "" for the product as it is."""

    fault: str
    number: str
    broker: str
    seed: int
    faults: int
    violations: list[str]
    duplicates: int
    recoveries_s: list[float]
    memory_mb: float
    took_s: float
    mutant: str = ""


@dataclass(frozen=True)
class Broker:
    name: str
    bootstrap: str
    kafka: KafkaCluster | None


@contextmanager
def broker_for(kind: str, fault: Fault, directory: Path) -> Iterator[Broker]:
    """A broker for one trial: of ``kind``, or of the one that the fault needs."""
    if kind == "kafka" or fault.needs == "kafka":
        with KafkaCluster(directory / "kafka", fault.brokers, fault.kafka) as cluster:
            yield Broker(f"kafka x{fault.brokers}", cluster.bootstrap, cluster)
    else:
        with EmbeddedBroker(directory / "broker") as embedded:
            yield Broker("embedded", embedded.bootstrap, None)


def attempt(fault: Fault, seed: int, kind: str, *, mutant: str = "", keep: Path | None = None) -> Result:
    """One trial: the schedule and the log follow from ``seed``. Logs stay in ``keep`` if it is given."""
    with tempfile.TemporaryDirectory(prefix=f"faults-{fault.name}-") as scratch:
        directory = keep or Path(scratch)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        with broker_for(kind, fault, directory) as broker:
            return _attempt(fault, seed, broker, directory, mutant)


def _attempt(fault: Fault, seed: int, broker: Broker, directory: Path, mutant: str) -> Result:
    began = time.monotonic()
    rng = random.Random(f"{fault.name}/{seed}")
    log = made_log(seed, **fault.log)
    ids = sorted({event.event_id for events in log.truth.values() for event in events})
    broken = tuple(rng.sample(ids, fault.broken))
    plan = msgspec.structs.replace(fault.plan, mutant=mutant, broken=broken)
    expectation = expected(log, rules_of(Settings()), broken=broken)
    options = dict(fault.bench)
    if fault.brokers > 1:
        options["replication"] = fault.brokers
    violations: list[str] = []
    duplicates = 0
    with Bench(directory, broker.bootstrap, log, plan=plan, expectation=expectation, **options) as bench:
        trial = Trial(bench, rng, broker.kafka)
        with Monitor(bench, check_offsets=not fault.takes_state_away) as monitor:
            try:
                fault.inject(trial)
                if fault.name not in _ENDS_IN_REFUSAL:
                    bench.settle()
            except TooLateError as late:
                violations.append(f"T: {late}")
        if fault.name not in _ENDS_IN_REFUSAL and not violations:  # what is not finished cannot be compared
            outcome = verdict(bench, broken=frozenset(broken))
            violations += outcome.violations
            duplicates = outcome.duplicates
        violations += [*monitor.violations, *trial.findings]
        if fault.repeats_nothing and duplicates:
            violations.append(f"S: {duplicates} records were published again, expected none")
    return Result(
        fault.name,
        fault.number,
        broker.name,
        seed,
        trial.faults,
        violations,
        duplicates,
        [round(seconds, 2) for seconds in trial.recoveries],
        round(monitor.memory_mb),
        round(time.monotonic() - began, 1),
        mutant,
    )
