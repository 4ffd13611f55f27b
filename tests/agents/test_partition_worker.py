"""One partition between log, Redis and outbox: its stored state is the same, whichever of them dies."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest

from stream.agents.partition_worker import PartitionWorker
from stream.agents.publisher import Publisher
from stream.errors import StorageError
from stream.local.broker import EmbeddedBroker
from stream.local.redis import EmbeddedRedis
from stream.processing.outgoing import Topics
from stream.processing.state import Outgoing
from stream.settings import Settings
from stream.storage.partition_store import PartitionStore
from tests.agents.playing import CUSTOMERS, LOG, RULES, play
from tests.agents.rig import PARTITION, TOPICS, ChokingPartition, Rig, until
from tests.agents.topics import at_least, create, read
from tests.processing.frozen import SILENCE, scorer_of
from tests.processing.station import Station

POINTS = ("polled", "computed", "script sent", "script done", "acked")


def in_order(records: list[Outgoing]) -> dict[tuple[str, bytes | None], list[bytes | None]]:
    """Values by topic and key, each at its first appearance; dead letters are sorted because their time differs."""
    found: dict[tuple[str, bytes | None], list[bytes | None]] = {}
    for record in records:
        values = found.setdefault((record.topic, record.key), [])
        if record.value not in values:
            values.append(record.value)
    return found


@pytest.fixture(scope="module")
def expected() -> Station:
    """The result of the log in a partition without storage, crashes or batches."""
    station = Station(LOG, RULES, scorer_of(SILENCE))
    station.finish()
    assert station.counters.alerts_raised > 5
    assert station.counters.dead_letters > 5
    return station


async def assert_as_expected(rig: Rig, worker: PartitionWorker, expected: Station) -> None:
    assert await rig.documents() == expected.documents
    assert await rig.timers() == expected.timers
    assert await rig.expiring() == expected.documents.keys() - expected.timers.keys()
    assert worker.partition.state.counters == expected.counters
    assert worker.partition.state.stream_time_ms == expected.stream_time_ms
    assert in_order(rig.broker.published) == in_order(expected.outgoing)
    assert await rig.client.llen(rig.keys.outbox(PARTITION)) == 0


def test_a_worker_stores_and_publishes_the_results_of_the_log(
    redis_server: EmbeddedRedis, namespace: str, expected: Station
) -> None:
    async def scenario(rig: Rig) -> None:
        worker, running = await rig.start()
        await until(lambda: rig.is_done(worker), "everything is stored")
        await assert_as_expected(rig, worker, expected)
        assert len(rig.broker.published) == len(expected.outgoing)
        assert rig.transport.acked == [len(log) for log in rig.transport.logs]
        assert rig.transport.rewinds == []
        worker.stop()
        await running

    play(redis_server, namespace, scenario)


@pytest.mark.parametrize("point", POINTS)
def test_after_a_crash_at_any_point_another_worker_resumes_without_loss_or_repeat(
    redis_server: EmbeddedRedis, namespace: str, expected: Station, point: str
) -> None:
    async def scenario(rig: Rig) -> None:
        crashes = 0
        for fatal in (1, 2, 3, 5):
            reached = 0

            def probe(at: str, fatal: int = fatal) -> None:
                nonlocal reached
                reached += at == point
                if reached == fatal:
                    raise SystemError("killed")

            _, running = await rig.start(probe)
            with pytest.raises(SystemError, match="killed"):
                await running
            crashes += 1
            stored = await rig.stored_offsets()
            assert all(acked <= offset for acked, offset in zip(rig.transport.acked_to, stored, strict=True))
        worker, _ = await rig.start()
        await until(lambda: rig.is_done(worker), "everything is stored")
        assert crashes == 4
        await assert_as_expected(rig, worker, expected)

    play(redis_server, namespace, scenario)


@pytest.mark.parametrize("point", POINTS)
def test_when_the_store_fails_at_any_point_the_worker_returns_to_the_stored_state(
    redis_server: EmbeddedRedis, namespace: str, expected: Station, point: str
) -> None:
    async def scenario(rig: Rig) -> None:
        reached = 0

        def probe(at: str) -> None:
            nonlocal reached
            reached += at == point
            if at == point and reached in {1, 3, 4, 8}:
                raise StorageError("made up")

        worker, _ = await rig.start(probe)
        await until(lambda: rig.is_done(worker), "everything is stored")
        assert len(rig.transport.rewinds) == 4
        await assert_as_expected(rig, worker, expected)

    play(redis_server, namespace, scenario)


def test_a_rolled_back_redis_is_filled_again_from_the_log(
    redis_server: EmbeddedRedis, namespace: str, expected: Station
) -> None:
    async def scenario(rig: Rig) -> None:
        pattern = f"{rig.keys.namespace}:*"
        first, running = await rig.start()
        await until(lambda: first.steps >= 4, "some steps")
        first.stop()
        await running
        backup = {key: await rig.client.dump(key) async for key in rig.client.scan_iter(pattern)}
        worker, _ = await rig.start()
        await until(lambda: rig.is_done(worker), "everything is stored")
        async with rig.client.pipeline(transaction=True) as rollback:
            rollback.delete(*[key async for key in rig.client.scan_iter(pattern)])
            for key, dumped in backup.items():
                rollback.restore(key, 0, dumped)
            await rollback.execute()
        await until(lambda: len(rig.transport.rewinds) == 1, "an idle worker notices")
        await until(lambda: rig.is_done(worker), "everything is stored again")
        await assert_as_expected(rig, worker, expected)

    play(redis_server, namespace, scenario)


def test_a_worker_that_was_replaced_waits_and_writes_nothing(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(rig: Rig) -> None:
        worker, running = await rig.start()
        await until(lambda: worker.steps >= 2, "some steps")
        other = PartitionStore(rig.client, rig.keys, PARTITION, "other", ttl_s=60)
        await other.claim()
        stored = await rig.client.hgetall(rig.keys.meta(PARTITION))
        began = asyncio.get_running_loop().time()
        await until(lambda: not worker.outbox.depth, "the worker has published what it stored")
        while asyncio.get_running_loop().time() - began < 1.5:
            assert await rig.client.hgetall(rig.keys.meta(PARTITION)) == stored
            await asyncio.sleep(0.02)
        worker.stop()
        async with asyncio.timeout(20):  # less than the wait of a worker that was replaced
            await running
        assert await rig.client.hgetall(rig.keys.meta(PARTITION)) == stored

    play(redis_server, namespace, scenario, fenced_wait_s=60.0)


def test_a_worker_that_was_replaced_but_not_revoked_takes_the_partition_back(
    redis_server: EmbeddedRedis, namespace: str, expected: Station
) -> None:
    async def scenario(rig: Rig) -> None:
        worker, _ = await rig.start()
        await until(lambda: worker.steps >= 2, "some steps")
        await PartitionStore(rig.client, rig.keys, PARTITION, "other", ttl_s=60).claim()
        await until(lambda: rig.is_done(worker), "everything is stored")
        assert len(rig.transport.rewinds) == 1
        await assert_as_expected(rig, worker, expected)

    play(redis_server, namespace, scenario, fenced_wait_s=0.2)


def test_events_wait_while_the_broker_is_unreachable(
    redis_server: EmbeddedRedis, namespace: str, expected: Station
) -> None:
    async def scenario(rig: Rig) -> None:
        rig.broker.open.clear()
        worker, _ = await rig.start()
        await until(lambda: worker.outbox.depth >= 30, "the outbox is full")
        steps = worker.steps
        for _ in range(50):
            await asyncio.sleep(0.002)
        assert worker.steps == steps
        assert worker.partition.state.counters.events_in < expected.counters.events_in
        assert rig.transport.max_held > 0
        rig.broker.open.set()
        await until(lambda: rig.is_done(worker), "everything is stored")
        await assert_as_expected(rig, worker, expected)

    play(redis_server, namespace, scenario, outbox_limit=30)


def test_a_worker_whose_outbox_is_full_can_be_stopped(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(rig: Rig) -> None:
        rig.broker.open.clear()
        worker, running = await rig.start()
        await until(lambda: worker.outbox.depth >= 30, "the outbox is full")
        worker.stop()
        async with asyncio.timeout(20):  # the outbox stays full for ever
            await running

    play(redis_server, namespace, scenario, outbox_limit=30)


class BrokenPublisher:
    """A publisher with a bug."""

    async def publish(self, _: Sequence[Outgoing]) -> None:
        raise TypeError("no code expected this")


def test_a_bug_in_publishing_ends_the_worker(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(rig: Rig) -> None:
        rig.publisher = cast("Publisher", BrokenPublisher())
        _, running = await rig.start()
        async with asyncio.timeout(20):
            with pytest.raises(TypeError, match="no code expected this"):
                await running

    play(redis_server, namespace, scenario)


def test_an_event_that_breaks_a_step_becomes_a_dead_letter(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(rig: Rig) -> None:
        ordinary = rig.partition()
        choking = ChokingPartition(PARTITION, RULES, ordinary._kernel, Topics(), TOPICS, 10**9)
        worker, _ = await rig.start(partition=choking)
        await until(lambda: rig.is_done(worker), "everything is stored")
        documents = await rig.documents()
        assert set(documents) == set(CUSTOMERS) - {"customer-3"}
        failed = [
            dict(record.headers)
            for record in rig.broker.published
            if record.topic == "dead-letters" and record.key == b"customer-3"
        ]
        sent = sum(record.key == b"customer-3" for log in rig.transport.logs for record in log)
        assert len(failed) == sent > 10
        assert {headers["dlq.reason"] for headers in failed} == {b"processing_failed"}
        assert {headers["dlq.detail"] for headers in failed} == {b"ZeroDivisionError: customer-3"}
        counters = worker.partition.state.counters
        assert counters.events_in == counters.applied + counters.duplicates + counters.dead_letters

    play(redis_server, namespace, scenario)


def test_published_records_reach_a_real_broker_once_and_in_order(
    redis_server: EmbeddedRedis, broker: EmbeddedBroker, namespace: str, topic_prefix: str, expected: Station
) -> None:
    names = {
        name: f"{topic_prefix}{name}"
        for name in ("alerts", "segment-changes", "stages", "dead-letters", "training-examples")
    }
    create(broker.bootstrap, [(name, 1) for name in names.values()])

    async def scenario(rig: Rig) -> None:
        rig.topics = Topics(**{name.replace("-", "_"): topic for name, topic in names.items()})
        rig.publisher = Publisher(replace(Settings(), kafka_bootstrap=broker.bootstrap))
        try:
            worker, running = await rig.start()
            await until(lambda: rig.is_done(worker), "everything is published")
            worker.stop()
            await running
        finally:
            await rig.publisher.close()

    play(redis_server, namespace, scenario)
    found = {}
    for name, topic in names.items():
        values = [record.value or b"" for record in expected.outgoing if record.topic == name]
        messages = read(broker.bootstrap, topic, 1, at_least(len(values)))
        found[name] = [message.value() or b"" for message in messages]
        assert sorted(found[name]) == sorted(values)
    for customer in CUSTOMERS:
        wanted = [r.value for r in expected.outgoing if r.topic == "alerts" and r.key == customer.encode()]
        assert [value for value in found["alerts"] if value in wanted] == wanted
