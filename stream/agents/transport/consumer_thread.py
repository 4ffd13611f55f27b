"""The side of the transport that runs in the thread of the aiokafka client, where positions change.

Records are taken and partitions positioned only here, each without an ``await`` in between. So what is
fetched can be stamped with the lease it was fetched under: a seek never races with a fetch.
"""

# ruff: noqa: SLF001  # Faust's driver works on the private parts of aiokafka's fetcher as well

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer  # type: ignore[import-untyped]
from aiokafka.errors import ConsumerStoppedError, OffsetOutOfRangeError  # type: ignore[import-untyped]
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from stream.agents.transport.assignor import CoRangeAssignor
from stream.agents.transport.fetch_pace import FetchPace
from stream.agents.transport.fetched_batch import FetchedRecord
from stream.agents.transport.intake import LogEnd, intake_of
from stream.agents.transport.patience import started
from stream.agents.transport.unpack import Wanted, take_unpacked
from stream.errors import SettingsError, TopologyError

__all__ = ["ConsumerThread", "Fetch", "Fetched"]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one fetch moved in one partition: the records of the offsets ``[start, end)``."""

    lease: int
    start: int
    end: int
    records: Sequence[FetchedRecord]


@dataclass(frozen=True, slots=True)
class Fetch:
    """The result of one fetch; ``out_of_range`` are positions that the log does not contain."""

    moved: Mapping[TP, Fetched]
    out_of_range: Mapping[TP, int]


@dataclass(frozen=True, slots=True)
class _Cursor:
    """How far a lease is. Every assignment makes new states, in which no lease is positioned yet."""

    lease: int
    offset: int
    state: Any


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread with stamped fetches, and with the settings that the stock one hard-codes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._options = intake_of(self.app).options
        self._cursors: dict[TP, _Cursor] = {}
        self._pace = FetchPace(self._options)

    async def on_start(self) -> None:
        """As Faust's, but a broker that is away is waited for."""
        consumer = self._consumer = self._create_consumer(loop=self.thread_loop)
        self.time_started = time.monotonic()
        await started(consumer.start, self)

    async def on_thread_stop(self) -> None:
        """Close the client, also when the broker does not answer. Bounded."""
        try:
            async with asyncio.timeout(self._options.handover_timeout_s):
                await super().on_thread_stop()
        except TimeoutError:
            self.log.exception("closing the client was given up after %g s", self._options.handover_timeout_s)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # The fetcher of aiokafka lets the cancellation of its own tasks escape; without this the thread
            # would die before it says that it has ended, and the app would wait a minute for that.
            self.log.warning("the client was closed while it was waiting for the broker")

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        conf = self.app.conf
        if self.app.tables.changelog_topics:
            raise TopologyError(
                "kafkabatch:// does not support Faust tables: keep state in the store of the PartitionOwner"
            )
        if self._options.restore_timeout_s >= conf.broker_request_timeout:
            raise SettingsError(
                f"restore_timeout_s={self._options.restore_timeout_s:g} must be less than Faust's "
                f"broker_request_timeout={conf.broker_request_timeout:g}, after which Faust gives up in silence"
            )
        instance_id = conf.consumer_group_instance_id
        return AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=instance_id,
            bootstrap_servers=driver.server_list(transport.url, transport.default_port),
            partition_assignment_strategy=[CoRangeAssignor(self._options.copartitioned, instance_id or "")],
            enable_auto_commit=False,
            # Never jump: a position that the log does not contain is for the owner to decide.
            auto_offset_reset="none",
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=_ms(conf.broker_max_poll_interval or 0),
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            fetch_max_wait_ms=_ms(self._options.fetch_max_wait_s),
            fetch_min_bytes=self._options.fetch_min_bytes,
            request_timeout_ms=_ms(conf.broker_request_timeout),
            check_crcs=conf.broker_check_crcs,
            session_timeout_ms=_ms(conf.broker_session_timeout),
            rebalance_timeout_ms=_ms(conf.broker_rebalance_timeout),
            heartbeat_interval_ms=_ms(conf.broker_heartbeat_interval),
            isolation_level=self._options.isolation_level,
            metadata_max_age_ms=conf.consumer_metadata_max_age_ms,
            connections_max_idle_ms=conf.consumer_connections_max_idle_ms,
            **driver.credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
        )

    async def fetch(self, wanted: Wanted) -> Fetch:
        """Take what has arrived of the wanted partitions, waiting up to ``poll_s`` for something."""
        result: Fetch = await self.call_thread(self._fetch, wanted)
        return result

    async def _fetch(self, wanted: Wanted) -> Fetch:
        if not self.consumer.flow_active:
            return Fetch({}, {})
        consumer = self._ensure_consumer()
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        records: Mapping[TP, Sequence[FetchedRecord]] = {}
        out_of_range: Mapping[TP, int] = {}
        with fetcher._subscriptions.fetch_context():
            try:
                records = await self._take(fetcher, wanted)
            except OffsetOutOfRangeError as error:
                out_of_range = {TP(*tp): offset for tp, offset in error.args[0].items()}
        moved = {}
        for tp, cursor in self._cursors.items():
            state = self._state(tp)
            if state is cursor.state and state.position != cursor.offset:
                moved[tp] = Fetched(cursor.lease, cursor.offset, state.position, records.get(tp, ()))
                self._cursors[tp] = _Cursor(cursor.lease, state.position, state)
        return Fetch(moved, out_of_range)

    async def _take(self, fetcher: Any, wanted: Wanted) -> Mapping[TP, Sequence[FetchedRecord]]:
        """What has arrived of the wanted partitions; waits up to ``poll_s`` for something."""
        deadline = self.thread_loop.time() + self._options.poll_s
        while True:
            records = await take_unpacked(fetcher, wanted, self._options.queued_records)
            now_s = self.thread_loop.time()
            if records:
                self._pace.moved(now_s)
            fetcher._fetch_max_wait_ms, fetcher._fetch_min_bytes = self._pace.hold(now_s)
            left_s = deadline - now_s
            if records or left_s <= 0.0 or fetcher._closed:
                return records
            waiter = fetcher._create_fetch_waiter()
            done, _ = await asyncio.wait([waiter], timeout=left_s)
            if not done:
                waiter.cancel()
                return records
            waiter.result()  # raises what forbids to read

    @property
    def rebalancing(self) -> bool:
        """Whether the assignment has been revoked and the next one is not known yet."""
        return bool(self._ensure_consumer()._subscription.reassignment_in_progress)

    @property
    def is_forgotten(self) -> bool:
        """Whether the group knows this member no more, so that its partitions may be others' already."""
        return bool(self._ensure_consumer()._coordinator.generation < 0)

    async def position_at(self, targets: Mapping[TP, tuple[int, int]]) -> None:
        """Go to ``{partition: (lease, offset)}``; skips partitions that are no longer assigned."""
        await self.call_thread(self._position_at, targets)

    async def _position_at(self, targets: Mapping[TP, tuple[int, int]]) -> None:
        consumer = self._ensure_consumer()
        for tp, (lease, offset) in targets.items():
            state = self._state(tp)
            if state is not None:
                consumer.seek(tp, offset)
                self._cursors[tp] = _Cursor(lease, offset, state)
                self._pace.moved(self.thread_loop.time())

    def wake(self) -> None:
        """Let a waiting `fetch` look again at what is wanted. Safe to call from the main thread."""
        if self._consumer is not None and not self.should_stop:
            self.thread_loop.call_soon_threadsafe(self._notify_fetch)

    def _notify_fetch(self) -> None:
        fetcher = self._ensure_consumer()._fetcher
        for waiter in tuple(fetcher._fetch_waiters):
            fetcher._notify(waiter)

    def log_end(self, tp: TP) -> LogEnd | None:
        """The end of the partition as of the last fetch response, ``None`` before the first."""
        state = self._state(tp)
        if state is None or state.highwater is None:
            return None
        readable = state.lso if self._options.isolation_level == "read_committed" else state.highwater
        return LogEnd(readable, state.highwater, state.timestamp)

    async def committed(self, tps: Iterable[TP]) -> dict[TP, int | None]:
        """The offsets committed to Kafka, ``None`` where there is none."""
        return {tp: await self.call_thread(self._ensure_consumer().committed, tp) for tp in tps}

    async def partition_counts(self) -> dict[str, int]:
        """The partition counts of all topics of the cluster."""
        client = self._ensure_consumer()._client
        cluster = await self.call_thread(client.fetch_all_metadata)
        return {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in cluster.topics()}

    def known_partition_counts(self, topics: Iterable[str]) -> dict[str, int]:
        """The partition counts of those ``topics`` that the client has heard of, without a round trip."""
        cluster = self._ensure_consumer()._client.cluster
        known = {topic: cluster.partitions_for_topic(topic) for topic in topics}
        return {topic: len(partitions) for topic, partitions in known.items() if partitions}

    def _state(self, tp: TP) -> Any:
        """The state that aiokafka keeps of an assigned partition, else ``None``."""
        subscription = self._ensure_consumer()._subscription.subscription
        assignment = subscription.assignment if subscription is not None else None
        return assignment.state_value(tp) if assignment is not None else None


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
