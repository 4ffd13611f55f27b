"""Topics of the embedded broker: made, filled and read to the end."""

import time
from collections.abc import Callable, Iterable, Sequence

from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.kafka_clients import arrived

__all__ = ["at_least", "create", "produce", "read"]


def create(bootstrap: str, topics: Iterable[tuple[str, int]]) -> None:
    """Create topics, each with its number of partitions."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for created in admin.create_topics([NewTopic(topic, count, 1) for topic, count in topics]).values():
        created.result(10)


def produce(bootstrap: str, records: Iterable[tuple[str, int, bytes | None, bytes | None]]) -> None:
    """Produce (topic, partition, key, value) in order, and wait until the broker has them."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5})
    for number, (topic, partition, key, value) in enumerate(records, 1):
        producer.produce(topic, value, key, partition)
        if number % 1000 == 0:
            producer.flush()
    assert producer.flush(20) == 0


def at_least(count: int) -> Callable[[Sequence[Message]], bool]:
    """A condition for `read`: this many messages."""
    return lambda messages: len(messages) >= count


def read(
    bootstrap: str,
    topic: str,
    partitions: int,
    enough: Callable[[Sequence[Message]], bool],
    timeout_s: float = 60.0,
) -> list[Message]:
    """Read a topic from its beginning until ``enough``; fails when the deadline comes first."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"{topic}-reader", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
    messages: list[Message] = []
    deadline = time.monotonic() + timeout_s
    try:
        while not enough(messages):
            assert time.monotonic() < deadline, f"{len(messages)} records in {topic} after {timeout_s:g} s: not enough"
            if (message := arrived(consumer.poll(0.1))) is not None:
                messages.append(message)
    finally:
        consumer.close()
    return messages
