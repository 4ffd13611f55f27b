"""Handing events to Kafka, and waiting for its word on every one."""

import asyncio
import threading
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Final

from confluent_kafka import KafkaError, Message

from stream.client.concealed_records import RecordConcealer
from stream.client.event_record import EventRecord, LinkRecord
from stream.client.producer import Producer
from stream.errors import PublishError
from stream.ingest import metrics
from stream.ingest.refusal import Refusal

__all__ = ["EventPublisher"]

#: Largest sum of the values that wait for Kafka.
MAX_WAITING_BYTES: Final = 256 * 1024 * 1024
#: librdkafka looks for overdue events once a second.
_OVERDUE_S: Final = 3.0


class _Batch:
    """Collects the answers for the events of a request; told by the thread that serves the broker's answers."""

    def __init__(self, size: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._unanswered = set(range(size))
        self._errors: dict[int, str] = {}
        self.complete: asyncio.Future[None] = self._loop.create_future()

    def answer(self, position: int, error: KafkaError | None, _message: Message) -> None:
        self.settle(position, "" if error is None else error.str())

    def settle(self, position: int, error: str) -> None:
        with self._lock:
            self._unanswered.discard(position)
            if error:
                self._errors[position] = error
            if not self._unanswered:
                self._loop.call_soon_threadsafe(self._resolve)

    def failures(self) -> dict[int, str]:
        """Position -> why the event is not in Kafka, or not known to be."""
        with self._lock:
            return self._errors | dict.fromkeys(self._unanswered, "no answer in time")

    def _resolve(self) -> None:
        if not self.complete.done():
            self.complete.set_result(None)


class EventPublisher:
    """Publishes the events of requests; takes on no more than Kafka is expected to confirm soon."""

    def __init__(self, producer: Producer, *, max_waiting: int, timeout_s: float) -> None:
        self._producer = producer
        self._max_waiting = max_waiting
        self._timeout_s = timeout_s
        self._events = 0
        self._bytes = 0

    @property
    def concealer(self) -> RecordConcealer:
        """What puts the persons of records under pseudonyms."""
        return self._producer.concealer

    async def publish(self, records: Sequence[EventRecord | LinkRecord]) -> dict[int, str]:
        """Publish; return position -> reason of those that Kafka has not confirmed. Raises `Refusal` for want of room.

        An event without confirmation may still get into Kafka: at most a repetition, which counts once.
        """
        if not records:
            return {}
        size = sum(len(record.value) for record in records)
        if self._events and (self._events + len(records) > self._max_waiting or self._bytes + size > MAX_WAITING_BYTES):
            raise Refusal(
                HTTPStatus.TOO_MANY_REQUESTS,
                "busy",
                f"{self._events:,} events wait for Kafka; send more slowly",
                retry=True,
            )
        self._move(len(records), size)
        try:
            return await self._publish(records)
        finally:
            self._move(-len(records), -size)

    async def _publish(self, records: Sequence[EventRecord | LinkRecord]) -> dict[int, str]:
        batch = _Batch(len(records))
        for position, record in enumerate(records):
            try:
                self._producer.send(record, partial(batch.answer, position), wait_s=0)
            except PublishError as error:
                batch.settle(position, str(error))
        # By then the producer has given up; waiting longer would wait for nothing.
        await asyncio.wait([batch.complete], timeout=self._timeout_s + _OVERDUE_S)
        return batch.failures()

    def _move(self, events: int, size: int) -> None:
        self._events += events
        self._bytes += size
        metrics.INGEST_WAITING.set(self._events)
