"""How the wall clock and the event clock move a partition, and how a lagging one waits."""

import asyncio
from functools import partial

import orjson
import pytest

from stream.clock import FixedClock
from stream.events.kinds import EventKind
from stream.local.redis import EmbeddedRedis
from tests.agents.playing import LOG, has_reached, play
from tests.agents.rig import PARTITION, Rig, until
from tests.features.lists_of_events import BEGIN, DAY
from tests.oracle.event import Event
from tests.oracle.record import LogEntry
from tests.oracle.timeline import Policy, timeline
from tests.processing.frozen import SILENCE
from tests.processing.published import arrivals_of, epoch_ms
from tests.processing.station import NOW_MS

POLICY = Policy(silence_bound=70 * DAY)


def test_an_empty_input_is_waited_for_once(
    redis_server: EmbeddedRedis, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(rig: Rig) -> None:
        rig.transport.stuck.add(1)
        loop = asyncio.get_running_loop()
        began = loop.time()
        worker, _ = await rig.start()
        total = sum(len(log) for source, log in enumerate(rig.transport.logs) if source != 1)
        await until(lambda: worker.partition.state.counters.events_in == total, "the other inputs are stored")
        assert loop.time() - began >= 0.5
        assert worker.steps >= 5
        assert [record.args for record in caplog.records if "continues without" in record.msg] == [(PARTITION, [1])]

    play(redis_server, namespace, scenario, align_wait_s=0.5)


def test_a_lagging_partition_waits_for_a_larger_step(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(rig: Rig) -> None:
        rig.transport.batch_records = 1
        points: list[str] = []
        worker, _ = await rig.start(points.append)
        await until(lambda: rig.is_done(worker), "all is stored")
        assert points.count("polled") == 1

    # the wait is so long that only the end of the log can have ended it
    play(redis_server, namespace, scenario, step_records=3 * len(LOG), gather_s=1000.0)


def test_a_partition_that_follows_current_events_waits_for_no_more(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(rig: Rig) -> None:
        rig.transport.batch_records = 1
        rig.clock = FixedClock(BEGIN)  # no record is older
        points: list[str] = []
        worker, _ = await rig.start(points.append)
        await until(lambda: rig.is_done(worker), "all is stored")
        assert points.count("polled") > 1

    # none of these waits would end within the test
    play(redis_server, namespace, scenario, step_records=3 * len(LOG), gather_s=1000.0)


def test_the_wall_clock_fires_timers_when_no_event_comes(redis_server: EmbeddedRedis, namespace: str) -> None:
    newest = NOW_MS - 60_000
    orders = [
        ("quiet", Event(f"e{k}", EventKind.ORDER_COMPLETED, newest - k * DAY, f"o{k}", 10_000)) for k in (3, 2, 1, 0)
    ]

    async def scenario(rig: Rig) -> None:
        worker, _ = await rig.start()
        await until(lambda: rig.is_done(worker), "everything is stored")
        await until(lambda: worker.partition.state.live, "the partition has caught up")
        assert worker.partition.state.counters.raised_by_silence == 0
        for week in range(1, 10):
            rig.clock.advance(7 * DAY)
            end = newest + week * 7 * DAY
            await until(partial(has_reached, rig, worker, end), "time goes on")
            if worker.partition.state.counters.raised_by_silence:
                break
        await until(lambda: rig.is_done(worker), "the alert is published")
        [alert] = [orjson.loads(r.value or b"") for r in rig.broker.published if r.topic == "alerts"]
        arrived = arrivals_of(orders)["quiet"]
        [expected] = timeline("quiet", arrived, POLICY, SILENCE, rig.clock.at_ms).alarms
        assert alert["cause"] == expected.cause == "silence"
        assert 0 <= epoch_ms(alert["occurred_at"]) - expected.at <= 1000
        document = orjson.loads((await rig.documents())["quiet"])
        assert document["alert"]

    play(redis_server, namespace, scenario, log=orders, clock="auto")


def test_the_event_clock_stands_still_when_no_event_comes(redis_server: EmbeddedRedis, namespace: str) -> None:
    order: list[LogEntry] = [("quiet", Event("e", EventKind.ORDER_COMPLETED, NOW_MS - 60_000, "o", 10_000))]

    async def scenario(rig: Rig) -> None:
        worker, _ = await rig.start()
        await until(lambda: rig.is_done(worker), "everything is stored")
        steps = worker.steps
        rig.clock.advance(300 * DAY)
        for _ in range(60):
            await asyncio.sleep(0.02)
        assert worker.steps == steps
        assert worker.partition.state.stream_time_ms == NOW_MS - 60_000

    play(redis_server, namespace, scenario, log=order, clock="event")


def test_the_document_of_a_retired_customer_expires_unless_the_customer_comes_back(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    orders = [
        (customer, Event(f"e{day}", EventKind.ORDER_COMPLETED, BEGIN + day * DAY, f"o{day}", 10_000))
        for customer, day in (("gone", 0), ("back", 1), ("other", 130), ("back", 140))
    ]

    async def scenario(rig: Rig) -> None:
        worker, _ = await rig.start()
        await until(lambda: rig.is_done(worker), "everything is stored")
        assert await rig.expiring() == {"gone"}
        assert (await rig.timers()).keys() == {"back", "other"}

    play(redis_server, namespace, scenario, log=orders, step_records=1)
