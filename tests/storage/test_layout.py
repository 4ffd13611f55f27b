"""The number of partitions is stored once, and another one is refused."""

import pytest

from stream.errors import StorageError, TopologyError
from stream.features.codec import LAYOUT, LAYOUT_BEFORE
from stream.local.redis import EmbeddedRedis
from stream.storage.connection import Client
from stream.storage.keys import Keys
from stream.storage.layout import agree_on_layout
from tests.storage.redis_client import with_redis


def test_the_first_worker_notes_the_number_and_later_ones_agree(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def use(client: Client) -> None:
        assert [await agree_on_layout(client, Keys(namespace), 8) for _ in range(2)] == [LAYOUT, LAYOUT]

    with_redis(redis_server.url, use)


def test_another_number_is_refused_with_both(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def use(client: Client) -> None:
        await agree_on_layout(client, Keys(namespace), 8)
        with pytest.raises(TopologyError, match=r"made for 8 partitions, the setting partitions is 12: set it to 8"):
            await agree_on_layout(client, Keys(namespace), 12)
        await agree_on_layout(client, Keys(f"{namespace}-other"), 12)

    with_redis(redis_server.url, use)


def test_a_redis_that_is_away_is_no_other_layout(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def use(client: Client) -> None:
        with pytest.raises(StorageError, match="cannot be compared"):
            await agree_on_layout(client, Keys(namespace), 8)

    address, _, database = redis_server.url.rpartition("/")
    with_redis(f"{address.rpartition(':')[0]}:1/{database}", use)


def test_what_the_release_before_cannot_read_waits_for_the_end_of_the_upgrade(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def use(client: Client) -> None:
        keys = Keys(namespace)
        await client.set(keys.profile_layout(), LAYOUT_BEFORE)
        assert await agree_on_layout(client, keys, 8) == LAYOUT_BEFORE
        with pytest.raises(TopologyError, match="finish the upgrade first"):
            await agree_on_layout(client, keys, 8, writes_editions=True)
        await client.set(keys.profile_layout(), LAYOUT)
        assert await agree_on_layout(client, keys, 8, writes_editions=True) == LAYOUT

    with_redis(redis_server.url, use)
