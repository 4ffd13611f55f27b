"""A topic that must be read first is read to its end before anything else is folded."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from stream.agents.outbox import Outbox
from stream.agents.projection_worker import ProjectionWorker
from stream.agents.publisher import Publisher
from stream.agents.worker_options import WorkerOptions
from stream.clock import SystemClock
from stream.processing.state import PartitionState
from stream.projections.arrivals import Arrivals
from stream.projections.folding import FoldingPartition, ProjectionTopics
from stream.settings import Settings
from stream.storage.keys import ProjectionKeys
from stream.storage.partition_store import Claim
from stream.storage.projection_store import ProjectionStore
from tests.agents.rig import KeepingPublisher
from tests.oracle.record import Record

EVENTS, ASSIGNMENTS = 0, 1


@dataclass
class Fetched:
    records: Sequence[Record]
    next_offset: int = 1
    is_current: bool = True

    def ack(self) -> bool:
        return True


@dataclass
class Sources:
    """`ProjectionInputs`; ``ended``: those that have been received to their ends."""

    ended: set[int] = field(default_factory=set)

    def at_end(self, source: int) -> bool:
        return source in self.ended

    def received_to(self, source: int) -> int:
        return source in self.ended

    def lag(self, source: int) -> int:
        return source not in self.ended

    def hold(self, source: int) -> None: ...
    def release(self, source: int) -> None: ...
    async def rewind(self, offsets: Mapping[str, int]) -> None: ...


class Claimed:
    """A store that has a state of the partition."""

    generation = 0
    keys = ProjectionKeys("test", Arrivals.name, Arrivals.version, 0)

    def __init__(self, state: PartitionState | None) -> None:
        self._state = state

    async def claim(self) -> Claim:
        return Claim(self._state, ())


def worker_with(state: PartitionState | None, sources: Sources) -> ProjectionWorker:
    worker = ProjectionWorker(
        FoldingPartition(Arrivals(Settings(partitions=1)), 0, ProjectionTopics("dead-letters", "alerts"), 3),
        cast("ProjectionStore", Claimed(state)),
        Outbox(cast("Publisher", KeepingPublisher())),
        sources,
        SystemClock(),
        WorkerOptions(step_records=20),
    )
    asyncio.run(worker.claim())
    for source in (EVENTS, ASSIGNMENTS):
        worker.deliver(source, Fetched([Record(b"c-1", b"{}", 1)]))
    return worker


def taken(worker: ProjectionWorker) -> list[int]:
    return [source for source, _ in worker._take()]


def test_events_wait_until_all_assignments_have_been_taken() -> None:
    for begun in (None, PartitionState({"assignments": 5})):
        sources = Sources()
        worker = worker_with(begun, sources)
        assert taken(worker) == [ASSIGNMENTS]
        # more of them is on its way
        assert taken(worker) == []
        worker.deliver(ASSIGNMENTS, Fetched([Record(b"c-2", b"{}", 2)]))
        sources.ended.add(ASSIGNMENTS)
        assert taken(worker) == [ASSIGNMENTS]
        assert taken(worker) == [EVENTS]
        # and from then on nothing waits
        sources.ended.clear()
        worker.deliver(EVENTS, Fetched([Record(b"c-1", b"{}", 3)]))
        assert taken(worker) == [EVENTS]


def test_who_has_begun_with_events_goes_on_with_them() -> None:
    worker = worker_with(PartitionState({"arrivals": 3}), Sources())
    assert taken(worker) == [EVENTS, ASSIGNMENTS]
