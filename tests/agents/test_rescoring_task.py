"""Every customer is scored with the first model, after an import and on request, even if a worker dies meanwhile."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import orjson
import pytest

from stream import metrics
from stream.agents.partition_worker import PartitionWorker
from stream.errors import StorageError, SystematicError
from stream.events.kinds import EventKind
from stream.local.redis import EmbeddedRedis
from stream.processing.rules import Rules
from stream.processing.scorer import WARMING, Scorer
from stream.storage.connection import Client
from tests.agents.rig import PARTITION, Rig, until
from tests.features.lists_of_events import BEGIN, DAY
from tests.oracle.event import Event
from tests.oracle.features import features_at
from tests.oracle.record import LogEntry, logs_of
from tests.processing.frozen import SILENCE, scorer_of
from tests.processing.station import NOW_MS
from tests.storage.redis_client import with_redis

RULES = Rules(silence_bound_ms=70 * DAY)
#: Forty customers who order until they leave, half of them long before the end.
CUSTOMERS = {f"customer-{k}": 3 + 10 * (k % 20) for k in range(40)}


def history() -> list[tuple[str, Event]]:
    log: list[tuple[str, Event]] = []
    for number, (customer, last) in enumerate(CUSTOMERS.items()):
        for day in range(0, last + 1, 9):
            at = BEGIN + day * DAY + number * 1000
            log.append((customer, Event(f"{customer}-{day}", EventKind.ORDER_COMPLETED, at, f"o{day}", 10_000)))
    return sorted(log, key=lambda entry: entry[1].at)


LOG = history()
NEWEST = max(event.at for _, event in LOG)


@pytest.fixture(autouse=True)
def looks_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker without events looks around ten times a second, longer apart than the rest before it scores."""
    monkeypatch.setattr("stream.agents.partition_worker._TICK_S", 0.1)


class ChangingRig:
    """A rig whose model and number of requests can change. ``looks``: how often the worker asked for the model."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.scorer: Scorer = WARMING
        self.asked = 0
        self.looks = 0
        rig.scorer_now = self._look

    def _look(self) -> Scorer:
        self.looks += 1
        return self.scorer

    async def looked_again(self) -> None:
        """Wait until an idle worker has had every occasion to score: it sees a new model, rests, and looks again."""
        before = self.looks
        await until(lambda: self.looks >= before + 5, "the worker looks around")


def play(
    redis_server: EmbeddedRedis,
    namespace: str,
    scenario: Callable[[ChangingRig], Awaitable[None]],
    log: Sequence[LogEntry] = LOG,
    others_are_behind: Sequence[bool] = (),
    **options: object,
) -> None:
    async def run(client: Client) -> None:
        field: ChangingRig | None = None

        def asked() -> int:
            return field.asked if field else 0

        behind = {"is_behind": lambda: any(others_are_behind)}
        given: dict[str, Any] = {"rest_s": 0.05, "asked": asked, **behind, **options}
        rig = Rig(client, namespace, [*logs_of(log).values()], RULES, WARMING, **given)
        field = ChangingRig(rig)
        try:
            await scenario(field)
        finally:
            await rig.end()

    with_redis(redis_server.url, run)


def risks(documents: dict[str, bytes]) -> dict[str, float | None]:
    return {customer: orjson.loads(document).get("risk") for customer, document in documents.items()}


def expected_risks(as_of: int = NEWEST) -> dict[str, float]:
    return {
        name: SILENCE.risk(features_at([event for customer, event in LOG if customer == name], as_of))
        for name in CUSTOMERS
    }


def looked_at_so_far() -> float:
    return metrics.REGISTRY.get_sample_value("stream_rescored_customers_total") or 0.0


def is_rescored(worker: PartitionWorker, times: int = 0) -> bool:
    state = worker.partition.state
    return state.rescored.stream_time_ms is not None and state.rescored.asked >= times


def test_a_history_that_came_before_the_first_model_is_scored_with_it(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def scenario(field: ChangingRig) -> None:
        worker, _ = await field.rig.start()
        await until(lambda: field.rig.is_done(worker), "everything is stored")
        assert set(risks(await field.rig.documents()).values()) == {None}
        looked_at = looked_at_so_far()
        retired = CUSTOMERS.keys() - (await field.rig.timers()).keys()
        assert len(retired) > 10
        field.scorer = scorer_of(SILENCE)
        await until(lambda: is_rescored(worker) and field.rig.is_done(worker), "all are scored")
        found = risks(await field.rig.documents())
        assert found == pytest.approx(expected_risks(), abs=1e-6)
        state = worker.partition.state
        assert (state.rescored.customers, state.rescored.stream_time_ms) == (len(CUSTOMERS), NEWEST)
        assert looked_at_so_far() - looked_at >= len(CUSTOMERS)
        # no alert about customers who left long ago
        alerted = {
            orjson.loads(r.value or b"")["customer_id"] for r in field.rig.broker.published if r.topic == "alerts"
        }
        assert alerted
        assert not alerted & retired
        # this happens once
        steps = worker.steps
        await field.looked_again()
        assert worker.steps == steps

    play(redis_server, namespace, scenario)


def test_customers_are_scored_again_on_request_only(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(field: ChangingRig) -> None:
        worker, _ = await field.rig.start()
        await until(lambda: field.rig.is_done(worker), "everything is stored")
        field.asked = 1
        await field.looked_again()
        assert not is_rescored(worker)  # there is no model yet
        field.scorer = scorer_of(SILENCE)
        await until(lambda: is_rescored(worker, 1), "the first request is answered")
        field.asked = 3
        await until(lambda: is_rescored(worker, 3), "later requests are answered")
        assert risks(await field.rig.documents()) == pytest.approx(expected_risks(), abs=1e-6)

    play(redis_server, namespace, scenario, rescore="asked")


def test_who_asks_gets_the_document_of_every_customer_published(redis_server: EmbeddedRedis, namespace: str) -> None:
    """Else readers of the topic know of scores and segments only as far as something has changed since."""

    async def scenario(field: ChangingRig) -> None:
        field.rig.publish_customers = "changes"
        worker, _ = await field.rig.start()
        field.scorer = scorer_of(SILENCE)
        await until(lambda: is_rescored(worker) and field.rig.is_done(worker), "all are scored")
        before = len(field.rig.broker.published)
        field.asked = 1
        await until(lambda: is_rescored(worker, 1) and field.rig.is_done(worker), "the request is answered")
        told = [record for record in field.rig.broker.published[before:] if record.topic == "customers"]
        found = {orjson.loads(record.value or b"")["customer_id"]: record.value or b"" for record in told}
        assert risks(found) == pytest.approx(expected_risks(), abs=1e-6)

    play(redis_server, namespace, scenario)


def test_while_another_partition_is_behind_nobody_is_scored_again(redis_server: EmbeddedRedis, namespace: str) -> None:
    others_are_behind = [True]

    async def scenario(field: ChangingRig) -> None:
        worker, _ = await field.rig.start()
        field.scorer, field.asked = scorer_of(SILENCE), 1
        await until(lambda: field.rig.is_done(worker), "everything is stored")
        looked_at = looked_at_so_far()
        await field.looked_again()
        assert looked_at_so_far() == looked_at
        others_are_behind.clear()
        await until(lambda: is_rescored(worker, 1), "all are scored")
        assert looked_at_so_far() - looked_at >= len(CUSTOMERS)

    play(redis_server, namespace, scenario, others_are_behind=others_are_behind)


def test_in_the_mode_on_request_nothing_happens_without_one(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(field: ChangingRig) -> None:
        worker, _ = await field.rig.start()
        await until(lambda: field.rig.is_done(worker), "everything is stored")
        field.scorer = scorer_of(SILENCE)
        await field.looked_again()
        assert not is_rescored(worker)

    play(redis_server, namespace, scenario, rescore="asked")


@pytest.mark.parametrize("point", ["rescoring", "script sent", "script done"])
@pytest.mark.parametrize("chunk", [0, 1, 3])
def test_a_crash_in_the_middle_changes_nothing(
    redis_server: EmbeddedRedis, namespace: str, monkeypatch: pytest.MonkeyPatch, point: str, chunk: int
) -> None:
    """The next worker starts again; documents and alerts are those of a run without a crash."""
    monkeypatch.setattr("stream.agents.rescoring_task._KEYS_AT_ONCE", 10)

    async def scenario(field: ChangingRig) -> None:
        first, running = await field.rig.start()
        await until(lambda: field.rig.is_done(first), "everything is stored")
        first.stop()
        await running
        passed = 0
        under_way = False

        def die(at: str) -> None:
            nonlocal passed, under_way
            under_way = under_way or at == "rescoring"
            if under_way and at == point:
                passed += 1
                if passed > chunk:
                    raise MemoryError(point)

        field.scorer = scorer_of(SILENCE)
        _, running = await field.rig.start(die)
        with pytest.raises(SystematicError):
            await running
        worker, _ = await field.rig.start()
        await until(lambda: is_rescored(worker) and field.rig.is_done(worker), "all are scored")
        assert risks(await field.rig.documents()) == pytest.approx(expected_risks(), abs=1e-6)
        alerts = [orjson.loads(r.value or b"") for r in field.rig.broker.published if r.topic == "alerts"]
        by_id = {alert["alert_id"]: alert["customer_id"] for alert in alerts}
        assert len(by_id) == len(set(by_id.values()))

    play(redis_server, namespace, scenario)


def test_after_a_backfill_every_customer_is_scored_as_of_its_end(redis_server: EmbeddedRedis, namespace: str) -> None:
    """The model existed before the history, so retired customers were last scored when they retired."""

    async def scenario(field: ChangingRig) -> None:
        field.scorer = scorer_of(SILENCE)
        worker, _ = await field.rig.start()
        await until(partial(is_rescored, worker), "all are scored")
        await until(lambda: worker.partition.state.rescored.stream_time_ms == NEWEST, "as of the end")
        assert risks(await field.rig.documents()) == pytest.approx(expected_risks(), abs=1e-6)

    play(redis_server, namespace, scenario)


@pytest.mark.parametrize(("days", "shop_times"), [(9, []), (170, [NOW_MS - DAY])])
def test_an_idle_partition_follows_the_wall_clock_after_a_quiet_time(
    redis_server: EmbeddedRedis, namespace: str, days: int, shop_times: list[int]
) -> None:
    order: list[LogEntry] = [("c", Event("e", EventKind.ORDER_COMPLETED, NOW_MS - days * DAY, "o", 10_000))]

    async def scenario(field: ChangingRig) -> None:
        worker, _ = await field.rig.start()
        await until(lambda: field.rig.is_done(worker), "everything is stored")
        assert not worker.partition.state.live
        await until(lambda: worker.partition.state.live, "the wall clock takes over")
        assert (worker.partition.state.stream_time_ms or 0) >= NOW_MS - 60_000

    play(redis_server, namespace, scenario, log=order, clock="auto", clock_quiet_s=5.0, shop_times=lambda: shop_times)


def test_after_a_failure_of_the_store_the_worker_returns_to_the_stored_state(
    redis_server: EmbeddedRedis, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.agents.rescoring_task._KEYS_AT_ONCE", 10)

    async def scenario(field: ChangingRig) -> None:
        failures = 0

        def fail(at: str) -> None:
            nonlocal failures
            if at == "rescoring" and failures < 3:
                failures += 1
                raise StorageError("made to fail")

        field.scorer = scorer_of(SILENCE)
        worker, _ = await field.rig.start(fail)
        await until(lambda: is_rescored(worker) and field.rig.is_done(worker), "all are scored")
        await until(lambda: worker.partition.state.rescored.stream_time_ms == NEWEST, "as of the end")
        assert failures == 3
        assert worker.partition.partition == PARTITION
        assert risks(await field.rig.documents()) == pytest.approx(expected_risks(), abs=1e-6)

    play(redis_server, namespace, scenario)
