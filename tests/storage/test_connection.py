"""Commands with very many arguments are packed as redis-py packs them, and sent in pieces."""

from itertools import pairwise
from random import Random

import pytest
import redis.asyncio
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import AuthenticationError, BusyLoadingError, NoPermissionError, RedisClusterException
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from stream.local.redis import EmbeddedRedis
from stream.settings import Settings
from stream.storage.connection import Client, connect, explained
from stream.storage.redis_connections import PIECE_BYTES, pieces_of
from tests.storage.redis_client import with_redis

arguments = st.lists(st.binary(max_size=20) | st.text(max_size=20) | st.integers(), min_size=60, max_size=70)


@given(arguments)
def test_a_long_command_is_packed_as_redis_py_packs_it(rest: list[bytes | str | int]) -> None:
    ours = connect(Settings()).connection_pool.connection_class()
    expected = b"".join(redis.asyncio.Connection().pack_command("EVALSHA", *rest))
    assert b"".join(ours.pack_command("EVALSHA", *rest)) == expected


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://localhost:1/0", redis.asyncio.Connection),
        ("rediss://localhost:1/0", redis.asyncio.SSLConnection),
    ],
)
def test_every_kind_of_connection_packs_so(url: str, kind: type[redis.asyncio.Connection]) -> None:
    pool = connect(Settings(redis_url=url)).connection_pool
    assert issubclass(pool.connection_class, kind)
    assert pool.connection_class is not kind


@pytest.mark.parametrize("size", [1, 900, 70_000, 3_000_000])
def test_a_command_that_is_sent_in_pieces_arrives_whole(redis_server: EmbeddedRedis, namespace: str, size: int) -> None:
    texts = {f"{namespace}:{k}".encode(): Random(k).randbytes(size) for k in range(40)}

    async def use(client: Client) -> None:
        await client.mset(texts)
        assert await client.mget([*texts]) == [*texts.values()]

    with_redis(redis_server.url, use)


@given(st.lists(st.binary(max_size=200_000), max_size=8))
def test_pieces_are_what_was_packed_and_no_small_ones_follow_each_other(parts: list[bytes]) -> None:
    pieces = [*pieces_of(parts)]
    assert b"".join(pieces) == b"".join(parts)
    assert all(len(one) + len(two) > PIECE_BYTES for one, two in pairwise(pieces))


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (RedisConnectionError("Error 111 connecting to 127.0.0.1:1. Connection refused."), "that the server runs"),
        (RedisTimeoutError("Timeout reading from 127.0.0.1:1"), "that the server runs"),
        (RedisClusterException("Redis Cluster cannot be connected."), "redis_cluster"),
        (AuthenticationError("invalid username-password pair"), "user and password in redis_url"),
        (BusyLoadingError("Redis is loading the dataset in memory"), ""),
        (NoPermissionError("this user has no permissions"), ""),
    ],
)
def test_an_error_says_what_to_check_where_something_is_to_be_checked(error: Exception, advice: str) -> None:
    told = explained(error)
    assert ("check" in told) == bool(advice)
    assert told.endswith(advice)
    assert ".:" not in told
