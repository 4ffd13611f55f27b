"""Reading topics to their ends."""

from confluent_kafka import Producer

from stream.identity.departures import AGAIN, ARRIVED_AS
from stream.local.broker import EmbeddedBroker
from stream.notifications.read_to_end import events_to_end, read_to_end
from stream.settings import Settings
from tests.agents.topics import create


def test_an_event_that_is_sent_again_for_another_customer_is_read_once(
    broker: EmbeddedBroker, topic_prefix: str
) -> None:
    settings = Settings(kafka_bootstrap=broker.bootstrap, topic_prefix=topic_prefix)
    topic = settings.events_purchase
    create(broker.bootstrap, [(topic, 1)])
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce(topic, b"first", b"c-2", headers=[(ARRIVED_AS, b"c-2")])
    producer.produce(topic, b"again", b"c-1", headers=[(ARRIVED_AS, b"c-2"), (AGAIN, b"1")])
    producer.produce(topic, b"own", b"c-1")
    assert producer.flush(10.0) == 0
    producer.close()
    assert [one.value for one in read_to_end(settings, topic)] == [b"first", b"again", b"own"]
    assert [one.value for one in events_to_end(settings, topic)] == [b"first", b"own"]


def test_every_record_is_read_from_partitions_with_some_and_from_those_without(
    broker: EmbeddedBroker, topic_prefix: str
) -> None:
    settings = Settings(kafka_bootstrap=broker.bootstrap, topic_prefix=topic_prefix)
    topic = settings.alerts
    create(broker.bootstrap, [(topic, 3)])
    assert [*read_to_end(settings, topic)] == []
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for batch in ([(0, b"a1"), (0, b"a2"), (2, b"b1")], [(0, b"a3")]):
        for partition, value in batch:
            producer.produce(topic, value, partition=partition)
        assert producer.flush(10.0) == 0
    producer.close()
    found = [(one.partition, one.value) for one in read_to_end(settings, topic)]
    assert [value for partition, value in found if partition == 0] == [b"a1", b"a2", b"a3"]
    assert [value for partition, value in found if partition != 0] == [b"b1"]
