"""The Faust consumer that delivers batches; its thread side is `ConsumerThread`."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from faust.transport.drivers import aiokafka as driver
from faust.types import TP, Message

from stream.agents.transport.consumer_thread import ConsumerThread, Fetched
from stream.agents.transport.handing_over import HandingOverConsumer
from stream.agents.transport.intake import LogEnd
from stream.agents.transport.messages import BatchMessage, RecordMessage
from stream.agents.transport.patience import PatientProducer
from stream.agents.transport.topic_checks import check_assignment, check_counts, check_topics
from stream.errors import TopologyError

__all__ = ["Consumer", "Transport"]


class _WantedPartitions:
    """The partitions that may be fetched now; read by the consumer thread, never false."""

    def __init__(self, consumer: "Consumer") -> None:
        self._consumer = consumer

    def __contains__(self, tp: TP) -> bool:
        return self._consumer.wants(tp)


class Consumer(HandingOverConsumer):
    """Faust's consumer with another way to fetch, to ack, to position, and to let go.

    Order of a hand-over (revocation, or a stop in good order)::

        stop delivering -> PartitionOwner.on_revoked -> commit what is acked -> end the leases

    Order of an assignment::

        check the topology -> PartitionOwner.restore_offsets -> seek -> PartitionOwner.on_assigned -> deliver
    """

    def __init__(self, transport: Any, *args: Any, **kwargs: Any) -> None:
        self._wanted = _WantedPartitions(self)
        self._unverified: dict[TP, int] = {}
        super().__init__(transport, *args, **kwargs)
        self.flow.wake = self._thread.wake
        self.intake.bind(self)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def on_started(self) -> None:
        """Refuse to run on topics that cannot be copartitioned."""
        await super().on_started()
        counts = await self._thread.partition_counts()
        try:
            check_topics(self.options.copartitioned, counts, self.options.partitions)
        except TopologyError as error:
            await self.intake.owner.on_unfit_topics(error)

    def wants(self, tp: TP) -> bool:
        """Whether records of the partition may be fetched now; asked from the consumer thread.

        Not while the flow is stopped: what is fetched then would not be delivered.
        """
        return self.flow_active and tp in self._active_partitions and self.flow.wants(tp)

    def resume_flow(self) -> None:
        """Let records flow again, also to a fetch that is waiting."""
        super().resume_flow()
        self._thread.wake()

    # -- fetching

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109
        """Fetch once and deliver, one batch of each partition in turn."""
        if self.app.client_only:
            async for delivery in super().getmany(timeout):
                yield delivery
            return
        if not self.flow_active:
            await self.wait(self.can_resume_flow.wait())
        if self.should_stop:
            return
        fetch = await self._thread.fetch(self._wanted)
        self.flow.polled()
        queues = [self._messages(tp, fetched) for tp, fetched in fetch.moved.items()]
        await self._face_missing_offsets(fetch.out_of_range)
        for turn in range(max(map(len, queues), default=0)):
            for queue in queues:
                if not self.flow_active:
                    return
                if turn < len(queue) and queue[turn].is_current:
                    message = queue[turn]
                    yield message.tp, message
                    # The caller has just noted the offset, to drop messages below it as duplicates. They are
                    # none after a rewind; what is stale is known by its lease.
                    self._read_offset[message.tp] = None

    def _messages(self, tp: TP, fetched: Fetched) -> Sequence[BatchMessage | RecordMessage]:
        """Enter a fetch in the ledger. What is then not delivered stalls commits, but is never skipped."""
        if self.flow.ledger.lease(tp) != fetched.lease:
            return ()
        generation_id = self.app.consumer_generation_id
        what = (tp, fetched.lease, fetched.start, fetched.end, fetched.records)
        if self.is_batched(tp.topic):
            return [BatchMessage(batch, generation_id) for batch in self.flow.batches(*what)]
        singles = self.flow.singles(*what)
        return [RecordMessage(record, slot, self.flow, generation_id) for record, slot in singles]

    # -- positions

    async def perform_seek(self) -> None:
        """Position all assigned partitions: batches where the owner says, other topics where Kafka says.

        Faust calls it after every assignment, before records flow, and does not always end it when the next
        rebalance begins. It lets records flow again when this returns, also when the next assignment is already on
        its way, and then empties its queues: what was delivered before that would be lost.
        """
        self.stop_delivery()
        rebalance = self.app.rebalancing_count
        assigned = self.assignment()
        self._kinds.clear()
        await self._check_assigned(assigned)
        batched = frozenset(tp for tp in assigned if self.is_batched(tp.topic))
        async with asyncio.timeout(self.options.restore_timeout_s):
            earliest = await self.earliest_offsets(*assigned) if assigned else {}
            offsets = await self._restored(batched, earliest)
            for tp, committed in (await self._thread.committed(assigned - batched)).items():
                offsets[tp] = earliest[tp] if committed is None else committed
            if self.app.rebalancing_count == rebalance and not self._thread.rebalancing:
                for tp in frozenset(self.flow.ledger) - assigned:
                    self.flow.close(tp)
                await self._position_at(offsets)
                await self.intake.owner.on_assigned(batched)

    async def _check_assigned(self, assigned: AbstractSet[TP]) -> None:
        """Partitions that were added since the start are noticed here, for they lead to a new assignment.

        From what the client knows: while brokers are away, a new answer may lack topics that exist.
        """
        counts = self._thread.known_partition_counts(self.options.copartitioned)
        try:
            check_counts(counts, self.options.partitions)
            check_assignment(self.options.copartitioned, assigned)
        except TopologyError as error:
            await self.intake.owner.on_unfit_topics(error)

    async def _restored(self, batched: frozenset[TP], earliest: Mapping[TP, int]) -> dict[TP, int]:
        stored = await self.intake.owner.restore_offsets(batched)
        offsets = {tp: stored.get(tp, earliest[tp]) for tp in batched}
        for tp, offset in offsets.items():
            if offset < earliest[tp]:
                offsets[tp] = await self._ask_owner(tp, offset)
        return offsets

    async def rewind(self, offsets: Mapping[TP, int]) -> None:
        """See `Intake.rewind`."""
        await self._position_at(offsets)

    async def _position_at(self, offsets: Mapping[TP, int]) -> None:
        targets = {tp: (self.flow.open(tp, offset), offset) for tp, offset in offsets.items()}
        for tp, offset in offsets.items():
            self._read_offset[tp] = None
            self._unverified[tp] = offset
        await self._thread.position_at(targets)
        self._thread.wake()

    async def _face_missing_offsets(self, out_of_range: Mapping[TP, int]) -> None:
        """Ask the owner about positions that the log does not contain.

        A broker answers a fetch there with an error, or (Tansu, beyond the end) with nothing. The end that
        ListOffsets reports cannot be asked instead: Tansu's is the base offset of the last batch.
        """
        missing = dict(out_of_range)
        for tp, offset in tuple(self._unverified.items()):
            end = self.log_end(tp)
            if end is not None or tp not in self.flow.ledger:
                del self._unverified[tp]
            if end is not None and end.highwater < offset:
                missing[tp] = offset
        for tp, offset in missing.items():
            lease = self.flow.ledger.lease(tp)
            if self.flow.ledger.fetched_to(tp) == offset:
                go_on_at = await self._ask_owner(tp, offset)
                if self.flow.ledger.lease(tp) == lease:
                    await self._position_at({tp: go_on_at})

    async def _ask_owner(self, tp: TP, offset: int) -> int:
        earliest = (await self.earliest_offsets(tp))[tp]
        end = self.log_end(tp)
        latest = end.highwater if end is not None else (await self.highwaters(tp))[tp]
        return await self.intake.owner.on_offset_out_of_range(tp, offset, earliest, latest)

    def log_end(self, tp: TP) -> LogEnd | None:
        """See `ConsumerThread.log_end`."""
        return self._thread.log_end(tp)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: Faust's stall detector reads clocks that batches do not set; see `Intake.progress`."""


class Transport(driver.Transport):
    """The driver of ``kafkabatch://host:port``."""

    Consumer = Consumer
    Producer = PatientProducer
