"""All processes die at once, as on kill -9 of `stream up` or a reset of its machine."""

import time
from functools import partial

from tests.faults.scenario import Fault, Trial
from tests.faults.worker import Plan

__all__ = ["MACHINE_FAULTS"]

_ONE_MACHINE = "it is about the log that `stream up` keeps"


def _kill_machine(trial: Trial, *, times: int = 8) -> None:
    """kill -9 of workers, broker and Redis in any order, and a start on what is on the disk."""
    bench, broker = trial.bench, trial.durable
    assert broker is not None
    for moment in trial.moments(times):
        bench.wait_for_progress(moment)
        kills = [*(worker.kill for worker in bench.workers.values()), broker.kill, bench.redis.kill]
        trial.random.shuffle(kills)
        pause_s = trial.random.choice((0.0, 0.0, 0.05, 1.0))

        def strike() -> None:
            for kill in kills:  # noqa: B023 - it is called before the next turn
                kill()
                time.sleep(pause_s / 10)  # noqa: B023
            bench.redis.start()
            broker.start()
            for name in sorted(bench.workers):
                bench.start(name)

        trial.measure(strike)
        bench.wait(
            "a partition with an owner",
            lambda: bench.finished_all() or any(map(bench.owner_of, range(bench.log.partitions))),
        )


def _kill_broker(trial: Trial) -> None:
    """kill -9 of the broker alone, while workers go on with what they have fetched."""
    bench, broker = trial.bench, trial.durable
    assert broker is not None
    for moment in trial.moments(10):
        bench.wait_for_progress(moment)

        def strike() -> None:
            broker.kill()
            time.sleep(trial.random.choice((0.0, 0.0, 0.5, 2.0)))
            broker.start()

        trial.measure(strike)


#: More than a worker has fetched when the fault strikes.
_PLAN = Plan(pace_ms=100.0)

MACHINE_FAULTS = (
    Fault("machine-kill", "25", _kill_machine, runs=3, needs_durable=_ONE_MACHINE, plan=_PLAN),
    Fault("durable-broker-kill", "25", _kill_broker, runs=2, needs_durable=_ONE_MACHINE, plan=_PLAN),
    Fault(
        "machine-kill-twice",
        "25",
        partial(_kill_machine, times=2),
        needs_durable=_ONE_MACHINE,
        plan=_PLAN,
        short=True,
    ),
)
