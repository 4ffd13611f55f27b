"""The worker's transport and the topics on real Apache Kafka, where an imitation of a broker may be wrong."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from stream.agents.owner import REFUSED
from stream.catalogue.events import KERNEL_TYPES
from stream.cli import main
from stream.cli.retention_findings import RETENTION_KEY, declared_ms
from stream.cli.topic_configs import values_of
from stream.cli.topics import create_topics
from stream.events.kinds import EventType
from stream.local.redis import EmbeddedRedis
from stream.settings import Settings
from tests.agents.transport.conftest import TransportGroup
from tests.faults.bench import Bench
from tests.faults.brokers import Brokers
from tests.faults.event_log import made_log
from tests.faults.invariants import verdict
from tests.faults.trials import FAULTS, attempt
from tests.kafka.cluster import KafkaCluster
from tests.kafka.groups import are_copartitioned, assignments
from tests.kafka.required import required_kafka

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module", autouse=True)
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    required_kafka()
    overrides = {"log.retention.check.interval.ms": "1000"}
    with KafkaCluster(tmp_path_factory.mktemp("kafka"), overrides=overrides) as cluster:
        yield cluster


def test_static_members_share_copartitioned_inputs_and_keep_them_over_a_restart(
    kafka: KafkaCluster, tmp_path: Path
) -> None:
    with Bench(tmp_path, kafka.bootstrap, made_log(3)) as bench:
        group, topics = bench.settings.group, bench.settings.event_topics
        seen: list[dict[str, set[tuple[str, int]]]] = []

        def shared() -> bool:
            seen.append(assignments(kafka.bootstrap, group))
            return are_copartitioned(seen[-1], topics, bench.log.partitions, members=2)

        # the first to join has everything until the second one has joined
        bench.wait("two members with the same partitions of all inputs", shared)
        before = seen[-1]
        assert before.keys() == {"w0", "w1"}
        assert sum((bench.settings.training_examples, 0) in assigned for assigned in before.values()) == 1
        bench.wait_for_progress(0.1)
        bench.workers["w0"].kill()
        bench.start("w0")
        bench.settle()
        bench.wait("the same assignment", lambda: assignments(kafka.bootstrap, group) == before)
        assert verdict(bench).violations == []


def test_records_that_come_one_by_one_are_handed_over_together(kafka: KafkaCluster, tmp_path: Path) -> None:
    field = TransportGroup(kafka.bootstrap, "trickle-", tmp_path)
    topic, wait_s, records = field.topic("click", 1), 1.0, 30
    worker = field.start(topics=[topic], options={"fetch_max_wait_s": wait_s})
    try:
        field.until(lambda: bool(field.entries("assigned")), "the partition is assigned")
        began = time.monotonic()
        for k in range(records):
            field.produce(topic, 0, 1, start=k)
        field.until(lambda: field.journaled() >= records, "all is journaled")
        took_s = time.monotonic() - began
        assert worker.stop()[0] == 0
    finally:
        if worker.process.poll() is None:
            worker.kill()
    field.assert_covered_once(topic, 0, records)
    # the first wait and the last may be cut short
    assert len(field.entries("batch")) <= took_s / wait_s + 2


def test_replayed_history_outlives_the_retention_of_every_topic(kafka: KafkaCluster, tmp_path: Path) -> None:
    with Bench(tmp_path, kafka.bootstrap, made_log(4)) as bench:
        bench.settle()
        produced = {topic: len(bench.topics.read(topic)) for topic in ("alerts", "training-examples")}
        # the broker looks for what it may delete every second; the events are of years ago
        deadline = time.monotonic() + 5.0
        while time.monotonic() < deadline:
            assert {topic: len(bench.topics.read(topic)) for topic in produced} == produced
            time.sleep(1.0)
        assert verdict(bench).violations == []


def test_topics_keep_records_as_long_as_the_settings_say(kafka: KafkaCluster, topic_prefix: str) -> None:
    settings = Settings(kafka_bootstrap=kafka.bootstrap, topic_prefix=topic_prefix, partitions=1, keep_events_days=90)
    create_topics(settings)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})

    def kept(of: Settings) -> dict[str, int]:
        return {name: int(value) for name, value in values_of(admin, declared_ms(of), RETENTION_KEY).items()}

    assert kept(settings) == declared_ms(settings)
    shorter = replace(settings, keep_events_days=30, keep_actions_days=180)
    assert kept(shorter) != declared_ms(shorter)
    changed = CliRunner().invoke(main, ["topics", "retain"], env=shorter.to_env())
    assert changed.exit_code == 0, changed.output
    assert kept(shorter) == declared_ms(shorter)


def test_aborted_transactions_are_not_read(kafka: KafkaCluster, tmp_path: Path) -> None:
    log = made_log(5)
    with Bench(tmp_path, kafka.bootstrap, log, workers=0) as bench:
        producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": bench.settings.group})
        producer.init_transactions(30.0)
        producer.begin_transaction()
        customer = next(iter(log.truth))
        for topic in bench.settings.event_topics:
            for partition in range(log.partitions):
                producer.produce(topic, b"never happened", customer.encode(), partition)
        producer.flush(30.0)
        producer.abort_transaction(30.0)
        bench.start("w0")
        bench.start("w1")
        bench.wait("all records", lambda: bench.progress() >= 1.0)
        # the last timers fire, and the trainer learns, after the last record is stored
        bench.wait_for_effects()
        assert not any(violation.startswith(("F", "A", "C", "L")) for violation in verdict(bench).violations)
        # the offsets of aborted records and of the marker are behind us as well
        ends = bench.stored.states()[0].offsets
        for source, topic in enumerate(bench.settings.event_topics):
            assert ends[topic] >= log.ends(0)[source]


def test_a_log_that_was_deleted_beyond_the_stored_offset_is_refused_with_a_reason() -> None:
    with Brokers() as brokers:
        assert attempt(FAULTS["retention-ran-out"], 1, "kafka", brokers).violations == []


def _worker_says(kafka: KafkaCluster, settings: Settings) -> tuple[int, str]:
    outcome = subprocess.run(
        [sys.executable, "-m", "stream", "worker"],
        env={**os.environ, **settings.to_env()},
        capture_output=True,
        text=True,
        timeout=90.0,
        check=False,
    )
    return outcome.returncode, outcome.stdout + outcome.stderr


@pytest.mark.parametrize("unequal", [False, True], ids=["missing", "unequal"])
def test_topics_that_cannot_be_copartitioned_are_refused_by_name(
    kafka: KafkaCluster, redis_server: EmbeddedRedis, topic_prefix: str, namespace: str, *, unequal: bool
) -> None:
    settings = Settings(
        kafka_bootstrap=kafka.bootstrap,
        redis_url=redis_server.url,
        topic_prefix=topic_prefix,
        group=f"{topic_prefix}g",
        namespace=namespace,
        partitions=2,
        metrics_port=-1,
    )
    create_topics(settings)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    wrong = settings.event_topics[KERNEL_TYPES.index(EventType.EMAIL)]
    admin.delete_topics([wrong])[wrong].result(10.0)
    if unequal:
        deadline = time.monotonic() + 30.0
        while wrong in admin.list_topics(timeout=5.0).topics:
            assert time.monotonic() < deadline, f"{wrong} is still there"
            time.sleep(0.1)
        admin.create_topics([NewTopic(wrong, 3, 1)])[wrong].result(10.0)
    status, said = _worker_says(kafka, settings)
    assert status == REFUSED
    expected = "equal partition counts" if unequal else "do not exist"
    (line,) = [line for line in said.splitlines() if wrong in line]
    assert expected in line
    assert "Traceback" not in said


def test_deleted_records_below_the_start_are_skipped_by_a_fresh_partition(kafka: KafkaCluster, tmp_path: Path) -> None:
    """Nothing is stored yet, so no record can be missed: it begins where the log begins."""
    log = made_log(6)
    with Bench(tmp_path, kafka.bootstrap, log, workers=0) as bench:
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
        gone = [TopicPartition(topic, 0, 7) for topic in bench.settings.event_topics]
        for outcome in admin.delete_records(gone).values():
            outcome.result(10.0)
        bench.start("w0")
        wanted = log.size - 7 * len(gone)
        share = wanted / log.size
        bench.wait("the rest of the log", lambda: bench.progress() >= share - 1e-9)
        # the lost state is rebuilt from the rest of the log
        bench.client.delete(bench.keys.meta(0))
        present = sum(log.ends(0)) - 7 * len(gone)
        stored = bench.stored.states
        bench.wait("the partition begins anew", lambda: 0 in stored() and stored()[0].counters.events_in == present)
