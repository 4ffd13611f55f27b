"""A notifier between the embedded broker, the embedded Redis and the receivers of a test."""

import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import msgspec
from click.testing import CliRunner, Result
from confluent_kafka import Producer

from stream.alerts.alert_records import OF_FEEDBACK, Alert
from stream.cli import main
from stream.clock import Clock
from stream.events.partitioner import partition_of
from stream.events.times import rfc3339
from stream.notifications.alert_consumer import notify_group
from stream.notifications.config_file import parse
from stream.notifications.notification_records import Notification
from stream.notifications.notifier_process import run
from stream.notifications.read_to_end import read_to_end
from stream.notifications.sender import AppriseSender, Sender
from stream.notifications.templates import COMPLAINT_SAMPLE, SAMPLE, Templates
from stream.settings import Settings
from tests.agents.topics import create
from tests.kafka_clients import committed

__all__ = ["DEADLINE_S", "NotifierBench", "alert", "as_of", "until"]

DEADLINE_S = 30.0


def until(condition: Callable[[], bool], what: str, timeout_s: float = DEADLINE_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"did not happen in {timeout_s:g} s: {what}"
        time.sleep(0.02)


def alert(number: int, **fields: object) -> Alert:
    changed = {"alert_id": f"{number:064x}", "customer_id": f"c-{number}", "value_at_risk": float(number), **fields}
    sample = COMPLAINT_SAMPLE if fields.get("kind") in OF_FEEDBACK else SAMPLE
    return msgspec.structs.replace(sample, **changed)


def as_of(item: Alert, now_ms: int) -> Alert:
    """The alert, as one that occurs now unless the test says when."""
    return (
        msgspec.structs.replace(item, occurred_at=rfc3339(now_ms)) if item.occurred_at == SAMPLE.occurred_at else item
    )


class NotifierBench:
    """Topics of its own, alerts to publish, and a notifier on a thread.

    ``with bench.notifying(text): ...`` runs it under the configuration ``text``; leaving stops it and re-raises.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        create(settings.kafka_bootstrap, settings.topics.items())
        self.published = 0
        self._producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "linger.ms": 5})

    def publish(self, alerts: Iterable[Alert]) -> None:
        now_ms = time.time_ns() // 1_000_000
        for item in alerts:
            self.publish_raw(self.settings.alerts, item.customer_id, msgspec.json.encode(as_of(item, now_ms)))

    def command(self, *arguments: str) -> Result:
        """Run ``stream`` with these arguments against the servers."""
        return CliRunner().invoke(main, arguments, env=self.settings.to_env(), catch_exceptions=False)

    def publish_all(self, records: Iterable[tuple[str, str, bytes]]) -> None:
        """(topic, key, value) in order."""
        for topic, key, value in records:
            self._producer.produce(topic, value, key, partition_of(key, self.settings.partitions))
        assert self._producer.flush(DEADLINE_S) == 0

    def publish_raw(self, topic: str, key: str, value: bytes) -> None:
        self._producer.produce(topic, value, key, partition_of(key, self.settings.partitions))
        assert self._producer.flush(DEADLINE_S) == 0
        self.published += 1

    def notifying(
        self, text: str, *, senders: dict[str, Sender] | None = None, clock: Clock | None = None
    ) -> "_Running":
        return _Running(self.settings, text, senders, clock)

    def told(self) -> list[Notification]:
        """What is on the notifications topic."""
        records = read_to_end(self.settings, self.settings.notifications)
        return [msgspec.json.decode(record.value or b"", type=Notification) for record in records]

    def outcomes(self) -> dict[str, str]:
        """Customer -> outcome, with the reason where there is one."""
        return {told.customer_id: "/".join(filter(None, [told.outcome, told.reason])) for told in self.told()}

    def letters(self) -> list[dict[str, str]]:
        """Headers of the dead letters."""
        records = read_to_end(self.settings, self.settings.notification_dead_letters)
        return [{name: (text or b"").decode() for name, text in record.headers} for record in records]

    def uncommitted(self) -> int:
        """Alerts and actions that the notifier's group has not committed."""
        partitions = [
            (topic, partition)
            for topic in (self.settings.alerts, self.settings.actions)
            for partition in range(self.settings.partitions)
        ]
        group = {**self.settings.librdkafka(), "group.id": notify_group(self.settings)}
        return self.published - sum(max(offset, 0) for offset in committed(group, partitions))


class _Running:
    def __init__(self, settings: Settings, text: str, senders: dict[str, Sender] | None, clock: Clock | None) -> None:
        config = parse(text, {}, source="test.yaml")
        made: dict[str, Sender] = {name: AppriseSender(name, channel) for name, channel in config.channels.items()}
        self._stop = threading.Event()
        self._error: BaseException | None = None

        def work() -> None:
            try:
                run(settings, config, Templates(config), senders or made, self._stop, clock=clock)
            except BaseException as error:  # noqa: BLE001 - re-raised by __exit__
                self._error = error

        self._thread = threading.Thread(target=work, name="notifier")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()
        if self._error is not None and error is None:
            raise self._error
