"""Reading topics to their ends."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import Producer

from stream.identity.departures import AGAIN, ARRIVED_AS
from stream.local.broker import EmbeddedBroker
from stream.notifications.read_to_end import events_to_end, read_to_end
from stream.settings import Settings
from tests.agents.topics import create


@pytest.fixture
def settings(broker: EmbeddedBroker, topic_prefix: str) -> Settings:
    return Settings(kafka_bootstrap=broker.bootstrap, topic_prefix=topic_prefix)


@contextmanager
def producing(settings: Settings) -> Iterator[Producer]:
    """All that is produced in the block is in the log at its end."""
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap})
    yield producer
    assert producer.flush(10.0) == 0
    producer.close()


def test_an_event_that_is_sent_again_for_another_customer_is_read_once(settings: Settings) -> None:
    topic = settings.events_purchase
    create(settings.kafka_bootstrap, [(topic, 1)])
    with producing(settings) as producer:
        producer.produce(topic, b"first", b"c-2", headers=[(ARRIVED_AS, b"c-2")])
        producer.produce(topic, b"again", b"c-1", headers=[(ARRIVED_AS, b"c-2"), (AGAIN, b"1")])
        producer.produce(topic, b"own", b"c-1")
    assert [one.value for one in read_to_end(settings, topic)] == [b"first", b"again", b"own"]
    assert [one.value for one in events_to_end(settings, topic)] == [b"first", b"own"]


def test_every_record_is_read_from_partitions_with_some_and_from_those_without(settings: Settings) -> None:
    topic = settings.alerts
    create(settings.kafka_bootstrap, [(topic, 3)])
    assert [*read_to_end(settings, topic)] == []
    for batch in ([(0, b"a1"), (0, b"a2"), (2, b"b1")], [(0, b"a3")]):
        with producing(settings) as producer:
            for partition, value in batch:
                producer.produce(topic, value, partition=partition)
    found = [(one.partition, one.value) for one in read_to_end(settings, topic)]
    assert [value for partition, value in found if partition == 0] == [b"a1", b"a2", b"a3"]
    assert [value for partition, value in found if partition != 0] == [b"b1"]
