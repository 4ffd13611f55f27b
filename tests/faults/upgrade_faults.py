"""An upgrade under fire: workers of two releases share the group, and die at any moment, forward and back."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import msgspec

from stream.features.codec import LAYOUT, LAYOUT_BEFORE
from stream.online_models.checkpoint import FIRST_SCHEMA
from stream.online_models.sealed import schema_of
from stream.processing.document import packed_state
from tests.faults.bench import Bench
from tests.faults.processes import ROOT, WorkerProcess
from tests.faults.scenario import EMBEDDED_HANGS, Fault, Trial
from tests.faults.waiting import TooLateError
from tests.faults.worker import Plan
from tests.faults.worker_faults import POINT_TIMEOUT_S, POINTS

__all__ = ["UPGRADE_FAULTS"]

_REFUSED = 1
_END_TIMEOUT_S = 120.0


def _upgrade(trial: Trial) -> None:
    """Workers of two releases die at random and at named points: upgraded, taken back, upgraded again and finished."""
    bench = trial.bench
    before, present = bench.plan, msgspec.structs.replace(bench.plan, release_before=False)
    names = sorted(bench.workers)
    trial.wait_for_owners(len(names))
    # one release, two, one, two, and so on: each worker goes forward, back and forward again in its own order
    turns = [plan for plan in (present, before, present) for _ in names]
    order = [name for _ in range(3) for name in trial.random.sample(names, len(names))]
    last = order[-1]
    for name, plan, moment in zip(order[:-1], turns[:-1], trial.moments(len(order) - 1, high=0.5), strict=True):
        bench.wait_for_progress(moment)
        _replace(trial, name, plan)
        if unreadable := [*_unreadable(bench)]:
            trial.findings += unreadable
            return
    _finish(bench)
    _leave_behind(trial, bench.workers[last], present)
    trial.measure(partial(bench.start, last, present), trial.partitions_of(last))
    bench.settle()
    written = {packed_state(document)[0] for document in bench.stored.documents().values()}
    if LAYOUT not in written:
        trial.findings.append(f"X: profiles of layouts {written} are left, none of {LAYOUT}: nothing was upgraded")


def _replace(trial: Trial, name: str, plan: Plan) -> None:
    """End a worker in one of three ways, and start one of the release that ``plan`` says in its place."""
    bench = trial.bench
    partitions = trial.partitions_of(name)
    how = trial.random.choice(("kill", "stop", "point"))
    point, visit = trial.random.choice(POINTS), trial.random.randint(1, 3)

    def strike() -> None:
        worker = bench.workers[name]
        if how == "kill":
            worker.kill()
        else:
            worker.stop()
        bench.start(name, plan)

    if how == "point":
        bench.workers[name].stop()
        doomed = bench.start(name, msgspec.structs.replace(plan, exit_at=(point, visit)))
        try:
            trial.wait_for_end(f"the end at {point!r}", doomed, -signal.SIGKILL, POINT_TIMEOUT_S)
        except TooLateError as late:
            trial.findings.append(f"X: {late}")
            doomed.kill()
        else:
            trial.points[point] += 1
    trial.measure(strike, partitions)


def _unreadable(bench: Bench) -> Iterator[str]:
    """R: keys that the previous release cannot read, although the upgrade is not finished."""
    newer = [c for c, document in bench.stored.documents().items() if packed_state(document)[0] > LAYOUT_BEFORE]
    if newer:
        yield f"R: {len(newer)} profiles are of a layout that the release before does not read"
    learner = bench.client.hget(bench.keys.checkpoint(), "learner")
    if learner and schema_of(learner) != FIRST_SCHEMA:
        yield f"R: the checkpoint is {schema_of(learner)}, which the release before does not read"


def _finish(bench: Bench) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stream", "upgrade", "--finish"],
        env=os.environ | bench.settings.to_env(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode or f"write layout {LAYOUT}" not in done.stdout:
        raise AssertionError(f"stream upgrade --finish ended with {done.returncode}: {done.stdout}{done.stderr}")


def _leave_behind(trial: Trial, worker: WorkerProcess, present: Plan) -> None:
    """The worker of the release before that was forgotten ends at the next assignment, and its partitions move on."""
    bench = trial.bench
    partitions = trial.partitions_of(worker.name)
    worker.expected_status = _REFUSED
    trial.measure(partial(bench.start, "newcomer", present), partitions)
    trial.wait_for_end("the end of the release before", worker, _REFUSED, _END_TIMEOUT_S)
    lines = [line for line in worker.log.splitlines() if f"of layout {LAYOUT}" in line]
    if len(lines) != 1 or "docs/upgrading.md" not in lines[0] or "Traceback" in worker.log:
        trial.findings.append(f"R: expected one line with the layout and what to do, found {worker.log[-1500:]}")


UPGRADE_FAULTS = (
    Fault(
        "upgrade",
        "31",
        _upgrade,
        runs=1,
        log={"customers": 500},
        bench={"workers": 3},
        plan=Plan(pace_ms=250.0, release_before=True),
        needs_kafka=EMBEDDED_HANGS,
    ),
)
