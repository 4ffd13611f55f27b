"""The notifier's process: its loop, its stop, and waiting for servers that are away."""

import logging
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from stream import metrics
from stream.agents.consents_read import ConsentsRead
from stream.clock import Clock, SystemClock
from stream.errors import StorageError, TopologyError, UnreadError
from stream.metrics.readiness import Tell
from stream.notifications.alert_consumer import AlertConsumer, missing_topics, notify_group
from stream.notifications.backoff import ServerBackoff
from stream.notifications.config import Config
from stream.notifications.courier import Courier, DeliveryReport
from stream.notifications.delivery_journal import DeliveryJournal
from stream.notifications.inbound import Inbound
from stream.notifications.lane import Lane
from stream.notifications.notifier import Notifier
from stream.notifications.sender import Sender
from stream.notifications.templates import Templates
from stream.privacy.erasure_feed import ErasureFeed
from stream.settings import Settings
from stream.storage.connection import check_access
from stream.storage.horizon_desk import HorizonInForce
from stream.storage.notification_store import NotificationStore
from stream.storage.person_ids import PersonNotifications

__all__ = ["STOP_GRACE_S", "run"]

_LOG = logging.getLogger(__name__)

#: A stop waits so long for deliveries under way; what is not over then is delivered again after the next start.
STOP_GRACE_S: Final = 20.0
#: Alerts beyond this number stay with the broker until others have left.
_MAX_WAITING: Final = 100_000
_COMMIT_EVERY_S: Final = 1.0
_BUSY_WAIT_S: Final = 0.02
_IDLE_WAIT_S: Final = 0.2
_METADATA_TIMEOUT_S: Final = 3.0
_DAY_S: Final = 86_400


def run(
    settings: Settings,
    config: Config,
    templates: Templates,
    senders: Mapping[str, Sender],
    stop: threading.Event,
    *,
    clock: Clock | None = None,
    tell: Tell = lambda _reasons, _figures: None,
) -> None:
    """Notify until ``stop`` is set; ``tell`` is called at every turn, for probes.

    Raises `TopologyError` when topics are missing or may not be read, `StorageError` when Redis refuses us.
    """
    # until it is asked again there may be other things to wait for
    metrics.REDIS_UP.set(check_access(settings))
    clock = clock or SystemClock()
    random = Random()  # noqa: S311 - jitter
    if not _wait_for_topics(settings, stop, random):
        return
    reports: queue.SimpleQueue[DeliveryReport] = queue.SimpleQueue()
    lanes = {
        name: Lane(
            name, channel, config.zone(name), Courier(name, senders[name], reports, timeout_s=channel.timeout_s), random
        )
        for name, channel in config.channels.items()
    }
    opened = _opened(settings, stop, random)
    if opened is None:
        return
    store, horizon = opened
    with store, ConsentsRead(settings) as consents, ErasureFeed(settings, stop, notify_group(settings)) as feed:
        journal = DeliveryJournal(settings, store, lambda: horizon.days() * _DAY_S)
        notifier = Notifier(
            *(settings, config, templates, lanes, reports, store, journal, clock),
            consents=consents.of,
            erasures=feed.erasures,
        )
        _Loop(settings, notifier, stop, clock, random, tell).run()


def _opened(
    settings: Settings, stop: threading.Event, random: Random
) -> tuple[NotificationStore, HorizonInForce] | None:
    """What is stored, as soon as Redis answers; None when the stop came first."""
    backoff = ServerBackoff(random)
    while not stop.is_set():
        try:
            horizon = HorizonInForce(settings)
            return PersonNotifications(settings), horizon
        except StorageError as error:
            _LOG.warning("%s", error)
            stop.wait(backoff.failed())
    return None


def _wait_for_topics(settings: Settings, stop: threading.Event, random: Random) -> bool:
    """Wait until a broker answers; False when the stop came first. Raises `TopologyError` when topics are missing."""
    admin = AdminClient(
        {**settings.librdkafka(), "log.connection.close": False}, logger=logging.getLogger("librdkafka")
    )
    backoff = ServerBackoff(random)
    while not stop.is_set():
        try:
            existing = admin.list_topics(timeout=_METADATA_TIMEOUT_S).topics
        except KafkaException as error:
            _LOG.warning("no Kafka broker answers at %s: %s", settings.kafka_bootstrap, error.args[0].str())
            stop.wait(backoff.failed())
            continue
        if missing := missing_topics(settings, existing):
            raise TopologyError(f"no topic {', '.join(missing)} at {settings.kafka_bootstrap}: stream topics create")
        return True
    return False


class _Loop:
    """Fetch, take in, step, commit; pause what needs Redis while that is away."""

    def __init__(
        self,
        settings: Settings,
        notifier: Notifier,
        stop: threading.Event,
        clock: Clock,
        random: Random,
        tell: Tell,
    ) -> None:
        self._notifier = notifier
        self._stop = stop
        self._tell = tell
        self._monotonic = time.monotonic
        self._fetched: list[Inbound] = []
        self._backoff = ServerBackoff(random)
        self._obstacles: list[str] = []
        self._resume_at_s = 0.0
        self._committed_at_s = 0.0
        self._source = AlertConsumer(settings, notifier.ledger, clock, self._drop)

    def run(self) -> None:
        """Turn until told to stop; then finish what is under way, within `STOP_GRACE_S`."""
        try:
            while not self._stop.is_set():
                self._turn(dispatch=True)
            deadline_s = self._monotonic() + STOP_GRACE_S
            self._fetched = []
            while self._notifier.is_busy and self._monotonic() < deadline_s:
                self._turn(dispatch=False)
            if self._notifier.is_busy:
                _LOG.warning("some deliveries did not end within %g s: they will be repeated", STOP_GRACE_S)
        finally:
            self._source.close()

    def _turn(self, *, dispatch: bool) -> None:
        # beyond so many waiting nothing is fetched: then something must leave first
        may_send = self._source.is_caught_up or self._notifier.waiting >= _MAX_WAITING
        if self._monotonic() >= self._resume_at_s:
            self._with_store(dispatch=dispatch and may_send)
        self._tell(self._obstacles, {"waiting": self._notifier.waiting})
        is_wanted = dispatch and not self._fetched and self._notifier.waiting < _MAX_WAITING
        is_busy = self._notifier.is_busy
        if is_busy:
            self._notifier.wait(_BUSY_WAIT_S)
        self._fetched += self._source.fetch(0.0 if is_busy else _IDLE_WAIT_S, is_wanted=is_wanted)
        if self._monotonic() - self._committed_at_s >= _COMMIT_EVERY_S:
            self._committed_at_s = self._monotonic()
            self._source.commit()

    def _with_store(self, *, dispatch: bool) -> None:
        try:
            if self._fetched:
                self._notifier.take_in(self._fetched)
                self._fetched = []
            self._notifier.step(dispatch=dispatch)
        except StorageError as error:
            wait_s = self._backoff.failed()
            self._resume_at_s = self._monotonic() + wait_s
            self._obstacles = [str(error)] if isinstance(error, UnreadError) else ["Redis does not answer"]
            if isinstance(error, UnreadError):
                _LOG.info("nothing is sent for %.1f s: %s", wait_s, error)
            else:
                _LOG.warning("waiting %.1f s for Redis: %s", wait_s, error)
                metrics.REDIS_UP.set(0)
        else:
            self._obstacles = []
            self._backoff.succeeded()
            metrics.REDIS_UP.set(1)

    def _drop(self, partitions: Sequence[tuple[str, int]]) -> None:
        dropped = {*partitions}
        self._fetched = [record for record in self._fetched if (record.topic, record.partition) not in dropped]
        self._notifier.drop(dropped)
