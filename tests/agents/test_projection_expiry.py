"""States that expire, on a real Redis."""

import asyncio

from stream.local.redis import EmbeddedRedis
from stream.processing.state import PartitionState
from stream.settings import Settings
from stream.storage.connection import connect
from stream.storage.keys import Keys, ProjectionKeys
from stream.storage.projection_store import ProjectionStore


def test_each_write_sets_the_time_at_which_a_state_expires(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def act() -> None:
        client = connect(Settings(redis_url=redis_server.url, namespace=namespace))
        keys = ProjectionKeys(namespace, "kept", 1, 0)
        store = ProjectionStore(client, Keys(namespace), "kept", 1, 0, "w", keep_s=1000)
        await store.claim()
        await store.commit(PartitionState(), {"a": b"{}", "b": b"{}"}, [], [], 0, {}, [])
        assert 990 < await client.ttl(keys.customer(0, "a")) <= 1000
        await client.expire(keys.customer(0, "a"), 10)
        await store.commit(PartitionState(), {"a": b"[]"}, ["b"], [], 0, {}, [])
        assert 990 < await client.ttl(keys.customer(0, "a")) <= 1000
        assert await store.states(["a", "b"]) == [b"[]", b""]
        # the state of the partition stays
        meta = [key async for key in client.scan_iter(f"{keys.prefix(0)}*") if await client.ttl(key) == -1]
        assert meta
        await client.aclose()

    asyncio.run(act())
