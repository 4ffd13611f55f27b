"""Publishing to Kafka: records in, batches out, and an answer when the broker has all of them."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter

from confluent_kafka import KafkaException
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from faust.types import TP

from stream.agents.batch_producer import BatchProducer
from stream.agents.kafka_access import FrankAdminClient
from stream.agents.record_batches import PublishedBatch, batches_of
from stream.agents.security import broker_credentials
from stream.processing.misplaced import partitions_of_keys
from stream.processing.state import Outgoing
from stream.settings import Settings

__all__ = ["Publisher"]

_METADATA_TIMEOUT_S = 5.0
_TIMEOUT_S = 300.0
#: Batches of so many records are made in a thread: half of that time is compression, which runs beside Python.
_MANY = 500


class Publisher:
    """Publishes records in order and says when the broker has all of them (``acks=all``).

    Keys land where Java's and aiokafka's producers put them (murmur2). Use it on one event loop. ``timeout_s``: for how
    long records are sent again to a broker that does not take them.
    """

    def __init__(self, settings: Settings, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._settings = settings
        self._asking: FrankAdminClient | None = None
        access = credentials_to_aiokafka_auth(broker_credentials(settings))
        self._producer = BatchProducer({"bootstrap_servers": settings.kafka_bootstrap, **access}, timeout_s)

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Send ``records``; return when the broker has confirmed every one. Raises PublishError.

        After an error, or when the call is cancelled, some of them may be published. None is sent later.
        """
        at_ms = time.time_ns() // 1_000_000
        lanes = await self._by_partition(records)
        if len(records) < _MANY:
            batches = _batches(lanes, at_ms)
        else:
            batches = await asyncio.to_thread(_batches, lanes, at_ms)
        # each to its end: a call that is repeated must not meet its own records
        ends = await asyncio.gather(*(self._producer.send(*lane) for lane in batches.items()), return_exceptions=True)
        if (error := next((end for end in ends if end is not None), None)) is not None:
            raise error

    async def _by_partition(self, records: Sequence[Outgoing]) -> dict[TP, list[Outgoing]]:
        by_topic: dict[str, list[Outgoing]] = {}
        for topic, run in groupby(records, attrgetter("topic")):
            by_topic.setdefault(topic, []).extend(run)
        found: dict[TP, list[Outgoing]] = {}
        for topic, of_topic in by_topic.items():
            partitions = await self._producer.partitions(topic)
            keys = [record.key for record in of_topic]
            numbers = partitions_of_keys([key or b"" for key in keys], partitions)
            if numbers.count(numbers[0]) == len(numbers) and None not in keys:
                # nearly always: what a partition publishes is keyed by its customers
                found[TP(topic, numbers[0])] = of_topic
                continue
            without_key = random.randrange(partitions)  # noqa: S311 - to spread them
            for number, record in zip(numbers, of_topic, strict=True):
                partition = without_key if record.key is None else number
                found.setdefault(TP(topic, partition), []).append(record)
        return found

    def answers(self, tp: TP) -> bool:
        """Whether a broker answers at all, and says who leads the partition. Blocks; call it from a thread."""
        if self._asking is None:
            self._asking = FrankAdminClient(self._settings.librdkafka())
        try:
            found = self._asking.list_topics(tp.topic, timeout=_METADATA_TIMEOUT_S).topics[tp.topic]
        except (KafkaException, KeyError):
            return False
        return tp.partition in found.partitions and found.partitions[tp.partition].leader >= 0

    async def close(self) -> None:
        """Close the connections; what is not confirmed is still in the outbox."""
        await self._producer.close()


def _batches(lanes: Mapping[TP, Sequence[Outgoing]], at_ms: int) -> dict[TP, list[PublishedBatch]]:
    return {tp: batches_of(of_partition, at_ms) for tp, of_partition in lanes.items()}
