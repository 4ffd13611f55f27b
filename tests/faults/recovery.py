"""How long a partition stands still, under default settings, with nothing else on the machine."""

from functools import partial

from tests.faults.pulse import Pulse
from tests.faults.scenario import Fault, Trial
from tests.faults.worker import Plan

__all__ = ["RECOVERY"]

#: From a kill -9 to writes by the next owners: the session timeout of 10 s, and the group's rebalance.
TAKEOVER_LIMIT_S = 15.0
#: From the last write before a restart in good order to the first one after it.
RESTART_LIMIT_S = 5.0

#: The default settings.
_DEFAULTS = {"session_timeout_s": 10.0, "heartbeat_s": 3.0, "workers": 3}


def _take_over(trial: Trial) -> None:
    """kill -9 of a worker that is not replaced: the others take its partitions over. Later it comes back."""
    bench = trial.bench
    for moment in trial.moments(5):
        trial.wait_for_owners(len(bench.workers))
        bench.wait_for_progress(moment)
        victim = trial.owner()
        trial.measure(bench.workers[victim].kill, trial.partitions_of(victim))
        bench.start(victim)
        bench.wait(f"{victim} is back", partial(trial.is_back, victim))


def _rolling_restart(trial: Trial) -> None:
    """SIGTERM and a new process of the same name, one worker after the other, as in an upgrade."""
    bench = trial.bench
    trial.wait_for_owners(len(bench.workers))
    for moment in trial.moments(2, high=0.6):
        bench.wait_for_progress(moment)
        for name in sorted(bench.workers):
            partitions = trial.partitions_of(name)
            with Pulse(bench) as pulse:  # all of them: a restart must not halt the others' partitions either
                bench.workers[name].stop()
                before = bench.stored.tokens()
                bench.start(name)
                bench.wait(f"{name} goes on", partial(bench.moved_since, before, partitions))
                bench.wait(f"{name} is back", partial(trial.is_back, name))
            trial.faults += 1
            trial.recoveries.append(pulse.longest_s)
            trial.findings += pulse.findings


RECOVERY = (
    Fault(
        "takeover",
        "1",
        _take_over,
        runs=2,
        log={"customers": 400},
        bench=_DEFAULTS,
        plan=Plan(pace_ms=250.0),
        limit_s=TAKEOVER_LIMIT_S,
        alone=True,
        needs_kafka="its session timeouts are what is measured",
    ),
    Fault(
        "rolling-restart",
        "3",
        _rolling_restart,
        runs=1,
        log={"customers": 1000},
        bench=_DEFAULTS,
        plan=Plan(pace_ms=200.0),
        limit_s=RESTART_LIMIT_S,
        repeats_nothing=True,
        alone=True,
        needs_kafka="it gives the partitions of a static member that restarts to nobody else",
    ),
)
