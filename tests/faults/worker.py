"""``stream worker`` with a fault plan: what the product has no switch for is done to it from outside.

The plan is JSON in the variable ``CUSTOMER_STREAM_FAULTS``; see `Plan`. Without one this is ``stream worker``.
"""

import functools
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

import stream.agents.worker
from stream.agents.app import assemble
from stream.agents.publisher import Publisher
from stream.cli import main
from stream.clock import SystemClock
from stream.errors import PublishError
from stream.events.decode import hash_ids
from stream.processing.align import Taken
from stream.processing.partition import Outcome, Partition
from stream.processing.scorer import Scorer
from stream.processing.state import Outgoing
from tests.faults.mutants import MUTANTS

__all__ = ["PLAN_VARIABLE", "Plan"]

PLAN_VARIABLE = "CUSTOMER_STREAM_FAULTS"


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``pace_ms``: how long every step takes longer. ``exit_at``: a point of a step and the number of the visit at
    which the process kills itself. ``broken``: ids of events whose processing raises. ``publish_gate``: while this
    file exists, publishing is refused. ``stall_gate``: while it exists, a step does not end. ``clock_s``: how far
    the wall clock is off, alternately forward and back. ``mutant``: the guarantee that is switched off.
    """

    pace_ms: float = 0.0
    exit_at: tuple[str, int] | None = None
    broken: tuple[str, ...] = ()
    publish_gate: str = ""
    stall_gate: str = ""
    clock_s: float = 0.0
    mutant: str = ""


class _JumpingClock(SystemClock):
    def __init__(self, jump_ms: int) -> None:
        self._jump_ms = jump_ms
        self._looks = 0

    def now_ms(self) -> int:
        self._looks += 1
        return super().now_ms() + (self._jump_ms if self._looks // 100 % 2 else -self._jump_ms)


def _probe(plan: Plan, visits: Counter[str], point: str) -> None:
    visits[point] += 1
    if plan.exit_at is not None and plan.exit_at[0] == point and visits[point] == plan.exit_at[1]:
        os.kill(os.getpid(), signal.SIGKILL)
    if point == "polled":
        if plan.pace_ms:
            time.sleep(plan.pace_ms / 1000)
        while plan.stall_gate and Path(plan.stall_gate).exists():
            time.sleep(0.05)


def _break_events(event_ids: tuple[str, ...]) -> None:
    hashes = hash_ids(list(event_ids))
    step = Partition.step

    def failing(self: Partition, taken: Taken, scorer: Scorer, now_ms: int) -> Outcome:
        if np.isin(taken.events["event_id"], hashes).any():
            raise ArithmeticError("this event is made to fail")
        return step(self, taken, scorer, now_ms)

    Partition.step = failing  # type: ignore[method-assign]


def _stand_before_publishing(refused: Callable[[], bool], probe: Callable[[str], None]) -> None:
    publish = Publisher.publish

    async def watched(self: Publisher, records: Sequence[Outgoing]) -> None:
        if refused():
            raise PublishError("publishing is refused for a while")
        await publish(self, records)
        probe("published")

    Publisher.publish = watched  # type: ignore[method-assign]


def _run(plan: Plan) -> None:
    probe = functools.partial(_probe, plan, Counter())
    options: dict[str, Any] = {"probe": probe}
    _stand_before_publishing(lambda: bool(plan.publish_gate) and Path(plan.publish_gate).exists(), probe)
    if plan.clock_s:
        options["clock"] = _JumpingClock(int(plan.clock_s * 1000))
    stream.agents.worker.assemble = functools.partial(assemble, **options)  # type: ignore[attr-defined]
    if plan.broken:
        _break_events(plan.broken)
    if plan.mutant:
        MUTANTS[plan.mutant]()
    main(["worker"])


if __name__ == "__main__":
    _run(msgspec.json.decode(os.environ.pop(PLAN_VARIABLE, "{}"), type=Plan))
