"""Gauges that are read off the running worker now and then rather than set where things happen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from stream import metrics
from stream.agents.owner import Owner, PartitionInputs
from stream.agents.partition_worker import PartitionWorker
from stream.agents.series import begin_at_zero
from stream.clock import Clock
from stream.errors import StorageError

__all__ = ["Gauges"]

_LOG = logging.getLogger(__name__)

_EVERY_S = 1.0
#: Timers are counted in Redis: one round trip a partition.
_TIMERS_EVERY_S = 5.0
_BY_PARTITION = (metrics.WATERMARK, metrics.WATERMARK_LAG, metrics.FEATURES_STORED)


class Gauges:
    """Lag, stream time, timers, outbox, labels and cache of the partitions that this worker owns.

    ``training``: the input of the trainer, which has a lag while this worker is the trainer.
    """

    def __init__(
        self,
        owner: Owner[PartitionWorker],
        topics: Sequence[str],
        training: PartitionInputs,
        training_topic: str,
        clock: Clock,
    ) -> None:
        self._owner = owner
        self._topics = topics
        self._training = training
        self._training_topic = training_topic
        self._clock = clock
        self._shown: set[str] = set()
        begin_at_zero()

    async def run(self) -> None:
        """Refresh for ever."""
        count_timers_at_s = 0.0
        loop = asyncio.get_running_loop()
        while True:
            self.refresh()
            if loop.time() >= count_timers_at_s:
                await self.count_timers()
                count_timers_at_s = loop.time() + _TIMERS_EVERY_S
            await asyncio.sleep(_EVERY_S)

    def refresh(self) -> None:
        """Read everything in memory once."""
        workers = list(self._owner.workers.values())
        now_ms = self._clock.now_ms()
        # not where partitions come and go: projections have assignments of their own
        metrics.ASSIGNED_PARTITIONS.set(len(workers))
        self._show_partitions(workers, now_ms)
        for source, topic in enumerate(self._topics):
            metrics.LAG.labels(topic).set(sum(_lag(worker, source) for worker in workers))
            metrics.LAG_SECONDS.labels(topic).set(
                _age_s(now_ms, [worker.oldest_appended_at_ms(source) for worker in workers])
            )
        training_lag, trainer = self._training.lag(0), self._owner.trainer
        if training_lag is not None:
            buffered = trainer.buffered if trainer is not None else 0
            metrics.LAG.labels(self._training_topic).set(training_lag + buffered)
        else:
            metrics.LAG.remove(self._training_topic)
        counters = [worker.partition.state.counters for worker in workers]
        metrics.LABELS_PENDING.set(sum(counter.landmarks - counter.labels for counter in counters))
        metrics.OUTBOX_DEPTH.set(sum(worker.outbox.depth for worker in workers))
        metrics.OUTBOX_AGE.set(_age_s(now_ms, [worker.outbox.oldest_at_ms for worker in workers]))
        metrics.QUARANTINED.set(sum(len(worker.partition.quarantined) for worker in workers))
        apart_ms = [apart for worker in workers if (apart := worker.wall_clock.apart_ms()) is not None]
        metrics.CLOCK_APART.set(max(apart_ms, key=abs, default=0) / 1000)
        metrics.CACHE_CUSTOMERS.set(sum(worker.partition.cached for worker in workers))

    async def count_timers(self) -> None:
        """Ask the store how the timers stand; while it is away the last answer stays."""
        scheduled = due = 0
        late_ms = 0
        for worker in list(self._owner.workers.values()):
            try:
                standing = await worker.timers()
            except StorageError as error:
                _LOG.debug("timers are not counted: %s", error)  # counted and told where work needs the store
                return
            scheduled += standing.scheduled
            due += standing.due
            stream_time_ms = worker.partition.state.stream_time_ms
            if standing.earliest_ms is not None and stream_time_ms is not None:
                late_ms = max(late_ms, stream_time_ms - standing.earliest_ms)
        metrics.TIMERS_SCHEDULED.set(scheduled)
        metrics.TIMERS_DUE.set(due)
        metrics.TIMERS_LATE.set(late_ms / 1000)

    def _show_partitions(self, workers: Sequence[PartitionWorker], now_ms: int) -> None:
        shown: set[str] = set()
        for worker in workers:
            label = str(worker.partition.partition)
            shown.add(label)
            stream_time_ms = worker.partition.state.stream_time_ms
            if stream_time_ms is not None:
                metrics.WATERMARK.labels(label).set(stream_time_ms / 1000)
                metrics.WATERMARK_LAG.labels(label).set(max(now_ms - stream_time_ms, 0) / 1000)
            if worker.stored_at_ms is not None:
                metrics.FEATURES_STORED.labels(label).set(worker.stored_at_ms / 1000)
        for label in self._shown - shown:
            # a partition that went to another worker is shown there
            for gauge in _BY_PARTITION:
                gauge.remove(label)
        self._shown = shown


def _lag(worker: PartitionWorker, source: int) -> int:
    return (worker.inputs.lag(source) or 0) + worker.buffered(source)


def _age_s(now_ms: int, since_ms: Sequence[int | None]) -> float:
    return max((max(now_ms - at_ms, 0) / 1000 for at_ms in since_ms if at_ms is not None), default=0.0)
