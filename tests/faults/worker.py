"""``stream worker`` with a fault plan: faults are injected from outside, as the product has no switches for them.

The plan is JSON in the variable ``CUSTOMER_STREAM_FAULTS``; see `Plan`. Without one this is ``stream worker``.
"""

import asyncio
import functools
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

import stream.agents.app
import stream.agents.apps
import stream.agents.rescoring_task
import stream.agents.worker
from stream.agents import storing, transport
from stream.agents.app import assemble
from stream.agents.partition_worker import PartitionWorker
from stream.agents.publisher import Publisher
from stream.agents.transport import FAUST_SETTINGS, RecordBatch
from stream.agents.transport.consumer_thread import ConsumerThread, Fetch
from stream.agents.transport.unpack import Wanted
from stream.agents.worker_options import WorkerOptions
from stream.cli import main
from stream.clock import SystemClock
from stream.errors import PublishError
from stream.events.id_hashes import hash_event_ids
from stream.events.kinds import EventType
from stream.processing.align import Taken
from stream.processing.partition import Partition
from stream.processing.prepared import Prepared
from stream.processing.scorer import Scorer
from stream.processing.state import Outgoing
from stream.storage import step_writes
from tests.faults.mutants import MUTANTS
from tests.faults.release_before import become_release_before

__all__ = ["PLAN_VARIABLE", "Plan"]

PLAN_VARIABLE = "CUSTOMER_STREAM_FAULTS"

_BEGAN_S = time.monotonic()
#: A start takes some of it; a run lasts for several.
_JUMPS_EVERY_S = 5
#: Of the product they would be more than most steps of a trial have: none would be written by a transaction, and no
#: records in groups.
_TRANSACTION_FROM, _GROUPED_FROM = 10, 5


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``pace_ms``: how long every step takes longer. ``rest_ms``: how long a partition rests before each step, while
    the process goes on with others, and with learning. ``exit_at``: a point of a step and the number of the visit at
    which the process kills itself. ``broken``: ids of events whose processing raises. ``publish_gate``: while this
    file exists, publishing is refused. ``stall_gate``: while it exists, ``stall`` stands still: the event loop, one
    partition's step, the fetches (the fetch loop turns, and nothing comes), or what takes batches from Faust; with
    ``clock`` nothing stands still, but the wall clock is ahead by as many seconds as the file says.
    ``clock_s``: how far the wall clock is off, alternately forward and back. ``metadata_max_age_s``: how soon added
    partitions are noticed. ``outbox_limit``: unpublished records at which a partition takes no more events.
    ``rescore_keys``: keys of Redis that rescoring looks at in one step. ``mutant``: the guarantee that is switched off.
    ``release_before``: the worker is one of the release before, in which no guarantee is switched off.
    """

    pace_ms: float = 0.0
    rest_ms: float = 0.0
    exit_at: tuple[str, int] | None = None
    broken: tuple[str, ...] = ()
    publish_gate: str = ""
    stall_gate: str = ""
    stall: Literal["loop", "step", "fetch", "receive", "clock"] = "loop"
    clock_s: float = 0.0
    metadata_max_age_s: float | None = None
    outbox_limit: int | None = None
    rescore_keys: int | None = None
    mutant: str = ""
    release_before: bool = False


class _JumpingClock(SystemClock):
    def __init__(self, jump_ms: int) -> None:
        self._jump_ms = jump_ms

    def now_ms(self) -> int:
        # back at first: what is fresh lies ahead then
        forward = int(time.monotonic() - _BEGAN_S) // _JUMPS_EVERY_S % 2 == 1
        return super().now_ms() + (self._jump_ms if forward else -self._jump_ms)


class _WrongClock(SystemClock):
    def __init__(self, plan: Plan) -> None:
        self._gate = Path(plan.stall_gate)

    def now_ms(self) -> int:
        try:
            ahead_s = float(self._gate.read_text())
        except FileNotFoundError:
            ahead_s = 0.0
        return super().now_ms() + int(ahead_s * 1000)


def _probe(plan: Plan, visits: Counter[str], point: str) -> None:
    visits[point] += 1
    if plan.exit_at is not None and plan.exit_at[0] == point and visits[point] == plan.exit_at[1]:
        os.kill(os.getpid(), signal.SIGKILL)
    if point in {"polled", "projection polled"}:
        if plan.pace_ms:
            time.sleep(plan.pace_ms / 1000)
        while plan.stall == "loop" and _is_stalled(plan):
            time.sleep(0.05)


def _is_stalled(plan: Plan) -> bool:
    return bool(plan.stall_gate) and Path(plan.stall_gate).exists()


async def _stand_still(plan: Plan) -> None:
    while _is_stalled(plan):  # noqa: ASYNC110 - the gate is a file
        await asyncio.sleep(0.05)


def _stall_step(plan: Plan) -> None:
    step = PartitionWorker._step

    async def stalling(self: PartitionWorker, taken: Taken) -> None:
        await _stand_still(plan)
        await step(self, taken)

    PartitionWorker._step = stalling  # type: ignore[method-assign]


def _rest_before_steps(seconds: float) -> None:
    step = PartitionWorker._step

    async def rested(self: PartitionWorker, taken: Taken) -> None:
        await asyncio.sleep(seconds)
        await step(self, taken)

    PartitionWorker._step = rested  # type: ignore[method-assign]


def _stall_fetch(plan: Plan) -> None:
    fetch = ConsumerThread.fetch

    async def stalling(self: ConsumerThread, wanted: Wanted) -> Fetch:
        if not _is_stalled(plan):
            return await fetch(self, wanted)
        await asyncio.sleep(0.05)
        return Fetch({}, {})

    ConsumerThread.fetch = stalling  # type: ignore[method-assign]


def _stall_receiving(plan: Plan) -> None:
    batches = transport.batches

    async def stalling(inbox: Any) -> AsyncIterator[RecordBatch]:
        async for batch in batches(inbox):
            await _stand_still(plan)
            yield batch

    stream.agents.apps.batches = stalling  # type: ignore[assignment,attr-defined]


def _notice_partitions_after(seconds: float) -> None:
    stream.agents.apps.FAUST_SETTINGS = {  # type: ignore[attr-defined]
        **FAUST_SETTINGS,
        "consumer_metadata_max_age_ms": int(seconds * 1000),
    }


def _limit_outbox(records: int) -> None:
    limited = functools.partial(WorkerOptions, outbox_limit=records)
    stream.agents.app.WorkerOptions = limited  # type: ignore[attr-defined,assignment]


def _break_events(event_ids: tuple[str, ...]) -> None:
    hashes = np.concatenate([hash_event_ids(event_type, event_ids) for event_type in EventType])
    prepare_step = Partition.prepare_step

    def failing(self: Partition, taken: Taken, scorer: Scorer, now_ms: int) -> Prepared:
        if np.isin(taken.events["event_id"], hashes).any():
            raise ArithmeticError("this event is made to fail")
        return prepare_step(self, taken, scorer, now_ms)

    Partition.prepare_step = failing  # type: ignore[method-assign]


def _stand_before_publishing(refused: Callable[[], bool], probe: Callable[[str], None]) -> None:
    publish = Publisher.publish

    async def watched(self: Publisher, records: Sequence[Outgoing]) -> None:
        if refused():
            raise PublishError("publishing is refused for a while")
        await publish(self, records)
        probe("published")

    Publisher.publish = watched  # type: ignore[method-assign]


def _be_another_program(plan: Plan) -> None:
    if plan.release_before:
        become_release_before()
    elif plan.mutant:
        MUTANTS[plan.mutant]()


def _run(plan: Plan) -> None:
    probe = functools.partial(_probe, plan, Counter())
    options: dict[str, Any] = {"probe": probe}
    _stand_before_publishing(lambda: bool(plan.publish_gate) and Path(plan.publish_gate).exists(), probe)
    if plan.stall == "clock":
        options["clock"] = _WrongClock(plan)
    elif plan.clock_s:
        options["clock"] = _JumpingClock(int(plan.clock_s * 1000))
    stream.agents.worker.assemble = functools.partial(assemble, **options)  # type: ignore[attr-defined]
    if plan.metadata_max_age_s is not None:
        _notice_partitions_after(plan.metadata_max_age_s)
    if plan.outbox_limit is not None:
        _limit_outbox(plan.outbox_limit)
    if plan.rescore_keys is not None:
        stream.agents.rescoring_task._KEYS_AT_ONCE = plan.rescore_keys  # type: ignore[misc]
    stalls = {"step": _stall_step, "fetch": _stall_fetch, "receive": _stall_receiving}
    if plan.stall in stalls:
        stalls[plan.stall](plan)
    if plan.rest_ms:
        _rest_before_steps(plan.rest_ms / 1000)
    if plan.broken:
        _break_events(plan.broken)
    step_writes.TRANSACTION_FROM = _TRANSACTION_FROM  # type: ignore[misc]
    storing.GROUPED_FROM = _GROUPED_FROM  # type: ignore[misc]
    _be_another_program(plan)
    main(["worker"])


if __name__ == "__main__":
    _run(msgspec.json.decode(os.environ.pop(PLAN_VARIABLE, "{}"), type=Plan))
