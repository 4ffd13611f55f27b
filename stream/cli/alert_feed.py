"""The alerts topic as a program that shows alerts reads it."""

from types import TracebackType
from typing import Self

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from stream.alerts.alert_records import Alert, AlertKind
from stream.cli.kafka import client_config, silent
from stream.errors import TopologyError
from stream.settings import Settings

__all__ = ["AlertFeed"]

_MAX_AT_ONCE = 2000
_COUNTED = frozenset({AlertKind.RAISED, AlertKind.CLEARED})
_decoder = msgspec.json.Decoder(Alert)


class AlertFeed:
    """Reads the alerts of all partitions from the beginning and drops what comes twice, by ``alert_id``.

    ``published``: distinct alerts so far that a risk was raised or cleared, which are those that the core counts.
    ``latest``: the last raised in stream time, latest last.
    """

    def __init__(self, settings: Settings, keep: int = 8) -> None:
        self._settings = settings
        self._consumer = Consumer(
            client_config(settings, group_id="stream-demo", enable_auto_commit=False), logger=silent
        )
        self._seen: set[str] = set()
        self.published = 0
        self._keep = keep
        self.latest: list[Alert] = []

    def __enter__(self) -> Self:
        topic, partitions = self._settings.alerts, self._settings.partitions
        self._consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(partitions)])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def take(self, timeout_s: float = 0.0) -> list[Alert]:
        """Alerts that have come since the last call, waiting up to ``timeout_s`` for the first."""
        fresh = []
        for message in self._consumer.consume(_MAX_AT_ONCE, timeout_s):
            if (error := message.error()) is not None:
                raise TopologyError(f"cannot read topic {self._settings.alerts}: {error.str()}")
            try:
                alert = _decoder.decode(message.value() or b"")
            except msgspec.DecodeError as error:
                raise TopologyError(
                    f"topic {self._settings.alerts} holds a record that is no alert: {error}"
                ) from error
            if alert.alert_id not in self._seen:
                self._seen.add(alert.alert_id)
                self.published += alert.kind in _COUNTED
                fresh.append(alert)
        raised = (alert for alert in fresh if alert.kind is AlertKind.RAISED)
        # partitions are not equally far: the latest is what occurred last, not what came last
        self.latest = sorted([*self.latest, *raised], key=lambda alert: alert.occurred_at)[-self._keep :]
        return fresh
