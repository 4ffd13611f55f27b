"""Faults of a projection that runs beside the core: its states are the fold over the log, whatever dies."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import orjson

from stream.projections.activity import Activity
from stream.storage.keys import Keys, ProjectionKeys
from tests.faults.bench import Bench
from tests.faults.ownership_faults import zombie
from tests.faults.redis_faults import cut_tail, flush
from tests.faults.scenario import EMBEDDED_HANGS, Fault, Trial
from tests.faults.worker import Plan
from tests.faults.worker_faults import kill_at_points
from tests.oracle.record import type_of

__all__ = ["PROJECTION_FAULTS", "projection_states"]

POINTS = tuple(f"projection {point}" for point in ("polled", "computed", "script sent", "script done", "acked"))


def projection_states(bench: Bench) -> Iterator[str]:
    """P: the states of the projection are a count over the log, and nothing of former generations is left."""
    if not bench.settings.projections:
        return
    keys = present_keys(bench)
    wanted = _counted(bench)
    found: dict[str, dict[str, dict[str, int]]] = {}
    for partition in range(bench.log.partitions):
        prefix = keys.customer(partition, "")
        for key in bench.client.scan_iter(f"{prefix}*", count=1000):
            if state := bench.client.get(key):
                found[key.decode().removeprefix(prefix)] = orjson.loads(state)["days"]
    wrong = [customer for customer in found.keys() | wanted.keys() if found.get(customer) != wanted.get(customer)]
    if wrong:
        one = min(wrong)
        yield f"P: {len(wrong)} states differ, such as {one}: {found.get(one)}, wanted {wanted.get(one)}"
    former = [key for key in bench.client.scan_iter("*:projection:*:meta") if key not in _metas(bench, keys)]
    if former:
        yield f"P: of former generations there is still {former}"


def _metas(bench: Bench, keys: ProjectionKeys) -> set[bytes]:
    return {keys.meta(partition).encode() for partition in range(bench.log.partitions)}


def _counted(bench: Bench) -> dict[str, dict[str, dict[str, int]]]:
    """Events by customer, day and type, of the list of events that were written."""
    counts: dict[str, dict[str, Counter[str]]] = {}
    for customer, events in bench.log.truth.items():
        for event in events:
            date = datetime.fromtimestamp(event.at / 1000, UTC).date().isoformat()
            counts.setdefault(customer, {}).setdefault(date, Counter())[type_of(event).value] += 1
    return {customer: {date: dict(count) for date, count in sorted(days.items())} for customer, days in counts.items()}


def present_keys(bench: Bench) -> ProjectionKeys:
    """Keys of the present generation."""
    base = Keys(bench.settings.namespace)
    generation = int(bench.client.get(base.projection_generation(Activity.name, Activity.version)) or 0)
    return ProjectionKeys(bench.settings.namespace, Activity.name, Activity.version, generation)


def _nothing(trial: Trial) -> None:
    """Nothing but what is in the log: late, repeated and malformed events."""
    trial.faults += 1


def _kill_at_points(trial: Trial) -> None:
    """A worker kills itself at each named point of a projection's step, once it has been there a few times."""
    kill_at_points(trial, POINTS, latest=4)


def _rebuild(trial: Trial) -> None:
    """The projection is built anew under load, a worker is killed meanwhile, and it is asked for once more at rest."""
    bench = trial.bench
    generation = Keys(bench.settings.namespace).projection_generation(Activity.name, Activity.version)
    bench.wait_for_progress(trial.random.uniform(0.2, 0.5))
    bench.client.incr(generation)
    trial.faults += 1
    victim = trial.owner()

    def strike() -> None:
        bench.workers[victim].kill()
        bench.start(victim)

    trial.measure(strike, trial.partitions_of(victim))
    bench.settle()
    bench.client.incr(generation)
    trial.faults += 1
    bench.wait("the new generation at the ends of the log", bench.projected)
    bench.wait("the former generation dropped", lambda: not any(projection_states(bench)))


_BENCH = {"projections": "activity"}
_LOG = {"customers": 200}

PROJECTION_FAULTS = (
    Fault("projection-undisturbed", "26", _nothing, runs=1, bench=_BENCH),
    Fault(
        "projection-kill-at-point",
        "26",
        _kill_at_points,
        runs=3,
        log={"customers": 400},
        bench=_BENCH,
        plan=Plan(pace_ms=200.0),
        needs_kafka=EMBEDDED_HANGS,
    ),
    Fault(
        "projection-zombie",
        "26",
        zombie,
        runs=2,
        log={"customers": 150},
        bench=_BENCH,
        plan=Plan(pace_ms=100.0),
        needs_kafka=EMBEDDED_HANGS,
    ),
    Fault("projection-lost-tail", "26", cut_tail, runs=2, log=_LOG, bench=_BENCH, takes_state_away=True),
    Fault("projection-flushall", "26", flush, runs=2, bench=_BENCH, takes_state_away=True),
    Fault("projection-rebuild", "26", _rebuild, runs=2, log=_LOG, bench={**_BENCH, "workers": 1}),
)
