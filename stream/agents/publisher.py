"""Publishing to Kafka: librdkafka's idempotent producer behind an awaitable."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from faust.types import TP

from stream.client.given_up import is_given_up
from stream.errors import PublishError
from stream.processing.state import Outgoing

__all__ = ["Publisher"]

_LOG = logging.getLogger(__name__)
_LIBRDKAFKA = logging.getLogger("librdkafka")
_METADATA_TIMEOUT_S = 5.0


class _Client:
    """One producer of librdkafka, and the thread in which it calls back."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.producer: Final = Producer(dict(config), logger=_LIBRDKAFKA)
        self.is_given_up = False
        self._ending, self._ended = threading.Event(), threading.Event()
        self._poller = threading.Thread(target=self._poll, name="publisher", daemon=True)
        self._poller.start()

    def note(self, error: KafkaError) -> None:
        """An answer of the broker, or of the client itself, that is not a confirmation."""
        if not self.is_given_up and is_given_up(error):
            self.is_given_up = True
            _LOG.warning("the broker takes nothing more from this client, so a new one follows: %s", error.str())

    def retire(self) -> None:
        """Send nothing more, and end when every record that was handed over is answered. Does not wait."""
        self.producer.purge(in_queue=True, in_flight=True, blocking=False)
        self._ending.set()

    def end(self) -> None:
        """End now."""
        self._ended.set()
        self._poller.join(timeout=1.0)

    def _poll(self) -> None:
        while not (self._ended.is_set() or (self._ending.is_set() and not len(self.producer))):
            self.producer.poll(0.05)


class _Delivery:
    """Counts the confirmations of one call; resolves its future with the last, or with the first error."""

    def __init__(self, client: _Client, expected: int) -> None:
        self.client: Final = client
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[None] = self._loop.create_future()
        self._left = expected
        self._error: KafkaError | None = None

    def __call__(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._error = self._error or error
            self.client.note(error)
        self._left -= 1
        if self._left == 0:
            self._loop.call_soon_threadsafe(self._resolve)

    def accepts(self, record: Outgoing) -> bool:
        """Hand a record over; False: the client's queue is full."""
        try:
            self.client.producer.produce(
                record.topic, value=record.value, key=record.key, headers=list(record.headers), on_delivery=self
            )
        except BufferError:
            return False
        return True

    async def until_accepted(self, record: Outgoing) -> None:
        while True:
            await asyncio.sleep(0.01)  # librdkafka's queue is full: its own back-pressure
            if self.accepts(record):
                return

    def _resolve(self) -> None:
        if self.future.done():
            return
        if self._error is None:
            self.future.set_result(None)
        else:
            self.future.set_exception(PublishError(f"the broker did not accept a record: {self._error}"))


class Publisher:
    """Publishes records in order and says when the broker has all of them (``acks=all``).

    Keys land where Java's and aiokafka's producers put them (murmur2); librdkafka's own default would not. When the
    broker takes nothing more from the client (some do so after `drop`), the call under way fails and the next takes a
    new client.
    """

    def __init__(self, kafka: Mapping[str, Any]) -> None:
        self._config = {
            "enable.idempotence": True,
            "acks": "all",
            "partitioner": "murmur2_random",
            "linger.ms": 5,
            "compression.type": "lz4",
            "message.max.bytes": 1_048_576,
            "log.connection.close": False,
            **kafka,
        }
        self._client = _Client(self._config)

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Send ``records``; return when the broker has confirmed every one. Raises PublishError."""
        if not records:
            return
        if self._client.is_given_up:
            self._client.retire()
            self._client = _Client(self._config)
        delivery = _Delivery(self._client, len(records))
        for sent, record in enumerate(records):
            try:
                if not delivery.accepts(record):
                    await delivery.until_accepted(record)
            except KafkaException as error:
                delivery.client.note(error.args[0])
                # what was handed over before is confirmed or not; the caller repeats the whole call either way
                raise PublishError(
                    f"record {sent + 1} of {len(records)} for {record.topic} was refused: {error}"
                ) from error
        await delivery.future

    def drop(self) -> None:
        """Send no record again that waits or is under way; the calls that published them raise PublishError.

        Without that the client would send them for minutes, also after a newer owner of the partition has published.
        """
        self._client.producer.purge(in_queue=True, in_flight=True, blocking=False)

    def answers(self, tp: TP) -> bool:
        """Whether a broker answers at all, and says who leads the partition. Blocks; call it from a thread."""
        try:
            found = self._client.producer.list_topics(tp.topic, timeout=_METADATA_TIMEOUT_S).topics[tp.topic]
        except (KafkaException, KeyError):
            return False
        return tp.partition in found.partitions and found.partitions[tp.partition].leader >= 0

    def close(self, timeout_s: float = 5.0) -> int:
        """Flush for at most ``timeout_s``; return how many records are unconfirmed (the outbox still has them)."""
        left = self._client.producer.flush(timeout_s)
        self._client.end()
        return int(left)
