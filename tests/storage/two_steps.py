"""Two steps of a partition, of which the second uses every command, and what becomes of it if one is refused."""

import pytest

from stream.errors import StorageError
from stream.local.redis import EmbeddedRedis
from stream.processing.state import Counters, Outgoing, PartitionState
from stream.storage.connection import Client
from stream.storage.keys import Keys
from stream.storage.outbox_records import encode_record
from stream.storage.partition_store import Commit, PartitionStore
from tests.storage.redis_client import with_redis
from tests.storage.rights import without

__all__ = ["FIRST", "PARTITION", "RECORD", "SECOND", "begun", "check_without", "everything", "store_of"]

PARTITION = 3
RECORD = encode_record(Outgoing("alerts", b"ada", b"{}", []))

FIRST = Commit(
    PartitionState(offsets={"events.click": 1}, stream_time_ms=1, counters=Counters(events_in=1)),
    documents={"ada": b"1", "gone": b"1"},
    timers={"ada": 100},
    idle=["gone"],
    retired=["gone"],
    outbox=[RECORD, RECORD],
)

#: Uses every command of the script.
SECOND = Commit(
    PartitionState(offsets={"events.click": 9}, stream_time_ms=9, counters=Counters(events_in=9)),
    documents={"ada": b"2", "bob": b"2", "gone": b"2"},
    timers={"bob": 200},
    idle=["ada"],
    retired=["gone"],
    outbox=[RECORD],
    trim=1,
)


def store_of(client: Client, namespace: str) -> PartitionStore:
    return PartitionStore(client, Keys(namespace), PARTITION, "worker", ttl_s=1000)


async def begun(client: Client, namespace: str) -> PartitionStore:
    """A store that has claimed the partition and written `FIRST`."""
    store = store_of(client, namespace)
    await store.claim()
    await store.commit(FIRST, 10)
    return store


async def everything(client: Client, namespace: str) -> dict[bytes, bytes | None]:
    """The stored keys of a namespace, without the note of the attempted step."""
    writing = Keys(namespace).writing(PARTITION).encode()
    return {key: await client.dump(key) async for key in client.scan_iter(f"{namespace}:*") if key != writing}


def check_without(server: EmbeddedRedis, namespace: str, command: str) -> None:
    """A step of a user who may not call ``command`` writes nothing; with the right, the same store writes it."""

    async def use(client: Client) -> None:
        store = await begun(client, namespace)
        before = await everything(client, namespace)

        async def refused(limited: Client) -> None:
            crippled = store_of(limited, namespace)
            crippled._token, crippled._sequence = store._token, store._sequence
            with pytest.raises(StorageError, match=r"may not have been written.*(can't run|no permissions)"):
                await crippled.commit(SECOND, 10)

        await without(client, server.url, command, refused)
        assert await everything(client, namespace) == before
        # the attempt leaves no trace
        store._sequence += 1
        assert await store.commit(SECOND, 10) == []
        claim = await store.claim()
        assert claim.state == SECOND.state
        assert claim.outbox == (RECORD, RECORD)
        assert not claim.is_torn
        assert await store.documents(["ada", "bob", "gone"]) == [b"2", b"2", b"2"]
        assert await client.zrange(Keys(namespace).timers(PARTITION), 0, -1, withscores=True) == [(b"bob", 200.0)]

    with_redis(server.url, use)
