"""One trainer writes checkpoint, offset, ids and snapshot together; scorers read the snapshot."""

import asyncio

import pytest

from stream.errors import FencedError, StorageError
from stream.local.redis import EmbeddedRedis
from stream.settings import Settings
from stream.storage.connection import Client, connect
from stream.storage.keys import Keys
from stream.storage.model_store import Candidate, Checkpoint, ModelStore, Publication
from tests.storage.redis_client import with_redis


def store_of(client: Client, namespace: str, worker: str = "trainer-a") -> ModelStore:
    return ModelStore(client, Keys(namespace), worker)


def published(snapshot: bytes) -> Publication:
    return Publication(champion="only", candidates={"only": Candidate(1, snapshot)}, report=b"report", at_ms=0)


def test_before_the_first_example_there_is_nothing(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def use(client: Client) -> None:
        store = store_of(client, namespace)
        assert await store.claim() == Checkpoint(None, 0)
        assert await store.snapshot() is None
        assert await store.unlearned({1: ["a"], 2: ["b", "c"]}) == {"a", "b", "c"}
        assert await store.unlearned({}) == set()

    with_redis(redis_server.url, use)


def test_what_was_saved_is_found_by_the_next_trainer(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def use(client: Client) -> None:
        first = store_of(client, namespace)
        await first.claim()
        await first.save(Checkpoint(b"\x00state", 42), {7: ["a", "b"], 8: ["c"]}, published(b"snapshot 1"))
        await first.save(Checkpoint(b"state 2", 50), {8: ["d"]}, None)
        second = store_of(client, namespace, "trainer-b")
        assert await second.claim() == Checkpoint(b"state 2", 50)
        assert await second.snapshot() == b"snapshot 1"
        assert await second.unlearned({7: ["a", "x", "b"], 8: ["c", "d", "y"], 9: ["a"]}) == {"x", "y", "a"}

    with_redis(redis_server.url, use)


def test_a_trainer_that_was_replaced_can_write_nothing(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def use(client: Client) -> None:
        zombie, owner = store_of(client, namespace, "zombie"), store_of(client, namespace, "owner")
        await zombie.claim()
        await owner.claim()
        await owner.save(Checkpoint(b"good", 5), {}, published(b"good"))
        with pytest.raises(FencedError, match="another trainer took over") as refused:
            await zombie.save(Checkpoint(b"bad", 9), {1: ["a"]}, published(b"bad"))
        assert refused.value.superseded
        assert await owner.snapshot() == b"good"
        assert await owner.unlearned({1: ["a"]}) == {"a"}
        assert await owner.claim() == Checkpoint(b"good", 5)

    with_redis(redis_server.url, use)


def test_after_a_rollback_of_redis_the_trainer_is_not_superseded(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def use(client: Client) -> None:
        store, key = store_of(client, namespace), Keys(namespace).checkpoint()
        await store.claim()
        await store.save(Checkpoint(b"older", 5), {}, None)
        backup = await client.hgetall(key)
        await store.save(Checkpoint(b"newer", 9), {}, None)
        await client.delete(key)
        await client.hset(key, mapping=backup)
        with pytest.raises(FencedError) as refused:
            await store.save(Checkpoint(b"newest", 12), {}, None)
        assert not refused.value.superseded
        assert await store.claim() == Checkpoint(b"older", 5)

    with_redis(redis_server.url, use)


def test_thousands_of_ids_are_remembered_for_a_while(redis_server: EmbeddedRedis, namespace: str) -> None:
    ids = {week: [f"{week}-{k}" for k in range(4_500)] for week in (1, 2, 3)}

    async def use(client: Client) -> None:
        store = store_of(client, namespace)
        await store.claim()
        await store.save(Checkpoint(b"s", 1), ids, None)
        assert await store.unlearned({week: [*many, f"new-{week}"] for week, many in ids.items()}) == {
            "new-1",
            "new-2",
            "new-3",
        }
        for week in ids:
            assert await client.ttl(Keys(namespace).learned(week)) > 86_400

    with_redis(redis_server.url, use)


def test_without_redis_every_call_says_so() -> None:
    async def use() -> None:
        client = connect(Settings(redis_url="redis://127.0.0.1:1/0"))
        store = store_of(client, "nowhere")
        try:
            with pytest.raises(StorageError, match="cannot be claimed"):
                await store.claim()
            with pytest.raises(StorageError, match="may not have been written"):
                await store.save(Checkpoint(b"", 0), {}, None)
            with pytest.raises(StorageError, match="cannot be read"):
                await store.snapshot()
            with pytest.raises(StorageError, match="cannot be read"):
                await store.unlearned({1: ["a"]})
        finally:
            await client.aclose()

    asyncio.run(use())
