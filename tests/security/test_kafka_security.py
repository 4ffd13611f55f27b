"""Real Apache Kafka over TLS, with users and access lists: worker, producer, topics and doctor."""

import asyncio
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer  # type: ignore[import-untyped]
from confluent_kafka import KafkaError, Message, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclOperation as Op
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.cimpl import NewTopic
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from stream.agents.kafka_access import check_brokers
from stream.agents.publisher import Publisher
from stream.agents.security import broker_credentials
from stream.catalogue.events import KERNEL_TYPES
from stream.cli.findings import FindingLevel
from stream.cli.kafka import cluster_metadata
from stream.cli.topic_findings import topic_findings
from stream.cli.topics import create_topics
from stream.errors import PublishError, TopologyError
from stream.events.kinds import EventType
from stream.events.partitioner import partition_of
from stream.local.redis import EmbeddedRedis
from stream.processing.state import Outgoing
from stream.settings import Settings
from stream.storage.overview import Overview
from tests.field import ROOT
from tests.kafka.cluster import KafkaCluster
from tests.oracle.made_up import made_up
from tests.oracle.record import Record, record_of, type_of
from tests.programs import required_program
from tests.security.authority import Authority
from tests.security.kafka_tls import Acl, add_user, allow, secured_cluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

LOG = made_up(9, customers=15, days=100, events=300)
PASSWORD = "a-password-that-must-not-be-shown"
PARTITIONS = 2
EVENTS = ("events.click", "events.email", "events.purchase")
#: Topics that only projections read.
OTHERS = ("events.feedback", "events.interaction", "events.consent")
BESIDE = ("identities", "arrivals", "assignments", "feedback-texts", "offers", "points", "recommendations")
OUTPUTS = ("alerts", "segment-changes", "stages", "customers", "dead-letters")


def rights(user: str, prefix: str) -> list[Acl]:
    """The access lists of docs/security.md, for topics and a group that begin with ``prefix``."""
    read = [*EVENTS, "training-examples", "privacy-requests"]
    write = [*OUTPUTS, "training-examples"]
    return {
        "worker": [
            *(topic(prefix + name, Op.READ) for name in read),
            *(topic(prefix + name, Op.DESCRIBE) for name in (*OTHERS, *BESIDE)),
            *(topic(prefix + name, Op.WRITE) for name in write),
            (ResourceType.GROUP, f"{prefix}group", ResourcePatternType.LITERAL, Op.READ),
        ],
        "producer": [topic(prefix + name, Op.WRITE) for name in (*EVENTS, *OTHERS)],
        "creator": [
            (ResourceType.TOPIC, prefix, ResourcePatternType.PREFIXED, Op.CREATE),
            (ResourceType.TOPIC, prefix, ResourcePatternType.PREFIXED, Op.DESCRIBE),
        ],
    }[user]


def topic(name: str, operation: Op) -> Acl:
    return (ResourceType.TOPIC, name, ResourcePatternType.LITERAL, operation)


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[KafkaCluster]:
    required_program("java", "default-jdk-headless")
    required_program("mvn", "maven")
    with secured_cluster(tmp_path_factory.mktemp("kafka"), authority) as cluster:
        for user in ("worker", "producer", "creator", "nobody"):
            add_user(cluster, user, PASSWORD)
        yield cluster


@pytest.fixture
def prefix(kafka: KafkaCluster) -> str:
    """Topics and a group of the test's own, with the rights on them."""
    prefix = f"t{uuid.uuid4().hex[:10]}."
    for user in ("worker", "producer", "creator"):
        allow(kafka, user, rights(user, prefix))
    return prefix


class Secured:
    """Settings for each user and protocol."""

    def __init__(self, kafka: KafkaCluster, authority: Authority, directory: Path, prefix: str) -> None:
        self._kafka = kafka
        self._authority = authority
        self._directory = directory
        self._prefix = prefix

    def settings(self, protocol: str, user: str = "worker", **changed: Any) -> Settings:
        values: dict[str, Any] = {
            "kafka_bootstrap": self._kafka.secured(protocol),
            "kafka_security_protocol": protocol,
            "topic_prefix": self._prefix,
            "group": f"{self._prefix}group",
            "namespace": self._prefix.rstrip("."),
            "partitions": PARTITIONS,
            "metrics_port": -1,
            "clock": "event",
        }
        if protocol.endswith("SSL"):
            values["kafka_ssl_ca_file"] = str(self._authority.ca_file)
        if protocol == "SSL":
            identity = self._authority.client(self._directory, user)
            values |= {"kafka_ssl_cert_file": str(identity.cert), "kafka_ssl_key_file": str(identity.key)}
        else:
            values |= {
                "kafka_sasl_mechanism": "SCRAM-SHA-512",
                "kafka_sasl_username": user,
                "kafka_sasl_password": PASSWORD,
            }
        return Settings(**{**values, **changed})


@pytest.fixture
def secured(kafka: KafkaCluster, authority: Authority, tmp_path: Path, prefix: str) -> Secured:
    return Secured(kafka, authority, tmp_path, prefix)


def produce(settings: Settings) -> int:
    """Publish the log as the shop would; return the number of records that the broker took."""
    producer = Producer({**settings.librdkafka(), "enable.idempotence": True})
    topics = dict(zip(KERNEL_TYPES, settings.event_topics, strict=True))
    refused: list[KafkaError] = []

    def delivered(error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            refused.append(error)

    for owner, item in LOG.entries:
        record = item if isinstance(item, Record) else record_of(owner, item)
        event_type = EventType(owner) if isinstance(item, Record) else type_of(item)
        partition = 0 if record.key is None else partition_of(record.key.decode(), PARTITIONS)
        producer.produce(topics[event_type], record.value, record.key, partition, on_delivery=delivered)
    assert producer.flush(30.0) == 0
    assert refused == []
    return len(LOG.entries)


@pytest.mark.parametrize("protocol", ["SASL_SSL", "SSL"])
def test_a_worker_does_all_its_work_with_the_rights_that_are_documented(
    secured: Secured, redis_server: EmbeddedRedis, tmp_path: Path, protocol: str
) -> None:
    creator = secured.settings(protocol, "creator")
    assert {*create_topics(creator)} == {*creator.topics}
    count = produce(secured.settings(protocol, "producer"))
    settings = secured.settings(protocol, redis_url=redis_server.url, snapshot_ms=100)
    findings = [*topic_findings(settings, cluster_metadata(settings))]
    assert [finding for finding in findings if finding.level is FindingLevel.FAIL] == []
    log = tmp_path / "worker.log"
    with log.open("wb") as out:
        worker = subprocess.Popen(
            [sys.executable, "-m", "stream", "worker"], cwd=ROOT, env=env(settings), stdout=out, stderr=out
        )
    try:
        wait_for_work(settings, count, worker, log)
        worker.terminate()
        assert worker.wait(30) == 0, log.read_text()
    finally:
        worker.kill()
        worker.wait(10)
    assert PASSWORD not in log.read_text()
    assert not re.search(r"customer-\d", log.read_text()), "a log tells of a customer"


def wait_for_work(settings: Settings, count: int, worker: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until all records are counted, their results published, and the trainer has learned from the topic."""
    until = time.monotonic() + 90.0
    with Overview(settings) as overview:
        while True:
            totals = overview.totals()
            if totals.counters.events_in >= count and not totals.outbox and overview.trainer().offset > 0:
                return
            assert worker.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < until, (totals, log.read_text()[-3000:])
            time.sleep(0.05)


def env(settings: Settings) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("STREAM_")}
    return {**own, **settings.to_env()}


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL", "SSL"])
def test_every_client_library_is_let_in_with_the_same_settings(
    kafka: KafkaCluster, secured: Secured, protocol: str
) -> None:
    settings = secured.settings(protocol)
    name = settings.training_examples
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(10.0)
    asyncio.run(_publish(settings, name))
    assert asyncio.run(_first(settings, name)) == b"hello"
    check_brokers(settings)
    assert name in cluster_metadata(settings).topics


async def _publish(settings: Settings, topic_name: str) -> None:
    publisher = Publisher(settings)
    try:
        await publisher.publish([Outgoing(topic_name, b"k", b"hello", [])])
    finally:
        await publisher.close()


async def _first(settings: Settings, topic_name: str) -> bytes | None:
    consumer = AIOKafkaConsumer(
        topic_name,
        bootstrap_servers=settings.kafka_bootstrap,
        group_id=settings.group,
        auto_offset_reset="earliest",
        **credentials_to_aiokafka_auth(broker_credentials(settings)),
    )
    async with asyncio.timeout(30):
        await consumer.start()
        try:
            value: bytes | None = (await consumer.getone()).value
            return value
        finally:
            await consumer.stop()


def test_a_worker_may_not_write_events_and_a_producer_may_not_read_or_write_anything_else(
    secured: Secured,
) -> None:
    worker, producer = secured.settings("SASL_SSL"), secured.settings("SASL_SSL", "producer")
    create_topics(secured.settings("SASL_SSL", "creator"))
    for settings, name in ((worker, worker.events_click), (producer, producer.alerts)):
        with pytest.raises(PublishError):
            asyncio.run(_publish(settings, name))


WRONG = {
    "another authority": ({"kafka_ssl_ca_file": "OTHER"}, "certificate verify failed"),
    "another host name": ({"kafka_bootstrap": "HOST"}, "certificate verify failed"),
    "a wrong password": ({"kafka_sasl_password": PASSWORD + "-not"}, "SASL authentication error"),
}


@pytest.mark.parametrize("case", WRONG)
def test_brokers_that_cannot_be_trusted_or_refuse_the_user_are_told_in_one_line(
    kafka: KafkaCluster, secured: Secured, tmp_path: Path, case: str
) -> None:
    changed, expected = WRONG[case]
    values = {
        "OTHER": str(Authority(tmp_path / "other").ca_file),
        "HOST": kafka.secured("SASL_SSL").replace("localhost", "127.0.0.1"),
    }
    settings = secured.settings("SASL_SSL", **{name: values.get(value, value) for name, value in changed.items()})
    for ask in (check_brokers, cluster_metadata):
        with pytest.raises(TopologyError) as refusal:
            ask(settings)
        (line,) = str(refusal.value).splitlines()
        assert expected in line
        assert PASSWORD not in line


def test_a_worker_that_kafka_refuses_ends_with_one_line_and_status_1(
    secured: Secured, redis_server: EmbeddedRedis
) -> None:
    settings = secured.settings("SASL_SSL", redis_url=redis_server.url, kafka_sasl_password="wrong")
    outcome = subprocess.run(
        [sys.executable, "-m", "stream", "worker"],
        cwd=ROOT,
        env=env(settings),
        capture_output=True,
        text=True,
        timeout=120.0,
        check=False,
    )
    assert outcome.returncode == 1
    said = outcome.stdout + outcome.stderr
    (line,) = [line for line in said.splitlines() if line.startswith("stream: ")]
    assert line.startswith("stream: Kafka at localhost:")
    assert "SASL authentication error" in line
    assert "Traceback" not in said
