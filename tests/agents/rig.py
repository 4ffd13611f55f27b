"""A partition worker between a made-up transport, the real Redis and a publisher."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from stream.agents.kernel_thread import KernelThread
from stream.agents.outbox import Outbox
from stream.agents.partition_worker import PartitionWorker
from stream.agents.publisher import Publisher
from stream.agents.worker_options import WorkerOptions
from stream.catalogue.events import KERNEL_TYPES
from stream.clock import FixedClock
from stream.events.decode import Decoder
from stream.processing.align import Taken
from stream.processing.emission import ACTED_ON
from stream.processing.kernel import Kernel
from stream.processing.outgoing import Topics
from stream.processing.partition import Partition
from stream.processing.prepared import Prepared
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer
from stream.processing.state import Outgoing
from stream.storage.connection import Client
from stream.storage.keys import Keys
from stream.storage.partition_store import PartitionStore
from tests.oracle.record import Record
from tests.processing.station import NOW_MS

__all__ = ["ChokingPartition", "KeepingPublisher", "Rig", "Transport", "until"]

PARTITION = 0
TOPICS = tuple(event_type.value for event_type in KERNEL_TYPES)


async def until(condition: Callable[[], bool], what: str, timeout_s: float = 20.0) -> None:
    """Yield to the event loop until the condition holds."""
    try:
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110 - what the tests wait for signals nothing
                await asyncio.sleep(0.001)
    except TimeoutError:
        raise AssertionError(f"did not happen in {timeout_s} s: {what}") from None


class KeepingPublisher:
    """A publisher that keeps its records; while it is not ``open`` it confirms nothing."""

    def __init__(self) -> None:
        self.published: list[Outgoing] = []
        self.open = asyncio.Event()
        self.open.set()

    async def publish(self, records: Sequence[Outgoing]) -> None:
        await self.open.wait()
        self.published += records


@dataclass
class Batch:
    """Records of one input that were fetched together."""

    records: Sequence[Record]
    transport: "Transport"
    source: int
    lease: int

    @property
    def is_current(self) -> bool:
        return self.lease == self.transport.lease

    def keep(self, records: Sequence[Record]) -> None:
        self.records = records

    def ack(self) -> bool:
        if self.is_current:
            self.transport.acked[self.source] += len(self.records)
            self.transport.acked_to[self.source] = self.records[-1].offset + 1
        return self.is_current


@dataclass
class Transport:
    """`Inputs` over three logs in memory, fetched in batches of ``batch_records``."""

    logs: Sequence[Sequence[Record]]
    batch_records: int = 16
    lease: int = 0
    positions: list[int] = field(default_factory=lambda: [0] * len(TOPICS))
    acked: list[int] = field(default_factory=lambda: [0] * len(TOPICS))
    acked_to: list[int] = field(default_factory=lambda: [0] * len(TOPICS))
    held: set[int] = field(default_factory=set)
    max_held: int = 0
    rewinds: list[dict[str, int]] = field(default_factory=list)
    #: Inputs whose log never ends and whose fetches bring nothing.
    stuck: set[int] = field(default_factory=set)

    def at_end(self, source: int) -> bool:
        return source not in self.stuck and self.positions[source] == len(self.logs[source])

    def lag(self, source: int) -> int:
        return len(self.logs[source]) - self.positions[source]

    def hold(self, source: int) -> None:
        self.held.add(source)
        self.max_held = max(self.max_held, len(self.held))

    def release(self, source: int) -> None:
        self.held.discard(source)

    async def rewind(self, offsets: Mapping[str, int]) -> None:
        self.rewinds.append(dict(offsets))
        self.begin(offsets)

    def begin(self, offsets: Mapping[str, int]) -> None:
        """Begin a new lease at these offsets."""
        self.lease += 1
        self.held.clear()
        self.positions = [offsets.get(topic, 0) for topic in TOPICS]

    async def deliver_to(self, worker: PartitionWorker) -> None:
        """Fetch for ever from the inputs that are not held."""
        while True:
            for source, log in enumerate(self.logs):
                if source not in self.held and source not in self.stuck and self.positions[source] < len(log):
                    part = log[self.positions[source] : self.positions[source] + self.batch_records]
                    self.positions[source] += len(part)
                    worker.deliver(source, cast("Any", Batch(part, self, source, self.lease)))
            await asyncio.sleep(0)


class Rig:
    """All parts of one partition; `start` makes a worker as an assignment does."""

    publish_customers = "never"

    def __init__(
        self,
        client: Client,
        namespace: str,
        logs: Sequence[Sequence[Record]],
        rules: Rules,
        scorer: Scorer,
        **options: Any,
    ) -> None:
        self.client = client
        self.keys = Keys(namespace)
        self.transport = Transport(logs)
        self.broker = KeepingPublisher()
        self.clock = FixedClock(NOW_MS)
        self.publisher: Publisher = cast("Publisher", self.broker)
        self.topics = Topics()
        self.rules = rules
        #: The models that the worker scores with.
        self.scorer_now: Callable[[], Scorer] = lambda: scorer
        #: ``large``: from which size on runs of the kernel are made in the thread.
        self.kernels = KernelThread(**{name: options.pop(name) for name in ("large",) if name in options})
        self._options = {"clock": "event", "step_records": 25, "sweep_customers": 2, "fenced_wait_s": 0.3}
        self._options |= {"rescore": "auto" if "rest_s" in options else "asked", **options}
        self._workers: list[PartitionWorker] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(
        self, probe: Callable[[str], None] = lambda _: None, partition: Partition | None = None
    ) -> tuple[PartitionWorker, asyncio.Task[None]]:
        """Claim the partition and run a worker on it."""
        worker = PartitionWorker(
            partition or self.partition(),
            PartitionStore(self.client, self.keys, PARTITION, f"worker-{self.transport.lease}", ttl_s=3600),
            Decoder(),
            Outbox(self.publisher),
            self.transport,
            self._scorer,
            self.clock,
            WorkerOptions(
                **{
                    "probe": probe,
                    "second_clock": self.clock.now_ms,
                    "kernels": self.kernels,
                    **cast("Any", self._options),
                }
            ),
        )
        self.transport.begin(await worker.claim())
        running = asyncio.create_task(worker.run())
        fetching = asyncio.create_task(self.transport.deliver_to(worker))
        running.add_done_callback(lambda _: fetching.cancel())
        self._workers.append(worker)
        self._tasks += [running, fetching]
        return worker, running

    def _scorer(self) -> Scorer:
        return self.scorer_now()

    def partition(self) -> Partition:
        """A partition with a small cache, so that profiles are read from Redis as well."""
        return Partition(
            PARTITION,
            self.rules,
            Kernel(self.rules),
            self.topics,
            TOPICS,
            1500,
            published=ACTED_ON[self.publish_customers],
        )

    def is_done(self, worker: PartitionWorker) -> bool:
        """Whether everything produced is stored and published and all due timers have fired."""
        state = worker.partition.state
        ends = [state.offsets.get(topic, 0) for topic in TOPICS]
        return (
            ends == [len(log) for log in self.transport.logs]
            and not worker._due
            and worker.outbox.depth == 0
            and worker.outbox.confirmed == 0
        )

    async def stored_offsets(self) -> list[int]:
        """The stored offset of each input."""
        stored = await self.client.hget(self.keys.meta(PARTITION), "state")
        offsets = orjson.loads(stored)["offsets"] if stored else {}
        return [offsets.get(topic, 0) for topic in TOPICS]

    async def documents(self) -> dict[str, bytes]:
        """The stored documents by customer."""
        prefix = self.keys.customer(PARTITION, "")
        found = [key async for key in self.client.scan_iter(f"{prefix}*")]
        return {key.decode().removeprefix(prefix): await self.client.get(key) for key in found}

    async def expiring(self) -> set[str]:
        """Customers whose document has a time to live."""
        prefix = self.keys.customer(PARTITION, "")
        return {customer for customer in await self.documents() if await self.client.ttl(prefix + customer) >= 0}

    async def timers(self) -> dict[str, int]:
        """The stored timers by customer."""
        stored = await self.client.zrange(self.keys.timers(PARTITION), 0, -1, withscores=True)
        return {customer.decode(): int(due) for customer, due in stored}

    async def end(self) -> None:
        """End all tasks at once, and again if need be: before Python 3.12 redis-py may lose a cancellation."""
        for worker in self._workers:
            worker.stop()
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
        self.kernels.close()


class ChokingPartition(Partition):
    """A partition that cannot process one customer's events."""

    def prepare_step(self, taken: Taken, scorer: Scorer, now_ms: int) -> Prepared:
        if "customer-3" in taken.customer_ids:
            raise ZeroDivisionError("customer-3")
        return super().prepare_step(taken, scorer, now_ms)
