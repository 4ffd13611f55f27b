"""Reading topics from stated offsets on, without a consumer group: the offsets are kept beside the rows."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Final, NamedTuple, Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from stream.clock import Clock
from stream.errors import TopologyError
from stream.notifications.inbound import Inbound, inbound
from stream.settings import Settings

__all__ = ["Feed", "FeedPart"]

_LOG = logging.getLogger(__name__)
_METADATA_TIMEOUT_S: Final = 10.0
#: What waiting does not mend.
_FOR_GOOD: Final = frozenset(
    {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC}  # noqa: SLF001
)


class FeedPart(NamedTuple):
    """Consecutive records of a partition, and the offset after them."""

    topic: str
    partition: int
    records: Sequence[Inbound]
    next_offset: int


class Feed:
    """All partitions of ``topics``. Use as a context manager; raises `TopologyError` for what waiting cannot mend."""

    def __init__(self, settings: Settings, topics: Collection[str], clock: Clock) -> None:
        self._settings = settings
        self._topics = [*topics]
        self._clock = clock
        self._open: set[tuple[str, int]] = set()
        self._consumer = Consumer(
            {
                **settings.librdkafka(),
                "client.id": "stream-directory",
                # partitions are assigned by hand: the group is never joined, nothing is committed to it
                "group.id": f"{settings.group}-directory",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": settings.fetch_wait_ms,
                "log.connection.close": False,
            },
            logger=logging.getLogger("librdkafka"),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def partitions(self) -> frozenset[tuple[str, int]] | None:
        """Every partition there is; None: no broker answers. Raises `TopologyError` for a topic that is missing."""
        try:
            existing = self._consumer.list_topics(timeout=_METADATA_TIMEOUT_S).topics
        except KafkaException as error:
            _LOG.warning("no Kafka broker answers at %s: %s", self._settings.kafka_bootstrap, error.args[0].str())
            return None
        if missing := [topic for topic in self._topics if topic not in existing]:
            raise TopologyError(
                f"no topic {', '.join(missing)} at {self._settings.kafka_bootstrap}: stream topics create"
            )
        return frozenset((topic, partition) for topic in self._topics for partition in existing[topic].partitions)

    def start(self, partitions: Collection[tuple[str, int]], offsets: Mapping[tuple[str, int], int]) -> None:
        """Read from ``offsets`` on, where there is none from the beginning."""
        self._consumer.assign(
            [
                TopicPartition(topic, partition, offsets.get((topic, partition), OFFSET_BEGINNING))
                for topic, partition in sorted(partitions)
            ]
        )
        self._open = {*partitions}

    def fetch(self, most: int, timeout_s: float) -> list[FeedPart]:
        """What comes within ``timeout_s``, of each partition in its order."""
        now_ms = self._clock.now_ms()
        found: dict[tuple[str, int], list[Inbound]] = {}
        for message in self._consumer.consume(most, timeout_s):
            of = (message.topic() or "", message.partition() or 0)
            if (error := message.error()) is None:
                found.setdefault(of, []).append(inbound(message, now_ms))
                self._open.add(of)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its name
                self._open.discard(of)
            elif error.code() in _FOR_GOOD:
                raise TopologyError(f"topic {of[0]} cannot be read: {error.str()}")
            else:
                _LOG.warning("Kafka: %s", error.str())
        return [FeedPart(*of, records, records[-1].offset + 1) for of, records in found.items()]

    @property
    def is_at_end(self) -> bool:
        """Whether all partitions have been read to where they ended then."""
        return not self._open

    def lag(self, offsets: Mapping[tuple[str, int], int]) -> dict[str, int]:
        """Records behind ``offsets`` by topic, as far as the ends are known."""
        behind = dict.fromkeys(self._topics, 0)
        for assigned in self._consumer.assignment():
            low, high = self._consumer.get_watermark_offsets(assigned, cached=True)
            behind[assigned.topic] += max(high - max(offsets.get((assigned.topic, assigned.partition), low), low), 0)
        return behind
