"""A write that fails leaves nothing behind, whichever command Redis refuses."""

import asyncio

import pytest

from stream.errors import CodecError, StorageError, SystematicError
from stream.local.redis import EmbeddedRedis
from stream.storage.connection import Client
from stream.storage.keys import Keys
from stream.storage.outbox_records import decode_record
from stream.storage.scripts import script
from tests.storage.redis_client import with_redis
from tests.storage.rights import without
from tests.storage.two_steps import FIRST, PARTITION, RECORD, SECOND, begun, check_without, everything, store_of

#: The commands of commit.lua as Redis names them in rules, and those of claim.lua and verify.lua.
OF_COMMIT = ("hget", "hset", "expire", "zadd", "zrem", "zrangebyscore", "ltrim", "rpush", "mset", "set", "time")
OF_CLAIM = ("lrange", "hget", "get", "time", "hincrby", "hset", "ltrim")


def test_the_commands_listed_here_are_those_of_the_scripts() -> None:
    def used(*names: str) -> set[str]:
        source = "".join(script(name) for name in names)
        called = {part.split("'")[0] for part in source.split("redis.call('")[1:]}
        return {command.lower() for command in called | {part.split("'")[0] for part in source.split("\n  {'")[1:]}}

    assert used("commit.lua") == set(OF_COMMIT)
    assert used("claim.lua") == set(OF_CLAIM)


@pytest.mark.parametrize("command", OF_COMMIT)
def test_a_step_without_one_of_its_rights_writes_nothing(
    redis_server: EmbeddedRedis, namespace: str, command: str
) -> None:
    check_without(redis_server, namespace, command)


@pytest.mark.parametrize("command", OF_COMMIT)
def test_a_step_without_one_of_its_rights_has_not_begun_for_the_next_claim(
    redis_server: EmbeddedRedis, namespace: str, command: str
) -> None:
    async def use(client: Client) -> None:
        store = await begun(client, namespace)

        async def refused(limited: Client) -> None:
            crippled = store_of(limited, namespace)
            crippled._token, crippled._sequence = store._token, store._sequence
            with pytest.raises(StorageError, match="may not have been written"):
                await crippled.commit(SECOND, 10)

        await without(client, redis_server.url, command, refused)
        assert not (await store_of(client, namespace).claim()).is_torn

    with_redis(redis_server.url, use)


@pytest.mark.parametrize("command", OF_CLAIM)
def test_a_claim_without_one_of_its_rights_takes_nothing_over(
    redis_server: EmbeddedRedis, namespace: str, command: str
) -> None:
    async def use(client: Client) -> None:
        store = await begun(client, namespace)
        await client.rpush(Keys(namespace).outbox(PARTITION), b"")  # the state after a step in which Redis failed

        async def refused(limited: Client) -> None:
            with pytest.raises(StorageError, match="cannot be claimed"):
                await store_of(limited, namespace).claim()

        await without(client, redis_server.url, command, refused)
        await store.commit(SECOND, 10)  # the owner is still the owner

    with_redis(redis_server.url, use)


@pytest.mark.usefixtures("written_by")
@pytest.mark.parametrize("name", ["meta", "timers", "outbox"])
def test_a_key_of_another_type_ends_a_step_before_it_writes(
    redis_server: EmbeddedRedis, namespace: str, name: str
) -> None:
    async def use(client: Client) -> None:
        store, keys = await begun(client, namespace), Keys(namespace)
        key = getattr(keys, name)(PARTITION)
        kept = await client.dump(key)
        await client.set(key, b"overwritten")
        before = await everything(client, namespace)
        with pytest.raises(SystematicError, match=r"WRONGTYPE.*restore it from a backup"):
            await store.commit(SECOND, 10)
        assert await everything(client, namespace) == before
        if name != "timers":
            with pytest.raises(SystematicError, match="WRONGTYPE"):
                await store_of(client, namespace).claim()
            assert await everything(client, namespace) == before
        await client.restore(key, 0, kept, replace=True)
        await store.commit(SECOND, 10)
        assert await store.documents(["bob"]) == [b"2"]

    with_redis(redis_server.url, use)


def test_a_note_of_another_type_ends_a_claim_and_is_written_over_by_a_step(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def use(client: Client) -> None:
        store, key = await begun(client, namespace), Keys(namespace).writing(PARTITION)
        await client.delete(key)
        await client.rpush(key, b"another")
        before = await everything(client, namespace)
        with pytest.raises(SystematicError, match=r"WRONGTYPE.*restore it from a backup"):
            await store_of(client, namespace).claim()
        assert await everything(client, namespace) == before
        await store.commit(SECOND, 10)
        assert await client.type(key) == b"string"
        assert await store.documents(["bob"]) == [b"2"]

    with_redis(redis_server.url, use)


def test_a_key_of_released_customers_of_another_type_ends_the_worker(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def use(client: Client) -> None:
        store = await begun(client, namespace)
        await client.set(Keys(namespace).released(PARTITION), b"overwritten")
        before = await everything(client, namespace)
        with pytest.raises(SystematicError, match="WRONGTYPE"):
            await store.released()
        with pytest.raises(SystematicError, match="WRONGTYPE"):
            await store.forget_released(["ada"])
        assert await everything(client, namespace) == before

    with_redis(redis_server.url, use)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("state", b"not json", "state of partition 3 cannot be read"),
        ("state", b'{"offsets": 7}', "state of partition 3 cannot be read"),
        ("epoch", b"many", "not an integer"),
    ],
)
def test_a_meta_key_that_cannot_be_read_says_what_to_do(
    redis_server: EmbeddedRedis, namespace: str, field: str, value: bytes, says: str
) -> None:
    async def use(client: Client) -> None:
        await begun(client, namespace)
        await client.hset(Keys(namespace).meta(PARTITION), field, value)
        with pytest.raises(SystematicError, match=f"{says}.*replay the log into a fresh namespace"):
            await store_of(client, namespace).claim()

    with_redis(redis_server.url, use)


@pytest.mark.parametrize("token", [b"x:worker:1", b"\xff\xfe", b"-3:worker:0", "\u0663:worker:0".encode()])
def test_a_token_that_no_worker_writes_says_what_to_do(
    redis_server: EmbeddedRedis, namespace: str, token: bytes
) -> None:
    async def use(client: Client) -> None:
        store = store_of(client, namespace)
        await store.claim()
        await client.hset(Keys(namespace).meta(PARTITION), "token", token)
        with pytest.raises(SystematicError, match="somebody else writes to this namespace"):
            await store.verify()
        with pytest.raises(SystematicError, match="somebody else writes to this namespace"):
            await store.commit(FIRST, 10)

    with_redis(redis_server.url, use)


def test_an_outbox_record_that_cannot_be_read_says_what_to_do() -> None:
    with pytest.raises(SystematicError, match=r"outbox cannot be read.*restore the key"):
        decode_record(b"garbage")


def test_no_two_claims_have_the_same_token_on_a_server_that_comes_back(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def use(client: Client) -> None:
        store, meta = store_of(client, namespace), Keys(namespace).meta(PARTITION)
        await store.claim()
        old = await client.dump(meta)
        tokens = set()
        for _ in range(20):  # each time the server that has only the first claim is there again
            await client.restore(meta, 0, old, replace=True)
            await store.claim()
            tokens.add(store.token)
        assert len(tokens) == 20
        assert {token.partition(":")[0] for token in tokens} == {"2"}

    with_redis(redis_server.url, use)


def test_a_document_key_of_another_type_is_damage_and_not_a_new_customer(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def use(client: Client) -> None:
        store, keys = await begun(client, namespace), Keys(namespace)
        await client.rpush(keys.customer(PARTITION, "bob"), b"a list")
        ada, bob, nobody = await store.documents(["ada", "bob", "nobody"])
        assert (ada, nobody) == (b"1", None)
        assert isinstance(bob, CodecError)

    with_redis(redis_server.url, use)


@pytest.mark.parametrize("dies_after", ["rpush", "mset", "zadd"])
def test_a_step_that_redis_did_not_finish_is_recognised_by_the_next_claim(
    redis_server: EmbeddedRedis, namespace: str, dies_after: str
) -> None:
    """Like a disk failure noticed in the background, which no check can find beforehand."""

    async def use(client: Client) -> None:
        store = await begun(client, namespace)
        source = script("commit.lua")
        head, body = source[: source.index("local at = 12")], source[source.index("local at = 12") :]
        at = body.index("\n", body.index(f"redis.call('{dies_after.upper()}'")) + 1
        cut = f"{head}{body[:at]} error('disk') {body[at:]}"
        store._writes._script = client.register_script(script("tried.lua") + cut)
        with pytest.raises(StorageError, match="may not have been written"):
            await store.commit(SECOND, 10)
        successor = store_of(client, namespace)
        claim = await successor.claim()
        assert claim.is_torn
        # the state is the previous one, and the records of the step are not lost
        assert claim.state == FIRST.state
        assert claim.outbox == (RECORD, RECORD)
        await successor.commit(SECOND, 10)
        assert not (await store_of(client, namespace).claim()).is_torn

    with_redis(redis_server.url, use)


def test_an_empty_outbox_record_of_a_step_that_did_not_end_is_taken_away(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def use(client: Client) -> None:
        store = await begun(client, namespace)
        await client.rpush(Keys(namespace).outbox(PARTITION), b"")
        assert (await store.claim()).outbox == (RECORD, RECORD)
        assert await client.llen(Keys(namespace).outbox(PARTITION)) == 2

    with_redis(redis_server.url, use)


def test_the_time_of_the_server_is_known_after_a_claim(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def use(client: Client) -> None:
        store = store_of(client, namespace)
        assert store.server_clock.now_ms() is None
        for ask in (store.claim, store.verify):
            await ask()
            seconds, microseconds = await client.time()
            await asyncio.sleep(0)
            assert abs((store.server_clock.now_ms() or 0) - (seconds * 1000 + microseconds / 1000)) < 5000

    with_redis(redis_server.url, use)
