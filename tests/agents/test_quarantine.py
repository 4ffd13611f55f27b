"""Unreadable profiles are set aside, and no error of the program loses events."""

import asyncio
from base64 import b64encode
from collections.abc import Sequence

import orjson
import pytest

from stream.agents.warmup import warm_up
from stream.catalogue.events import KERNEL_TYPES
from stream.errors import SystematicError
from stream.events.dead_letters import HEADER_PREFIX
from stream.events.kinds import EventType
from stream.features.codec import LAYOUT
from stream.local.redis import EmbeddedRedis
from stream.processing.align import Taken
from stream.processing.document import packed_state
from stream.processing.outgoing import Topics
from stream.processing.partition import Partition
from stream.processing.prepared import Prepared
from stream.processing.scorer import Scorer
from stream.processing.state import Outgoing
from tests.agents.playing import CUSTOMERS, LOG, RULES, play
from tests.agents.rig import PARTITION, TOPICS, Rig, until
from tests.features.lists_of_events import BEGIN, DAY
from tests.features.profiles import Profile
from tests.oracle.event import Event
from tests.oracle.features import features_at
from tests.oracle.record import Record, logs_of

LATER = BEGIN + 200 * DAY
FULL = list(logs_of(LOG).values())
HALF = [log[: len(log) // 2] for log in FULL]


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Compile first: on the event loop it would take longer than these tests wait."""
    warm_up()


def applied(customer: str, logs: Sequence[Sequence[Record]]) -> list[Event]:
    """Events of a customer within these logs, each once."""
    offsets: dict[EventType, int] = dict.fromkeys(EventType, 0)
    found: dict[str, Event] = {}
    for entry in LOG:
        (event_type,) = [t for t, log in logs_of([entry]).items() if log]
        position = offsets[event_type]
        offsets[event_type] += 1
        if (
            isinstance(entry[1], Event)
            and entry[0] == customer
            and position < len(logs[KERNEL_TYPES.index(event_type)])
        ):
            found[entry[1].event_id] = entry[1]
    return [*found.values()]


async def run_to_the_end(rig: Rig, logs: Sequence[Sequence[Record]]) -> None:
    """Process these logs from the stored offsets on."""
    rig.transport.logs = logs
    worker, running = await rig.start()
    await until(lambda: rig.is_done(worker), "everything is stored")
    worker.stop()
    await asyncio.wait_for(running, 10)


async def features(rig: Rig, customer: str) -> dict[str, float | None]:
    return Profile.of(packed_state((await rig.documents())[customer]), customer).values(LATER)


def letters_of(rig: Rig, customer: str) -> list[Outgoing]:
    wanted = (f"{HEADER_PREFIX}reason", b"quarantined")
    return [
        record
        for record in rig.broker.published
        if record.topic == "dead-letters" and record.key == customer.encode() and wanted in record.headers
    ]


def published_again(rig: Rig, customer: str) -> list[list[Record]]:
    """The logs, with the customer's dead letters at their ends, as `stream quarantine release` puts them there."""
    logs = [list(log) for log in FULL]
    for letter in letters_of(rig, customer):
        topic = dict(letter.headers)[f"{HEADER_PREFIX}topic"] or b""
        log = logs[TOPICS.index(topic.decode())]
        log.append(Record(letter.key, letter.value, LATER, len(log)))
    return logs


def cut(document: bytes) -> bytes:
    """The document with a packed profile that lacks its last byte."""
    fields = orjson.loads(document)
    return orjson.dumps({**fields, "state": b64encode(packed_state(document)[:-1]).decode()})


def test_damaged_profiles_are_set_aside_and_taken_up_again_with_all_events(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def scenario(rig: Rig) -> None:
        await run_to_the_end(rig, HALF)
        before = await rig.documents()
        prefix = rig.keys.customer(PARTITION, "")
        await rig.client.set(f"{prefix}customer-3", b"not a document")
        await rig.client.set(f"{prefix}customer-5", cut(before["customer-5"]))
        await run_to_the_end(rig, FULL)
        documents = await rig.documents()
        # healthy customers are processed; damaged ones stay as they were found, and their new events are kept
        for customer in set(CUSTOMERS) - {"customer-3", "customer-5"}:
            assert await features(rig, customer) == features_at(applied(customer, FULL), LATER)
        assert documents["customer-3"] == b"not a document"
        for customer in ("customer-3", "customer-5"):
            missed = {e.event_id for e in applied(customer, FULL)} - {e.event_id for e in applied(customer, HALF)}
            kept = {orjson.loads(letter.value or b"")["event_id"] for letter in letters_of(rig, customer)}
            assert missed
            assert missed <= kept
        # a repaired document resumes with the events since, as if nothing had happened
        await rig.client.set(f"{prefix}customer-3", before["customer-3"])
        await rig.client.sadd(rig.keys.released(PARTITION), "customer-3")
        rig.transport.logs = published_again(rig, "customer-3")
        worker, running = await rig.start()
        await until(lambda: worker.partition.quarantined.keys() == {"customer-5"}, "customer-3 is released")
        await until(lambda: rig.is_done(worker), "everything is stored")
        worker.stop()
        await asyncio.wait_for(running, 10)
        assert await features(rig, "customer-3") == features_at(applied("customer-3", FULL), LATER)
        state = orjson.loads(await rig.client.hget(rig.keys.meta(PARTITION), "state"))
        assert state["quarantined"].keys() == {"customer-5"}
        assert await rig.client.smembers(rig.keys.released(PARTITION)) == set()

    play(redis_server, namespace, scenario)


def test_released_customers_get_their_timers_back(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(rig: Rig) -> None:
        await run_to_the_end(rig, HALF)
        timers, before = await rig.timers(), await rig.documents()
        customer = next(iter(timers))
        key = rig.keys.customer(PARTITION, customer)
        await rig.client.set(key, b"{}")
        await run_to_the_end(rig, FULL)
        assert customer not in await rig.timers()
        await rig.client.set(key, before[customer])
        await rig.client.sadd(rig.keys.released(PARTITION), customer)
        worker, running = await rig.start()
        await until(lambda: not worker.partition.quarantined and rig.is_done(worker), "the customer is released")
        worker.stop()
        await asyncio.wait_for(running, 10)
        assert await features(rig, customer) == features_at(applied(customer, HALF), LATER)
        assert customer in await rig.timers()

    play(redis_server, namespace, scenario)


def test_profiles_of_another_layout_end_the_worker_and_no_event_is_lost(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def scenario(rig: Rig) -> None:
        await run_to_the_end(rig, HALF)
        offsets, documents = await rig.stored_offsets(), await rig.documents()
        published = len(rig.broker.published)
        for customer, document in documents.items():
            fields = orjson.loads(document)
            state = bytes([LAYOUT + 1]) + packed_state(document)[1:]
            other = orjson.dumps({**fields, "state": b64encode(state).decode()})
            await rig.client.set(rig.keys.customer(PARTITION, customer), other)
        rig.transport.logs = FULL
        _, running = await rig.start()
        with pytest.raises(SystematicError, match=f"layout {LAYOUT + 1}"):
            await asyncio.wait_for(running, 20)
        assert await rig.stored_offsets() == offsets
        assert len(rig.broker.published) == published
        # a program that can read them resumes from here
        for customer, document in documents.items():
            await rig.client.set(rig.keys.customer(PARTITION, customer), document)
        await run_to_the_end(rig, FULL)
        for customer in CUSTOMERS:
            assert await features(rig, customer) == features_at(applied(customer, FULL), LATER)

    play(redis_server, namespace, scenario, step_records=200)


class BrokenPartition(Partition):
    """A program in which every event causes an error."""

    def prepare_step(self, taken: Taken, scorer: Scorer, now_ms: int) -> Prepared:
        del taken, scorer, now_ms
        raise ZeroDivisionError("an error of the program")


def test_an_error_of_the_program_makes_no_dead_letters(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(rig: Rig) -> None:
        broken = BrokenPartition(PARTITION, RULES, rig.partition()._kernel, Topics(), TOPICS, 10**9)
        _, running = await rig.start(partition=broken)
        with pytest.raises(SystematicError, match="made-up event as well, with ZeroDivisionError"):
            await asyncio.wait_for(running, 20)
        assert await rig.stored_offsets() == [0, 0, 0]
        assert rig.broker.published == []

    play(redis_server, namespace, scenario)
