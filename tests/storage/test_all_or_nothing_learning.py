"""The trainer's writes are whole or absent."""

import pytest

from stream.errors import StorageError, SystematicError, TopologyError
from stream.features.codec import LAYOUT
from stream.local.redis import EmbeddedRedis
from stream.storage.connection import Client
from stream.storage.keys import Keys
from stream.storage.layout import agree_on_layout
from stream.storage.model_store import Checkpoint, ModelStore
from tests.storage.redis_client import with_redis
from tests.storage.rights import without


@pytest.mark.parametrize("command", ["hset", "sadd", "srem", "expire"])
def test_the_trainer_keeps_no_id_of_an_example_that_it_could_not_learn(
    redis_server: EmbeddedRedis, namespace: str, command: str
) -> None:
    async def use(client: Client) -> None:
        store, keys = ModelStore(client, Keys(namespace), "trainer"), Keys(namespace)
        await store.claim()

        async def refused(limited: Client) -> None:
            crippled = ModelStore(limited, keys, "trainer")
            crippled._token = store._token
            with pytest.raises(StorageError, match="may not have been written"):
                await crippled.save(Checkpoint(b"learner", 5), {7: ["a"], 8: ["b"]}, None)

        await without(client, redis_server.url, command, refused)
        assert await store.unlearned({7: ["a"], 8: ["b"]}) == {"a", "b"}
        assert not await client.exists(keys.learned(7), keys.learned(8))

    with_redis(redis_server.url, use)


def test_a_set_of_learned_ids_of_another_type_ends_the_trainer_before_it_writes(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def use(client: Client) -> None:
        store, keys = ModelStore(client, Keys(namespace), "trainer"), Keys(namespace)
        await store.claim()
        await client.set(keys.learned(8), b"overwritten")
        with pytest.raises(SystematicError, match="WRONGTYPE"):
            await store.save(Checkpoint(b"learner", 5), {7: ["a"], 8: ["b"]}, None)
        assert not await client.exists(keys.learned(7))
        assert await client.hget(keys.checkpoint(), "learner") is None

    with_redis(redis_server.url, use)


@pytest.mark.parametrize("name", ["layout", "profile_layout"])
def test_an_invalid_number_says_what_to_do(redis_server: EmbeddedRedis, namespace: str, name: str) -> None:
    async def use(client: Client) -> None:
        keys = Keys(namespace)
        await agree_on_layout(client, keys, 4)
        await client.set(getattr(keys, name)(), b"four")
        with pytest.raises(TopologyError, match=r"holds b'four', not a number"):
            await agree_on_layout(client, keys, 4)
        await client.set(keys.layout(), 4)
        await client.set(keys.profile_layout(), LAYOUT)
        await agree_on_layout(client, keys, 4)

    with_redis(redis_server.url, use)
