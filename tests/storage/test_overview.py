"""Totals and customers as seen from outside, on a real Redis."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import redis

from stream.errors import StorageError
from stream.events.partitioner import partition_of
from stream.local.redis import EmbeddedRedis
from stream.processing.editions import BEGIN, Edition, with_edition
from stream.processing.state import Counters, PartitionState
from stream.settings import Settings
from stream.storage.connection import Client, connect
from stream.storage.keys import Keys
from stream.storage.model_store import Candidate, Checkpoint, ModelStore, Publication
from stream.storage.overview import Overview
from stream.storage.partition_store import Commit, PartitionStore
from stream.storage.quarantine_desk import QuarantineDesk
from tests.storage.redis_client import with_redis

PARTITIONS = 3


@pytest.fixture
def settings(redis_server: EmbeddedRedis, namespace: str) -> Settings:
    return Settings(redis_url=redis_server.url, namespace=namespace, partitions=PARTITIONS)


def written(
    settings: Settings, write: Callable[[Callable[[int], PartitionStore], ModelStore], Awaitable[None]]
) -> None:
    async def run() -> None:
        client = connect(settings)
        keys = Keys(settings.namespace)
        await write(
            lambda partition: PartitionStore(client, keys, partition, f"worker-{partition}", ttl_s=600),
            ModelStore(client, keys, "trainer"),
        )
        await client.aclose()

    asyncio.run(run())


def test_an_empty_namespace_has_totals_of_nothing(settings: Settings) -> None:
    with Overview(settings) as overview:
        totals = overview.totals()
        assert totals.counters == Counters()
        assert (totals.claimed, totals.owners, totals.stream_time_ms) == (0, frozenset(), None)
        assert (totals.due, totals.outbox) == (0, 0)
        assert (overview.trainer().owner, overview.trainer().offset) == ("", 0)
        assert overview.snapshot() is None
        assert [*overview.documents()] == []
        assert overview.find("c-1") is None


def test_totals_are_sums_over_the_partitions(settings: Settings) -> None:
    async def write(store: Callable[[int], PartitionStore], models: ModelStore) -> None:
        for partition in (0, 2):
            of_one = store(partition)
            await of_one.claim()
            state = PartitionState(
                stream_time_ms=1000 * (partition + 1), counters=Counters(events_in=5 + partition, applied=4)
            )
            timers = {"early": 500, "on time": 1000 * (partition + 1), "late": 9000}
            await of_one.commit(Commit(state, timers=timers, outbox=[b"x"] * (partition + 1)), due_limit=0)
        await models.claim()
        await models.save(
            Checkpoint(b"learner", 7), {}, Publication("only", {"only": Candidate(1, b"snapshot")}, b"report", 0)
        )

    written(settings, write)
    with Overview(settings) as overview:
        totals = overview.totals()
        assert totals.counters == Counters(events_in=12, applied=8)
        assert totals.claimed == 2
        assert totals.owners == {"worker-0", "worker-2"}
        assert totals.stream_time_ms == 3000
        # a timer is due when stream time has passed it, not when it has reached it
        assert totals.due == 2
        assert totals.outbox == 4
        assert (overview.trainer().owner, overview.trainer().offset) == ("trainer", 7)
        assert overview.snapshot() == b"snapshot"


def test_every_customer_is_listed_and_found(settings: Settings) -> None:
    customers = {f"c-{number}": f"document {number}".encode() for number in range(2500)}

    async def write(store: Callable[[int], PartitionStore], models: ModelStore) -> None:
        del models
        for partition in range(PARTITIONS):
            of_one = store(partition)
            await of_one.claim()
            own = {
                customer: document
                for customer, document in customers.items()
                if partition_of(customer, PARTITIONS) == partition
            }
            await of_one.commit(Commit(PartitionState(), own), due_limit=0)

    written(settings, write)
    with Overview(settings) as overview:
        assert sorted(overview.documents()) == sorted(customers.values())
        assert overview.find("c-17") == (partition_of("c-17", PARTITIONS), b"document 17")


def test_a_redis_that_is_away_is_a_storage_error() -> None:
    with (
        Overview(Settings(redis_url="redis://127.0.0.1:1/0")) as overview,
        pytest.raises(StorageError, match="redis_url"),
    ):
        overview.totals()


@pytest.mark.parametrize(
    ("key", "field", "value", "says"),
    [
        (Keys.meta, "state", b"{", "state of partition 1 cannot be read.*restore its meta key"),
        (Keys.meta, "state", b'{"offsets": 7}', "state of partition 1 cannot be read.*restore its meta key"),
        (Keys.meta, "token", b"garbage", "which no worker writes.*restore the key"),
        (Keys.meta, "token", b"\xff\xfe", "which no worker writes.*restore the key"),
        (Keys.meta, "", b"overwritten", "WRONGTYPE.*a key of the namespace was overwritten: restore it"),
        (Keys.timers, "", b"overwritten", "WRONGTYPE.*a key of the namespace was overwritten: restore it"),
        (Keys.outbox, "", b"overwritten", "WRONGTYPE.*a key of the namespace was overwritten: restore it"),
    ],
)
def test_what_no_worker_writes_says_what_to_do(
    settings: Settings, key: Callable[[Keys, int], str], field: str, value: bytes, says: str
) -> None:
    async def use(client: Client) -> None:
        name = key(Keys(settings.namespace), 1)
        await (client.hset(name, field, value) if field else client.set(name, value))

    with_redis(settings.redis_url, use)
    with Overview(settings) as overview, pytest.raises(StorageError, match=says):
        overview.totals()
    if field == "state":
        with Overview(settings) as overview, pytest.raises(StorageError, match=says):
            overview.offsets()
        with QuarantineDesk(settings) as desk, pytest.raises(StorageError, match=says):
            desk.quarantined()


def test_a_trainers_offset_that_is_no_number_says_what_to_do(settings: Settings) -> None:
    async def use(client: Client) -> None:
        await client.hset(Keys(settings.namespace).checkpoint(), mapping={"token": "1:trainer:4", "offset": "many"})

    with_redis(settings.redis_url, use)
    with Overview(settings) as overview, pytest.raises(StorageError, match=r"offset of the trainer.*restore the key"):
        overview.trainer()


def test_a_document_that_cannot_be_read_does_not_hide_the_others(settings: Settings) -> None:
    keys = Keys(settings.namespace)

    async def use(client: Client) -> None:
        await client.set(keys.customer(0, "whole"), b"a document")
        await client.rpush(keys.customer(0, "list"), "x")
        await client.set(keys.customer(1, "damaged"), b'{"edition":{"number":')

    with_redis(settings.redis_url, use)
    with Overview(settings) as overview:
        assert sorted(overview.documents()) == [b"", b"a document", b'{"edition":{"number":']


def test_the_newest_events_are_told_of_those_whose_documents_count_some(settings: Settings) -> None:
    at = b'"last_at":"1970-01-01T00:00:07Z"'
    documents = {
        "here": b'{"customer_id":"here",%b}' % at,
        "left": with_edition(b'{"customer_id":"left",%b}' % at, Edition(number=1, into="here")),
        "emptied": with_edition(b'{"customer_id":"emptied",%b}' % at, Edition(number=1)),
        "joined": with_edition(b'{"customer_id":"joined",%b,"state":"AA=="}' % at, Edition(number=1, before="AA==")),
        "damaged": b"damaged",
        "damaged edition": BEGIN + b"1}",
    }
    with redis.Redis.from_url(settings.redis_url) as client:
        keys = Keys(settings.namespace)
        client.mset({keys.customer(partition_of(who, PARTITIONS), who): of for who, of in documents.items()})
    with Overview(settings) as overview:
        assert overview.last_events([*documents, "unknown"]) == {"here": 7000, "joined": 7000}
