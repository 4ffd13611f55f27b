"""The broker with clients of all kinds, and with connections that send no requests."""

import asyncio
import resource
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.structs import TopicPartition  # type: ignore[import-untyped]
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.local.durable_broker import DurableBroker
from stream.local.server_process import HOST


@pytest.fixture(scope="module")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DurableBroker]:
    """A broker for all tests of this module."""
    with DurableBroker(tmp_path_factory.mktemp("broker")) as server:
        yield server


def _create(broker: DurableBroker, name: str, partitions: int = 1) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    for made in admin.create_topics([NewTopic(name, partitions, 1)]).values():
        made.result(10)


def test_aiokafka_writes_reads_and_shares_a_group(durable: DurableBroker) -> None:
    _create(durable, "aio", 2)

    async def main() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=durable.bootstrap, enable_idempotence=True)
        await producer.start()
        for number in range(50):
            await producer.send_and_wait("aio", str(number).encode(), partition=number % 2)
        await producer.stop()
        consumers = [
            AIOKafkaConsumer("aio", bootstrap_servers=durable.bootstrap, group_id="aio", auto_offset_reset="earliest")
            for _ in range(2)
        ]
        for consumer in consumers:
            await consumer.start()
        values: list[int] = []
        while len(values) < 50 or any(len(consumer.assignment()) != 1 for consumer in consumers):
            for consumer in consumers:
                found = await consumer.getmany(timeout_ms=200)
                values += [int(record.value) for records in found.values() for record in records]
        assert {*values} == {*range(50)}
        await consumers[0].commit()
        (own,) = consumers[0].assignment()
        assert await consumers[0].committed(TopicPartition("aio", own.partition)) == 25
        for consumer in consumers:
            await consumer.stop()

    asyncio.run(asyncio.wait_for(main(), 60))


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_batches_are_kept_as_they_were_compressed(durable: DurableBroker, codec: str) -> None:
    _create(durable, codec)
    producer = Producer({"bootstrap.servers": durable.bootstrap, "compression.type": codec, "linger.ms": 50})
    for number in range(100):
        producer.produce(codec, value=b"%d " % number * 50)
    assert producer.flush(20) == 0
    consumer = Consumer({"bootstrap.servers": durable.bootstrap, "group.id": codec, "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe([codec])
        found: list[bytes | None] = []
        while len(found) < 100:
            found += [message.value() for message in consumer.consume(100 - len(found), 10)]
        assert found == [b"%d " % number * 50 for number in range(100)]
    finally:
        consumer.close()


@given(st.binary(max_size=200))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_invalid_request_closes_its_own_connection_only(durable: DurableBroker, raw: bytes) -> None:
    with socket.create_connection((HOST, durable.port), 5.0) as connection:
        connection.sendall(struct.pack(">i", len(raw)) + raw)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    assert durable.running
    assert durable.answers(5.0)


def test_an_absurd_length_is_refused_at_once(durable: DurableBroker) -> None:
    with socket.create_connection((HOST, durable.port), 5.0) as connection:
        connection.sendall(struct.pack(">i", 2**31 - 1))
        assert connection.recv(1) == b""
    assert durable.answers(5.0)


def test_a_client_that_asks_for_versions_in_a_newer_way_is_told_the_old_ones(durable: DurableBroker) -> None:
    """KIP-511; clients that cannot read this answer fail with "Read underflow"."""
    request = struct.pack(">hhih", 18, 4, 77, -1) + b"\x00\x01\x01\x00"
    with socket.create_connection((HOST, durable.port), 5.0) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        (length,) = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))
        answer = connection.recv(length, socket.MSG_WAITALL)
    correlation, code, count = struct.unpack_from(">ihi", answer)
    assert (correlation, code) == (77, 35)
    offered = {key: (first, last) for key, first, last in struct.iter_unpack(">hhh", answer[10:])}
    assert len(offered) == count
    assert offered[18] == (0, 2)


@pytest.mark.timeout(120)
def test_a_full_disk_confirms_nothing_and_loses_nothing(tmp_path: Path) -> None:
    with DurableBroker(tmp_path) as broker:
        _create(broker, "t")
        options = {"bootstrap.servers": broker.bootstrap, "enable.idempotence": True, "log_level": 0}
        producer = Producer({**options, "retry.backoff.ms": 100, "linger.ms": 0})
        producer.produce("t", value=b"before")
        assert producer.flush(10) == 0
        unlimited = resource.prlimit(broker.pid, resource.RLIMIT_FSIZE)
        size = max(path.stat().st_size for path in tmp_path.glob("log.sqlite*"))
        resource.prlimit(broker.pid, resource.RLIMIT_FSIZE, (size, unlimited[1]))
        for number in range(20):
            producer.produce("t", value=b"%d" % number + b" " * 10_000)
        assert producer.flush(2) > 0
        resource.prlimit(broker.pid, resource.RLIMIT_FSIZE, unlimited)
        assert producer.flush(60) == 0
        broker.kill()
        broker.start()
        consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "g", "auto.offset.reset": "earliest"})
        consumer.subscribe(["t"])
        found: list[bytes] = []
        while len(found) < 21:
            found += [(message.value() or b"").strip() for message in consumer.consume(21 - len(found), 10)]
        consumer.close()
        assert found == [b"before", *(b"%d" % number for number in range(20))]
