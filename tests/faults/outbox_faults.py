"""Faults of publishing: records wait in the outboxes, which are bounded."""

import time
from functools import partial

from tests.faults.scenario import Fault, Trial
from tests.faults.worker import Plan

__all__ = ["OUTBOX_FAULTS"]

#: Far below the default, so that the outboxes reach it.
OUTBOX_LIMIT = 200
#: More than any step of these logs publishes: its 40 records, or the timers that they make due (85 for three seeds).
OF_A_STEP = 200


def _refuse_publishing(trial: Trial) -> None:
    """Nothing can be published: the outboxes grow to their limit, and then no event is taken; one worker is killed."""
    bench = trial.bench
    gate = bench.directory / "publishing-is-refused"
    for moment in trial.moments(2, high=0.6):
        bench.wait_for_progress(moment)
        gate.touch()
        trial.faults += 1
        bench.wait("growing outboxes", lambda: sum(bench.stored.outboxes()) > OUTBOX_LIMIT // 2)
        victim = trial.owner()

        def strike(victim: str = victim) -> None:
            bench.workers[victim].kill()
            bench.start(victim)

        trial.measure(strike, trial.partitions_of(victim))
        bench.wait("full outboxes", partial(_takes_nothing, trial))
        _expect_standstill(trial)
        trial.measure(gate.unlink)
    # until then a document that a successor does not publish is published again by a later step; at the end it is not
    bench.wait_for_progress(trial.random.uniform(0.9, 0.95))
    gate.touch()
    trial.faults += 1
    bench.wait("the rest of the log in the outboxes", partial(_takes_nothing, trial))
    victim = trial.owner()
    bench.workers[victim].kill()
    gate.unlink()
    trial.measure(partial(bench.start, victim))


def _takes_nothing(trial: Trial) -> bool:
    """Whether every partition with work is held back by its full outbox."""
    bench = trial.bench
    return all(waiting >= OUTBOX_LIMIT or bench.finished(p) for p, waiting in enumerate(bench.stored.outboxes()))


def _expect_standstill(trial: Trial) -> None:
    """R: behind a shut gate something is published, or an event is taken, or an outbox grows beyond its bound."""
    bench = trial.bench
    before = (bench.topics.published_count(), bench.progress(), bench.stored.outboxes())
    time.sleep(trial.random.uniform(2.0, 4.0))
    after = (bench.topics.published_count(), bench.progress(), bench.stored.outboxes())
    if after != before:
        trial.findings.append(f"R: (published, taken, outboxes) {before}, then {after}: expected a standstill")
    if max(after[2]) > OUTBOX_LIMIT + OF_A_STEP:
        trial.findings.append(f"R: outboxes of {after[2]} records, expected {OUTBOX_LIMIT} and a step at most")


OUTBOX_FAULTS = (
    Fault(
        "publishing-refused",
        "19",
        _refuse_publishing,
        runs=2,
        log={"customers": 150},
        plan=Plan(pace_ms=25.0, outbox_limit=OUTBOX_LIMIT),
    ),
)
