"""Faults of workers: they die, stop, freeze, multiply, and meet records that they cannot bear."""

import dataclasses
import time
from functools import partial

import msgspec

from tests.faults.scenario import Fault, Trial
from tests.faults.worker import Plan

__all__ = ["WORKER_FAULTS"]

POINTS = ("polled", "computed", "script sent", "script done", "published", "acked")
EXIT_TIMEOUT_S = 10.0


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


def _kill_at_points(trial: Trial) -> None:
    """A worker kills itself at each named point of a step, once it has been there a few times."""
    bench = trial.bench
    for point in (*trial.random.sample(POINTS, len(POINTS)), *trial.random.sample(POINTS, len(POINTS))):
        name = trial.random.choice(list(bench.workers))
        bench.workers[name].stop()
        plan = msgspec.structs.replace(bench.plan, exit_at=(point, trial.random.randint(1, 6)))
        doomed = bench.start(name, plan)
        bench.wait(f"the end at {point!r}", partial(trial.has_ended, doomed))
        if not doomed.running:
            trial.faults += 1
            bench.start(name)


def _terminate(trial: Trial) -> None:
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
    """Nothing: late, repeated and malformed events alone, and nothing is published twice."""
    trial.faults += 1


def _zombie(trial: Trial, *, times: int = 4) -> None:
    """Frozen until the group has given its partitions away, then thawed: what it still writes is refused."""
    bench = trial.bench
    for moment in trial.moments(times, high=0.7):
        bench.wait_for_progress(moment)
        victim = trial.owner()
        partitions = trial.partitions_of(victim)
        trial.measure(bench.workers[victim].freeze, partitions)
        bench.workers[victim].thaw()
        bench.wait(f"{victim} is back", partial(trial.is_back, victim))


def _two_owners(trial: Trial) -> None:
    """Workers of two groups, which know nothing of each other, on the same state."""
    bench = trial.bench
    bench.wait_for_progress(trial.random.uniform(0.1, 0.3))
    settings = bench.settings
    bench.settings = dataclasses.replace(settings, group=f"{settings.group}-other")
    intruder = bench.start("x0")
    bench.settings = settings
    bench.wait("the intruder owns a partition", lambda: "x0" in map(bench.worker_in, bench.tokens()))
    time.sleep(trial.random.uniform(5.0, 10.0))  # let them fight
    intruder.kill()
    trial.measure(lambda: bench.ended.append(bench.workers.pop("x0")))


def _scale(trial: Trial) -> None:
    """1 -> 4 -> 2 workers under load; the inputs of a partition stay together."""
    bench = trial.bench
    bench.wait_for_progress(trial.random.uniform(0.08, 0.15))
    trial.measure(lambda: [bench.start(f"w{number}") for number in (1, 2, 3)])
    bench.wait("four owners", lambda: len(set(map(bench.worker_in, bench.tokens()))) == 4)
    bench.wait_for_progress(trial.random.uniform(0.5, 0.6))
    leaving = trial.random.sample(sorted(bench.workers), 2)

    def strike() -> None:
        for name in leaving:
            bench.workers[name].stop()
            bench.ended.append(bench.workers.pop(name))

    trial.measure(strike)


def _refuse_publishing(trial: Trial) -> None:
    """Nothing can be published for some seconds; one worker is killed meanwhile."""
    bench = trial.bench
    gate = bench.directory / "publishing-is-refused"
    for moment in trial.moments(2, high=0.6):
        bench.wait_for_progress(moment)
        gate.touch()
        trial.faults += 1
        bench.wait("a growing outbox", lambda: sum(bench.client.llen(bench.keys.outbox(p)) for p in range(4)) > 100)
        victim = trial.owner()

        def strike(victim: str = victim) -> None:
            bench.workers[victim].kill()
            bench.start(victim)

        trial.measure(strike, trial.partitions_of(victim))
        time.sleep(trial.random.uniform(2.0, 6.0))
        gate.unlink()


def _kill_trainer(trial: Trial) -> None:
    """kill -9 of the worker that learns: the model is, octet by octet, that of an undisturbed run over the examples."""
    bench = trial.bench
    for moment in trial.moments(6):
        bench.wait_for_progress(moment)
        token = (bench.client.hget(bench.keys.checkpoint(), "token") or b"").decode()
        victim = bench.worker_in(token)

        def strike(victim: str = victim) -> None:
            bench.workers[victim].kill()
            bench.start(victim)

        trial.measure(strike, trial.partitions_of(victim))


def _one_kill(trial: Trial) -> None:
    """On such a log, kill -9 of a worker."""
    _kill(trial, times=1)


def _two_kills(trial: Trial) -> None:
    """kill -9 of a worker, twice."""
    _kill(trial, times=2)


def _one_zombie(trial: Trial) -> None:
    """A worker frozen until its partitions are given away, once."""
    _zombie(trial, times=1)


_EMBEDDED_HANGS = (
    "its group coordinator lets a join hang for ever when a static member dies, or misses its session, while the group "
    "rebalances; see docs/reliability.md"
)

WORKER_FAULTS = (
    Fault("undisturbed", "0", _nothing, runs=1, repeats_nothing=True),
    Fault("worker-kill", "1", _kill, runs=6, log={"customers": 200}, needs_kafka=_EMBEDDED_HANGS),
    Fault(
        "worker-kill-at-point",
        "2",
        _kill_at_points,
        runs=4,
        log={"customers": 150},
        plan=Plan(pace_ms=120.0),
        needs_kafka=_EMBEDDED_HANGS,
    ),
    Fault("sigterm", "3", _terminate, runs=2, log={"customers": 200}, repeats_nothing=True),
    Fault("broken-event", "4", _one_kill, runs=1, broken=5),
    Fault(
        "zombie", "5", _zombie, runs=3, log={"customers": 150}, plan=Plan(pace_ms=100.0), needs_kafka=_EMBEDDED_HANGS
    ),
    Fault("two-owners", "6", _two_owners, runs=1, plan=Plan(pace_ms=200.0)),
    Fault("scale", "7", _scale, runs=2, bench={"workers": 1}, plan=Plan(pace_ms=60.0), needs_kafka=_EMBEDDED_HANGS),
    Fault("duplicates-x3", "8", _one_kill, runs=1, log={"copies": 3, "customers": 50}),
    Fault("clock-jumps", "9", _one_kill, runs=1, plan=Plan(pace_ms=25.0, clock_s=3600.0)),
    Fault(
        "poison",
        "18",
        _one_kill,
        runs=1,
        log={"poison": 10_000, "oversize": True},
        bench={"batch_max_records": 100},
    ),
    Fault("publishing-refused", "19", _refuse_publishing, runs=2, log={"customers": 150}),
    Fault("trainer-kill", "20", _kill_trainer, runs=3, log={"customers": 150}),
    Fault("hot-key", "23", _one_kill, runs=1, log={"hot_share": 0.5, "customers": 20}),
    Fault("worker-kill-twice", "1", _two_kills, runs=1, short=True),
    Fault("zombie-once", "5", _one_zombie, runs=1, plan=Plan(pace_ms=100.0), short=True),
)
