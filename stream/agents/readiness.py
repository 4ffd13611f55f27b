"""Whether a worker does its work: assigned, caught up once, a model looked for, Redis answering."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from stream.agents.health import Health, HealthReport
from stream.agents.models import CurrentModel
from stream.agents.owner import Owner
from stream.agents.partition_worker import PartitionWorker
from stream.agents.transport import TP, Intake
from stream.errors import TopologyError

__all__ = ["Backlog", "Readiness"]

_EVERY_S = 0.5


class Backlog:
    """Which inputs have been worked off once since they were positioned.

    The mark is the end of the log as it was seen first under a lease. Under constant load that is passed for good,
    whereas "no lag" may never be true at the moment of asking. A rewind begins a new lease: after Redis lost its
    contents, the backlog is the whole log again.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._marks: dict[TP, tuple[int, int]] = {}
        self._done: dict[TP, int] = {}

    def caught_up(self, tp: TP, stored: int, buffered: int) -> bool:
        """Whether everything up to the mark of ``tp`` is stored.

        ``stored``: offset of the first record that is not; ``buffered``: records received and not stored.
        """
        lease, position = self._intake.flow.ledger.lease(tp), self._intake.position(tp)
        if lease is None or position is None:
            return False
        if self._done.get(tp) == lease:
            return True
        if position.end is None:
            return False
        marked, mark = self._marks.get(tp, (None, 0))
        if marked != lease:
            mark = position.end.readable
            self._marks[tp] = (lease, mark)
        # what follows the last record may be markers of transactions, which are received and never stored
        if stored >= mark or (position.next_offset >= mark and buffered == 0):
            self._done[tp] = lease
            return True
        return False


class Readiness:
    """Reports to `Health`. A worker without partitions, more of them than there are, is ready to take over."""

    def __init__(
        self,
        health: Health,
        intake: Intake,
        owner: Owner[PartitionWorker],
        model: CurrentModel,
        event_topics: Sequence[str],
        *,
        idle: Callable[[], bool],
        stopping: Callable[[], bool],
    ) -> None:
        self._health = health
        self._intake = intake
        self._owner = owner
        self._model = model
        self._event_topics = event_topics
        self._idle = idle
        self._stopping = stopping
        self._backlog = Backlog(intake)

    async def run(self) -> None:
        """HealthReport for ever."""
        while True:
            self._health.report(self.report())
            await asyncio.sleep(_EVERY_S)

    def report(self) -> HealthReport:
        """Look once."""
        reasons = ["the worker is stopping"] if self._stopping() else []
        try:
            assigned = self._intake.assigned
        except TopologyError:  # the consumer is not made yet
            assigned = frozenset()
        if not assigned and not self._idle():
            reasons.append("no partitions have been assigned yet")
        workers = {tp.partition: self._owner.workers.get(tp.partition) for tp in assigned if self._is_event(tp)}
        behind = sorted(partition for partition, worker in workers.items() if not self._caught_up(partition, worker))
        if behind:
            reasons.append(f"partitions {behind} have not caught up with the log yet")
        reasons += self._storage()
        return HealthReport(reasons, {"partitions": len(workers), "model_version": self._model.scorer.model.version})

    def _is_event(self, tp: TP) -> bool:
        return tp.topic in self._event_topics

    def _caught_up(self, partition: int, worker: PartitionWorker | None) -> bool:
        if worker is None or worker.recovering:
            return False
        stored: Mapping[str, int] = worker.partition.state.offsets
        return all(
            self._backlog.caught_up(TP(topic, partition), stored.get(topic, 0), worker.buffered(source))
            for source, topic in enumerate(self._event_topics)
        )

    def _storage(self) -> Sequence[str]:
        if self._model.looked_at_s is None:
            return ["no model has been looked for in Redis yet"]
        if not self._model.answered():
            return [f"Redis has not answered for {time.monotonic() - self._model.looked_at_s:.0f} s"]
        if self._model.refused and self._model.scorer.model.version == 0:
            return ["the stored model snapshot is refused, and there is no earlier one"]
        return []
