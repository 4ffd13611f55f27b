"""Faults of the pace: processing takes too long, or hangs."""

import time
from functools import partial
from typing import Final, Literal

import msgspec

from stream.agents.owner import CRASHED
from tests.faults.scenario import Fault, Trial
from tests.faults.worker import Plan

__all__ = ["STALL_FAULTS"]

STALLED_AFTER_S = 9.0
#: From the moment the watchdog may leave, to the end of the process: what was received is processed first.
LEAVES_WITHIN_S = 60.0


def _take_long(trial: Trial) -> None:
    """A step takes twice the session timeout: the worker keeps its partitions, and nobody claims anything anew."""
    bench = trial.bench
    for moment in trial.moments(3, high=0.7):
        bench.wait_for_progress(moment)
        victim = trial.owner()
        partitions, claims = trial.partitions_of(victim), bench.stored.claims()
        gate = bench.stall_gate(victim)
        gate.touch()
        time.sleep(2 * bench.settings.session_timeout_s)
        trial.measure(gate.unlink, partitions)
        if claimed := bench.stored.claims() - claims:
            trial.findings.append(f"R: {claimed} claims because of one long step, expected none")


_STALLS: Final[tuple[Literal["loop", "step", "fetch", "receive"], ...]] = ("loop", "step", "fetch", "receive")


def _hang_everywhere(trial: Trial) -> None:
    """The event loop, a step, the fetches, or what takes batches hangs: the watchdog ends the process, and says why."""
    bench = trial.bench
    for moment, stall in zip(trial.moments(len(_STALLS), high=0.6), _STALLS, strict=True):
        bench.wait_for_progress(moment)
        name = trial.owner()
        victim = trial.restart(name, msgspec.structs.replace(bench.plan, stall=stall))
        gate = bench.stall_gate(name)
        gate.touch()
        trial.wait_for_end(
            f"the watchdog ends {name}, of which the {stall} hangs", victim, CRASHED, STALLED_AFTER_S + LEAVES_WITHIN_S
        )
        if victim.log.count("leaving, so that a restart can help") != 1:
            trial.findings.append(f"R: {stall}: expected one reason for leaving in {victim.log[-1500:]}")
        gate.unlink()
        trial.measure(partial(bench.start, name))


def _servers_away(trial: Trial) -> None:
    """Redis hangs for much longer than the watchdog waits: that is back-pressure, and no reason to leave."""
    bench = trial.bench
    bench.wait_for_progress(trial.random.uniform(0.2, 0.5))
    with trial.hanging_redis(claims_of_each=2):
        time.sleep(2.5 * STALLED_AFTER_S)


STALL_FAULTS = (
    Fault(
        "slow-processing",
        "15",
        _take_long,
        runs=1,
        plan=Plan(pace_ms=60.0),
        needs_kafka="its group coordinator now and then forgets a member nine seconds after two have joined at once, "
        "stalled or not",
    ),
    Fault(
        "consumer-stalls",
        "22",
        _hang_everywhere,
        runs=1,
        log={"customers": 200, "padding": 2_000},
        bench={"stalled_after_s": STALLED_AFTER_S, "batch_max_records": 20},
        plan=Plan(pace_ms=200.0),
        needs_kafka="when a member has died, its group coordinator lets the others wait for longer than the watchdog "
        "of this trial does",
    ),
    Fault(
        "no-stall-while-redis-hangs",
        "22",
        _servers_away,
        runs=1,
        bench={"stalled_after_s": STALLED_AFTER_S},
        plan=Plan(pace_ms=60.0),
    ),
)
