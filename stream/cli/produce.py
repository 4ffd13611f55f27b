"""``stream produce``: publish the events of a log file, as an upstream system would."""

import time
from collections.abc import Iterable
from itertools import islice
from zoneinfo import ZoneInfo

import click
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from stream.cli.kafka import client_config, cluster_metadata, silent
from stream.cli.log_options import log_options
from stream.cli.options import SettingsCommand, with_settings
from stream.errors import PublishError, TopologyError
from stream.events.kinds import EventType
from stream.events.log import LogEvent, read_log
from stream.settings import Settings

__all__ = ["EventProducer", "produce"]

DELIVERY_TIMEOUT_S = 60.0
QUEUE_FULL_WAIT_S = 0.1


@click.command(cls=SettingsCommand)
@click.argument("log")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Events a second. [as fast as possible]")
@log_options
@with_settings("Kafka", "Topics")
def produce(
    settings: Settings, *, log: str, rate: float | None, limit: int | None, timezone: ZoneInfo, currency: str
) -> None:
    """Publish the events of LOG in the order of the file.

    LOG is JSON Lines or CSV, may be gzipped, and is - for standard input. The key of a record is the
    customer, so the events of a customer stay in order. Exit status 1 unless the broker has confirmed all.
    """
    _check_topics(settings)
    producer = EventProducer(settings)
    started = time.monotonic()
    events = islice(read_log(log, timezone=timezone, currency=currency), limit)
    try:
        producer.publish(events, rate=rate)
    finally:
        producer.flush()
        elapsed_s = time.monotonic() - started
        per_s = producer.confirmed / elapsed_s
        click.echo(f"published {producer.confirmed:,} events in {elapsed_s:.1f} s ({per_s:,.0f}/s)", err=True)
    producer.check()


def _check_topics(settings: Settings) -> None:
    if missing := [name for name in settings.event_topics if name not in cluster_metadata(settings).topics]:
        raise TopologyError(f"no topic {', '.join(missing)} at {settings.kafka_bootstrap}: stream topics create")


class EventProducer:
    """Publishes events in order, each at most once in the log, and counts what the broker confirmed."""

    def __init__(self, settings: Settings) -> None:
        self._topics = dict(zip(EventType, settings.event_topics, strict=True))
        self._producer = Producer(
            client_config(
                settings,
                enable_idempotence=True,
                partitioner="murmur2_random",
                linger_ms=20,
                batch_size=1_000_000,
                delivery_timeout_ms=int(DELIVERY_TIMEOUT_S * 1000),
            ),
            logger=silent,
        )
        self.confirmed = 0
        self.refused = 0
        self._first_error = ""

    def publish(self, events: Iterable[LogEvent], *, rate: float | None = None) -> None:
        """Queue ``events``, at ``rate`` a second if given. Raises `PublishError` soon after a refusal."""
        started = time.monotonic()
        for number, event in enumerate(events):
            if rate is not None:
                self._wait_until(started + number / rate)
            self._queue(event)
            self._producer.poll(0)
            if self.refused:
                self.check()

    def serve(self, timeout_s: float) -> None:
        """Let the broker's confirmations in for ``timeout_s``; raise `PublishError` if it refused an event."""
        deadline = time.monotonic() + timeout_s
        self._producer.poll(0)
        while (remaining_s := deadline - time.monotonic()) > 0:
            self._producer.poll(remaining_s)
        self.check()

    def flush(self) -> None:
        """Wait until each queued event is confirmed, or refused: at the latest after the delivery timeout."""
        self._producer.flush()

    def check(self) -> None:
        """Raise `PublishError` if the broker has refused an event."""
        if self.refused:
            raise PublishError(f"{self.refused:,} events were not accepted, first: {self._first_error}")

    def _wait_until(self, deadline: float) -> None:
        while (remaining_s := deadline - time.monotonic()) > 0:
            self._producer.poll(remaining_s)

    def _queue(self, event: LogEvent) -> None:
        while True:
            try:
                self._producer.produce(
                    self._topics[event.event_type],
                    event.value,
                    event.customer_id.encode(),
                    timestamp=max(event.at_ms, 0),
                    on_delivery=self._delivered,
                )
            except BufferError:
                self._producer.poll(QUEUE_FULL_WAIT_S)
            except KafkaException as error:
                raise PublishError(f"the producer cannot go on: {error.args[0].str()}") from error
            else:
                return

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.confirmed += 1
            return
        self.refused += 1
        if not self._first_error:
            self._first_error = f"{error.str()} (topic {message.topic()})"
