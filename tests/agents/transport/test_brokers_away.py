"""Workers that a group forgets, and workers that start while no broker answers."""

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stream.local.durable_broker import DurableBroker
from tests.agents.transport.conftest import TransportGroup, ended

if TYPE_CHECKING:
    from tests.agents.transport.conftest import Entry

# longer than the deadlines of a test together
pytestmark = pytest.mark.timeout(300)

PARTITIONS, RECORDS = 2, 200


def test_a_worker_that_the_group_has_forgotten_is_told_that_its_partitions_are_lost(
    kafka_field: TransportGroup,
) -> None:
    topic = kafka_field.topic("click", PARTITIONS, RECORDS)

    def share(entry: "Entry") -> int:
        return len(entry["tps"])

    first = kafka_field.start("first", topics=[topic])
    kafka_field.until(lambda: kafka_field.journaled() == PARTITIONS * RECORDS, "the first one owns all")
    first.process.send_signal(signal.SIGSTOP)
    second = kafka_field.start("second", topics=[topic])
    kafka_field.until(
        lambda: any(share(entry) == PARTITIONS for entry in kafka_field.entries("assigned", "second")),
        "the second one has taken all over",
    )
    assert kafka_field.entries("lost") == []

    first.process.send_signal(signal.SIGCONT)
    kafka_field.until(lambda: len(kafka_field.entries("lost", "first")) > 0, "the first one learns of it")
    (lost,) = kafka_field.entries("lost", "first")
    assert share(lost) == PARTITIONS
    # it joins again, and the second one hands over what it has to, in good order
    kafka_field.until(
        lambda: (
            share(kafka_field.entries("assigned", "first")[-1]) == 1
            and share(kafka_field.entries("assigned", "second")[-1]) == 1
        ),
        "both have a share",
    )
    assert kafka_field.entries("lost", "second") == []
    assert [worker.stop()[0] for worker in (first, second)] == [0, 0]


def test_a_worker_waits_for_a_broker_that_goes_away_before_it_starts(topic_prefix: str, tmp_path: Path) -> None:
    broker = DurableBroker(tmp_path / "broker")
    with broker, ended(TransportGroup(broker.bootstrap, topic_prefix, tmp_path)) as field:
        topic = field.topic("click", 1, RECORDS)
        broker.stop()
        worker = field.start(topics=[topic])
        field.until(lambda: "no Kafka broker answers" in worker.log or worker.process.poll() is not None, "it asks")
        assert worker.process.poll() is None, worker.log[-3_000:]

        broker.start()
        field.until(lambda: field.journaled() == RECORDS, "it goes on")
        assert worker.stop()[0] == 0


def test_a_worker_that_waits_for_a_broker_ends_when_it_is_told_to(topic_prefix: str, tmp_path: Path) -> None:
    broker = DurableBroker(tmp_path / "broker")
    with ended(TransportGroup(broker.bootstrap, topic_prefix, tmp_path)) as field:
        worker = field.start(topics=["click"])
        field.until(lambda: "no Kafka broker answers" in worker.log or worker.process.poll() is not None, "it asks")
        assert worker.stop()[0] == 0
