"""The times of all partitions are read from what is stored, whoever owns them, and whatever became of some."""

import pytest

from stream.errors import StorageError
from stream.local.redis import EmbeddedRedis
from stream.processing.state import PartitionState
from stream.storage.connection import Client
from stream.storage.keys import Keys
from stream.storage.partition_store import Commit, PartitionStore
from stream.storage.stream_times import read_stream_times
from tests.storage.redis_client import with_redis
from tests.storage.rights import without


async def write(client: Client, keys: Keys, partition: int, at_ms: int | None) -> None:
    store = PartitionStore(client, keys, partition, "worker", ttl_s=1000)
    await store.claim()
    await store.commit(Commit(PartitionState(stream_time_ms=at_ms)), 0)


def test_times_are_those_of_all_partitions_that_had_an_event(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def use(client: Client) -> None:
        keys = Keys(namespace)
        assert await read_stream_times(client, keys, 4) == []
        await PartitionStore(client, keys, 0, "worker", ttl_s=1000).claim()
        await write(client, keys, 1, None)
        await write(client, keys, 3, 7_000)
        await write(client, keys, 2, 9_000)
        assert await read_stream_times(client, keys, 4) == [9_000, 7_000]

    with_redis(redis_server.url, use)


def test_a_damaged_state_is_reported_and_hides_no_other(
    redis_server: EmbeddedRedis, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def use(client: Client) -> None:
        keys = Keys(namespace)
        await client.set(keys.meta(0), "no hash")
        await client.hset(keys.meta(1), "state", "{no state")
        await write(client, keys, 2, 9_000)
        assert await read_stream_times(client, keys, 3) == [9_000]

    with_redis(redis_server.url, use)
    assert [record.getMessage().partition(" cannot")[0] for record in caplog.records] == [
        "the state of partition 0",
        "the state of partition 1",
    ]


def test_without_the_right_to_read_nothing_is_known(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def use(client: Client) -> None:
        async def read(limited: Client) -> None:
            with pytest.raises(StorageError, match="hget"):
                await read_stream_times(limited, Keys(namespace), 2)

        await write(client, Keys(namespace), 1, 9_000)
        await without(client, redis_server.url, "hget", read)

    with_redis(redis_server.url, use)


def test_a_redis_that_is_away_says_so(namespace: str) -> None:
    async def use(client: Client) -> None:
        with pytest.raises(StorageError, match="the times of all partitions cannot be read"):
            await read_stream_times(client, Keys(namespace), 2)

    with_redis("redis://127.0.0.1:1", use)
