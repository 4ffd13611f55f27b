"""State stored by earlier releases is taken over: applying the rest of the log gives the usual results.

The dumps are made by the releases themselves (`dump`); every release that changes the layout adds one.
"""

import asyncio
import gzip
import json
import uuid
from base64 import b64decode
from pathlib import Path
from typing import Any

import orjson
import pytest

from stream.agents.warmup import warm_up
from stream.features.codec import LAYOUT, LAYOUT_BEFORE, pack, unpack
from stream.local.redis import EmbeddedRedis
from stream.processing.document import packed_state
from stream.processing.rules import NO_MODEL
from stream.processing.scorer import Scorer
from stream.storage.connection import Client
from stream.storage.layout import agree_on_layout
from tests.agents.rig import PARTITION, TOPICS, Rig, until
from tests.features.profiles import Profile
from tests.storage.redis_client import with_redis
from tests.upgrade.dump import DAY_MS, NAMESPACE, RULES, logs_in

HERE = Path(__file__).parent
LOG = HERE / "log.json.gz"
LAYOUTS = (2, 3, 4, 5)
LAST_WITHOUT_TYPES = 3


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Compile first: on the event loop it would take longer than these tests wait."""
    warm_up()


def keys_of(layout: int) -> list[dict[str, Any]]:
    """The keys of a dump."""
    keys: list[dict[str, Any]] = json.loads(gzip.decompress((HERE / f"layout-{layout}.json.gz").read_bytes()))
    return keys


async def load(client: Client, layout: int, namespace: str) -> None:
    """Write the keys of a dump under another namespace."""
    for entry in keys_of(layout):
        key = namespace + entry["key"].removeprefix(NAMESPACE)
        content = entry["content"]
        match entry["type"]:
            case "string":
                await client.set(key, b64decode(content))
            case "hash":
                await client.hset(key, mapping={b64decode(name): b64decode(value) for name, value in content})
            case "zset":
                await client.zadd(key, {b64decode(name): score for name, score in content})
            case "list":
                await client.rpush(key, *map(b64decode, content))
            case "set":
                await client.sadd(key, *map(b64decode, content))
        if entry["ttl"] > 0:
            await client.expire(key, entry["ttl"])


async def run_to_the_end(rig: Rig, write: int) -> dict[str, bytes]:
    """Process the log from the stored offsets on, writing this layout; return the documents."""
    partition = rig.partition()
    partition._kernel.layout = write
    worker, running = await rig.start(partition=partition)
    await until(lambda: rig.is_done(worker), "everything is stored", 60)
    worker.stop()
    await asyncio.wait_for(running, 10)
    return await rig.documents()


def rig_of(client: Client, namespace: str) -> Rig:
    return Rig(client, namespace, logs_in(LOG, "all"), RULES, Scorer(NO_MODEL, None))


def told_again(layout: int, rig: Rig) -> set[str]:
    """Customers of whom a click or an e-mail comes again after the upgrade from a layout that did not know its type.

    By design it counts once more: ids were not kept by type then (docs/upgrading.md).
    """
    if layout > LAST_WITHOUT_TYPES:
        return set()
    again: set[str] = set()
    for topic, log, first in zip(TOPICS, rig.transport.logs, logs_in(LOG, "first"), strict=True):
        if "purchase" not in topic:
            known = {orjson.loads(record.value or b"")["event_id"] for record in first}
            rest = [orjson.loads(record.value or b"") for record in log[len(first) :]]
            again |= {event["customer_id"] for event in rest if event["event_id"] in known}
    return again


def shown(document: bytes, layout: int) -> dict[str, Any]:
    """The visible part of a document; the previous layout has no room for stages."""
    fields: dict[str, Any] = orjson.loads(document)
    without = {"state"} if layout == LAYOUT else {"state", "stage", "stage_since", "stage_why", "next_order"}
    return {name: value for name, value in fields.items() if name not in without}


@pytest.fixture(scope="module")
def undisturbed(compiled: None, redis_server: EmbeddedRedis) -> dict[str, bytes]:
    """The documents of the whole log without an upgrade, in the present layout."""
    del compiled

    async def use(client: Client) -> dict[str, bytes]:
        return await run_to_the_end(rig_of(client, f"n{uuid.uuid4().hex[:12]}"), LAYOUT)

    return with_redis(redis_server.url, use)


@pytest.mark.parametrize("write", [LAYOUT, LAYOUT_BEFORE])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_rest_of_the_log_is_applied_to_stored_state(
    redis_server: EmbeddedRedis, namespace: str, undisturbed: dict[str, bytes], layout: int, write: int
) -> None:
    async def use(client: Client) -> None:
        await load(client, layout, namespace)
        rig = rig_of(client, namespace)
        before = await rig.documents()
        assert {packed_state(document)[0] for document in before.values()} == {layout}
        begun = await rig.stored_offsets()
        assert 0 < sum(begun) < sum(map(len, rig.transport.logs))
        documents = await run_to_the_end(rig, write)
        assert documents.keys() == undisturbed.keys()
        later = 20_100 * DAY_MS
        for customer in documents.keys() - told_again(layout, rig):
            document = documents[customer]
            assert shown(document, write) == shown(undisturbed[customer], write), customer
            values = Profile.of(packed_state(document), customer).values(later)
            assert values == Profile.of(packed_state(undisturbed[customer]), customer).values(later)
        written = {packed_state(document)[0] for document in documents.values() if document not in before.values()}
        assert written == {write}
        state = orjson.loads(await client.hget(rig.keys.meta(PARTITION), "state") or b"")
        assert state["counters"]["events_in"] == sum(map(len, rig.transport.logs))
        assert [state["offsets"][topic] for topic in TOPICS] == [len(log) for log in rig.transport.logs]

    with_redis(redis_server.url, use)


def test_state_written_for_the_previous_release_equals_its_own_byte_by_byte() -> None:
    customers = [entry for entry in keys_of(LAYOUT_BEFORE) if ":customer:" in entry["key"]]
    assert customers
    for entry in customers:
        customer = entry["key"].rpartition(":")[2]
        written = packed_state(b64decode(entry["content"]))
        taken_forward = pack(unpack(written, customer), customer)
        assert taken_forward[0] == LAYOUT
        assert pack(unpack(taken_forward, customer), customer, LAYOUT_BEFORE) == written


@pytest.mark.parametrize(("stored", "written"), [(2, LAYOUT), (3, LAYOUT), (4, 4), (5, 5)])
def test_which_layout_is_written_then(redis_server: EmbeddedRedis, namespace: str, stored: int, written: int) -> None:
    async def use(client: Client) -> None:
        rig = rig_of(client, namespace)
        await client.set(rig.keys.profile_layout(), stored)
        assert await agree_on_layout(client, rig.keys, 1) == written

    with_redis(redis_server.url, use)
