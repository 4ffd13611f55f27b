"""Running one trial of one fault, and what came of it."""

import math
import random
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from confluent_kafka.admin import AdminClient

from stream.processing.rules import rules_of
from stream.settings import Settings
from tests.faults.bench import Bench
from tests.faults.brokers import Broker, Brokers
from tests.faults.console_faults import CONSOLE_FAULTS
from tests.faults.erase_faults import ERASE_FAULTS
from tests.faults.event_log import made_log
from tests.faults.expectation import expected
from tests.faults.invariants import standing, verdict
from tests.faults.kafka_faults import KAFKA_FAULTS
from tests.faults.key_store_faults import KEY_STORE_FAULTS
from tests.faults.machine_faults import MACHINE_FAULTS
from tests.faults.model_faults import MODEL_FAULTS
from tests.faults.monitor import Monitor
from tests.faults.moving_faults import MOVING_FAULTS
from tests.faults.outbox_faults import OUTBOX_FAULTS
from tests.faults.ownership_faults import OWNERSHIP_FAULTS
from tests.faults.projection_faults import PROJECTION_FAULTS, passed_on, projection_alerts, projection_states
from tests.faults.recovery import RECOVERY
from tests.faults.redis_faults import REDIS_FAULTS
from tests.faults.sales_faults import SALES_FAULTS
from tests.faults.scenario import Fault, Trial
from tests.faults.stall_faults import STALL_FAULTS
from tests.faults.state_faults import STATE_FAULTS
from tests.faults.upgrade_faults import UPGRADE_FAULTS
from tests.faults.waiting import TooLateError
from tests.faults.worker_faults import WORKER_FAULTS

__all__ = ["FAULTS", "Result", "attempt"]

_ALL = (
    *WORKER_FAULTS,
    *OWNERSHIP_FAULTS,
    *OUTBOX_FAULTS,
    *MODEL_FAULTS,
    *STALL_FAULTS,
    *REDIS_FAULTS,
    *KAFKA_FAULTS,
    *MACHINE_FAULTS,
    *PROJECTION_FAULTS,
    *SALES_FAULTS,
    *CONSOLE_FAULTS,
    *STATE_FAULTS,
    *UPGRADE_FAULTS,
    *RECOVERY,
    *ERASE_FAULTS,
    *KEY_STORE_FAULTS,
    *MOVING_FAULTS,
)
FAULTS = {fault.name: fault for fault in _ALL}


#: Directory of the logs of trials that failed.
FAILED = Path("build/faults-failed")

#: A violation may hold the logs of all workers; this much of it is kept.
SHOWN = 3000


@dataclass(frozen=True)
class Result:
    """Of one trial. ``mutant``: the guarantee that was switched off, "" for the product as it is. ``points``: how often
    a process ended at each named point of a step.
    """

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
    points: dict[str, int] = field(default_factory=dict)

    @property
    def noticed_by(self) -> list[str]:
        """The letters of the invariants that were violated, without X: a broken trial has noticed nothing."""
        return sorted({violation[0] for violation in self.violations} - {"X"})


def attempt(
    fault: Fault, seed: int, kind: str, brokers: Brokers, *, mutant: str = "", keep: Path | None = None
) -> Result:
    """One trial: the schedule and the log follow from ``seed``.

    Logs stay in ``keep`` if it is given; those of a trial that failed go to `FAILED`, for it may not fail again.
    """
    with tempfile.TemporaryDirectory(prefix=f"faults-{fault.name}-") as scratch:
        directory = keep or Path(scratch)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        with brokers.of(kind, fault, directory) as broker:
            result = _attempt(fault, seed, broker, directory, mutant)
        if result.violations and not (mutant or keep):
            logs = FAILED / f"{fault.name}-{seed}"
            shutil.rmtree(logs, ignore_errors=True)
            logs.mkdir(parents=True)
            for log in directory.rglob("*.log"):
                shutil.copy(log, logs)
        return result


def _attempt(fault: Fault, seed: int, broker: Broker, directory: Path, mutant: str) -> Result:
    began = time.monotonic()
    rng = random.Random(f"{fault.name}/{seed}")
    log = made_log(seed, **fault.log)
    ids = sorted({event.event_id for events in log.truth.values() for event in events})
    broken = tuple(rng.sample(ids, fault.broken))
    plan = msgspec.structs.replace(fault.plan, mutant=mutant, broken=broken)
    expectation = expected(log, rules_of(Settings()), broken=broken, rescored=fault.rescored)
    options = dict(fault.bench)
    if fault.brokers > 1:
        options["replication"] = fault.brokers
    violations: list[str] = []
    duplicates = 0
    with Bench(directory, broker.bootstrap, log, plan=plan, expectation=expectation, **options) as bench:
        trial = Trial(bench, rng, broker.kafka, broker.durable)
        with Monitor(bench, check_offsets=not fault.takes_state_away) as monitor:
            try:
                fault.inject(trial)
                if not fault.ends_in_refusal:
                    bench.settle()
            except TooLateError as late:
                violations += [f"T: {late}", *standing(bench)]
        if not fault.ends_in_refusal and not violations:  # what is not finished cannot be compared
            outcome = verdict(bench, broken=frozenset(broken), state_was_lost=fault.takes_state_away)
            violations += [*outcome.violations, *projection_states(bench), *projection_alerts(bench), *passed_on(bench)]
            duplicates = outcome.duplicates
        violations += [*(f"R: {end}" for end in bench.unexpected_ends()), *monitor.violations, *trial.findings]
        if fault.repeats_nothing and duplicates:
            violations.append(f"S: {duplicates} records were published again, expected none")
        if math.isfinite(fault.limit_s) and not trial.recoveries:
            violations.append(f"X: no recovery was measured that could be held to {fault.limit_s:g} s")
        slow = [seconds for seconds in trial.recoveries if seconds > fault.limit_s]
        if slow:
            violations.append(f"R: expected new writes within {fault.limit_s:g} s, took {slow} s")
        if broker.kafka is not None and not fault.own_broker:
            AdminClient({"bootstrap.servers": broker.bootstrap}).delete_topics([*bench.settings.topics])
    return Result(
        fault.name,
        fault.number,
        broker.name,
        seed,
        trial.faults + fault.broken,
        [violation[:SHOWN] for violation in violations],
        duplicates,
        [round(seconds, 2) for seconds in trial.recoveries],
        round(monitor.memory_mb),
        round(time.monotonic() - began, 1),
        mutant,
        dict(trial.points),
    )
