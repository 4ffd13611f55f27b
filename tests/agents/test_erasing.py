"""People who are erased: in the core and in projections, on a real Redis, wherever the worker ends."""

import asyncio
from typing import Any

import pytest

from stream.events.dead_letters import HEADER_PREFIX
from stream.local.redis import EmbeddedRedis
from stream.privacy.erasure_receipt import ErasureReceipt
from stream.privacy.erasures import Erasures
from stream.privacy.pseudonym import Pseudonyms
from stream.privacy.request_records import PrivacyRequest
from stream.processing.rules import Rules
from stream.processing.scorer import WARMING
from stream.settings import Settings
from stream.storage.connection import Client, connect
from tests.agents.projection_rig import LOG, EndError, ProjectionRig, run_on, totals
from tests.agents.rig import Rig, until
from tests.oracle.made_up import made_up
from tests.oracle.record import record_of, type_of
from tests.projections.adding import record

KEY = b"k" * 32
POINTS = ("erasing", "script sent", "script done", "erased")


def request(who: str, *, opened_at: int | None = None) -> PrivacyRequest:
    """To erase ``who``; ``opened_at``: as the record that takes its place when all is done."""
    pseudonym = Pseudonyms(KEY).of(who)
    if opened_at is None:
        return PrivacyRequest(request_id=f"r-{who}", asked_at=1.0, pseudonyms=[pseudonym], ids=[who])
    receipt = ErasureReceipt(
        request_id=f"r-{who}",
        asked_at="",
        erased_at="",
        pseudonyms=[pseudonym],
        found={},
        left={},
        remains={},
        previous="",
        number=1,
    )
    return PrivacyRequest(
        request_id=f"r-{who}", asked_at=1.0, pseudonyms=[pseudonym], receipt=receipt, opened_at=opened_at
    )


async def dumped(client: Client, namespace: str) -> dict[bytes, bytes]:
    """All keys as Redis packs them: a backup."""
    return {key: await client.dump(key) async for key in client.scan_iter(f"{namespace}:*")}


async def restore(client: Client, namespace: str, backup: dict[bytes, bytes]) -> None:
    async for key in client.scan_iter(f"{namespace}:*"):
        await client.delete(key)
    for key, packed in backup.items():
        await client.restore(key, 0, packed)


def others(who: str) -> dict[str, int]:
    return {name: total for name, total in totals(LOG).items() if name != who}


@pytest.mark.parametrize("point", POINTS)
def test_a_projection_erases_wherever_its_worker_ends(redis_server: EmbeddedRedis, namespace: str, point: str) -> None:
    async def act(rig: ProjectionRig) -> None:
        asked = False

        def probe(at: str) -> None:
            if asked and at == point:
                raise EndError

        worker, running, _ = await rig.start(probe)
        await until(lambda: rig.is_done(worker), "the end of the log")
        asked = True
        rig.erasures.take(0, request("a"))
        with pytest.raises(EndError):
            await running
        asked = False
        rig.log = [*LOG, record(len(LOG), "a", 7), record(len(LOG) + 1, "b", 7)]
        worker, _, _ = await rig.start()
        await until(lambda: rig.is_done(worker) and worker.partition.state.erased_up_to == 1, "the erasure")
        assert await rig.states() == {**others("a"), "b": totals(LOG)["b"] + 7}

    run_on(redis_server, namespace, act)


def test_a_projection_that_is_restored_or_built_again_erases_by_hashes(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def act(rig: ProjectionRig) -> None:
        worker, running, _ = await rig.start()
        await until(lambda: rig.is_done(worker), "the end of the log")
        backup = await dumped(rig.client, namespace)
        rig.erasures.take(0, request("a"))
        await until(lambda: worker.partition.state.erased_up_to == 1, "the erasure")
        assert await rig.states() == others("a")
        worker.stop()
        await running
        # the ids are gone from the log by now
        rig.erasures = Erasures(KEY)
        rig.erasures.take(1, request("a", opened_at=0))
        await restore(rig.client, namespace, backup)
        assert await rig.states() == totals(LOG)
        worker, running, _ = await rig.start()
        await until(lambda: worker.partition.state.erased_up_to == 2, "the erasure again")
        assert await rig.states() == others("a")
        worker.stop()
        await running
        await restore(rig.client, namespace, {})
        worker, _, _ = await rig.start()
        await until(lambda: rig.is_done(worker), "the log from its start")
        assert await rig.states() == others("a")

    run_on(redis_server, namespace, act)


@pytest.mark.parametrize("point", ["", *POINTS])
def test_the_core_erases_wherever_its_worker_ends(redis_server: EmbeddedRedis, namespace: str, point: str) -> None:
    made = made_up(3, customers=5, days=60, events=200)
    who, other = [*made.events][:2]
    logs: list[list[Any]] = [[], [], []]
    for owner, item in made.entries:
        if owner in made.events and not isinstance(item, tuple):
            source = ["click", "email", "purchase"].index(type_of(item).value)
            logs[source].append(record_of(owner, item)._replace(offset=len(logs[source])))

    async def act() -> None:
        client = connect(Settings(redis_url=redis_server.url, namespace=namespace))
        erasures = Erasures(KEY)
        rig = Rig(client, namespace, logs, Rules(), WARMING, erasures=erasures)
        try:
            asked = False

            def probe(at: str) -> None:
                if asked and at == point:
                    raise EndError

            worker, running = await rig.start(probe)
            await until(lambda: rig.is_done(worker), "the end of the logs")
            assert who in await rig.documents()
            assert who in await rig.timers()
            before = await rig.documents()
            asked = True
            erasures.take(0, request(who))
            if point:
                with pytest.raises(EndError):
                    await running
                asked = False
                worker, running = await rig.start(probe)
            await until(lambda: worker.partition.state.erased_up_to == 1, "the erasure")
            assert await rig.documents() == {one: text for one, text in before.items() if one != who}
            assert who not in await rig.timers()
            assert (b"customers", None) in {
                (one.topic.encode(), one.value) for one in rig.broker.published if one.key == who.encode()
            }
            # what comes later is refused, without its content
            logs[0] += [logs[0][k]._replace(offset=len(logs[0]) + k) for k in range(len(logs[0]))]
            dead = len(rig.broker.published)
            await until(lambda: rig.is_done(worker), "the events again")
            letters = [one for one in rig.broker.published[dead:] if one.topic == "dead-letters"]
            assert letters
            for letter in letters:
                assert (letter.key, letter.value) == (None, None)
                assert (f"{HEADER_PREFIX}reason", b"erased") in letter.headers
            assert who not in await rig.documents()
            counters = worker.partition.state.counters
            assert counters.events_in == sum(map(len, logs))
            assert counters.events_in == counters.applied + counters.duplicates + counters.dead_letters
            assert other in await rig.documents()
        finally:
            await rig.end()
            await client.aclose()

    asyncio.run(act())
