"""``stream move`` over records that are gone: each that stays keeps its offset, on which stored states rely."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import Producer

from stream.cli.move_log import copy_records, ends_of
from stream.cli.topics import create_topics, retain_topics
from stream.local.durable_broker import DurableBroker
from stream.notifications.read_to_end import read_to_end
from stream.privacy.erasure_feed import ErasureFeed
from stream.settings import Settings


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[tuple[DurableBroker, DurableBroker]]:
    with ExitStack() as running:
        yield (
            running.enter_context(DurableBroker(tmp_path / "source")),
            running.enter_context(DurableBroker(tmp_path / "target")),
        )


def places(settings: Settings, topic: str) -> dict[int, bytes]:
    return {one.offset: one.value for one in read_to_end(settings, topic) if one.value is not None}


def test_what_stays_keeps_its_offset(brokers: tuple[DurableBroker, DurableBroker]) -> None:
    source, target = (
        Settings(kafka_bootstrap=broker.bootstrap, partitions=1, identity_key="k" * 32) for broker in brokers
    )
    for settings in (source, target):
        create_topics(settings)
    producer = Producer({"bootstrap.servers": source.kafka_bootstrap, "linger.ms": 0})
    compacted = (source.customers, source.privacy_requests)
    for number in range(30):
        for topic in (*compacted, source.alerts):
            producer.produce(topic, key=f"k{number % 2}", value=f"v{number}")
        producer.flush(10)
    brokers[0].stop()
    brokers[0].start()
    deadline = time.monotonic() + 60
    while len(places(source, source.customers)) > 2 or len(places(source, source.privacy_requests)) > 2:
        assert time.monotonic() < deadline, "nothing was compacted"
        time.sleep(0.1)

    names = [(name, name) for name in source.topics]
    copied = copy_records(source, target, names, lambda _done, _of: None)
    assert ends_of(target, target.topics) == ends_of(source, source.topics)
    for topic in (*compacted, source.alerts):
        assert places(target, topic) == places(source, topic)
        assert [*places(target, topic)][-2:] == [28, 29]
    assert copied == 2 + 2 + 30
    # who reads what was erased knows the records in between as the program's own
    with ErasureFeed(target, wait_s=20.0) as feed:
        assert feed.erasures.position == 30
        assert feed.erasures.is_empty


def test_the_settings_say_for_how_long_this_broker_keeps(brokers: tuple[DurableBroker, DurableBroker]) -> None:
    settings = Settings(kafka_bootstrap=brokers[0].bootstrap, partitions=1)
    create_topics(settings)
    assert retain_topics(settings) == []
    limited = Settings(kafka_bootstrap=brokers[0].bootstrap, partitions=1, keep_results_days=7)
    assert {*retain_topics(limited)} == {limited.alerts, limited.segment_changes, limited.stages}
    assert retain_topics(limited) == []
