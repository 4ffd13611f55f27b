"""The producer when its broker does not take events."""

from pathlib import Path

import pytest

from stream.client import (
    DeliveryError,
    EventRecord,
    Producer,
    PublishError,
)
from stream.events.kinds import EventType
from stream.local.broker import EmbeddedBroker
from stream.settings import Settings
from tests.client.clicks import ABSENT, AT_MS, click


def test_without_a_broker_flush_names_the_events_and_deliveries_fail() -> None:
    producer = Producer(ABSENT, delivery_timeout_s=0.3, options={"linger.ms": 0})
    deliveries = [producer.publish(click(number)) for number in range(3)]
    with pytest.raises(DeliveryError, match=r"3 events were refused, the first: .*timed out") as failed:
        producer.flush(10)
    assert failed.value.event_ids == ("e-0", "e-1", "e-2")
    assert producer.refused == 3
    for delivery in deliveries:
        with pytest.raises(PublishError, match="was not accepted"):
            delivery.result(0)
    producer.flush(1)  # what was reported once is not reported again
    producer.close()


def test_of_many_failed_events_a_thousand_are_named_and_all_are_counted() -> None:
    producer = Producer(ABSENT, delivery_timeout_s=0.3, options={"linger.ms": 0})
    for number in range(1200):
        producer.send(EventRecord(EventType.CLICK, f"e-{number}", "c-1", AT_MS, b"{}"))
    with pytest.raises(DeliveryError, match=r"1,200 events were refused, .* ids: e-0, e-1, .* and 995 more") as failed:
        producer.close(10)
    assert failed.value.event_ids == tuple(f"e-{number}" for number in range(1000))


def test_a_flush_that_ends_before_the_answers_names_the_events_too() -> None:
    producer = Producer(ABSENT, delivery_timeout_s=2.0, options={"linger.ms": 0})
    producer.publish(click(7))
    with pytest.raises(DeliveryError, match=r"1 events have no answer after 0\.1 s; ids: e-7") as failed:
        producer.flush(0.1)
    assert failed.value.event_ids == ("e-7",)
    with pytest.raises(DeliveryError, match="refused"):
        producer.close()


def test_a_closed_producer_sends_no_more_and_leaves_its_broker_alone() -> None:
    producer = Producer(ABSENT, delivery_timeout_s=60.0, options={"linger.ms": 0})
    delivery = producer.publish(click(7))
    with pytest.raises(DeliveryError, match="1 events have no answer after"):
        producer.close(0.1)
    with pytest.raises(PublishError, match=r"was not accepted: Local: Purged"):
        delivery.result(0)
    with pytest.raises(RuntimeError, match="closed"):
        producer.missing_topics(0.1)


def test_a_full_queue_is_an_error_when_there_is_no_room_in_time() -> None:
    producer = Producer(ABSENT, delivery_timeout_s=1.0, queue_events=2, options={"linger.ms": 0})
    record = EventRecord(EventType.CLICK, "e-1", "c-1", AT_MS, b"{}")
    producer.send(record)
    producer.send(record)
    with pytest.raises(PublishError, match=r"2 events wait for the broker and there was no room for 0\.05 s"):
        producer.send(record, wait_s=0.05)
    assert producer.waiting == 2  # the third is not counted as handed over
    with pytest.raises(DeliveryError, match="2 events were refused"):
        producer.close()


def test_the_with_block_reports_what_is_not_delivered() -> None:
    with pytest.raises(DeliveryError), Producer(ABSENT, delivery_timeout_s=0.3) as producer:
        producer.publish(click())


def test_an_error_in_the_with_block_is_not_hidden_by_what_is_not_delivered() -> None:
    def publish_and_fail() -> None:
        with Producer(ABSENT, delivery_timeout_s=0.3) as producer:
            producer.publish(click())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as failed:
        publish_and_fail()
    assert "besides, 1 events were refused" in failed.value.__notes__[0]


def test_a_broker_that_comes_back_gets_the_waiting_events(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path)
    settings = Settings(kafka_bootstrap=broker.bootstrap, partitions=1)
    producer = Producer(settings, delivery_timeout_s=30.0, options={"reconnect.backoff.max.ms": 200})
    try:
        deliveries = [producer.publish(click(number)) for number in range(10)]
        broker.start()
        assert [delivery.result(30).offset for delivery in deliveries] == list(range(10))
        producer.close()
    finally:
        broker.stop()
