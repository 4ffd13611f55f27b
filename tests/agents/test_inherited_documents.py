"""The outbox names documents instead of copying them: whoever inherits it publishes those that are stored by then."""

import asyncio
from collections.abc import Mapping

import msgspec
import pytest

from stream.agents.partition_worker import PartitionWorker
from stream.agents.storing import unpublished
from stream.local.redis import EmbeddedRedis
from stream.processing.document import public
from stream.processing.emission import ACTED_ON
from stream.processing.kernel import Kernel
from stream.processing.outgoing import Topics
from stream.processing.partition import Partition
from stream.processing.state import Outgoing
from stream.processing.step_outcome import PUBLIC_HEADERS
from stream.storage.connection import Client
from stream.storage.keys import Keys
from stream.storage.outbox_records import StoredDocument, decode_entries, encode_record
from stream.storage.partition_store import PartitionStore
from tests.agents.playing import LOG, RULES, play
from tests.agents.rig import PARTITION, TOPICS, Rig, until
from tests.processing.frozen import SILENCE, scorer_of
from tests.processing.station import Station
from tests.storage.redis_client import with_redis

_CUSTOMERS = Topics().customers
_PUBLISHED = ACTED_ON["changes"]


def publishing() -> Partition:
    """A partition that publishes documents."""
    return Partition(PARTITION, RULES, Kernel(RULES), Topics(), TOPICS, 1500, published=_PUBLISHED)


@pytest.fixture(scope="module")
def expected() -> Station:
    station = Station(LOG, RULES, scorer_of(SILENCE), published=_PUBLISHED)
    station.finish()
    return station


def told(records: list[Outgoing]) -> dict[bytes | None, list[bytes | None]]:
    """The documents of each customer, in the order in which they were published."""
    found: dict[bytes | None, list[bytes | None]] = {}
    for record in records:
        if record.topic == _CUSTOMERS:
            found.setdefault(record.key, []).append(record.value)
    return found


def others(records: list[Outgoing]) -> list[tuple[str, bytes | None]]:
    return [(record.topic, record.key) for record in records if record.topic != _CUSTOMERS]


async def die_before_publishing(rig: Rig) -> list[bytes]:
    """Process the log while the broker is away, then die; returns the outbox."""
    rig.broker.open.clear()
    worker, running = await rig.start(partition=publishing())
    ends = [len(log) for log in rig.transport.logs]

    def is_stored() -> bool:
        offsets = worker.partition.state.offsets
        return [offsets.get(topic, 0) for topic in TOPICS] == ends and not worker._due

    await until(is_stored, "everything is stored", 120.0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert rig.broker.published == []
    rig.broker.open.set()
    outbox: list[bytes] = await rig.client.lrange(rig.keys.outbox(PARTITION), 0, -1)
    return outbox


async def inherit(rig: Rig) -> PartitionWorker:
    worker, _ = await rig.start(partition=publishing())
    await until(lambda: rig.is_done(worker), "everything is published", 120.0)
    assert await rig.client.llen(rig.keys.outbox(PARTITION)) == 0
    return worker


def test_the_next_owner_publishes_the_documents_that_the_outbox_names(
    redis_server: EmbeddedRedis, namespace: str, expected: Station
) -> None:
    async def scenario(rig: Rig) -> None:
        outbox = await die_before_publishing(rig)
        entries = [one for raw in outbox for one in decode_entries(raw)]
        assert not any(isinstance(one, Outgoing) and one.topic == _CUSTOMERS for one in entries)
        assert sum(isinstance(one, StoredDocument) for one in entries) > len(expected.documents)
        await inherit(rig)
        documents = await rig.documents()
        assert documents == expected.documents
        found = told(rig.broker.published)
        assert found.keys() == told(expected.outgoing).keys()
        assert {key: {*values} for key, values in found.items()} == {
            key: {public(documents[(key or b"").decode()])} for key in found
        }
        assert others(rig.broker.published) == [(one.topic, one.key) for one in entries if isinstance(one, Outgoing)]

    play(redis_server, namespace, scenario)


def test_a_worker_that_lives_publishes_the_document_of_each_step(
    redis_server: EmbeddedRedis, namespace: str, expected: Station
) -> None:
    async def scenario(rig: Rig) -> None:
        worker, _ = await rig.start(partition=publishing())
        await until(lambda: rig.is_done(worker), "everything is published", 120.0)
        found = told(rig.broker.published)
        assert found.keys() == told(expected.outgoing).keys()
        for values in found.values():
            events = [msgspec.json.decode(value or b"")["events"] for value in values]
            assert len(values) > 1
            assert events == sorted(events)
            assert len({*events}) > 1

    play(redis_server, namespace, scenario)


def test_a_document_that_is_gone_or_damaged_is_not_published_and_all_others_are(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def scenario(rig: Rig) -> None:
        outbox = await die_before_publishing(rig)
        named = {one.key for raw in outbox for one in decode_entries(raw) if isinstance(one, StoredDocument)}
        gone, damaged, *whole = sorted(named)
        await rig.client.delete(rig.keys.customer(PARTITION, gone.decode()))
        await rig.client.set(rig.keys.customer(PARTITION, damaged.decode()), b'{"customer_id":"gar')
        await inherit(rig)
        assert sorted(told(rig.broker.published), key=str) == sorted(whole, key=str)
        kept = [one for raw in outbox for one in decode_entries(raw) if isinstance(one, Outgoing)]
        assert others(rig.broker.published) == [(one.topic, one.key) for one in kept]

    play(redis_server, namespace, scenario)


def test_during_an_upgrade_every_record_is_whole_for_the_release_before(
    redis_server: EmbeddedRedis, namespace: str, expected: Station
) -> None:
    async def scenario(rig: Rig) -> None:
        outbox = await die_before_publishing(rig)
        read = [msgspec.msgpack.decode(raw, type=Outgoing) for raw in outbox]
        assert told(read).keys() == told(expected.outgoing).keys()
        assert all(value for values in told(read).values() for value in values)

    play(redis_server, namespace, scenario, for_release_before=True)


def test_the_release_before_refuses_a_reference_instead_of_taking_it_for_a_deletion() -> None:
    raw = encode_record(StoredDocument(_CUSTOMERS, b"ada"))
    assert decode_entries(raw) == [StoredDocument(_CUSTOMERS, b"ada")]
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(raw, type=Outgoing)


_WHOLE = b'"customer_id":"ada","events":3,"features":{}'
_STATE = b',"state":"AAAA"}'


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        pytest.param(b"{" + _WHOLE + _STATE, b"{" + _WHOLE + b"}", id="whole"),
        pytest.param(
            b'{"edition":{"number":3,"before":"BB=="},' + _WHOLE + _STATE, b"{" + _WHOLE + b"}", id="others joined"
        ),
        pytest.param(b'{"edition":{"number":3,"into":"bob"},' + _WHOLE + _STATE, None, id="has left"),
        pytest.param(b'{"edition":{"number":3},' + _WHOLE + b"}", None, id="nothing is left"),
        pytest.param(b'{"customer_id":"bob","events":3' + _STATE, None, id="of another customer"),
        pytest.param(b"{" + _WHOLE[:20] + _STATE, None, id="damaged"),
        pytest.param(None, None, id="gone"),
    ],
)
def test_a_reference_gives_what_others_may_have_of_the_stored_document(
    redis_server: EmbeddedRedis, namespace: str, stored: bytes | None, value: bytes | None
) -> None:
    found = inherited(redis_server, namespace, {} if stored is None else {"ada": stored})
    alert = Outgoing("alerts", b"ada", b"{}", [])
    assert found == [None if value is None else Outgoing(_CUSTOMERS, b"ada", value, PUBLIC_HEADERS), alert]


def inherited(server: EmbeddedRedis, namespace: str, documents: Mapping[str, bytes]) -> list[Outgoing | None]:
    """The records of an outbox with a reference to the document of ada and an alert about her."""
    found: list[Outgoing | None] = []

    async def use(client: Client) -> None:
        keys = Keys(namespace)
        for customer, stored in documents.items():
            await client.set(keys.customer(PARTITION, customer), stored)
        entries: list[Outgoing | StoredDocument] = [
            StoredDocument(_CUSTOMERS, b"ada"),
            Outgoing("alerts", b"ada", b"{}", []),
        ]
        await client.rpush(keys.outbox(PARTITION), *(encode_record(one) for one in entries))
        store = PartitionStore(client, keys, PARTITION, "heir", ttl_s=60)
        found.extend((await unpublished(await store.claim(), store))[0])

    with_redis(server.url, use)
    return found
