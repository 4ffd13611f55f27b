"""Reading a topic from where it matters to where it ends now, and then stopping."""

import logging
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Final

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin._metadata import TopicMetadata

from stream.errors import TopologyError
from stream.identity.departures import is_again
from stream.notifications.inbound import Inbound, inbound
from stream.settings import Settings

__all__ = ["events_to_end", "read_to_end"]

# what goes wrong is raised; without a handler of its own, Python would print what the library says
_QUIET = logging.getLogger("stream.notifications.read_to_end.librdkafka")
_QUIET.propagate = False
_QUIET.addHandler(logging.NullHandler())
_TIMEOUT_S: Final = 10.0
#: Its first answer a broker gives soon, and be it busy: one that is frozen never does.
_FIRST_ANSWER_S: Final = 5.0
#: A topic that gives nothing for so long although its end is not reached cannot be read.
_SILENCE_S: Final = 60.0
_MAX_AT_ONCE: Final = 1000
_POLL_S: Final = 0.05


def read_to_end(
    settings: Settings,
    topic: str,
    *,
    from_ms: int | None = None,
    newest: int | None = None,
    wait_s: float = _TIMEOUT_S,
) -> Iterator[Inbound]:
    """Records of ``topic``, those of a partition in order, up to its end.

    A partition ends where nothing follows, or with the first record that was written after the start. ``from_ms``:
    leave out what was written before, as far as the broker can find the place. ``newest``: only the last so many
    records of each partition. ``wait_s``: so long a broker may take to answer. Raises `TopologyError`.
    """
    consumer = Consumer(
        {
            **settings.librdkafka(),
            "client.id": "stream-report",
            # partitions are assigned by hand: the group is never joined, nothing is committed
            "group.id": f"stream-report-{secrets.token_hex(6)}",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        },
        logger=_QUIET,
    )
    try:
        yield from _to_end(consumer, settings, topic, from_ms, newest, wait_s)
    except KafkaException as error:
        raise TopologyError(f"topic {topic} cannot be read: {error.args[0].str()}") from error
    finally:
        consumer.close()


def events_to_end(settings: Settings, topic: str, *, from_ms: int | None = None) -> Iterator[Inbound]:
    """Records of a topic of events, as `read_to_end`, each once.

    What is sent again because its id is another customer's is left out: an event counts where it came first.
    """
    return (one for one in read_to_end(settings, topic, from_ms=from_ms) if not is_again(one.headers))


def _to_end(
    consumer: Consumer, settings: Settings, topic: str, from_ms: int | None, newest: int | None, wait_s: float
) -> Iterator[Inbound]:
    found = _described(consumer, settings, topic, min(wait_s, _FIRST_ANSWER_S))
    if found.error is not None or not found.partitions:
        raise TopologyError(f"no topic {topic} at {settings.kafka_bootstrap}: stream topics create")
    spans = {
        partition: consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=wait_s)
        for partition in found.partitions
    }
    starts = [
        start
        for start in _starts(consumer, topic, spans, from_ms, newest, wait_s)
        if spans[start.partition][0] < spans[start.partition][1] and start.offset != OFFSET_END
    ]
    open_partitions = {start.partition for start in starts}
    if not starts:
        return
    consumer.assign(starts)
    began_ms = time.time_ns() // 1_000_000
    last_s = time.monotonic()
    while open_partitions:
        for message in consumer.consume(_MAX_AT_ONCE, _POLL_S):
            last_s = time.monotonic()
            error, partition = message.error(), message.partition()
            is_end = error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001 - its public name
            if error is not None and not is_end:
                raise TopologyError(f"topic {topic} cannot be read: {error.str()}")
            if partition not in open_partitions:
                continue
            written, at_ms = message.timestamp()
            # producers' times may be anything
            if is_end or (written == TIMESTAMP_LOG_APPEND_TIME and at_ms > began_ms):
                open_partitions.discard(partition)
                continue
            # the sign of the end comes half a second after the last record: for logs that end with something else
            following = (message.offset() or 0) + 1
            if following >= spans[partition][1] and following == _known_end(consumer, topic, partition):
                open_partitions.discard(partition)
            yield inbound(message, began_ms)
        if time.monotonic() - last_s > _SILENCE_S:
            raise TopologyError(f"topic {topic} gave nothing for {_SILENCE_S:g} s, before its end: look at the broker")


def _described(consumer: Consumer, settings: Settings, topic: str, wait_s: float) -> TopicMetadata:
    try:
        described: TopicMetadata = consumer.list_topics(topic, timeout=wait_s).topics[topic]
    except KafkaException as error:
        why = error.args[0].str()
        raise TopologyError(
            f"topic {topic} cannot be read: no Kafka broker answers at {settings.kafka_bootstrap} ({why})"
        ) from error
    return described


def _known_end(consumer: Consumer, topic: str, partition: int) -> int:
    """The offset after the newest record, as of the last fetch."""
    _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
    return int(end)


def _starts(
    consumer: Consumer,
    topic: str,
    spans: Mapping[int, tuple[int, int]],
    from_ms: int | None,
    newest: int | None,
    wait_s: float,
) -> list[TopicPartition]:
    """Where to begin in each partition: the first record at or after ``from_ms``, the end when there is none.

    ``spans``: the first offset of each partition and the one after the last.
    """
    if newest is not None:
        return [TopicPartition(topic, p, max(low, high - newest)) for p, (low, high) in spans.items()]
    if from_ms is None:
        return [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in spans]
    asked = [TopicPartition(topic, partition, max(from_ms, 0)) for partition in spans]
    return consumer.offsets_for_times(asked, timeout=wait_s)
