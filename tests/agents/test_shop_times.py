"""The times of the shop's partitions are looked up when somebody asks, seldom, and are not kept."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from stream.agents import shop_times
from stream.agents.shop_times import ShopTimes
from stream.errors import StorageError
from stream.events.kinds import EventKind
from stream.local.redis import EmbeddedRedis
from stream.storage.keys import Keys
from stream.storage.stream_times import read_stream_times
from tests.agents.playing import play
from tests.agents.rig import Rig, until
from tests.features.lists_of_events import DAY
from tests.oracle.event import Event
from tests.processing.station import NOW_MS
from tests.storage.test_stream_times import write


class Store:
    """Answers with ``times``, or fails where they are None; counts how often it is asked."""

    def __init__(self, times: Sequence[int] | None) -> None:
        self.times = times
        self.looks = 0

    async def read(self) -> Sequence[int]:
        self.looks += 1
        if self.times is None:
            raise StorageError("away")
        return self.times


def running(store: Store, use: Callable[[ShopTimes], Awaitable[None]], period_s: float = 3600.0) -> None:
    async def run() -> None:
        times = ShopTimes(store.read, period_s)
        task = asyncio.create_task(times.run())
        try:
            await use(times)
        finally:
            task.cancel()

    asyncio.run(run())


def test_nothing_is_read_before_somebody_asks_and_then_once_for_all() -> None:
    store = Store([5, 7])

    async def use(times: ShopTimes) -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        assert store.looks == 0
        assert times.newest() == ()
        await until(lambda: times.newest() == [5, 7], "it is looked up")
        for _ in range(100):
            assert times.newest() == [5, 7]
            await asyncio.sleep(0)
        assert store.looks == 1

    running(store, use)


def test_an_answer_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis may have lost everything since, and a log of the past may be replayed into it."""
    store = Store([5])

    async def use(times: ShopTimes) -> None:
        times.newest()
        await until(lambda: times.newest() == [5], "it is looked up")
        monkeypatch.setattr(shop_times, "_VALID_S", 0.0)
        assert times.newest() == ()

    running(store, use)


def test_a_store_that_fails_is_asked_again_and_tells_nothing_meanwhile(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shop_times, "_LEAST_PERIOD_S", 0.001)
    store = Store(None)

    async def use(times: ShopTimes) -> None:
        def nothing_yet() -> bool:
            assert times.newest() == ()
            return store.looks > 2

        await until(nothing_yet, "it is tried again")
        store.times = [5]
        await until(lambda: times.newest() == [5], "it answers")

    running(store, use, period_s=0.0)
    assert "whether the shop is open is asked again later: away" in caplog.messages


@pytest.mark.parametrize(("newest_days", "follows"), [(1, True), (100, False)])
def test_a_silent_partition_learns_from_what_another_worker_stored(
    redis_server: EmbeddedRedis, namespace: str, newest_days: int, follows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other partition belongs to nobody here. In a log that ended long ago nothing moves, however often it asks."""
    monkeypatch.setattr(shop_times, "_LEAST_PERIOD_S", 0.01)
    monkeypatch.setattr(shop_times, "_VALID_S", 1.5)
    made: list[ShopTimes] = []
    looks = 0
    order = [("c", Event("e", EventKind.ORDER_COMPLETED, NOW_MS - 170 * DAY, "o", 10_000))]

    async def scenario(rig: Rig) -> None:
        async def read() -> Sequence[int]:
            nonlocal looks
            looks += 1
            return await read_stream_times(rig.client, Keys(namespace), 4)

        made.append(ShopTimes(read, 0.0))
        task = asyncio.create_task(made[0].run())
        await write(rig.client, rig.keys, 3, NOW_MS - newest_days * DAY)
        worker, _ = await rig.start()
        if follows:
            await until(lambda: worker.partition.state.live, "the wall clock takes over")
            assert worker.partition.state.stream_time_ms == NOW_MS - 10_000
        else:
            await until(lambda: looks > 3, "it asks again and again", timeout_s=60.0)
            assert worker.partition.state.stream_time_ms == NOW_MS - 170 * DAY
        task.cancel()

    def shop() -> Sequence[int]:
        return made[0].newest()

    play(
        redis_server,
        namespace,
        scenario,
        log=order,
        clock="auto",
        clock_quiet_s=0.0,
        shop_times=shop,
        second_clock=lambda: NOW_MS,
    )
