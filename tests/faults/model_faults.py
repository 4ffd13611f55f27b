"""Faults while the model that scores goes on learning."""

from functools import partial

from tests.faults.live_model import Publications
from tests.faults.scenario import Fault, Trial
from tests.faults.worker import Plan

__all__ = ["MODEL_FAULTS"]


def _kill_with_a_live_model(trial: Trial) -> None:
    """The model learns and scores; kill -9 of the trainer and of workers: each alert follows from the model that it
    names.
    """
    bench = trial.bench
    with Publications(bench) as seen:
        for number, moment in enumerate(trial.moments(4, low=0.3)):
            bench.wait_for_progress(moment)
            token = bench.stored.trainer_token()
            victim = trial.owner() if number % 2 else bench.worker_in(token)

            def strike(victim: str = victim) -> None:
                bench.workers[victim].kill()
                bench.start(victim)

            trial.measure(strike, trial.partitions_of(victim))
            bench.wait(f"{victim} is back", partial(trial.is_back, victim))
        bench.settle()
    trial.findings += seen.findings()


_LEVELS = {"raise_at": 0.3, "clear_at": 0.2}

MODEL_FAULTS = (
    Fault(
        "live-model",
        "20",
        _kill_with_a_live_model,
        runs=2,
        log={"customers": 250, "lateness_days": 0},
        # a model of three thousand labels is too timid for the levels of an operator
        bench={"freeze_model": False, "min_labels": 50, "alerts_per_week": 0.0, "overdue_at": 1.0, **_LEVELS},
        # the trainer must keep up with the events, so the event loop is not held
        plan=Plan(rest_ms=400.0),
    ),
)
