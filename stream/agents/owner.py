"""The worker's side of assignment: partition workers and the trainer come and go with their partitions."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Generic, NoReturn, Protocol, TypeVar

from stream.agents.trainer import Trainer
from stream.agents.transport import TP, Intake, PartitionOwner, RecordBatch
from stream.errors import SnapshotError, StorageError, StreamError, SystematicError, TopologyError

__all__ = ["CRASHED", "REFUSED", "OwnedWorker", "Owner", "PartitionInputs", "leave", "refuse"]

_LOG = logging.getLogger(__name__)

#: Exit status after an error that no code expected (EX_SOFTWARE).
CRASHED = 70
#: Exit status when the topics are not what the program needs: a restart would not help.
REFUSED = 1
_RETRY_S = 0.5
_T = TypeVar("_T")


def leave(what: str, error: BaseException) -> NoReturn:
    """End the process at once, without a graceful stop: that would commit what an unknown error left half done.

    An error of ours says what to do in one line; any other is told with where it arose.
    """
    if isinstance(error, StreamError):
        _LOG.critical("%s: %s; leaving", what, error)
    else:
        _LOG.critical("%s failed unexpectedly; leaving", what, exc_info=error)
    logging.shutdown()
    os._exit(CRASHED)


def refuse(error: TopologyError) -> NoReturn:
    """End the process because what it was set to do cannot be done: one line, and no traceback around it."""
    _LOG.critical("%s", error)
    logging.shutdown()
    os._exit(REFUSED)


class PartitionInputs:
    """`Inputs` of one partition index, on the transport's intake."""

    def __init__(self, intake: Callable[[], Intake], topics: Sequence[str], partition: int) -> None:
        self._intake = intake
        self._tps = [TP(topic, partition) for topic in topics]

    def at_end(self, source: int) -> bool:
        """Whether everything that is in the log of this input has been received."""
        position = self._intake().position(self._tps[source])
        return position is not None and position.at_end

    def received_to(self, source: int) -> int | None:
        """The first offset of this input that has not been received; None while it is not assigned."""
        position = self._intake().position(self._tps[source])
        return None if position is None else position.next_offset

    def lag(self, source: int) -> int | None:
        """Records of the log of this input that have not been received; None while its end is unknown."""
        position = self._intake().position(self._tps[source])
        return None if position is None else position.lag

    def hold(self, source: int) -> None:
        """Stop fetching this input for now."""
        self._intake().hold(self._tps[source])

    def release(self, source: int) -> None:
        """Fetch this input again."""
        self._intake().release(self._tps[source])

    async def rewind(self, offsets: Mapping[str, int]) -> None:
        """Go back to these offsets by topic, without one to the beginning of the log.

        When the partition has been revoked meanwhile there is nothing to do.
        """
        try:
            await self._intake().rewind({tp: offsets.get(tp.topic) for tp in self._tps})
        except TopologyError:
            _LOG.info("partition %d went to another worker during recovery", self._tps[0].partition)


class OwnedWorker(Protocol):
    """What works on one partition index, from its claim until it is stopped.

    ``signs`` moves with every step, and whenever a server is why there is none.
    """

    records_stored: int

    @property
    def signs(self) -> int: ...
    async def claim(self) -> Mapping[str, int]: ...
    async def run(self) -> None: ...
    def stop(self, *, lost: bool = False) -> None: ...
    def deliver(self, source: int, batch: RecordBatch, /) -> None: ...
    def buffered(self, source: int) -> int: ...


W = TypeVar("W", bound=OwnedWorker)


async def _nothing() -> None:
    """Nobody has to know of an assignment."""


class Owner(PartitionOwner, Generic[W]):
    """Starts and stops a worker for each partition index, and where there is one a `Trainer` with its partition.

    Each assignment has workers and a trainer of its own: one whose end was given up, because it took too long, can
    then neither see nor change what its successor does, and its writes are refused. ``on_claimed``: called when all
    partitions of an assignment are claimed, before any of them runs.
    """

    def __init__(
        self,
        topics: Sequence[str],
        make_worker: Callable[[int], W],
        check_layout: Callable[[], Coroutine[Any, Any, object]],
        *,
        training_topic: str = "",
        make_trainer: Callable[[], Trainer] | None = None,
        on_claimed: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        self._source = {topic: source for source, topic in enumerate(topics)}
        self._training_topic = training_topic
        self._make_worker = make_worker
        self._make_trainer = make_trainer
        self._check_layout = check_layout
        self._on_claimed = on_claimed
        self._workers: dict[int, W] = {}
        self._trainer: Trainer | None = None
        self._tasks: dict[int | str, asyncio.Task[None]] = {}

    @property
    def workers(self) -> Mapping[int, W]:
        """The running workers by partition index."""
        return self._workers

    @property
    def trainer(self) -> Trainer | None:
        """The trainer, while this worker has its partition."""
        return self._trainer

    async def restore_offsets(self, assigned: frozenset[TP]) -> Mapping[TP, int]:
        """Claim every assigned partition; the offsets in the store are where to go on."""
        await self._end(set(self._workers), training=True)
        try:
            await _claimed("the layout", self._check_layout)
        except TopologyError as error:
            refuse(error)
        offsets: dict[TP, int] = {}
        for partition in self._partitions(assigned):
            worker = self._make_worker(partition)
            stored = await _claimed(f"partition-{partition}", worker.claim)
            self._workers[partition] = worker
            offsets.update({TP(topic, partition): stored[topic] for topic in self._source if topic in stored})
        for tp in assigned:
            if tp.topic == self._training_topic and self._make_trainer is not None:
                self._trainer = trainer = self._make_trainer()
                offsets[tp] = await _claimed(self._training_topic, trainer.claim)
        await self._on_claimed()
        return offsets

    async def on_assigned(self, assigned: frozenset[TP]) -> None:
        """Let the partition workers run; what was claimed for an assignment that was overtaken is let go."""
        partitions = self._partitions(assigned)
        await self._end(self._workers.keys() - partitions, training=False)
        running = partitions & self._workers.keys()  # a stop in the middle of a rebalance gives them up in between
        for partition in running:
            self._start(partition, self._workers[partition].run())
        if self._trainer is not None and any(tp.topic == self._training_topic for tp in assigned):
            self._start(self._training_topic, self._trainer.run())

    async def on_revoked(self, revoked: frozenset[TP]) -> None:
        """End the steps under way, in good order."""
        training = any(tp.topic == self._training_topic for tp in revoked)
        await self._end(self._partitions(revoked), training=training)

    async def on_lost(self, lost: frozenset[TP]) -> None:
        """End at once: what these workers still publish could come after what their successors do."""
        for partition in self._partitions(lost) & self._workers.keys():
            self._workers[partition].stop(lost=True)
        await self.on_revoked(lost)

    async def on_unfit_topics(self, error: TopologyError) -> NoReturn:
        """Leave before anything is processed wrongly: missing topics, partition counts that differ, or that grew."""
        refuse(error)

    async def on_offset_out_of_range(self, tp: TP, stored: int, earliest: int, latest: int) -> int:
        """Leave: whether to go on without the deleted records, or to begin anew, is for an operator to decide."""
        try:
            return await super().on_offset_out_of_range(tp, stored, earliest, latest)
        except TopologyError as error:
            refuse(error)

    def _partitions(self, tps: frozenset[TP]) -> set[int]:
        return {tp.partition for tp in tps if tp.topic in self._source}

    async def _end(self, partitions: AbstractSet[int], *, training: bool) -> None:
        ending = []
        for partition in partitions & self._workers.keys():
            worker = self._workers.pop(partition)
            worker.stop()
            if (task := self._tasks.pop(partition, None)) is not None:
                ending.append(task)
        if training and self._trainer is not None:
            self._trainer.stop()
            self._trainer = None
            if (task := self._tasks.pop(self._training_topic, None)) is not None:
                ending.append(task)
        # cancelled when it takes too long, and the tasks with it: what they had not stored is read again
        await asyncio.gather(*ending, return_exceptions=True)

    def deliver(self, batch: RecordBatch) -> None:
        """Hand a fetched batch to the worker of its partition."""
        source = self._source.get(batch.tp.topic)
        if source is None:
            if self._trainer is not None:
                self._trainer.deliver(batch)
        elif (worker := self._workers.get(batch.tp.partition)) is not None:
            worker.deliver(source, batch)

    def _start(self, name: int | str, run: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(run, name=f"partition-{name}")
        self._tasks[name] = task
        task.add_done_callback(_leave_on_error)


def _leave_on_error(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        leave(task.get_name(), error)


async def _claimed(what: str, claim: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """What a claim returns, however long that takes; state that cannot be read ends the process."""
    try:
        return await _patiently(claim)
    except (SnapshotError, SystematicError) as error:
        leave(what, error)


async def _patiently(claim: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Claim, waiting for a store that is away; the transport bounds the whole assignment."""
    while True:
        try:
            return await claim()
        except StorageError as error:
            _LOG.warning("%s; retrying in %.1f s", error, _RETRY_S)
            await asyncio.sleep(_RETRY_S)
