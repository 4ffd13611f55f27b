"""Which faults are tried on which brokers, how often, and which cannot be tried here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.brokers import broker_name
from tests.faults.scenario import BESIDE_BROKER, Fault
from tests.kafka.jars import missing_program

__all__ = ["Choice", "Schedule", "Skipped", "Task", "scheduled"]


@dataclass(frozen=True)
class Task:
    """A trial to come: ``kind`` is the broker, ``keep`` the directory for the logs of workers and servers."""

    fault: str
    seed: int
    kind: str
    mutant: str = ""
    keep: Path | None = None


@dataclass(frozen=True)
class Skipped:
    """A fault that is not tried on a broker, and why; ``number`` and ``broker`` are as in the table."""

    fault: str
    number: str
    broker: str
    reason: str


@dataclass(frozen=True)
class Choice:
    """The options of a campaign. ``broker``: None for all. ``runs``: of each fault, None for those of a campaign.

    ``quick``: one run of each fault, on real Kafka where there is one.
    """

    seed: int = 1
    broker: str | None = None
    runs: int | None = None
    quick: bool = False
    keep: Path | None = None


@dataclass
class Schedule:
    """The trials, and the faults that are skipped."""

    tasks: list[Task] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def scheduled(faults: Sequence[Fault], choice: Choice, missing: Callable[[], str | None] = missing_program) -> Schedule:
    """All runs of each fault on real Kafka, and one on the embedded broker of those that it can have.

    Faults of a whole machine are tried on the broker that `stream up` runs, and on no other.
    Where there is no real Kafka, all runs are on the embedded broker, and what it cannot have is skipped. ``missing``
    says why there is no real Kafka, None when there is one.
    """
    result = Schedule()
    reason = missing()
    for fault in faults:
        for kind in _kinds(fault, choice, real=reason is None):
            if kind == "kafka" and reason is not None:
                needs = f"; it needs real Kafka: {fault.needs_kafka}" if fault.needs_kafka else ""
                result.skipped.append(Skipped(fault.name, fault.number, broker_name(kind, fault), reason + needs))
                continue
            if not fault.runs_on(kind):
                why = fault.needs_kafka or fault.needs_durable or BESIDE_BROKER
                result.skipped.append(Skipped(fault.name, fault.number, kind, why))
                continue
            beside = kind == "embedded" and choice.broker is None and reason is None and not fault.beside_broker
            for number in range(choice.runs or (1 if choice.quick or beside else fault.runs)):
                seed = choice.seed + number
                keep = choice.keep and choice.keep / f"{fault.name}-{kind}-{seed}"
                result.tasks.append(Task(fault.name, seed, kind, keep=keep))
    return result


def _kinds(fault: Fault, choice: Choice, *, real: bool) -> list[str]:
    if choice.broker is not None:
        return [choice.broker]
    if fault.needs_durable:
        return ["durable"]
    if fault.beside_broker:
        return ["embedded"]
    if not fault.runs_on("embedded") or (choice.quick and real):
        return ["kafka"]
    return ["kafka", "embedded"]
