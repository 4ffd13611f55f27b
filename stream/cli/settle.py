"""Waiting until everything that was published has been worked off."""

import time
from collections.abc import Callable
from typing import Self

from confluent_kafka import Consumer, KafkaException, TopicPartition

from stream.cli.kafka import client_config, silent
from stream.errors import StreamError, TopologyError
from stream.settings import Settings
from stream.storage.overview import Overview

__all__ = ["wait_until_settled"]

#: Nothing has moved for so long although there is work.
PATIENCE_S = 120.0
_TIMEOUT_S = 15.0
_LOOK_S = 0.25


def wait_until_settled(
    settings: Settings, tell: Callable[[int, int], None] = lambda _done, _of: None, *, patience_s: float = PATIENCE_S
) -> None:
    """Return when workers have taken in all that is published now, fired what is due, and learned from it.

    ``tell`` is given the records taken in and their number, several times a second. Raises `StreamError` when nothing
    has moved for ``patience_s``, `TopologyError` and `StorageError` when a server does not answer. The broker in memory
    (Tansu) tells the ends of its partitions wrong, so this waits for nothing there.
    """
    with _Ends(settings) as ends, Overview(settings) as overview:
        events = ends.of(settings.event_topics, settings.partitions)
        expected = sum(end - begin for begin, end in events.values())
        moved_at, seen = time.monotonic(), None
        while True:
            stored = overview.offsets()
            missing = sum(max(end - max(stored.get(tp, 0), begin), 0) for tp, (begin, end) in events.items())
            totals, learned = overview.totals(), overview.trainer().offset
            tell(expected - missing, expected)
            if not (missing or totals.due or totals.outbox):
                ((_, examples),) = ends.of([settings.training_examples], 1).values()
                if learned >= examples:
                    return
            now = (missing, totals, learned)
            if now != seen:
                moved_at, seen = time.monotonic(), now
            elif time.monotonic() - moved_at > patience_s:
                raise StreamError(
                    f"nothing has moved for {patience_s:.0f} s: {missing:,} of {expected:,} events wait,"
                    f" {totals.due:,} timers are due, {totals.outbox:,} records are to be published: does a worker run?"
                )
            time.sleep(_LOOK_S)


class _Ends:
    """Where the partitions of topics begin and end."""

    def __init__(self, settings: Settings) -> None:
        self._bootstrap = settings.kafka_bootstrap
        self._consumer = Consumer(client_config(settings, group_id=f"{settings.group}.ends"), logger=silent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def of(self, topics: "tuple[str, ...] | list[str]", partitions: int) -> dict[tuple[str, int], tuple[int, int]]:
        """First and next offset by topic and partition. Raises `TopologyError` when the broker does not tell."""
        try:
            return {
                (topic, p): self._consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=_TIMEOUT_S)
                for topic in topics
                for p in range(partitions)
            }
        except KafkaException as error:
            raise TopologyError(f"Kafka at {self._bootstrap}: {error.args[0].str()}") from error
