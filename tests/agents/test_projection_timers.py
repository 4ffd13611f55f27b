"""Timers of projections on a real Redis: each fires once, in the step that publishes its record."""

import orjson
import pytest

from stream.clock import SystemClock
from stream.local.redis import EmbeddedRedis
from stream.storage.keys import ProjectionKeys
from tests.agents.projection_rig import LOG, EndError, ProjectionRig, run_on, totals
from tests.agents.rig import until
from tests.projections.adding import Adding, Reminding


def told(rig: ProjectionRig) -> list[tuple[str, str]]:
    """Published alerts: the customer of each, and the total."""
    alerts = [orjson.loads(one.value or b"") for one in rig.broker.published if one.topic == "alerts"]
    return [(alert["customer_id"], alert["heard"]["feedback_id"]) for alert in alerts]


def wanted_alerts() -> set[tuple[str, str]]:
    return {(who, str(total)) for who, total in totals(LOG).items() if total > 0}


@pytest.mark.parametrize("point", ["script sent", "script done"])
def test_a_worker_that_ends_while_timers_fire_loses_and_repeats_none(
    redis_server: EmbeddedRedis, namespace: str, point: str
) -> None:
    async def act(rig: ProjectionRig) -> None:
        reminding = Reminding()

        def probe(at: str) -> None:
            if at == point and reminding.fired:
                raise EndError

        _, running, _ = await rig.start(probe, reminding)
        with pytest.raises(EndError):
            await running
        before = told(rig)
        worker, _, _ = await rig.start(projection=Reminding())
        await until(lambda: rig.is_done(worker) and {*told(rig)} == wanted_alerts(), "the alerts")
        timers = ProjectionKeys(rig.settings.namespace, Adding.name, Adding.version, 0).timers(0)
        assert await rig.client.zcard(timers) == 0
        assert before == []
        assert sorted(told(rig)) == sorted(wanted_alerts())
        assert await rig.states() == totals(LOG)

    run_on(redis_server, namespace, act)


def test_no_timer_fires_before_every_event_that_could_prevent_it_is_read(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def act(rig: ProjectionRig) -> None:
        worker, _, inputs = await rig.start(projection=Reminding())
        inputs.grows = True
        await until(lambda: rig.is_done(worker), "the end of the log")
        await worker._fire()
        timers = ProjectionKeys(rig.settings.namespace, Adding.name, Adding.version, 0).timers(0)
        assert await rig.client.zcard(timers) == len(wanted_alerts())
        assert told(rig) == []
        inputs.grows = False
        await until(lambda: {*told(rig)} == wanted_alerts(), "the alerts")

    run_on(redis_server, namespace, act)


def test_the_earlier_of_two_clocks_counts(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def act(rig: ProjectionRig) -> None:
        worker, _, _ = await rig.start(projection=Reminding())
        await until(lambda: rig.is_done(worker), "the end of the log")
        for ahead_ms in (-86_400_000, 86_400_000):
            worker._clock = _Ahead(ahead_ms)
            now_ms = worker._now_ms()
            assert now_ms is not None
            assert now_ms - SystemClock().now_ms() < min(ahead_ms, 0) + 60_000

    run_on(redis_server, namespace, act)


class _Ahead(SystemClock):
    def __init__(self, ahead_ms: int) -> None:
        self._ahead_ms = ahead_ms

    def now_ms(self) -> int:
        return super().now_ms() + self._ahead_ms
