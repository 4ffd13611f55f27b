"""Faults of workers: they die, stop, and meet records that they cannot bear."""

import signal
import time
from collections.abc import Sequence
from functools import partial

import msgspec

from tests.faults.scenario import EMBEDDED_HANGS, Fault, Trial
from tests.faults.waiting import TooLateError
from tests.faults.worker import Plan

__all__ = ["POINTS", "POINT_TIMEOUT_S", "WORKER_FAULTS", "kill_at_points", "terminate"]

POINTS = ("polled", "computed", "script sent", "script done", "published", "acked")
EXIT_TIMEOUT_S = 10.0
#: How soon a worker that is started is at a point: on a busy machine its start alone takes twenty seconds.
POINT_TIMEOUT_S = 90.0


def _kill(trial: Trial, *, times: int = 10) -> None:
    """kill -9 of a worker that owns something; mostly replaced at once, now and then taken over by the other."""
    bench = trial.bench
    for moment in trial.moments(times):
        bench.wait_for_progress(moment)
        victim = trial.owner()
        partitions = trial.partitions_of(victim)
        replaced = trial.random.random() < 0.8

        def strike(victim: str = victim, *, replaced: bool = replaced) -> None:
            bench.workers[victim].kill()
            if replaced:
                bench.start(victim)

        trial.measure(strike, partitions)
        if not replaced:
            bench.start(victim)
        if trial.kafka is None:
            # a member that dies again while its group still rebalances can hang the embedded broker
            bench.wait(f"{victim} is back", partial(trial.is_back, victim))


def kill_at_points(trial: Trial, points: Sequence[str], latest: int) -> None:
    """A worker kills itself at each of ``points`` in turn, when it has been there up to ``latest`` times."""
    bench = trial.bench
    trial.wait_for_owners(len(bench.workers))
    for point in trial.random.sample(points, len(points)):
        plan = msgspec.structs.replace(bench.plan, exit_at=(point, trial.random.randint(1, latest)))
        name = trial.owner()
        partitions = trial.partitions_of(name)
        bench.workers[name].stop()
        doomed = bench.start(name, plan)
        try:
            trial.wait_for_end(f"the end at {point!r}", doomed, -signal.SIGKILL, POINT_TIMEOUT_S)
        except TooLateError as late:
            trial.findings.append(f"X: {late}")
            continue
        trial.points[point] += 1
        trial.measure(partial(bench.start, name), partitions)


def _kill_at_points(trial: Trial) -> None:
    """A worker kills itself at each named point of a step, once it has been there a few times."""
    kill_at_points(trial, POINTS, latest=6)


def _kill_rescoring(trial: Trial) -> None:
    """kill -9 of a worker while it looks at all customers of its partitions; every customer is scored as of the end."""
    bench = trial.bench
    bench.wait("the whole log is processed", bench.finished_all)
    for _ in range(3):
        name = trial.owner()
        bench.workers[name].stop()
        plan = msgspec.structs.replace(bench.plan, exit_at=("rescoring", trial.random.randint(1, 4)))
        doomed = bench.start(name, plan)
        trial.wait_for_steps()
        request = bench.ask_for_rescoring()
        trial.wait_for_end("the end in the middle of rescoring", doomed, -signal.SIGKILL, 60.0)
        trial.points["rescoring"] += 1
        trial.faults += 1
        bench.start(name)
        bench.wait("all customers scored again", partial(bench.rescored, request))


def terminate(trial: Trial) -> None:
    """SIGTERM under load: a bounded exit in good order, and nothing is published twice."""
    bench = trial.bench
    for moment in trial.moments(8):
        bench.wait_for_progress(moment)
        victim = trial.owner()
        began = time.monotonic()
        status = bench.workers[victim].stop()
        took_s = time.monotonic() - began
        if status != 0:
            trial.findings.append(f"S: SIGTERM ended {victim} with status {status}: {bench.workers[victim].log[-800:]}")
        if took_s > EXIT_TIMEOUT_S:
            trial.findings.append(f"S: SIGTERM took {took_s:.1f} s, expected at most {EXIT_TIMEOUT_S:g} s")
        trial.measure(partial(bench.start, victim))


def _nothing(trial: Trial) -> None:
    """No fault: late, repeated and malformed events only, and nothing is published twice."""
    trial.faults += 1


def _kill_trainer(trial: Trial) -> None:
    """kill -9 of the worker that learns: the model is, byte by byte, that of an undisturbed run over the examples."""
    bench = trial.bench
    for moment in trial.moments(6):
        bench.wait_for_progress(moment)
        token = bench.stored.trainer_token()
        victim = bench.worker_in(token)

        def strike(victim: str = victim) -> None:
            bench.workers[victim].kill()
            bench.start(victim)

        trial.measure(strike, trial.partitions_of(victim))


def _one_kill(trial: Trial) -> None:
    """kill -9 of a worker, on a log that has what the name says."""
    _kill(trial, times=1)


def _two_kills(trial: Trial) -> None:
    """kill -9 of a worker, twice."""
    _kill(trial, times=2)


WORKER_FAULTS = (
    Fault("undisturbed", "0", _nothing, runs=1, repeats_nothing=True),
    Fault("worker-kill", "1", _kill, runs=6, log={"customers": 200}, needs_kafka=EMBEDDED_HANGS),
    Fault(
        "worker-kill-at-point",
        "2",
        _kill_at_points,
        runs=3,
        # each point is reached before the log ends: while one worker starts, the other goes on
        log={"customers": 500},
        plan=Plan(pace_ms=300.0),
        needs_kafka=EMBEDDED_HANGS,
    ),
    Fault(
        "rescore-kill",
        "2",
        _kill_rescoring,
        runs=3,
        rescored=True,
        bench={"workers": 1},
        plan=Plan(rescore_keys=10),
    ),
    Fault("sigterm", "3", terminate, runs=2, log={"customers": 400}, repeats_nothing=True),
    Fault("broken-event", "4", _one_kill, runs=1, broken=5),
    Fault("duplicates-x3", "8", _one_kill, runs=1, log={"copies": 3, "customers": 50}),
    Fault("out-of-order", "9", _one_kill, runs=1, log={"lateness_days": 89, "too_late": 40}),
    Fault(
        "clock-jumps",
        "9",
        _one_kill,
        runs=1,
        log={"fresh": 20, "customers": 60},
        bench={"clock": "auto"},
        plan=Plan(pace_ms=100.0, clock_s=3600.0),
    ),
    Fault(
        "poison",
        "18",
        _one_kill,
        runs=1,
        log={"poison": 10_000, "oversize": True},
        bench={"batch_max_records": 100},
    ),
    Fault("trainer-kill", "20", _kill_trainer, runs=3, log={"customers": 150}),
    Fault("hot-key", "23", _one_kill, runs=1, log={"hot_share": 0.5, "customers": 12}),
    Fault("worker-kill-twice", "1", _two_kills, runs=1, short=True),
)
