"""The one way in which events get into Kafka."""

import logging
import os
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException, Message

from stream.client.concealed_records import RecordConcealer
from stream.client.delivery_ledger import DeliveryLedger
from stream.client.destinations import Destinations
from stream.client.event_contract import EventContract
from stream.client.event_record import EventRecord, LinkRecord
from stream.client.given_up import is_given_up
from stream.client.receipt import Delivery, OnDelivery, Receipt
from stream.clock import Clock, SystemClock
from stream.errors import DeliveryError, PublishError, TopologyError
from stream.events.model import Event
from stream.settings import Settings

__all__ = ["Producer"]

_LOG = logging.getLogger(__name__)
_LIBRDKAFKA = logging.getLogger("librdkafka")

DELIVERY_TIMEOUT_S: Final = 60.0
QUEUE_EVENTS: Final = 100_000
_POLL_S: Final = 0.1
#: While a thread sends, it serves the answers itself: two threads that do would spend their time waiting for each
#: other (7 times slower [m]). The producer's own thread takes over when nothing was sent for so long.
_IDLE_S: Final = 0.005


class Producer:
    """Publishes events idempotently (``acks=all``), in order for each customer, and says when the broker has them.

    Key is the customer, timestamp is event time, and the partition is that of Java's and aiokafka's clients (murmur2).
    Usable from several threads. The broker's answers are served by a thread of the producer; a process that ends
    without `close`, or the end of the ``with`` block, loses what waits.

    Parameters
    ----------
    settings
        Where Kafka is, and what an event must satisfy; without: from the ``STREAM_`` variables.
    delivery_timeout_s
        An event that the broker has not confirmed for so long has failed. Also how long `publish` waits for room.
    queue_events
        Most events that wait for the broker; `publish` waits for room when there are so many.
    options
        More of librdkafka's configuration, by its own names.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        delivery_timeout_s: float = DELIVERY_TIMEOUT_S,
        queue_events: int = QUEUE_EVENTS,
        options: Mapping[str, Any] | None = None,
        logger: logging.Logger = _LIBRDKAFKA,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings = settings or Settings.from_env(os.environ)
        self._contract = EventContract(settings)
        self.concealer: Final = RecordConcealer(settings)
        self._clock = clock or SystemClock()
        self._destinations = Destinations(settings)
        self._delivery_timeout_s = delivery_timeout_s
        self._ledger = DeliveryLedger(on_refusal=self._note)
        self._fatal = ""
        self._closed = False
        self._producer = confluent_kafka.Producer(
            {
                **self._settings.librdkafka(),
                "client.id": "customer-stream-producer",
                "enable.idempotence": True,
                "acks": "all",
                "partitioner": "murmur2_random",
                "linger.ms": 20,
                "batch.size": 1_000_000,
                "delivery.timeout.ms": int(delivery_timeout_s * 1000),
                "queue.buffering.max.messages": queue_events,
                "log.connection.close": False,
                **(options or {}),
                "error_cb": self._note,
            },
            logger=logger,
        )
        self._sent_at, self._stop = 0.0, threading.Event()
        self._poller = threading.Thread(target=self._poll, name="stream-producer", daemon=True)
        self._poller.start()

    @property
    def confirmed(self) -> int:
        """Events that the broker has."""
        return self._ledger.confirmed

    @property
    def refused(self) -> int:
        """Events that the broker did not accept in time, or at all."""
        return self._ledger.refused

    @property
    def first_failure(self) -> str:
        """Why the first event was refused since the last `flush`; empty if none was."""
        return self._ledger.first_failure

    @property
    def waiting(self) -> int:
        """Events that the broker has not answered for."""
        return self._ledger.waiting

    @property
    def fatal(self) -> str:
        """Why this producer can publish nothing any more; empty while it can. A new one may."""
        return self._fatal

    def publish(self, event: Event) -> Delivery:
        """Check ``event`` and hand it over; the delivery resolves with the broker's answer.

        Waits while the queue is full. Raises `InvalidEventError` if the event breaks the contract and `PublishError` if
        there is no room for it within the delivery timeout.
        """
        record = self._contract.record(event, self._clock.now_ms())
        delivery: Delivery = Future()
        delivery.set_running_or_notify_cancel()  # what was handed over cannot be taken back

        def answer(error: KafkaError | None, message: Message) -> None:
            if error is None:
                delivery.set_result(Receipt(message.topic() or "", message.partition() or 0, message.offset() or 0))
            else:
                delivery.set_exception(PublishError(f"event {event.event_id!r} was not accepted: {error.str()}"))

        self.send(record, answer)
        return delivery

    def send(
        self, record: EventRecord | LinkRecord, on_delivery: OnDelivery | None = None, *, wait_s: float | None = None
    ) -> None:
        """Hand ``record`` over unchecked; ``on_delivery`` is called with the broker's answer.

        A `LinkRecord` goes to the topic `identities`. With `privacy_keys` a record goes concealed.

        Raises `PublishError` if the queue is full after ``wait_s`` (None: the delivery timeout) or the record cannot be
        sent at all, and what `RecordConcealer.one` raises; ``on_delivery`` is not called then.
        """
        if self._closed:
            raise PublishError(f"event {record.event_id!r} came after close(); make a new Producer")
        record = self.concealer.one(record)
        entry = self._ledger.enter(record.event_id)
        settle = partial(self._ledger.settle, entry)
        answer = settle if on_delivery is None else partial(self._answered, entry, on_delivery)
        try:
            self._hand_over(record, answer, self._delivery_timeout_s if wait_s is None else wait_s)
        except BaseException:
            self._ledger.withdraw(entry)
            raise
        self._sent_at = time.monotonic()
        self._serve(0)

    def flush(self, timeout_s: float = DELIVERY_TIMEOUT_S) -> None:
        """Wait until the broker has answered for every event.

        Raises `DeliveryError` with the ids of the events that were refused since the last flush, or have no answer
        after ``timeout_s``.
        """
        deadline = time.monotonic() + timeout_s
        try:
            self._producer.flush(timeout_s)
        except KafkaException as error:
            self._note(error.args[0])
        # An answer may still be on its way through the producer's own thread.
        answered = self._ledger.wait_until_empty(max(deadline - time.monotonic(), _POLL_S))
        failed, count, why = self._ledger.take_failed()
        late = [] if answered else self._ledger.unanswered()
        if failed or late:
            parts = [f"{count:,} events were refused, the first: {why}"] if failed else []
            parts += [f"{self.waiting:,} events have no answer after {timeout_s:g} s"] if late else []
            ids = (*failed, *late)
            raise DeliveryError(f"{'; '.join(parts)}; ids: {_shown(ids)}. Publish them again", event_ids=ids)

    def close(self, timeout_s: float = DELIVERY_TIMEOUT_S) -> None:
        """Flush, then let go of the broker. Raises as `flush` does; calling it again does nothing.

        What has no answer by then is not sent any more.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self.flush(timeout_s)
        finally:
            self._stop.set()
            self._poller.join()
            # librdkafka would go on looking for the broker, and say so, as long as anything refers to this object
            self._producer.purge()
            self._producer.close()
            self.concealer.close()

    def missing_topics(self, timeout_s: float) -> list[str]:
        """The event topics, and that of links if there is an ``identity_key``, that do not exist.

        Raises `TopologyError` if no broker answers in ``timeout_s``.
        """
        try:
            known = self._producer.list_topics(timeout=timeout_s).topics
        except KafkaException as error:
            raise TopologyError(
                f"no Kafka broker answers at {self._settings.kafka_bootstrap} ({error.args[0].str()})"
            ) from error
        return [topic for topic in self._destinations.topics if topic not in known]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        try:
            self.close()
        except PublishError as unsent:
            error.add_note(f"besides, {unsent}")

    def _hand_over(self, record: EventRecord | LinkRecord, answer: OnDelivery, wait_s: float) -> None:
        deadline = time.monotonic() + wait_s
        topic, key, headers = self._destinations.of(record)
        while True:
            try:
                self._producer.produce(
                    topic,
                    record.value,
                    key.encode(),
                    timestamp=max(record.at_ms, 0),
                    headers=headers,
                    on_delivery=answer,
                )
            except BufferError as error:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    raise PublishError(
                        f"event {record.event_id!r}: {self.waiting - 1:,} events wait for the broker and there was no"
                        f" room for {wait_s:g} s; is it up? publish more slowly, or raise queue_events"
                    ) from error
                self._serve(min(left_s, _POLL_S))
            except KafkaException as error:
                self._note(error.args[0])
                raise PublishError(f"event {record.event_id!r} cannot be sent: {error.args[0].str()}") from error
            else:
                return

    def _answered(self, entry: int, on_delivery: OnDelivery, error: KafkaError | None, message: Message) -> None:
        try:
            on_delivery(error, message)
        finally:
            self._ledger.settle(entry, error, message)

    def _poll(self) -> None:
        while not self._stop.is_set():
            if time.monotonic() - self._sent_at < _IDLE_S:
                self._stop.wait(_IDLE_S)
                continue
            self._serve(_POLL_S)

    def _serve(self, timeout_s: float) -> None:
        """Take in the broker's answers for at most ``timeout_s``."""
        try:
            self._producer.poll(timeout_s)
        except KafkaException as error:
            self._note(error.args[0])
        except Exception:  # noqa: BLE001 - whatever a caller's function raises
            # The answer counts all the same, and it is not the event being sent that failed.
            _LOG.exception("a function called with the broker's answer failed")

    def _note(self, error: KafkaError) -> None:
        if not self._fatal and is_given_up(error):
            self._fatal = error.str()
            _LOG.error("the producer cannot go on: %s", error.str())


def _shown(ids: tuple[str, ...], most: int = 5) -> str:
    more = f" and {len(ids) - most:,} more" if len(ids) > most else ""
    return f"{', '.join(ids[:most])}{more}"
