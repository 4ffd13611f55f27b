"""Recording what became of alerts: first published, then remembered in Redis, only then may offsets be committed.

A crash before the second step repeats the delivery; no crash loses it.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from stream.client.given_up import is_given_up
from stream.notifications.published_records import PublishedRecord
from stream.settings import Settings
from stream.storage.notification_store import NotificationStore

__all__ = ["DeliveryJournal", "JournalEntry"]

_LOG = logging.getLogger(__name__)
_MAX_AT_ONCE: Final = 500
_DELIVERY_TIMEOUT_S: Final = 30
_PAUSE_S: Final = 1.0
#: What is sent and not recorded is sent again after a crash: this bounds how much that is.
_BEHIND_S: Final = 5.0


@dataclass(slots=True, eq=False)
class JournalEntry:
    """Something that is over.

    ``records`` are published; when the broker has them all, ``marks`` (alert id, channel, outcome) are stored and
    ``hold_out`` (customer, alert id) is marked, and that a risk of ``told`` was told; then ``done`` is called.
    """

    records: Sequence[PublishedRecord]
    done: Callable[[], None]
    marks: Sequence[tuple[str, str, str]] = ()
    hold_out: tuple[str, str] | None = None
    told: str | None = None
    unconfirmed: int = field(default=0, init=False)
    publish_at_s: float | None = field(default=0.0, init=False)
    entered_s: float = field(default_factory=time.monotonic, init=False)
    is_done: bool = field(default=False, init=False)

    @property
    def is_confirmed(self) -> bool:
        return self.publish_at_s is None and not self.unconfirmed


class DeliveryJournal:
    """Works entries off in the background of the notifier's loop; call `work` often.

    ``hold_out_s``: for how long (s) a customer who is held out now is marked.
    """

    def __init__(self, settings: Settings, store: NotificationStore, hold_out_s: Callable[[], float]) -> None:
        self._store = store
        self._hold_out_s = hold_out_s
        self._told_s = round(settings.cooldown_days * 86_400)
        self._entries: list[JournalEntry] = []
        self._config = {
            **settings.librdkafka(),
            "client.id": "stream-notify",
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "linger.ms": 5,
            "delivery.timeout.ms": _DELIVERY_TIMEOUT_S * 1000,
            "log.connection.close": False,
        }
        self._given_up = False
        self._producer = self._new_producer()

    def __len__(self) -> int:
        """Entries that are not done."""
        return len(self._entries)

    @property
    def is_behind(self) -> bool:
        """Whether something has waited for so long to be recorded that nothing more should be sent for now."""
        return bool(self._entries) and time.monotonic() - self._entries[0].entered_s > _BEHIND_S

    def enter(self, entry: JournalEntry) -> None:
        """Take an entry; it is done after some calls of `work`."""
        self._entries.append(entry)

    def work(self) -> None:
        """Publish, look what the broker has confirmed, and store that. Raises `StorageError`; call again then."""
        now_s = time.monotonic()
        for entry in self._entries:
            if entry.publish_at_s is not None and entry.publish_at_s <= now_s and not entry.unconfirmed:
                self._publish(entry)
        self._producer.poll(0)
        if self._given_up:
            self._renew()
        confirmed = [*islice((entry for entry in self._entries if entry.is_confirmed), _MAX_AT_ONCE)]
        if confirmed:
            self._remember(confirmed)
            self._entries = [entry for entry in self._entries if not entry.is_done]

    def flush(self, timeout_s: float) -> None:
        """Let confirmations come in for at most so long."""
        self._producer.flush(timeout_s)

    def _new_producer(self) -> Producer:
        return Producer(self._config, logger=logging.getLogger("librdkafka"))

    def _renew(self) -> None:
        """Take a new client, after the old one has answered for each record that it was handed."""
        self._producer.purge()
        self._producer.flush()
        self._producer, self._given_up = self._new_producer(), False

    def _answered(self, entry: JournalEntry, error: KafkaError | None, message: Message) -> None:
        entry.unconfirmed -= 1
        if error is not None:
            self._given_up |= is_given_up(error)
            _again(entry, f"a record for {message.topic()} was not accepted: {error}")

    def _remember(self, confirmed: Sequence[JournalEntry]) -> None:
        self._store.mark([mark for entry in confirmed for mark in entry.marks])
        self._store.note_told([(entry.told, self._told_s) for entry in confirmed if entry.told is not None])
        for entry in confirmed:
            if entry.hold_out is not None:
                self._store.hold_out(*entry.hold_out, ttl_s=round(self._hold_out_s()))
        for entry in confirmed:
            entry.is_done = True
            entry.done()

    def _publish(self, entry: JournalEntry) -> None:
        """Hand the records of an entry to the producer: all of them, again too if one was refused."""
        entry.publish_at_s = None
        answered = partial(self._answered, entry)
        for record in entry.records:
            try:
                self._producer.produce(
                    record.topic, record.value, record.key, headers=record.headers, on_delivery=answered
                )
            except BufferError as error:
                _again(entry, f"a record for {record.topic} is not accepted yet: {error}")
                return
            except KafkaException as error:
                self._given_up |= is_given_up(error.args[0])
                _again(entry, f"a record for {record.topic} is not accepted yet: {error}")
                return
            entry.unconfirmed += 1


def _again(entry: JournalEntry, why: str) -> None:
    _LOG.warning("%s; trying again", why)
    entry.publish_at_s = time.monotonic() + _PAUSE_S
