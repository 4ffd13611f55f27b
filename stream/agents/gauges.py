"""Gauges that are read off the running worker now and then rather than set where things happen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from stream import metrics
from stream.agents.owner import Owner, PartitionInputs
from stream.clock import Clock

__all__ = ["Gauges"]

_EVERY_S = 1.0


class Gauges:
    """Lag, stream time, outbox depth and cache size of the partitions that this worker owns."""

    def __init__(self, owner: Owner, topics: Sequence[str], clock: Clock) -> None:
        self._owner = owner
        self._topics = topics
        self._clock = clock
        self._shown: set[str] = set()

    async def run(self) -> None:
        """Refresh for ever."""
        while True:
            self.refresh()
            await asyncio.sleep(_EVERY_S)

    def refresh(self) -> None:
        """Read everything once."""
        workers = self._owner.workers
        lag = [0] * len(self._topics)
        now_s = self._clock.now_ms() / 1000
        shown: set[str] = set()
        for partition, worker in workers.items():
            if isinstance(worker.inputs, PartitionInputs):
                for source in range(len(self._topics)):
                    lag[source] += (worker.inputs.lag(source) or 0) + worker.buffered(source)
            stream_time_ms = worker.partition.state.stream_time_ms
            if stream_time_ms is not None:
                label = str(partition)
                shown.add(label)
                metrics.STREAM_TIME.labels(label).set(stream_time_ms / 1000)
                metrics.WATERMARK_LAG.labels(label).set(max(now_s - stream_time_ms / 1000, 0.0))
        for label in self._shown - shown:
            # a partition that went to another worker is shown there
            metrics.STREAM_TIME.remove(label)
            metrics.WATERMARK_LAG.remove(label)
        self._shown = shown
        for topic, count in zip(self._topics, lag, strict=True):
            metrics.LAG.labels(topic).set(count)
        metrics.OUTBOX_DEPTH.set(sum(worker.outbox.depth for worker in workers.values()))
        metrics.CACHE_CUSTOMERS.set(sum(worker.partition.cached for worker in workers.values()))
