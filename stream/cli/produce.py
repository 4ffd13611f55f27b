"""``stream produce``: publish the events of a log file, as an upstream system would."""

import time
from collections import Counter
from collections.abc import Iterable
from itertools import islice

import click

from stream.catalogue.wording import number_of
from stream.cli.kafka import cluster_metadata, silent
from stream.cli.log_input import LogInput
from stream.cli.log_options import LogOptions, log_options
from stream.cli.options import SettingsCommand, with_settings
from stream.client.event_record import EventRecord
from stream.client.producer import Producer
from stream.errors import DeliveryError, PublishError, TopologyError
from stream.events.log_event import LogEvent
from stream.events.rejections import Rejection
from stream.settings import Settings

__all__ = ["EventProducer", "produce"]

DELIVERY_TIMEOUT_S = 60.0
_AT_ONCE = 500


@click.command(cls=SettingsCommand)
@click.argument("log")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Events a second. [as fast as possible]")
@click.option(
    "--sort/--no-sort", default=True, help="Publish in time order, or as the log is read: for a pipe that has no end."
)
@log_options
@with_settings("Kafka", "Topics", "Events", "Time")
@click.pass_context
def produce(
    ctx: click.Context, settings: Settings, *, log: str, rate: float | None, sort: bool, options: LogOptions
) -> None:
    """Publish the events of LOG in time order.

    LOG is JSON Lines, a JSON array or CSV, may be gzipped, and is - for standard input. Events that workers
    would refuse are not published: they are told by reason, with the first line of each. The key of a record is
    the customer, so the events of a customer stay in order. Exit status 1 unless the broker has confirmed all,
    and if too many were rejected.
    """
    _check_topics(settings)
    producer = EventProducer(settings)
    source = LogInput(log, options, settings)
    started = time.monotonic()
    try:
        producer.publish(source.events(sort=sort), rate=rate, at_once=_AT_ONCE if sort and rate is None else 1)
    finally:
        producer.close()
        elapsed_s = time.monotonic() - started
        per_s = producer.confirmed / elapsed_s
        click.echo(f"published {producer.confirmed:,} events in {elapsed_s:.1f} s ({per_s:,.0f}/s)", err=True)
        for why, count in producer.left_out.items():
            click.echo(f"{number_of(count, 'event is', 'events are')} left out: {why}", err=True)
    too_many = source.tell()
    producer.check()
    if too_many:
        ctx.exit(1)


def _check_topics(settings: Settings) -> None:
    existing = cluster_metadata(settings).topics
    if missing := [name for name in settings.entry_topics if name not in existing]:
        raise TopologyError(f"no topic {', '.join(missing)} at {settings.kafka_bootstrap}: stream topics create")


class EventProducer:
    """Publishes the events of a log in order and unchecked (`LogInput` checks them, and so do workers), and counts.

    To be closed, or it goes on looking for its broker.
    """

    def __init__(self, settings: Settings, *, delivery_timeout_s: float = DELIVERY_TIMEOUT_S) -> None:
        self._producer = Producer(settings, delivery_timeout_s=delivery_timeout_s, logger=silent)
        self._queued = 0
        #: How many events must not go under keys of persons, by the reason.
        self.left_out: Counter[str] = Counter()
        self._failure: DeliveryError | None = None

    @property
    def confirmed(self) -> int:
        """Events that the broker has."""
        return self._producer.confirmed

    @property
    def refused(self) -> int:
        """Events that the broker did not accept."""
        return self._producer.refused

    def publish(self, events: Iterable[LogEvent], *, rate: float | None = None, at_once: int = 1) -> None:
        """Queue ``events``, at ``rate`` a second if given. Raises `PublishError` soon after a refusal.

        ``at_once``: the number of events whose persons are looked up at a time, with `privacy_keys`. Events of people
        who were erased, and with a text that is too long to be encrypted, are left out and counted in `left_out`.
        """
        started = time.monotonic()
        remaining = iter(events)
        number = 0
        while some := [*islice(remaining, at_once)]:
            if rate is not None:
                time.sleep(max(started + number / rate - time.monotonic(), 0.0))
            number += len(some)
            records = [EventRecord(one.event_type, str(self._queued + k), *one[1:4]) for k, one in enumerate(some, 1)]
            self._queued += len(some)
            for record in self._producer.concealer.conceal(records):
                if isinstance(record, Rejection):
                    self.left_out[record.detail] += 1
                else:
                    self._producer.send(record)
                if self.refused:
                    self.check()

    def serve(self, timeout_s: float) -> None:
        """Let the broker's confirmations in for ``timeout_s``; raise `PublishError` if it refused an event."""
        time.sleep(timeout_s)
        self.check()

    def close(self) -> None:
        """Wait until each queued event is confirmed, or refused, at the latest after the delivery timeout; then let go
        of the broker.
        """
        try:
            self._producer.close()
        except DeliveryError as error:  # reported to callers that go on to `check`
            self._failure = error

    def check(self) -> None:
        """Raise `PublishError` if the broker has refused an event."""
        if self._failure is not None:
            raise self._failure
        if self.refused:
            raise PublishError(f"{self.refused:,} events were refused, the first: {self._producer.first_failure}")
