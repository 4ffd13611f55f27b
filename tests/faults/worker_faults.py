"""Faults of workers: they die, stop, freeze, multiply, and meet records that they cannot bear."""

import dataclasses
import signal
import time
from collections.abc import Sequence
from functools import partial

import msgspec

from tests.faults.bench import TooLateError
from tests.faults.processes import WorkerProcess
from tests.faults.scenario import Fault, Trial
from tests.faults.worker import Plan
from tests.kafka.groups import are_copartitioned, assignments

__all__ = ["EMBEDDED_HANGS", "WORKER_FAULTS", "kill_at_points", "zombie"]

POINTS = ("polled", "computed", "script sent", "script done", "published", "acked")
EXIT_TIMEOUT_S = 10.0
#: Far below the default, so that it is reached.
OUTBOX_LIMIT = 200
#: More than any step of these logs publishes: its 40 records, or the timers that they make due (85 for three seeds).
OF_A_STEP = 200


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
            trial.wait_for_end(f"the end at {point!r}", doomed, -signal.SIGKILL, 30.0)
        except TooLateError as late:
            trial.findings.append(f"X: {late}")
            continue
        trial.points[point] += 1
        trial.measure(partial(bench.start, name), partitions)


def _kill_at_points(trial: Trial) -> None:
    """A worker kills itself at each named point of a step, once it has been there a few times."""
    kill_at_points(trial, POINTS, latest=6)


def _kill_rescoring(trial: Trial, *, times: int = 3) -> None:
    """kill -9 of a worker while it looks at all customers of its partitions; every customer is scored as of the end."""
    bench = trial.bench
    bench.wait("the whole log is processed", bench.finished_all)
    for _ in range(times):
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


def _kill_rescoring_once(trial: Trial) -> None:
    """On such a log, kill -9 of a worker while it looks at all customers, once."""
    _kill_rescoring(trial, times=1)


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
    # one that was frozen between two steps may hear of its loss before it writes: not every time, but never none
    if times > 1 and not _is_fenced([*bench.workers.values()]):
        trial.findings.append(f"X: in {trial.faults} times no write of a zombie was put to the test")


def _two_owners(trial: Trial) -> None:
    """Workers of two groups, which know nothing of each other, on the same state."""
    bench = trial.bench
    bench.wait_for_progress(trial.random.uniform(0.1, 0.3))
    settings = bench.settings
    bench.settings = dataclasses.replace(settings, group=f"{settings.group}-other")
    intruder = bench.start("x0")
    bench.settings = settings
    bench.wait("the intruder owns a partition", lambda: "x0" in map(bench.worker_in, bench.tokens()))
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
    bench.wait("four owners", lambda: len(set(map(bench.worker_in, bench.tokens()))) == 4)
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


def _refuse_publishing(trial: Trial) -> None:
    """Nothing can be published: the outboxes grow to their limit, and then no event is taken; one worker is killed."""
    bench = trial.bench
    gate = bench.directory / "publishing-is-refused"
    for moment in trial.moments(2, high=0.6):
        bench.wait_for_progress(moment)
        gate.touch()
        trial.faults += 1
        bench.wait("growing outboxes", lambda: sum(bench.outboxes()) > OUTBOX_LIMIT // 2)
        victim = trial.owner()

        def strike(victim: str = victim) -> None:
            bench.workers[victim].kill()
            bench.start(victim)

        trial.measure(strike, trial.partitions_of(victim))
        bench.wait("full outboxes", partial(_takes_nothing, trial))
        _expect_standstill(trial)
        trial.measure(gate.unlink)


def _takes_nothing(trial: Trial) -> bool:
    """Whether every partition that has something to do may not do it, because its outbox is full."""
    bench = trial.bench
    return all(waiting >= OUTBOX_LIMIT or bench.finished(p) for p, waiting in enumerate(bench.outboxes()))


def _expect_standstill(trial: Trial) -> None:
    """R: behind a shut gate something is published, or an event is taken, or an outbox grows beyond its bound."""
    bench = trial.bench
    before = (bench.output(), bench.progress(), bench.outboxes())
    time.sleep(trial.random.uniform(2.0, 4.0))
    after = (bench.output(), bench.progress(), bench.outboxes())
    if after != before:
        trial.findings.append(f"R: (published, taken, outboxes) {before}, then {after}: expected a standstill")
    if max(after[2]) > OUTBOX_LIMIT + OF_A_STEP:
        trial.findings.append(f"R: outboxes of {after[2]} records, expected {OUTBOX_LIMIT} and a step at most")


def _kill_trainer(trial: Trial) -> None:
    """kill -9 of the worker that learns: the model is, byte by byte, that of an undisturbed run over the examples."""
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
    zombie(trial, times=1)


EMBEDDED_HANGS = (
    "its group coordinator lets a join hang for ever when a static member dies, or misses its session, while the group "
    "rebalances; see docs/reliability.md"
)

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
    Fault("sigterm", "3", _terminate, runs=2, log={"customers": 200}, repeats_nothing=True),
    Fault("broken-event", "4", _one_kill, runs=1, broken=5),
    Fault("zombie", "5", zombie, runs=3, log={"customers": 150}, plan=Plan(pace_ms=100.0), needs_kafka=EMBEDDED_HANGS),
    Fault("two-owners", "6", _two_owners, runs=1, plan=Plan(pace_ms=200.0)),
    Fault("scale", "7", _scale, runs=2, bench={"workers": 1}, plan=Plan(pace_ms=60.0), needs_kafka=EMBEDDED_HANGS),
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
    Fault(
        "publishing-refused",
        "19",
        _refuse_publishing,
        runs=2,
        log={"customers": 150},
        plan=Plan(pace_ms=25.0, outbox_limit=OUTBOX_LIMIT),
    ),
    Fault("trainer-kill", "20", _kill_trainer, runs=3, log={"customers": 150}),
    Fault("hot-key", "23", _one_kill, runs=1, log={"hot_share": 0.5, "customers": 12}),
    Fault("worker-kill-twice", "1", _two_kills, runs=1, short=True),
    Fault(
        "rescore-kill-once",
        "2",
        _kill_rescoring_once,
        runs=1,
        short=True,
        rescored=True,
        bench={"workers": 1},
        plan=Plan(rescore_keys=10),
    ),
    Fault("zombie-once", "5", _one_zombie, runs=1, plan=Plan(pace_ms=100.0), short=True),
)
