"""Outcomes of steps and sweeps from what is stored; damaged profiles are set aside, bad events are isolated."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

from stream.agents.worker_options import WorkerOptions
from stream.clock import Clock
from stream.errors import DamagedProfileError
from stream.events.withheld import without_text
from stream.processing.align import Taken
from stream.processing.departed import departures_in
from stream.processing.isolation import MADE_UP, NOT_OF_AN_EVENT, isolate, refuse_bug
from stream.processing.partition import Partition
from stream.processing.scorer import Scorer
from stream.processing.step_outcome import StepOutcome
from stream.storage.partition_store import PartitionStore

__all__ = ["Computing"]

_LOG = logging.getLogger(__name__)


class Computing:
    """Loads the customers of a step and computes its outcome; nothing of it is stored here.

    While a large run of the kernel is made in its thread, the event loop goes on with other partitions. What a step
    reads stays as it is meanwhile: its partition does nothing else, and it takes the scorer and the time once.
    """

    def __init__(
        self,
        partition: Partition,
        store: PartitionStore,
        scorer: Callable[[], Scorer],
        clock: Clock,
        options: WorkerOptions,
    ) -> None:
        self._departures, self._refuses = options.departures, options.erasures.refuses
        self._kernels = options.kernels
        self._partition = partition
        self._store = store
        self._scorer = scorer
        self._clock = clock

    async def load(self, customers: Iterable[str]) -> None:
        """Read the profiles of customers that are not in the cache. Raises `StorageError`."""
        missing = self._partition.missing(customers)
        if missing:
            documents = await self._store.documents(missing)
            for error in self._partition.remember(missing, documents):
                self._tell_of(error)

    async def load_step(self, taken: Taken) -> Taken:
        """Read the profiles for a step; returns the step without what counts elsewhere. Raises `StorageError`."""
        if self._departures is None:
            await self.load(taken.row_of)
            return taken
        taken, departures = departures_in(taken, self._departures, self._refuses)
        await self.load([*taken.row_of, *departures])
        return self._partition.follow(taken, departures)

    async def step(self, taken: Taken) -> StepOutcome:
        """The outcome of records whose customers are loaded."""
        while True:
            try:
                outcome = await self._step_isolated(self._partition.set_aside(taken))
                if self._departures is None:
                    return outcome
                return self._partition.leave(outcome, self._scorer(), self._clock.now_ms())
            except DamagedProfileError as error:
                self._quarantine(error)

    async def sweep(
        self, customers: Sequence[str], *, looks_at_all: bool = False, tells_all: bool = False
    ) -> StepOutcome:
        """The outcome of due timers of customers who are loaded; see `Partition.prepare_sweep`."""
        while True:
            try:
                scorer, now_ms = self._scorer(), self._clock.now_ms()
                step = self._partition.prepare_sweep(
                    customers, scorer, now_ms, looks_at_all=looks_at_all, tells_all=tells_all
                )
                return step.finish(await self._kernels.run(step))
            except DamagedProfileError as error:
                self._quarantine(error)

    async def _step_isolated(self, taken: Taken) -> StepOutcome:
        scorer, now_ms = self._scorer(), self._clock.now_ms()
        try:
            step = self._partition.prepare_step(taken, scorer, now_ms)
            return step.finish(await self._kernels.run(step))
        except NOT_OF_AN_EVENT:
            raise
        except Exception as error:  # noqa: BLE001 - one bad record must not stop a partition; what is not one is raised
            number = self._partition.partition
            _LOG.error("a step of partition %d failed; looking for the event", number, exc_info=without_text(error))

            def step_of(part: Taken) -> StepOutcome:
                return self._partition.step(part, scorer, now_ms)

            self._partition.remember([MADE_UP], [None])
            refuse_bug(step_of, int(taken.events["time"].max(initial=0)))
            self._partition.forget(MADE_UP)
            return step_of(isolate(taken, step_of))

    def _quarantine(self, error: DamagedProfileError) -> None:
        self._partition.quarantine(error)
        self._tell_of(error)

    def _tell_of(self, error: DamagedProfileError) -> None:
        number = self._partition.partition  # who it is stays out of logs
        _LOG.error("a customer of partition %d is set aside, see `stream quarantine list`: %s", number, error)
