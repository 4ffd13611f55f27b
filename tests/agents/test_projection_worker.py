"""The runner of projections on a real Redis: wherever it ends, states equal the fold over the log."""

import asyncio

import pytest

from stream import metrics
from stream.errors import SystematicError
from stream.local.redis import EmbeddedRedis
from stream.storage.keys import ProjectionKeys
from stream.storage.projection_desk import ProjectionDesk
from tests.agents.projection_rig import LOG, EndError, ProjectionRig, run_on, tens, totals
from tests.agents.rig import until
from tests.projections.adding import Adding

POINTS = ("polled", "computed", "script sent", "script done", "acked")


def rejected(reason: str) -> float:
    return metrics.REGISTRY.get_sample_value("stream_commit_rejected_total", {"reason": reason}) or 0.0


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("visit", [1, 3])
def test_a_worker_that_ends_at_any_point_loses_and_doubles_nothing(
    redis_server: EmbeddedRedis, namespace: str, point: str, visit: int
) -> None:
    async def act(rig: ProjectionRig) -> None:
        visits = 0

        def probe(at: str) -> None:
            nonlocal visits
            visits += at == point
            if at == point and visits == visit:
                raise EndError

        _, running, _ = await rig.start(probe)
        with pytest.raises(EndError):
            await running
        worker, _, inputs = await rig.start()
        await until(lambda: rig.is_done(worker), "the end of the log")
        assert await rig.states() == totals(LOG)
        published = [(one.key, one.value) for one in rig.broker.published if one.topic == "tens"]
        # records stored and not yet trimmed were sent again, in order
        assert list(dict.fromkeys(published)) == list(dict.fromkeys(tens(LOG)))
        assert inputs.acked_to == len(LOG)
        counters = worker.partition.state.counters
        assert counters.events_in == len(LOG)
        assert counters.dead_letters == sum(b"13" in (one.value or b"") for one in LOG)

    run_on(redis_server, namespace, act)


def test_what_holds_no_record_at_the_end_of_the_log_counts_as_read(redis_server: EmbeddedRedis, namespace: str) -> None:
    """Else whoever looks from outside how far a projection is would wait for the markers of a transaction for ever."""

    async def act(rig: ProjectionRig) -> None:
        worker, _, inputs = await rig.start()
        inputs.markers = 3
        await until(lambda: worker.partition.state.offsets.get("numbers") == len(LOG) + 3, "the end of the log")
        assert await rig.states() == totals(LOG)
        assert worker.partition.state.counters.events_in == len(LOG)

    run_on(redis_server, namespace, act)


def test_a_worker_that_was_superseded_writes_nothing(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def act(rig: ProjectionRig) -> None:
        computed = asyncio.Event()
        entered = False

        def probe(at: str) -> None:
            nonlocal entered
            if at == "computed" and not entered:
                entered = True
                computed.set()

        first, running, log = await rig.start(probe)
        await computed.wait()
        second, _, _ = await rig.start()
        await until(lambda: rig.is_done(second), "the end of the log")
        # the first one notices it, rewinds, and would resume as the new owner, but its revocation comes first
        await until(lambda: first.recovering or bool(log.rewinds), "a refused write of the first")
        first.stop()
        await running
        assert await rig.states() == totals(LOG)

    run_on(redis_server, namespace, act)


def test_states_that_redis_lost_are_folded_again(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def act(rig: ProjectionRig) -> None:
        worker, _, log = await rig.start()
        await until(lambda: rig.is_done(worker), "the end of the log")
        async for key in rig.client.scan_iter(f"{namespace}:*"):
            await rig.client.delete(key)
        await until(lambda: bool(log.rewinds) and rig.is_done(worker), "the log folded again")
        assert log.rewinds == [0]
        assert await rig.states() == totals(LOG)

    run_on(redis_server, namespace, act)


def test_a_rebuild_starts_from_the_log_and_drops_the_old_states(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def act(rig: ProjectionRig) -> None:
        worker, _, log = await rig.start()
        await until(lambda: rig.is_done(worker), "the end of the log")
        before = [rejected(reason) for reason in ("fenced", "rebuild")]
        with ProjectionDesk(rig.settings) as desk:
            assert desk.rebuild(Adding.name, Adding.version) == 1
        await until(lambda: bool(log.rewinds) and rig.is_done(worker), "the log folded again")
        assert await rig.states(1) == totals(LOG)
        # what an operator asks for is no sign of two owners, of which an alert tells
        assert [rejected(reason) for reason in ("fenced", "rebuild")] == [before[0], before[1] + 1]
        assert worker.partition.state.counters.events_in == len(LOG)
        former = ProjectionKeys(namespace, Adding.name, Adding.version, 0).prefix(0)
        async with asyncio.timeout(10.0):
            while [key async for key in rig.client.scan_iter(f"{former}*")]:  # noqa: ASYNC110 - they expire
                await asyncio.sleep(0.05)
        with ProjectionDesk(rig.settings) as desk:
            progress = desk.progress(Adding.name, Adding.version)
            assert (progress.generation, progress.folded + progress.dead_letters) == (1, len(LOG))

    run_on(redis_server, namespace, act)


def test_a_customer_is_erased_by_the_owner(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def act(rig: ProjectionRig) -> None:
        worker, _, _ = await rig.start()
        await until(lambda: rig.is_done(worker), "the end of the log")
        with ProjectionDesk(rig.settings) as desk:
            assert desk.state(Adding.name, Adding.version, "a", "a") is not None
            desk.erase(Adding.name, Adding.version, "a", ["a"])
            async with asyncio.timeout(10.0):
                while desk.erasing(Adding.name, Adding.version, "a", ["a"]):  # noqa: ASYNC110 - as an operator waits
                    await asyncio.sleep(0.05)
            assert desk.state(Adding.name, Adding.version, "a", "a") is None
        others = {who: total for who, total in totals(LOG).items() if who != "a"}
        assert await rig.states() == others

    run_on(redis_server, namespace, act)


def test_a_state_that_cannot_be_read_ends_the_worker(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def act(rig: ProjectionRig) -> None:
        keys = ProjectionKeys(namespace, Adding.name, Adding.version, 0)
        await rig.client.set(keys.customer(0, "a"), b"\x00")
        _, running, _ = await rig.start()
        says = f"state of projection {Adding.name} cannot be read.*stream projections rebuild {Adding.name}"
        with pytest.raises(SystematicError, match=says):
            await running
        assert await rig.client.hget(keys.meta(0), "state") is None

    run_on(redis_server, namespace, act)
