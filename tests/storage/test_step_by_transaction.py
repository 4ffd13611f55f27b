"""A transaction writes what the script writes, or nothing at all."""

import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisConnectionError

from stream.errors import FencedError, StorageError, SystematicError
from stream.local.redis import EmbeddedRedis
from stream.processing.state import PartitionState
from stream.storage import step_writes
from stream.storage.connection import Client
from stream.storage.keys import Keys
from stream.storage.partition_store import Commit, PartitionStore
from stream.storage.transaction import Command, Transaction, begun
from tests.storage.redis_client import with_redis
from tests.storage.rights import without
from tests.storage.two_steps import PARTITION, RECORD, SECOND, check_without, everything, store_of
from tests.storage.two_steps import begun as begun_store

#: Commands of `SECOND` as a transaction, as Redis names them in rules.
OF_TRANSACTION = ("exec", "hset", "ltrim", "mset", "rpush", "set", "time", "zadd", "zrangebyscore", "zrem")
#: What a transaction begins with, and the script does not need.
OF_BEGIN = ("lrange", "multi", "watch", "zcard")


@pytest.fixture(autouse=True)
def by_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_writes, "TRANSACTION_FROM", 0)


@pytest.mark.parametrize("command", OF_TRANSACTION)
def test_a_step_without_one_of_its_rights_writes_nothing(
    redis_server: EmbeddedRedis, namespace: str, command: str
) -> None:
    check_without(redis_server, namespace, command)


@pytest.mark.parametrize("command", OF_BEGIN)
def test_who_may_not_begin_a_transaction_writes_by_the_script_and_says_so_once(
    redis_server: EmbeddedRedis, namespace: str, command: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)

    async def use(client: Client) -> None:
        store = await begun_store(client, namespace)

        async def limited(user: Client) -> None:
            other = store_of(user, namespace)
            other._token, other._sequence = store._token, store._sequence
            await other.commit(SECOND, 10)
            await other.commit(SECOND, 10)
            assert await other.documents(["bob"]) == [b"2"]

        await without(client, redis_server.url, command, limited)
        assert (await store.claim()).state == SECOND.state

    with_redis(redis_server.url, use)
    assert [record.message for record in caplog.records if "rights of transactions" in record.message] != []
    assert len(caplog.records) == 1


def interrupted(monkeypatch: pytest.MonkeyPatch, by: Callable[[], Awaitable[None]]) -> list[int]:
    """Do something once between the look and the write of the next transaction; returns how many were begun."""
    count = [0]

    @contextlib.asynccontextmanager
    async def between(client: Client, watched: Sequence[str], looks: Sequence[Command]) -> AsyncIterator[Transaction]:
        async with begun(client, watched, looks) as transaction:
            count[0] += 1
            if count[0] == 1:
                await by()
            yield transaction

    monkeypatch.setattr(step_writes, "begun", between)
    return count


def test_who_is_superseded_between_look_and_write_writes_nothing(
    redis_server: EmbeddedRedis, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(client: Client) -> None:
        store = await begun_store(client, namespace)
        other = store_of(client, namespace)

        async def claim() -> None:
            await other.claim()

        interrupted(monkeypatch, claim)
        before = await everything(client, namespace)
        with pytest.raises(FencedError) as fenced:
            await store.commit(SECOND, 10)
        assert fenced.value.superseded
        meta = Keys(namespace).meta(PARTITION).encode()
        after = await everything(client, namespace)
        assert {**after, meta: b""} == {**before, meta: b""}
        await other.commit(SECOND, 10)

    with_redis(redis_server.url, use)


@pytest.mark.parametrize("key", ["timers", "outbox"])
def test_a_key_that_changes_its_type_between_look_and_write_ends_the_step_before_it_writes(
    redis_server: EmbeddedRedis, namespace: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(client: Client) -> None:
        store, name = await begun_store(client, namespace), getattr(Keys(namespace), key)(PARTITION)

        async def overwrite() -> None:
            await client.set(name, b"overwritten")

        interrupted(monkeypatch, overwrite)
        before = await everything(client, namespace)
        with pytest.raises(SystematicError, match="WRONGTYPE"):
            await store.commit(SECOND, 10)
        assert {**await everything(client, namespace), name.encode(): b""} == {**before, name.encode(): b""}

    with_redis(redis_server.url, use)


def test_a_change_that_leaves_the_token_delays_a_step_only(
    redis_server: EmbeddedRedis, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(client: Client) -> None:
        store = await begun_store(client, namespace)

        async def touch() -> None:
            await client.set(Keys(namespace).writing(PARTITION), b"touched")

        count = interrupted(monkeypatch, touch)
        assert await store.commit(SECOND, 10) == []
        assert count == [2]
        claim = await store.claim()
        assert (claim.state, claim.outbox) == (SECOND.state, (RECORD, RECORD))

    with_redis(redis_server.url, use)


def test_a_connection_lost_between_look_and_write_writes_nothing(
    redis_server: EmbeddedRedis, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(client: Client) -> None:
        store = await begun_store(client, namespace)

        async def kill() -> None:
            for one in await client.client_list():
                if one["multi"] != "-1":
                    await client.client_kill_filter(_id=one["id"])

        interrupted(monkeypatch, kill)
        before = await everything(client, namespace)
        with pytest.raises(StorageError, match="may not have been written"):
            await store.commit(SECOND, 10)
        assert await everything(client, namespace) == before
        store._sequence += 1
        await store.commit(SECOND, 10)

    with_redis(redis_server.url, use)


def test_a_closed_connection_is_not_opened_anew_for_the_writes(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def use(client: Client) -> None:
        key = f"{namespace}:key"
        async with begun(client, [key], []) as transaction:
            await transaction._connection.disconnect()
            with pytest.raises(RedisConnectionError, match="closed in a transaction"):
                await transaction.execute([("SET", key, "1")])
        assert await client.get(key) is None

    with_redis(redis_server.url, use)


def test_a_full_memory_refuses_the_whole_step(namespace: str, tmp_path: Any) -> None:
    async def use(client: Client) -> None:
        store = await begun_store(client, namespace)
        before = await everything(client, namespace)
        await client.config_set("maxmemory", "1")
        with pytest.raises(StorageError, match="maxmemory"):
            await store.commit(SECOND, 10)
        await client.config_set("maxmemory", "0")
        assert await everything(client, namespace) == before

    with EmbeddedRedis(tmp_path) as own:
        with_redis(own.url, use)


_ids = st.sampled_from(["ada", "bob", "eve", "dan"])
_commits = st.builds(
    lambda documents, dues, idle, outbox, at: Commit(
        PartitionState(stream_time_ms=at),
        documents=documents,
        timers={who: due for who, due in dues.items() if who not in idle},
        idle=idle,
        retired=[who for who in documents if who in idle],
        outbox=outbox,
        trim=1 if outbox else 0,
        forgotten=[] if any(who in idle for who in documents) else [who for who in ("dan",) if who not in documents],
    ),
    st.dictionaries(_ids, st.binary(max_size=40)),
    st.dictionaries(_ids, st.integers(0, 20)),
    st.lists(_ids, unique=True, max_size=2),
    st.lists(st.binary(min_size=1, max_size=20), max_size=3),
    st.none() | st.integers(0, 20),
)


@given(commits=st.lists(_commits, min_size=1, max_size=5), due_limit=st.integers(0, 3))
def test_both_ways_store_and_answer_the_same(
    redis_server: EmbeddedRedis, commits: list[Commit], due_limit: int
) -> None:
    async def stored(client: Client, first: int) -> list[Any]:
        await client.flushdb()
        store = PartitionStore(client, Keys("law"), PARTITION, "worker", ttl_s=1000)
        await store.claim()
        store._token = "1:worker:0"
        await client.hset(Keys("law").meta(PARTITION), "token", store._token)
        step_writes.TRANSACTION_FROM = first  # type: ignore[misc]
        answers = [await store.commit(one, due_limit) for one in commits]
        found = {key: (await client.dump(key), await client.ttl(key) > 0) async for key in client.scan_iter("law:*")}
        return [answers, found, await store.claim()]

    async def use(client: Client) -> None:
        by_transaction, by_script = await stored(client, 0), await stored(client, sys.maxsize)
        assert by_transaction == by_script

    with_redis(redis_server.url.removesuffix("/0") + "/9", use)
