"""Kafka clients that ignore transient errors, while a broker or a group settles, until a deadline."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition

from tests.kafka.transient import TRANSIENT, patiently

__all__ = ["arrived", "committed"]


def arrived(message: Message | None) -> Message | None:
    """The message if it is a record, None for a transient error; any other error fails the test."""
    error = None if message is None else message.error()
    if error is None:
        return message
    assert error.code() in TRANSIENT, error
    return None


def committed(
    config: Mapping[str, Any], partitions: Sequence[tuple[str, int]], *, deadline_s: float = 30.0
) -> list[int]:
    """The offsets that the group of ``config`` has committed; -1001 where there is none.

    Raises `KafkaException` for permanent errors, and for transient ones that last beyond the deadline.
    """
    asked = [TopicPartition(topic, partition) for topic, partition in partitions]
    consumer = Consumer(dict(config))
    try:
        return [position.offset for position in patiently(partial(consumer.committed, asked, timeout=10), deadline_s)]
    finally:
        consumer.close()
