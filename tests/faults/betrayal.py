"""Trials with a guarantee switched off, and whether the harness notices."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.faults.brokers import Brokers, broker_name
from tests.faults.campaign import try_one
from tests.faults.schedule import Choice, Skipped, Task
from tests.faults.trials import FAULTS, Result
from tests.kafka.jars import missing_program

__all__ = ["BETRAYED_BY", "mutant_trials", "unable"]

#: The fault that must expose each mutant.
BETRAYED_BY = {
    "compare-and-set": "zombie",
    "outbox": "worker-kill-at-point",
    "rewind": "redis-lost-tail",
    "alignment": "undisturbed",
    "safe-ack": "worker-kill",
    "checks-first": "redis-rights",
    "quarantine": "documents-damaged",
    "second-clock": "clock-jumps-far",
    "inherited-documents": "publishing-refused",
    "projection-atomicity": "projection-kill-at-point",
    "agreed-layout": "upgrade",
}
#: Number of seeds that a mutant is tried with.
SEEDS = 3


def _kind(mutant: str, choice: Choice, *, real: bool) -> str:
    if choice.broker is not None:
        return choice.broker
    if FAULTS[BETRAYED_BY[mutant]].beside_broker:
        return "embedded"
    return "kafka" if real or not FAULTS[BETRAYED_BY[mutant]].runs_on("embedded") else "embedded"


def unable(
    mutants: Sequence[str], choice: Choice, missing: Callable[[], str | None] = missing_program
) -> dict[str, Skipped]:
    """The mutants whose fault cannot be tried on this machine, or not on the broker that was asked for, and why."""
    found = {}
    reason = missing()
    for mutant in mutants:
        fault = FAULTS[BETRAYED_BY[mutant]]
        kind = _kind(mutant, choice, real=reason is None)
        why = (
            reason
            if kind == "kafka"
            else ""
            if fault.runs_on(kind)
            else fault.needs_kafka or "nothing that a broker sees is struck"
        )
        if why:
            found[mutant] = Skipped(fault.name, fault.number, broker_name(kind, fault), why)
    return found


def mutant_trials(mutants: Sequence[str], choice: Choice) -> Iterator[Result]:
    """Trials of each mutant, until a seed betrays it.

    A run that does not end (T) says little: the machine may have been slow, or the harness wrong. So it counts only
    when the same seed ends without a violation with the guarantee on; else it is reported as broken (X).
    """
    real = missing_program() is None
    with Brokers() as brokers:
        for mutant in mutants:
            for seed in range(choice.seed, choice.seed + SEEDS):
                keep = choice.keep and choice.keep / f"{mutant}-{seed}"
                task = Task(BETRAYED_BY[mutant], seed, _kind(mutant, choice, real=real), mutant, keep)
                result = _with_control(try_one(task, brokers), task, brokers)
                yield result
                if result.noticed_by:
                    break


def _with_control(result: Result, task: Task, brokers: Brokers) -> Result:
    if result.noticed_by != ["T"]:
        return result
    control = try_one(dataclasses.replace(task, mutant="", keep=_beside(task.keep)), brokers)
    if not control.violations:
        return result
    why = [f"X: this seed is not clean with the guarantee on: {violation}" for violation in control.violations]
    return dataclasses.replace(result, violations=why)


def _beside(keep: Path | None) -> Path | None:
    return keep and keep.with_name(f"{keep.name}-control")
