"""The typed producer against a real broker."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from datetime import datetime

import pytest
from confluent_kafka import KafkaError, Message

from stream.client import (
    ClickEvent,
    EmailEvent,
    EventRecord,
    InvalidEventError,
    Item,
    Producer,
    PublishError,
    PurchaseEvent,
    Receipt,
)
from stream.errors import TopologyError
from stream.events.kinds import EventType
from stream.events.partitioner import partition_of
from stream.local.broker import EmbeddedBroker
from stream.settings import Settings
from tests.agents.topics import at_least, create, read
from tests.client.clicks import ABSENT, AT, AT_MS, click

PARTITIONS = 4


@pytest.fixture
def settings(broker: EmbeddedBroker, topic_prefix: str) -> Settings:
    found = Settings(kafka_bootstrap=broker.bootstrap, topic_prefix=topic_prefix, partitions=PARTITIONS)
    create(broker.bootstrap, found.topics.items())
    return found


@pytest.fixture
def producer(settings: Settings) -> Iterator[Producer]:
    with Producer(settings) as running:
        yield running


def stored(settings: Settings, topic: str, count: int) -> list[Message]:
    return read(settings.kafka_bootstrap, topic, PARTITIONS, at_least(count))


def test_an_event_of_each_type_gets_key_timestamp_header_and_partition(settings: Settings, producer: Producer) -> None:
    receipts = [
        producer.publish(event).result(20)
        for event in (
            click(customer="foobar"),
            EmailEvent(event_id="e-2", customer_id="foobar", occurred_at=AT, name="opened", machine_open=True),
            PurchaseEvent(
                event_id="e-3",
                customer_id="foobar",
                occurred_at=AT.timestamp(),
                name="completed",
                order_id="o-1",
                amount=49.9,
                currency="EUR",
                items=(Item(product_id="p-1", quantity=2.0),),
            ),
        )
    ]
    for receipt, topic in zip(receipts, settings.event_topics, strict=True):
        (message,) = stored(settings, topic, 1)
        assert receipt == Receipt(topic, partition_of("foobar", PARTITIONS), 0)
        assert (message.key(), message.partition(), message.offset()) == (b"foobar", receipt.partition, 0)
        assert message.timestamp()[1] == AT_MS
        assert message.headers() == [("content-type", b"application/json")]
    (message,) = stored(settings, settings.events_purchase, 1)
    assert json.loads(message.value() or b"") == {
        "event_id": "e-3",
        "customer_id": "foobar",
        "occurred_at": AT.timestamp(),
        "name": "completed",
        "order_id": "o-1",
        "amount": 49.9,
        "currency": "EUR",
        "items": [{"product_id": "p-1", "quantity": 2.0}],
    }


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (ClickEvent(event_id="", customer_id="c", occurred_at=AT, name="page_viewed"), "wrong_length"),
        (ClickEvent(event_id="e", customer_id="c\n", occurred_at=AT, name="page_viewed"), "control_character"),
        (ClickEvent(event_id="e", customer_id="c", occurred_at=AT, name="seen"), "unknown_name"),  # type: ignore[arg-type]
        (
            ClickEvent(event_id="e", customer_id="c", occurred_at=datetime(2024, 5, 31), name="page_viewed"),  # noqa: DTZ001
            "bad_timestamp",
        ),
        (ClickEvent(event_id="e", customer_id="c", occurred_at=4e9, name="page_viewed"), "timestamp_out_of_range"),
        (
            PurchaseEvent(event_id="e", customer_id="c", occurred_at=AT, name="completed", order_id="o", amount=1.0),
            "missing_field",
        ),
        (EmailEvent(event_id="e", customer_id="c", occurred_at=AT, name="opened", text="\ud800"), "malformed_json"),
    ],
)
def test_an_event_that_breaks_the_contract_is_refused_at_once(
    producer: Producer, event: ClickEvent, reason: str
) -> None:
    with pytest.raises(InvalidEventError, match="event ") as refused:
        producer.publish(event)
    assert refused.value.reason == reason
    assert refused.value.event_id == event.event_id
    assert producer.waiting == 0


def test_the_settings_decide_about_currencies_and_clocks(broker: EmbeddedBroker) -> None:
    settings = Settings(kafka_bootstrap=broker.bootstrap, currency_rates="EUR=1", skew_s=0.0)
    order = PurchaseEvent(
        event_id="e", customer_id="c", occurred_at=AT, name="completed", order_id="o", amount=1.0, currency="USD"
    )
    with Producer(settings) as producer:
        with pytest.raises(InvalidEventError, match="unknown_currency"):
            producer.publish(order)
        soon = ClickEvent(event_id="e", customer_id="c", occurred_at=time.time() + 60, name="page_viewed")
        with pytest.raises(InvalidEventError, match="timestamp_out_of_range"):
            producer.publish(soon)


def test_events_of_a_customer_stay_in_order_and_more_than_the_queue_holds_wait(settings: Settings) -> None:
    with Producer(settings, queue_events=20) as producer:
        deliveries = [producer.publish(click(number, f"c-{number % 5}")) for number in range(500)]
        producer.flush()
        assert producer.confirmed == 500
        assert all(delivery.done() for delivery in deliveries)
    messages = stored(settings, settings.events_click, 500)
    for customer in range(5):
        found = [json.loads(m.value() or b"")["event_id"] for m in messages if m.key() == f"c-{customer}".encode()]
        assert found == [f"e-{number}" for number in range(customer, 500, 5)]


def test_deliveries_resolve_without_a_flush(producer: Producer) -> None:
    delivery = producer.publish(click())
    called = threading.Event()
    delivery.add_done_callback(lambda _: called.set())
    assert called.wait(20)
    assert delivery.exception() is None


def test_several_threads_may_publish(settings: Settings, producer: Producer) -> None:
    deliveries: list[Future[Receipt]] = []

    def publish(thread: int) -> None:
        deliveries.extend(producer.publish(click(number, f"t-{thread}")) for number in range(200))

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wait(deliveries, 20).not_done
    assert len({(d.result().partition, d.result().offset) for d in deliveries}) == 800
    assert producer.confirmed == 800
    assert len(stored(settings, settings.events_click, 800)) == 800


def test_a_record_too_large_for_the_client_is_an_error_at_once(producer: Producer) -> None:
    with pytest.raises(PublishError, match=r"'e-9' cannot be sent: .*too large"):
        producer.send(EventRecord(EventType.CLICK, "e-9", "c-1", AT_MS, bytes(2_000_000)))
    assert producer.waiting == 0


def test_a_closed_producer_takes_nothing(settings: Settings) -> None:
    producer = Producer(settings)
    producer.close()
    producer.close()
    with pytest.raises(PublishError, match="after close"):
        producer.publish(click())


def test_a_function_that_fails_on_delivery_does_not_stop_the_others(
    producer: Producer, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(error: KafkaError | None, message: Message) -> None:
        raise RuntimeError("in the caller's function")

    producer.send(EventRecord(EventType.CLICK, "e-1", "c-1", AT_MS, b"{}"), fail)
    # no thread sends any more, so the producer's own thread serves the answer
    deadline = time.monotonic() + 20
    while producer.waiting:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert producer.publish(click()).result(20).offset >= 0
    assert "in the caller's function" in caplog.text


def test_missing_topics_are_found_and_an_absent_broker_is_an_error(
    producer: Producer, settings: Settings, broker: EmbeddedBroker
) -> None:
    assert producer.missing_topics(10) == []
    for key, count in (("", len(EventType)), ("k" * 32, len(EventType) + 1)):
        none = Settings(
            kafka_bootstrap=broker.bootstrap, topic_prefix=f"{settings.topic_prefix}none.", identity_key=key
        )
        with Producer(none) as other:
            assert len(other.missing_topics(10)) == count
    with Producer(ABSENT) as lost, pytest.raises(TopologyError, match="no Kafka broker answers at 127"):
        lost.missing_topics(0.2)


def test_settings_come_from_the_environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in settings.to_env().items():
        monkeypatch.setenv(name, text)
    with Producer() as producer:
        assert producer.publish(click()).result(20).topic == settings.events_click
