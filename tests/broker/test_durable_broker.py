"""The broker that keeps its log, as librdkafka sees it."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from stream.local.durable_broker import DurableBroker


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[DurableBroker]:
    """A broker for one test."""
    with DurableBroker(tmp_path / "broker") as server:
        yield server


def _create(broker: DurableBroker, name: str, partitions: int = 2, **config: str) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    topic = NewTopic(name, partitions, 1, config={key.replace("_", "."): value for key, value in config.items()})
    for made in admin.create_topics([topic]).values():
        made.result(10)


def _producer(broker: DurableBroker, **options: object) -> Producer:
    return Producer(
        {
            "bootstrap.servers": broker.bootstrap,
            "enable.idempotence": True,
            "reconnect.backoff.max.ms": 100,
            "log_level": 0,
            **{name.replace("_", "."): value for name, value in options.items()},
        }
    )


def _read(broker: DurableBroker, topic: str, partitions: int = 2) -> list[Message]:
    """All records of a topic."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "reader", "log_level": 0})
    try:
        places = [TopicPartition(topic, p, 0) for p in range(partitions)]
        missing = sum(consumer.get_watermark_offsets(place, timeout=10)[1] for place in places)
        consumer.assign(places)
        found: list[Message] = []
        while len(found) < missing:
            for message in consumer.consume(missing - len(found), 10):
                if (error := message.error()) is not None:
                    raise KafkaException(error)
                found.append(message)
        return found
    finally:
        consumer.close()


def test_confirmed_records_survive_a_kill_with_the_same_offsets(durable: DurableBroker) -> None:
    _create(durable, "t")
    confirmed: dict[tuple[int | None, int | None], bytes | None] = {}

    def note(error: object, message: Message) -> None:
        assert error is None
        confirmed[message.partition(), message.offset()] = message.value()

    producer = _producer(durable)
    for number in range(500):
        producer.produce("t", key=str(number), value=f"value {number}", on_delivery=note)
    producer.flush(20)
    assert len(confirmed) == 500

    durable.kill()
    durable.start()
    assert {(found.partition(), found.offset()): found.value() for found in _read(durable, "t")} == confirmed


def test_kills_while_an_idempotent_producer_sends_lose_nothing_and_double_nothing(durable: DurableBroker) -> None:
    _create(durable, "t")
    sent, done = 0, threading.Event()
    failures: list[object] = []

    def note(error: object, message: Message) -> None:
        del message
        if error is not None:
            failures.append(error)

    producer = _producer(durable, linger_ms=1, delivery_timeout_ms=60_000)

    def send() -> None:
        nonlocal sent
        while not done.is_set():
            producer.produce("t", key=str(sent), value=str(sent), on_delivery=note)
            sent += 1
            producer.poll(0)
            time.sleep(0.0005)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        for _ in range(5):
            time.sleep(0.3)
            durable.kill()
            durable.start()
    finally:
        done.set()
        sender.join()
    assert producer.flush(60) == 0
    assert not failures
    values = [int(found.value() or -1) for found in _read(durable, "t")]
    assert sorted(values) == list(range(sent))
    for p in range(2):
        of_partition = [int(found.value() or -1) for found in _read(durable, "t") if found.partition() == p]
        assert of_partition == sorted(of_partition)


def test_committed_offsets_are_kept_over_a_kill(durable: DurableBroker) -> None:
    _create(durable, "t")
    consumer = Consumer({"bootstrap.servers": durable.bootstrap, "group.id": "g", "enable.auto.commit": False})
    consumer.commit(offsets=[TopicPartition("t", 1, 7, metadata="seven")], asynchronous=False)
    consumer.close()
    durable.kill()
    durable.start()
    again = Consumer({"bootstrap.servers": durable.bootstrap, "group.id": "g"})
    try:
        none, seven = again.committed([TopicPartition("t", 0), TopicPartition("t", 1)], timeout=10)
        assert none.offset < 0
        assert (seven.offset, seven.metadata) == (7, "seven")
    finally:
        again.close()


def test_topics_and_their_settings_are_kept(durable: DurableBroker) -> None:
    _create(durable, "stamped", 3, message_timestamp_type="LogAppendTime")
    durable.restart()
    admin = AdminClient({"bootstrap.servers": durable.bootstrap})
    assert len(admin.list_topics(timeout=10).topics["stamped"].partitions) == 3
    (described,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, "stamped")]).values()
    assert described.result(10)["message.timestamp.type"].value == "LogAppendTime"
    with pytest.raises(KafkaException, match="there is a topic stamped"):
        _create(durable, "stamped")


def test_the_time_of_a_record_is_that_of_its_arrival_or_of_its_producer(durable: DurableBroker) -> None:
    _create(durable, "stamped", message_timestamp_type="LogAppendTime")
    _create(durable, "as-told")
    producer = _producer(durable)
    before = time.time() * 1000 - 1
    for topic in ("stamped", "as-told"):
        producer.produce(topic, value="v", timestamp=1_000)
    producer.flush(10)
    (stamped,), (told,) = _read(durable, "stamped"), _read(durable, "as-told")
    assert before <= stamped.timestamp()[1] <= time.time() * 1000 + 1
    assert told.timestamp()[1] == 1_000
    consumer = Consumer({"bootstrap.servers": durable.bootstrap, "group.id": "times"})
    try:
        asked = [TopicPartition("as-told", told.partition() or 0, time_ms) for time_ms in (999, 1_001)]
        found = [consumer.offsets_for_times([one], timeout=10)[0].offset for one in asked]
    finally:
        consumer.close()
    assert found == [0, -1]


def test_two_members_share_the_partitions_and_one_takes_over_when_the_other_leaves(durable: DurableBroker) -> None:
    _create(durable, "t", 4)
    options = {"bootstrap.servers": durable.bootstrap, "group.id": "g", "auto.offset.reset": "earliest"}
    first, second = Consumer(options), Consumer(options)
    try:
        for member in (first, second):
            member.subscribe(["t"])
        _until(lambda: [first.poll(0.1), second.poll(0.1)] and len(first.assignment()) == len(second.assignment()) == 2)
        owned = {place.partition for member in (first, second) for place in member.assignment()}
        assert owned == {0, 1, 2, 3}
        second.close()
        _until(lambda: first.poll(0.1) is None and len(first.assignment()) == 4)
    finally:
        first.close()


def _until(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline


def test_a_stop_leaves_one_file_that_is_whole(durable: DurableBroker) -> None:
    _create(durable, "t")
    durable.stop()
    assert [path.name for path in (durable.directory).glob("log.sqlite*")] == ["log.sqlite"]
