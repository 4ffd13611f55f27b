"""One atomic write a step, and only by the worker that wrote last."""

import asyncio
import re

import pytest

from stream.errors import FencedError, StorageError
from stream.local.redis import EmbeddedRedis
from stream.processing.state import Counters, Outgoing, PartitionState
from stream.settings import Settings
from stream.storage.connection import Client, connect
from stream.storage.keys import Keys
from stream.storage.outbox_records import decode_record, encode_record
from stream.storage.partition_store import Commit, PartitionStore
from tests.storage.redis_client import with_redis

pytestmark = pytest.mark.usefixtures("written_by")

PARTITION = 3
TTL_S = 1000


def store_of(client: Client, namespace: str, worker: str = "worker-a") -> PartitionStore:
    return PartitionStore(client, Keys(namespace), PARTITION, worker, ttl_s=TTL_S)


def state_at(stream_time_ms: int | None = 0, **offsets: int) -> PartitionState:
    return PartitionState(
        offsets=offsets, stream_time_ms=stream_time_ms, counters=Counters(events_in=sum(offsets.values()))
    )


async def everything(client: Client, namespace: str) -> dict[bytes, bytes | None]:
    """Every key of a namespace and what it holds."""
    return {key: await client.dump(key) async for key in client.scan_iter(f"{namespace}:*")}


def test_a_partition_that_was_never_written_is_empty(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def use(client: Client) -> None:
        store = store_of(client, namespace)
        claim = await store.claim()
        assert (claim.state, claim.outbox) == (None, ())
        assert re.fullmatch("1:worker-a-[0-9a-f]{8}:0", store.token)
        assert await store.documents(["nobody", "neither"]) == [None, None]
        assert await store.documents([]) == []
        await store.verify()

    with_redis(redis_server.url, use)


def test_what_was_committed_is_found_by_the_next_owner(redis_server: EmbeddedRedis, namespace: str) -> None:
    state = PartitionState(
        offsets={"events.click": 17, "events.email": 0},
        stream_time_ms=1_700_000_000_123,
        live=True,
        counters=Counters(events_in=5, applied=3, duplicates=1, dead_letters=1),
    )

    async def use(client: Client) -> None:
        first = store_of(client, namespace)
        await first.claim()
        await first.commit(
            Commit(state, documents={"ada": b'{"a":1}', "bob": b"\x00\xff"}, outbox=[b"one", b"\x00two", b"three"]),
            due_limit=10,
        )
        await first.commit(Commit(state, documents={"ada": b'{"a":2}'}, outbox=[b"four"], trim=2), due_limit=10)
        second = store_of(client, namespace, "worker-b")
        claim = await second.claim()
        assert claim.state == state
        assert claim.outbox == (b"three", b"four")
        assert await second.documents(["bob", "nobody", "ada"]) == [b"\x00\xff", None, b'{"a":2}']
        assert re.fullmatch("2:worker-b-[0-9a-f]{8}:0", second.token)

    with_redis(redis_server.url, use)


def test_a_worker_that_was_replaced_can_write_nothing(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def use(client: Client) -> None:
        zombie, owner = store_of(client, namespace, "zombie"), store_of(client, namespace, "owner")
        await zombie.claim()
        await zombie.commit(Commit(state_at(5), documents={"ada": b"1"}, timers={"ada": 9}, outbox=[b"r"]), 10)
        await owner.claim()
        before = await everything(client, namespace)
        late = Commit(state_at(99), documents={"ada": b"2", "eve": b"3"}, timers={"ada": 1}, outbox=[b"s"], trim=1)
        with pytest.raises(FencedError, match="another worker took it over") as refused:
            await zombie.commit(late, 10)
        assert refused.value.superseded
        with pytest.raises(FencedError):
            await zombie.verify()
        assert await everything(client, namespace) == before
        await owner.commit(late, 10)
        assert await owner.documents(["ada", "eve"]) == [b"2", b"3"]

    with_redis(redis_server.url, use)


def test_two_stores_of_one_worker_are_told_apart_too(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def use(client: Client) -> None:
        before, after = store_of(client, namespace), store_of(client, namespace)
        await before.claim()
        await after.claim()
        with pytest.raises(FencedError) as refused:
            await before.commit(Commit(state_at()), 10)
        assert refused.value.superseded
        await after.commit(Commit(state_at()), 10)

    with_redis(redis_server.url, use)


def test_after_a_rollback_of_redis_the_owner_goes_back_to_what_is_stored(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def use(client: Client) -> None:
        store, meta = store_of(client, namespace), Keys(namespace).meta(PARTITION)
        await store.claim()
        await store.commit(Commit(state_at(1, clicks=10)), 10)
        backup = await client.hgetall(meta)
        await store.commit(Commit(state_at(2, clicks=20)), 10)
        await client.delete(meta)
        await client.hset(meta, mapping=backup)
        with pytest.raises(FencedError, match="Redis lost its last writes") as refused:
            await store.commit(Commit(state_at(3, clicks=30), documents={"ada": b"1"}), 10)
        assert not refused.value.superseded
        assert await store.documents(["ada"]) == [None]
        claim = await store.claim()
        assert claim.state == state_at(1, clicks=10)
        await store.commit(Commit(state_at(2, clicks=20)), 10)

    with_redis(redis_server.url, use)


def test_after_the_loss_of_everything_the_owner_begins_anew(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def use(client: Client) -> None:
        store = store_of(client, namespace)
        await store.claim()
        await store.commit(Commit(state_at(1, clicks=10)), 10)
        await client.delete(Keys(namespace).meta(PARTITION))
        with pytest.raises(FencedError, match="at token none") as refused:
            await store.commit(Commit(state_at(2, clicks=20)), 10)
        assert not refused.value.superseded
        with pytest.raises(FencedError, match="at token none"):
            await store.verify()
        assert (await store.claim()).state is None

    with_redis(redis_server.url, use)


def test_a_step_of_thousands_is_one_write(redis_server: EmbeddedRedis, namespace: str) -> None:
    customers = [f"customer-{k}" for k in range(9_001)]
    records = [b"record-%d" % k for k in range(13_003)]

    async def use(client: Client) -> None:
        store, keys = store_of(client, namespace), Keys(namespace)
        await store.claim()
        timers = {customer: 1000 + k for k, customer in enumerate(customers)}
        documents = {customer: customer.encode() for customer in customers}
        await store.commit(Commit(state_at(0), documents=documents, timers=timers, outbox=records), 10)
        assert await store.documents(customers) == [customer.encode() for customer in customers]
        assert await client.zcard(keys.timers(PARTITION)) == len(customers)
        assert await client.lrange(keys.outbox(PARTITION), 0, -1) == records
        await store.commit(Commit(state_at(0), idle=customers[:8_500], trim=13_000), 10)
        assert await client.zrange(keys.timers(PARTITION), 0, -1, withscores=True) == [
            (customer.encode(), timers[customer]) for customer in customers[8_500:]
        ]
        assert await client.lrange(keys.outbox(PARTITION), 0, -1) == records[13_000:]

    with_redis(redis_server.url, use)


def test_due_customers_come_earliest_first_and_no_more_than_asked_for(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def use(client: Client) -> None:
        store = store_of(client, namespace)
        await store.claim()
        timers = {"late": 400, "first": 100, "third": 300, "second": 200}
        assert await store.commit(Commit(state_at(None), timers=timers), 10) == []
        assert await store.commit(Commit(state_at(100)), 10) == []  # due means before, not at
        assert await store.commit(Commit(state_at(301)), 10) == ["first", "second", "third"]
        assert await store.commit(Commit(state_at(301)), 2) == ["first", "second"]
        assert await store.commit(Commit(state_at(500), timers={"first": 450}, idle=["second"]), 10) == [
            "third",
            "late",
            "first",
        ]

    with_redis(redis_server.url, use)


async def ttl_of(client: Client, namespace: str, customer: str) -> int:
    ttl: int = await client.ttl(Keys(namespace).customer(PARTITION, customer))
    return ttl


def test_a_document_expires_only_while_its_customer_is_retired(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def use(client: Client) -> None:
        store = store_of(client, namespace)
        await store.claim()
        await store.commit(Commit(state_at(), documents={"ada": b"1"}, timers={"ada": 9}), 10)
        assert await ttl_of(client, namespace, "ada") == -1
        await store.commit(Commit(state_at(), documents={"ada": b"2"}, idle=["ada"], retired=["ada"]), 10)
        assert TTL_S - 10 <= await ttl_of(client, namespace, "ada") <= TTL_S
        await store.commit(Commit(state_at(), documents={"ada": b"3"}, timers={"ada": 20}), 10)
        assert await ttl_of(client, namespace, "ada") == -1
        assert await store.documents(["ada"]) == [b"3"]
        assert await client.ttl(Keys(namespace).meta(PARTITION)) == -1

    with_redis(redis_server.url, use)


def test_every_write_of_a_retired_customer_renews_the_ttl(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def use(client: Client) -> None:
        store, key = store_of(client, namespace), Keys(namespace).customer(PARTITION, "ada")
        await store.claim()
        await store.commit(Commit(state_at(), documents={"ada": b"1"}, idle=["ada"], retired=["ada"]), 10)
        await client.expire(key, 5)
        await store.commit(Commit(state_at(), documents={"ada": b"2"}, retired=["ada"]), 10)
        assert TTL_S - 10 <= await client.ttl(key) <= TTL_S
        assert await store.documents(["ada"]) == [b"2"]

    with_redis(redis_server.url, use)


@pytest.mark.parametrize("lasting", [0, 1, 1_999, 2_000, 2_001, 6_003])
def test_documents_of_all_and_of_retired_customers_are_told_apart_in_a_large_step(
    redis_server: EmbeddedRedis, namespace: str, lasting: int
) -> None:
    customers = [f"customer-{k}" for k in range(lasting + 5)]
    retired = [customers[k * len(customers) // 5] for k in range(5)]
    documents = {customer: f"document of {customer}".encode() for customer in customers}

    async def use(client: Client) -> None:
        store, prefix = store_of(client, namespace), Keys(namespace).customer(PARTITION, "")
        await store.claim()
        timers = {customer: k for k, customer in enumerate(customers) if customer not in retired}
        step = Commit(state_at(0), documents=documents, timers=timers, retired=retired, outbox=[b"record"])
        assert await store.commit(step, 10) == []
        assert await store.documents(customers) == [*documents.values()]
        async with client.pipeline(transaction=False) as asked:
            for customer in customers:
                asked.ttl(prefix + customer)
            expiring = [c for c, ttl in zip(customers, await asked.execute(), strict=True) if ttl != -1]
        assert expiring == retired
        assert await client.zcard(Keys(namespace).timers(PARTITION)) == len(timers)
        assert (await store.claim()).outbox == (b"record",)

    with_redis(redis_server.url, use)


@pytest.mark.parametrize("customer", ["a b", "{curly}", "ключ", "a:b:c", "*", "quote\"'", "\U0001f680"])
def test_any_customer_id_is_its_own_key(redis_server: EmbeddedRedis, namespace: str, customer: str) -> None:
    async def use(client: Client) -> None:
        store = store_of(client, namespace)
        await store.claim()
        await store.commit(Commit(state_at(), documents={customer: b"mine"}, timers={customer: -5}), 10)
        assert await store.documents([customer, customer + "x"]) == [b"mine", None]
        assert await store.commit(Commit(state_at()), 10) == [customer]

    with_redis(redis_server.url, use)


def test_all_keys_of_a_partition_lie_in_one_slot_of_a_cluster() -> None:
    keys = Keys("name")
    names = [keys.meta(7), keys.timers(7), keys.outbox(7), keys.customer(7, "{other}"), keys.customer(7, "}{")]
    assert {name.partition("{")[2].partition("}")[0] for name in names} == {"7"}
    models = [keys.snapshot(), keys.checkpoint(), keys.learned(5)]
    assert {name.partition("{")[2].partition("}")[0] for name in models} == {"models"}


def test_a_record_of_the_outbox_reads_back() -> None:
    record = Outgoing("alerts", None, b"\x00\xff", [("dlq.reason", b"x"), ("empty", None)])
    assert decode_record(encode_record(record)) == record


def test_without_redis_every_call_says_so() -> None:
    async def use() -> None:
        client = connect(Settings(redis_url="redis://127.0.0.1:1/0"))
        store = store_of(client, "nowhere")
        try:
            with pytest.raises(StorageError, match="cannot be claimed"):
                await store.claim()
            with pytest.raises(StorageError, match="may not have been written"):
                await store.commit(Commit(state_at()), 10)
            with pytest.raises(StorageError, match="cannot be read"):
                await store.documents(["ada"])
            with pytest.raises(StorageError, match="cannot be read"):
                await store.verify()
        finally:
            await client.aclose()

    asyncio.run(use())
