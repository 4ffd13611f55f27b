"""Faults of ownership: two workers believe that a partition is theirs, or workers come and go."""

import dataclasses
from functools import partial

from tests.faults.processes import WorkerProcess
from tests.faults.scenario import EMBEDDED_HANGS, Fault, Trial
from tests.faults.worker import Plan
from tests.kafka.groups import are_copartitioned, assignments

__all__ = ["OWNERSHIP_FAULTS", "zombie"]


def zombie(trial: Trial, *, times: int = 4) -> None:
    """Frozen until the group has given its partitions away, then thawed: what it still writes is refused."""
    bench = trial.bench
    for moment in trial.moments(times, high=0.7):
        bench.wait_for_progress(moment)
        victim = trial.owner()
        partitions = trial.partitions_of(victim)
        trial.measure(bench.workers[victim].freeze, partitions)
        bench.workers[victim].thaw()
        bench.wait(f"{victim} is back", partial(trial.is_back, victim))
    # a worker frozen between two steps may learn of its loss before it writes, so not every one is refused
    if times > 1 and not _is_fenced([*bench.workers.values()]):
        trial.findings.append(f"X: in {trial.faults} times no write of a zombie was put to the test")


def _one_zombie(trial: Trial) -> None:
    """A worker frozen until its partitions are given away, once."""
    zombie(trial, times=1)


def _two_owners(trial: Trial) -> None:
    """Workers of two groups, which know nothing of each other, on the same state."""
    bench = trial.bench
    bench.wait_for_progress(trial.random.uniform(0.1, 0.3))
    settings = bench.settings
    bench.settings = dataclasses.replace(settings, group=f"{settings.group}-other")
    intruder = bench.start("x0")
    bench.settings = settings
    bench.wait("the intruder owns a partition", lambda: "x0" in map(bench.worker_in, bench.stored.tokens()))
    for side in ([intruder], [worker for name, worker in bench.workers.items() if name != "x0"]):
        bench.wait(f"a refused write of {[worker.name for worker in side]}", partial(_is_fenced, side))
    intruder.kill()
    trial.measure(lambda: bench.ended.append(bench.workers.pop("x0")))


def _is_fenced(side: list[WorkerProcess]) -> bool:
    return any(worker.fenced for worker in side)


def _scale(trial: Trial) -> None:
    """1 -> 4 -> 2 workers under load; the inputs of a partition stay together."""
    bench = trial.bench
    _wait_for_members(trial, 1)
    bench.wait_for_progress(trial.random.uniform(0.08, 0.15))
    trial.measure(lambda: [bench.start(f"w{number}") for number in (1, 2, 3)])
    bench.wait("four owners", lambda: len(set(map(bench.worker_in, bench.stored.tokens()))) == 4)
    _wait_for_members(trial, 4)
    bench.wait_for_progress(trial.random.uniform(0.5, 0.6))
    leaving = trial.random.sample(sorted(bench.workers), 2)

    def strike() -> None:
        for name in leaving:
            bench.workers[name].stop()
            bench.ended.append(bench.workers.pop(name))

    trial.measure(strike)
    _wait_for_members(trial, 2)


def _wait_for_members(trial: Trial, count: int) -> None:
    """Wait until so many members share the partitions, each with the same ones of all three inputs."""
    bench = trial.bench
    settings, partitions = bench.settings, bench.log.partitions

    def shared() -> bool:
        assigned = assignments(settings.kafka_bootstrap, settings.group)
        return are_copartitioned(assigned, settings.event_topics, partitions, members=count)

    bench.wait(f"{count} members with the same partitions of all inputs", shared)


OWNERSHIP_FAULTS = (
    Fault("zombie", "5", zombie, runs=3, log={"customers": 150}, plan=Plan(pace_ms=100.0), needs_kafka=EMBEDDED_HANGS),
    Fault("two-owners", "6", _two_owners, runs=1, plan=Plan(pace_ms=200.0)),
    Fault("scale", "7", _scale, runs=2, bench={"workers": 1}, plan=Plan(pace_ms=60.0), needs_kafka=EMBEDDED_HANGS),
    Fault("zombie-once", "5", _one_zombie, runs=1, plan=Plan(pace_ms=100.0), short=True),
)
