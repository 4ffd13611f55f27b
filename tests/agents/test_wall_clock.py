"""Stream time follows the clock of a worker only while a second clock agrees with it."""

import asyncio
from functools import partial

import pytest

from stream import metrics
from stream.agents.wall_clock import MAX_APART_MS
from stream.agents.warmup import warm_up
from stream.clock import FixedClock
from stream.events.kinds import EventKind
from stream.local.redis import EmbeddedRedis
from tests.agents.playing import has_reached, play
from tests.agents.rig import Rig, until
from tests.features.lists_of_events import DAY
from tests.oracle.event import Event
from tests.oracle.record import LogEntry
from tests.processing.station import NOW_MS

HOUR = 3_600_000
NEWEST = NOW_MS - 60_000
ORDER: list[LogEntry] = [("quiet", Event("e", EventKind.ORDER_COMPLETED, NEWEST, "o", 10_000))]


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Compile first: on the event loop it would take longer than these tests wait."""
    warm_up()


def refusals() -> float:
    return float(metrics.CLOCK_REFUSED._value.get())


@pytest.mark.parametrize("jump_ms", [MAX_APART_MS + 1, HOUR, 400 * DAY, 3000 * DAY])
def test_a_clock_that_jumps_ahead_does_not_take_stream_time_with_it(
    redis_server: EmbeddedRedis, namespace: str, jump_ms: int, caplog: pytest.LogCaptureFixture
) -> None:
    right = FixedClock(NOW_MS)

    async def scenario(rig: Rig) -> None:
        worker, _ = await rig.start()
        await until(lambda: rig.is_done(worker) and worker.partition.state.live, "the partition has caught up")
        before, refused = worker.partition.state.stream_time_ms, refusals()
        rig.clock.advance(jump_ms)
        await until(lambda: refusals() >= refused + 2, "the jump is refused, each time")
        assert worker.partition.state.stream_time_ms == before
        assert sum("off the clock of Redis" in record.getMessage() for record in caplog.records) == 1
        # a clock that is right again is followed again
        rig.clock.at_ms = right.at_ms = NOW_MS + 7 * DAY
        await until(partial(has_reached, rig, worker, NOW_MS + 6 * DAY), "time goes on")
        assert worker.partition.state.stream_time_ms == NOW_MS + 7 * DAY - 10_000

    play(redis_server, namespace, scenario, log=ORDER, clock="auto", second_clock=right.now_ms)


@pytest.mark.parametrize("jump_ms", [HOUR, 400 * DAY])
def test_a_clock_that_jumps_back_stops_the_time_of_idle_partitions_and_no_more(
    redis_server: EmbeddedRedis, namespace: str, jump_ms: int
) -> None:
    right = FixedClock(NOW_MS)

    async def scenario(rig: Rig) -> None:
        worker, _ = await rig.start()
        await until(lambda: rig.is_done(worker) and worker.partition.state.live, "the partition has caught up")
        # the time moves before it is stored, which the step after that of the order does
        await until(lambda: worker.steps > 1, "the time is stored")
        before, steps = worker.partition.state.stream_time_ms, worker.steps
        rig.clock.advance(-jump_ms)
        for _ in range(60):
            await asyncio.sleep(0.02)
        assert (worker.partition.state.stream_time_ms, worker.steps) == (before, steps)
        assert worker.wall_clock.apart_ms() == -jump_ms

    play(redis_server, namespace, scenario, log=ORDER, clock="auto", second_clock=right.now_ms)


def test_the_second_clock_is_that_of_redis(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(rig: Rig) -> None:
        worker, _ = await rig.start()
        await until(lambda: rig.is_done(worker), "everything is stored")
        seconds, microseconds = await rig.client.time()
        wanted = rig.clock.now_ms() - (seconds * 1000 + microseconds // 1000)
        assert abs((worker.wall_clock.apart_ms() or 0) - wanted) < 5000
        # the clock of these tests is far from Redis' clock, so it is not followed
        assert worker.partition.state.stream_time_ms == NEWEST

    play(redis_server, namespace, scenario, log=ORDER, clock="auto", second_clock=None)
