"""Sending batches to the leaders of their partitions: in order, again until a broker has them, and none twice.

Kafka's idempotent producer, with an id for each partition: brokers know an id and how many records it has sent, and
take no batch again. Of a call that ends without an answer nobody knows whether its batch is in the log. So the next one
to that partition asks for another id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka.client import AIOKafkaClient  # type: ignore[import-untyped]
from aiokafka.errors import (  # type: ignore[import-untyped]
    DuplicateSequenceNumber,
    InvalidProducerEpoch,
    KafkaError,
    LeaderNotAvailableError,
    NoError,
    OutOfOrderSequenceNumber,
    UnknownProducerId,
    for_code,
)
from aiokafka.protocol.produce import ProduceRequest  # type: ignore[import-untyped]
from faust.types import TP

from stream.agents.producer_id_request import ProducerIdRequest
from stream.agents.record_batches import ProducerId, PublishedBatch
from stream.agents.retrying import Retrying
from stream.errors import PublishError

__all__ = ["BatchProducer"]

_LOG = logging.getLogger(__name__)

_REQUEST_TIMEOUT_S: Final = 30.0
_LOOK_UP_S: Final = 5.0
_CLOSING_S: Final = 1.0
_LONGEST_WAIT_S: Final = 1.0
_ALL_IN_SYNC: Final = -1
_LAST_SEQUENCE: Final = 2**31 - 1
_IN_THE_LOG: Final = (NoError, DuplicateSequenceNumber)
#: The broker knows of other records than this producer does, for example after an unclean election: begin anew.
_UNKNOWN_TO_THE_BROKER: Final = (OutOfOrderSequenceNumber, UnknownProducerId, InvalidProducerEpoch)


@dataclass(slots=True)
class _Lane:
    """What is sent to a partition, one call after the other. ``sequence``: how many records ``producer`` has sent."""

    free: asyncio.Lock = field(default_factory=asyncio.Lock)
    producer: ProducerId | None = None
    sequence: int = 0


class BatchProducer:
    """``options``: how aiokafka connects. Use it on one event loop; it connects when it is first used.

    ``timeout_s``: for how long a batch is sent again before the call fails.
    """

    def __init__(self, options: Mapping[str, Any], timeout_s: float) -> None:
        self._options = options
        self._timeout_s = timeout_s
        self._client: AIOKafkaClient | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._lanes: defaultdict[TP, _Lane] = defaultdict(_Lane)

    async def partitions(self, topic: str) -> int:
        """The number of partitions. Raises `PublishError` when no broker says it in time, or refuses to."""
        async with self._in_time(f"the partitions of {topic}"):
            retries = _Retries()
            while True:
                with retries.passing_over():
                    client = await self._connected()
                    if found := client.cluster.partitions_for_topic(topic) or await _looked_up(client, topic):
                        return len(found)
                await retries.wait()

    async def send(self, tp: TP, batches: Sequence[PublishedBatch]) -> None:
        """Return when the broker has all ``batches`` (``acks=all``), one after the other. Raises `PublishError`."""
        lane = self._lanes[tp]
        async with lane.free:
            for batch in batches:
                try:
                    async with self._in_time(f"{batch.count} records for {tp.topic}"):
                        await self._deliver(tp, lane, batch)
                except BaseException:
                    # whether the broker has it, or will, is not known: also when the call is cancelled
                    lane.producer = None
                    raise

    async def close(self) -> None:
        """Close the connections."""
        if self._connecting is not None:
            await asyncio.wait({self._connecting}, timeout=_CLOSING_S)
            self._connecting.cancel()
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    async def _deliver(self, tp: TP, lane: _Lane, batch: PublishedBatch) -> None:
        retries = _Retries()
        while True:
            with retries.passing_over():
                error = await self._ask(await self._connected(), tp, lane, batch)
                if error in _IN_THE_LOG:
                    lane.sequence += batch.count
                    return
                if error in _UNKNOWN_TO_THE_BROKER:
                    _LOG.info("a broker does not know what was sent to %s before: %s", tp.topic, error.__name__)
                    lane.producer = None
                elif not error.retriable:
                    raise PublishError(f"the broker did not accept {batch.count} records for {tp.topic}: {error()}")
                else:
                    raise error()
            await retries.wait()

    async def _ask(self, client: Any, tp: TP, lane: _Lane, batch: PublishedBatch) -> Any:
        """Send it once; the class of the error that the broker answers with. Raises ``KafkaError``."""
        leader = client.cluster.leader_for_partition(tp)
        if leader is None or leader < 0:
            await _looked_up(client, tp.topic)
            raise LeaderNotAvailableError(f"{tp.topic} has no leader")
        if lane.producer is None or lane.sequence + batch.count > _LAST_SEQUENCE:
            lane.producer, lane.sequence = await self._new_producer(client), 0
        request = ProduceRequest(
            transactional_id=None,
            required_acks=_ALL_IN_SYNC,
            timeout=int(_REQUEST_TIMEOUT_S * 1000),
            topics=[(tp.topic, [(tp.partition, batch.sent_by(lane.producer, lane.sequence))])],
        )
        answer = await client.send(leader, request)
        ((_, (of_partition,)),) = answer.topics
        error = for_code(of_partition[1])
        if error.invalid_metadata:
            await _looked_up(client, tp.topic)
        return error

    async def _new_producer(self, client: Any) -> ProducerId:
        answer = await client.send(client.get_random_node(), ProducerIdRequest())
        error = for_code(answer.error_code)
        if error is not NoError:
            raise error()
        return ProducerId(answer.producer_id, answer.producer_epoch)

    async def _connected(self) -> Any:
        while (client := self._client) is None:
            if self._connecting is None or self._connecting.done():
                self._connecting = asyncio.create_task(self._connect())
                # nobody may wait for it any more
                self._connecting.add_done_callback(lambda task: task.cancelled() or task.exception())
            # aiokafka forgets a connection when it is cancelled while it asks there for the brokers
            await asyncio.shield(self._connecting)
        return client

    async def _connect(self) -> None:
        client = AIOKafkaClient(request_timeout_ms=int(_REQUEST_TIMEOUT_S * 1000), **self._options)
        try:
            await client.bootstrap()
        except BaseException:
            await client.close()
            raise
        self._client = client

    @contextlib.asynccontextmanager
    async def _in_time(self, what: str) -> AsyncIterator[None]:
        """Fail in time. Then connect anew next time: brokers may have moved to other addresses."""
        deadline = asyncio.timeout(self._timeout_s)
        try:
            async with deadline:
                yield
        except TimeoutError as error:
            if not deadline.expired():
                raise
            await self.close()
            raise PublishError(f"the broker did not accept {what} within {self._timeout_s:g} s") from error


async def _looked_up(client: Any, topic: str) -> Any:
    """The partitions of a topic after the client has asked for them again; None: not known.

    Raises `PublishError` when this user may not know.
    """
    client.add_topic(topic)
    # a client that is closed meanwhile does not answer
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LOOK_UP_S):
            await client.force_metadata_update()
    if topic in client.cluster.unauthorized_topics:
        raise PublishError(f"the broker does not let this user publish to {topic}")
    return client.cluster.partitions_for_topic(topic)


class _Retries:
    """Attempts of a call, with longer and longer waits between them."""

    def __init__(self) -> None:
        self._retrying = Retrying(last_s=_LONGEST_WAIT_S)
        self._told = False

    @contextlib.contextmanager
    def passing_over(self) -> Iterator[None]:
        """Pass over what the next attempt may not meet, and tell it once."""
        try:
            yield
        except KafkaError as error:
            if not self._told:
                _LOG.info("publishing waits for a broker: %s", " ".join(str(error).split()))
                self._told = True

    async def wait(self) -> None:
        await asyncio.sleep(self._retrying.wait_s())
