"""A runner of a projection on a real Redis, over a log in memory."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from stream.agents.outbox import Outbox
from stream.agents.projection_worker import ProjectionWorker
from stream.agents.publisher import Publisher
from stream.agents.worker_options import WorkerOptions, no_probe
from stream.clock import SystemClock
from stream.local.redis import EmbeddedRedis
from stream.privacy.erasures import Erasures
from stream.projections.folding import FoldingPartition, ProjectionTopics
from stream.settings import Settings
from stream.storage.connection import connect
from stream.storage.keys import Keys, ProjectionKeys
from stream.storage.projection_store import ProjectionStore
from tests.agents.rig import KeepingPublisher
from tests.oracle.record import Record
from tests.projections.adding import Adding, record

__all__ = ["LOG", "EndError", "ProjectionLog", "ProjectionRig", "run_on", "tens", "totals"]

NUMBERS = [1, 10, -3, 13, 2, 10, 5, -5]
LOG = [record(offset, "abcde"[offset % 5], NUMBERS[offset % 8]) for offset in range(120)]


class EndError(Exception):
    """The process ends here."""


@dataclass
class BatchOfRecords:
    records: Sequence[Record]
    next_offset: int
    log: "ProjectionLog"
    lease: int

    @property
    def is_current(self) -> bool:
        return self.lease == self.log.lease

    def ack(self) -> bool:
        if self.is_current:
            self.log.acked_to = self.next_offset
        return self.is_current


@dataclass
class ProjectionLog:
    """`ProjectionInputs` over a list, fetched in batches of seven."""

    records: Sequence[Record]
    lease: int = 0
    position: int = 0
    acked_to: int = 0
    held: bool = False
    grows: bool = False
    #: Offsets after the last record that hold none, as markers of transactions do.
    markers: int = 0
    rewinds: list[int] = field(default_factory=list)

    def at_end(self, _source: int) -> bool:
        return not self.grows and self.position == len(self.records)

    def received_to(self, _source: int) -> int:
        return self.position + (self.markers if self.position == len(self.records) else 0)

    def lag(self, _source: int) -> int:
        return len(self.records) - self.position

    def hold(self, _source: int) -> None:
        self.held = True

    def release(self, _source: int) -> None:
        self.held = False

    async def rewind(self, offsets: Mapping[str, int]) -> None:
        self.rewinds.append(offsets.get("numbers", 0))
        self.begin(offsets)

    def begin(self, offsets: Mapping[str, int]) -> None:
        self.lease += 1
        self.held = False
        self.position = offsets.get("numbers", 0)

    async def deliver_to(self, worker: ProjectionWorker) -> None:
        while True:
            if not self.held and self.position < len(self.records):
                part = self.records[self.position : self.position + 7]
                self.position += len(part)
                worker.deliver(0, BatchOfRecords(part, self.position, self, self.lease))
            await asyncio.sleep(0)


class ProjectionRig:
    def __init__(self, server: EmbeddedRedis, namespace: str, log: Sequence[Record] = LOG) -> None:
        self.settings = Settings(redis_url=server.url, namespace=namespace, partitions=1)
        self.client = connect(self.settings)
        self.keys = Keys(namespace)
        self.log = log
        self.broker = KeepingPublisher()
        self.erasures = Erasures(b"k" * 32)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(
        self, probe: Callable[[str], None] = no_probe, projection: Adding | None = None
    ) -> tuple[ProjectionWorker, asyncio.Task[None], ProjectionLog]:
        inputs = ProjectionLog(self.log)
        worker = ProjectionWorker(
            FoldingPartition(projection or Adding(), 0, ProjectionTopics("dead-letters", "alerts"), 3, self.erasures),
            ProjectionStore(self.client, self.keys, Adding.name, Adding.version, 0, f"w{len(self._tasks)}"),
            Outbox(cast("Publisher", self.broker)),
            inputs,
            SystemClock(),
            WorkerOptions(step_records=20, fenced_wait_s=0.3, erasures=self.erasures, probe=probe),
        )
        inputs.begin(await worker.claim())
        running = asyncio.create_task(worker.run())
        fetching = asyncio.create_task(inputs.deliver_to(worker))
        running.add_done_callback(lambda _: fetching.cancel())
        self._tasks += [running, fetching]
        return worker, running, inputs

    def is_done(self, worker: ProjectionWorker) -> bool:
        at = worker.partition.state.offsets.get("numbers", 0)
        return at == len(self.log) and worker.outbox.depth == 0 == worker.outbox.confirmed

    async def states(self, generation: int = 0) -> dict[str, int]:
        keys = ProjectionKeys(self.settings.namespace, Adding.name, Adding.version, generation)
        prefix = keys.customer(0, "")
        found = {key.decode(): await self.client.get(key) async for key in self.client.scan_iter(f"{prefix}*")}
        return {key.removeprefix(prefix): orjson.loads(state)["total"] for key, state in found.items() if state}

    async def end(self) -> None:
        for task in self._tasks:
            # redis-py may lose a cancellation that comes together with an answer
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=0.5)
            if not task.cancelled():
                task.exception()
        await self.client.aclose()


def totals(log: Sequence[Record]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for one in log:
        said = orjson.loads(one.value or b"")
        if said["number"] != 13:
            sums[said["who"]] = sums.get(said["who"], 0) + said["number"]
    return {who: total for who, total in sums.items() if total}


def tens(log: Sequence[Record]) -> list[tuple[bytes, bytes]]:
    sums: dict[str, int] = {}
    found = []
    for one in log:
        said = orjson.loads(one.value or b"")
        if said["number"] != 13:
            sums[said["who"]] = sums.get(said["who"], 0) + said["number"]
        if said["number"] == 10:
            found.append((said["who"].encode(), b"%d" % sums[said["who"]]))
    return found


def run_on(
    server: EmbeddedRedis, namespace: str, act: Callable[[ProjectionRig], Any], log: Sequence[Record] = LOG
) -> None:
    async def run() -> None:
        rig = ProjectionRig(server, namespace, log)
        try:
            await act(rig)
        finally:
            await rig.end()

    asyncio.run(run())
