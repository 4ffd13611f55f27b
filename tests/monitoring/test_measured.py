"""Metrics show what happened to alerts, delays, the outbox, timers, round trips and revoked partitions."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from stream import metrics
from stream.agents.gauges import Gauges
from stream.agents.outbox import Outbox
from stream.agents.owner import Owner, PartitionInputs
from stream.agents.publisher import Publisher
from stream.agents.series import begin_at_zero
from stream.catalogue.events import KERNEL_TYPES
from stream.clock import FixedClock
from stream.errors import FencedError, StorageError
from stream.events.decode import Decoder
from stream.events.kinds import EventKind
from stream.local.redis import EmbeddedRedis
from stream.processing.align import Aligner, Taken
from stream.processing.kernel import Kernel
from stream.processing.outgoing import Topics
from stream.processing.partition import Partition
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer
from stream.processing.state import Counters, Outgoing, PartitionState
from stream.processing.step_outcome import StepOutcome
from stream.storage.connection import Client
from stream.storage.keys import Keys
from stream.storage.outbox_records import decode_record, encode_record
from stream.storage.partition_store import Commit, PartitionStore, TimerStanding
from stream.storage.round_trips import measured
from tests.agents.rig import until
from tests.features.lists_of_events import BEGIN, DAY
from tests.oracle.event import Event
from tests.oracle.model import Linear
from tests.oracle.record import logs_of
from tests.processing.frozen import scorer_of
from tests.processing.station import NOW_MS
from tests.storage.redis_client import with_redis

TOPICS = [event_type.value for event_type in KERNEL_TYPES]
RULES = Rules(overdue_at=1.0)
WORRIED, CALM = scorer_of(Linear({}, bias=5.0), version=1), scorer_of(Linear({}, bias=-5.0), version=2)


def value_of(registry: CollectorRegistry, sample: str, **labels: str) -> float:
    return registry.get_sample_value(sample, labels) or 0.0


def ours(sample: str, **labels: str) -> float:
    return value_of(metrics.REGISTRY, sample, **labels)


def taken(*events: tuple[EventKind, str, float]) -> Taken:
    """Events of one customer: kind, id, days after the beginning."""
    log = [("ada", Event(name, kind, BEGIN + int(days * DAY), f"order-{name}", 100_000)) for kind, name, days in events]
    aligner = Aligner(len(TOPICS))
    for source, (event_type, records) in enumerate(logs_of(log).items()):
        if records:
            decoded = Decoder().decode(event_type, records)
            aligner.push(source, None, np.arange(len(records)), records, decoded)
    run = aligner.take([True] * len(TOPICS), 1000)
    assert run is not None
    return run


class Customer:
    """One customer of a partition, step by step."""

    def __init__(self) -> None:
        self.partition = Partition(0, RULES, Kernel(RULES), Topics(), TOPICS, 10**9)
        self.partition.remember(["ada"], [None])

    def step(self, scorer: Scorer, *events: tuple[EventKind, str, float]) -> StepOutcome:
        outcome = self.partition.step(taken(*events), scorer, NOW_MS)
        self.partition.accept(outcome)
        return outcome


def test_an_alert_held_back_for_too_few_orders_is_counted_at_each_evaluation() -> None:
    said_so = [(EventKind.EMAIL_COMPLAINED, "b", 0.1), (EventKind.EMAIL_UNSUBSCRIBED, "c", 0.2)]
    outcome = Customer().step(WORRIED, (EventKind.ORDER_COMPLETED, "a", 0.0), *said_so)
    assert outcome.suppressed == {"few_orders": 2, "cooldown": 0}
    assert not outcome.alerts


def test_an_alert_held_back_by_the_one_before_it_is_counted() -> None:
    ada = Customer()
    orders = [(EventKind.ORDER_COMPLETED, "a", 0.0), (EventKind.ORDER_COMPLETED, "b", 1.1)]
    raised = ada.step(WORRIED, *orders, (EventKind.EMAIL_UNSUBSCRIBED, "c", 16.8))
    assert [kind for kind, *_ in raised.alerts] == ["raised"]
    cleared = ada.step(CALM, (EventKind.PAGE_VIEWED, "d", 16.9))
    assert [kind for kind, *_ in cleared.alerts] == ["cleared"]
    again = ada.step(WORRIED, (EventKind.EMAIL_COMPLAINED, "e", 17.0))
    assert again.suppressed["cooldown"] >= 1
    assert not again.alerts


def test_an_alert_carries_when_the_event_that_caused_it_was_appended() -> None:
    ada = Customer()
    of_refunds = scorer_of(Linear({"refund_ratio": 20.0}, bias=-5.0), version=1)
    ada.step(of_refunds, (EventKind.ORDER_COMPLETED, "a", 0.0), (EventKind.ORDER_COMPLETED, "b", 1.1))
    step = taken((EventKind.ORDER_REFUNDED, "c", 20.0))
    outcome = ada.partition.step(step, of_refunds, NOW_MS)
    (alert,) = [record for record in outcome.outgoing if record.topic == Topics().alerts]
    assert alert.appended_at_ms == step.records[0].timestamp
    assert [record.appended_at_ms for record in outcome.outgoing if record is not alert] == [None] * (
        len(outcome.outgoing) - 1
    )
    ((cause, risk),) = outcome.raised_risks
    assert cause in {"event", "model"}
    assert RULES.raise_at <= risk <= 1.0


def test_the_append_time_survives_the_outbox_and_older_records_have_none() -> None:
    record = Outgoing("alerts", b"ada", b"{}", [("a", b"b")], 1234)
    assert decode_record(encode_record(record)) == record
    stored_before = msgspec.msgpack.encode(("alerts", b"ada", b"{}", [("a", b"b")]))
    assert decode_record(stored_before) == Outgoing("alerts", b"ada", b"{}", [("a", b"b")], None)


class OpenPublisher:
    """A publisher that confirms while it is open."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def publish(self, _records: Sequence[Outgoing]) -> None:
        await self.open.wait()


def oldest(outbox: Outbox) -> int | None:
    return outbox.oldest_at_ms


def test_the_age_of_an_outbox_is_that_of_its_oldest_record_and_ends_with_the_confirmation() -> None:
    async def scenario() -> None:
        broker, clock = OpenPublisher(), FixedClock(10_000)
        outbox = Outbox(cast(Publisher, broker), clock)
        assert oldest(outbox) is None
        outbox.add([Outgoing("alerts", b"ada", b"1", [], 9_000)])
        clock.advance(500)
        outbox.add([Outgoing("alerts", b"bob", b"2", [])])
        outbox.add([])
        assert oldest(outbox) == 10_000
        before = ours("stream_ingest_to_alert_seconds_sum"), ours("stream_ingest_to_alert_seconds_count")
        running = asyncio.create_task(outbox.run())
        clock.advance(1_500)
        broker.open.set()
        await until(lambda: outbox.depth == 0, "published")
        assert oldest(outbox) is None
        assert ours("stream_ingest_to_alert_seconds_count") == before[1] + 1
        assert ours("stream_ingest_to_alert_seconds_sum") == pytest.approx(before[0] + 3.0)
        running.cancel()

    asyncio.run(scenario())


def test_timers_are_counted_as_of_a_stream_time(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def use(client: Client) -> None:
        store = PartitionStore(client, Keys(namespace), 0, "worker", ttl_s=100)
        await store.claim()
        assert await store.timers(1_000) == TimerStanding(0, 0, None)
        state = PartitionState(stream_time_ms=0, counters=Counters())
        await store.commit(Commit(state, timers={"ada": 700, "bob": 1_000, "cleo": 5_000}), due_limit=10)
        assert await store.timers(1_000) == TimerStanding(scheduled=3, due=1, earliest_ms=700)

    with_redis(redis_server.url, use)


class ToldStore:
    """Answers as it is told."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    @measured("look")
    async def look(self) -> int:
        if self.error is not None:
            raise self.error
        return 42


@pytest.mark.parametrize(
    ("error", "up", "failures"),
    [(None, 1.0, 0), (FencedError("taken over", superseded=True), 1.0, 0), (StorageError("no answer"), 0.0, 1)],
    ids=["an answer", "a refusal", "no answer"],
)
def test_redis_is_up_when_it_answers_even_if_it_says_no(error: Exception | None, up: float, failures: int) -> None:
    def counts() -> tuple[float, float]:
        return (
            ours("stream_redis_seconds_count", operation="look"),
            ours("stream_redis_errors_total", operation="look"),
        )

    before = counts()
    if error is None:
        assert asyncio.run(ToldStore(None).look()) == 42
    else:
        with pytest.raises(type(error)):
            asyncio.run(ToldStore(error).look())
    assert counts() == (before[0] + 1, before[1] + failures)
    assert ours("stream_redis_up") == up


def worker_of(number: int, *, landmarks: int = 0, standing: TimerStanding | None = None, **appended: int) -> Any:
    """The parts of a partition worker that the gauges read; ``appended``: topic -> append time (ms) of what waits
    longest.
    """
    state = PartitionState(stream_time_ms=50_000, counters=Counters(landmarks=landmarks, labels=1))

    async def timers() -> TimerStanding:
        if standing is None:
            raise StorageError("away")
        return standing

    return SimpleNamespace(
        partition=SimpleNamespace(partition=number, state=state, cached=10 * number, quarantined={"c": "damaged"}),
        inputs=SimpleNamespace(lag=lambda source: None if source == 0 else 10),
        buffered=lambda source: source,
        oldest_appended_at_ms=lambda source: appended.get(TOPICS[source]),
        stored_at_ms=40_000,
        outbox=SimpleNamespace(depth=3, oldest_at_ms=58_000 + number),
        timers=timers,
        wall_clock=SimpleNamespace(apart_ms=lambda: 10 * number),
    )


def gauges_of(owner: Any, training_lag: list[int | None]) -> Gauges:
    training = SimpleNamespace(lag=lambda _: training_lag[0])
    return Gauges(
        cast("Owner[Any]", owner), TOPICS, cast(PartitionInputs, training), "training-examples", FixedClock(60_000)
    )


def test_gauges_show_the_worst_partition_and_forget_those_that_left() -> None:
    owner = SimpleNamespace(
        workers={7: worker_of(7, landmarks=5, click=30_000), 8: worker_of(8, landmarks=2, click=59_000)},
        trainer=SimpleNamespace(buffered=7),
    )
    training_lag: list[int | None] = [12]
    gauges = gauges_of(owner, training_lag)
    gauges.refresh()
    assert ours("stream_lag_seconds", topic="click") == 30.0
    assert ours("stream_lag_seconds", topic="email") == 0.0
    # of two partitions, what was received and what was not; of an input that has not been asked the latter is unknown
    assert ours("stream_lag_messages", topic="purchase") == 24.0
    assert ours("stream_lag_messages", topic="click") == 0.0
    assert ours("stream_lag_messages", topic="training-examples") == 19.0
    assert ours("stream_watermark_lag_seconds", partition="7") == 10.0
    assert ours("stream_features_stored_timestamp_seconds", partition="7") == 40.0
    assert ours("stream_labels_pending") == 5.0
    assert ours("stream_outbox_age_seconds") == pytest.approx(1.993)
    assert ours("stream_cache_customers") == 150.0
    assert ours("stream_assigned_partitions") == 2.0

    del owner.workers[7]
    training_lag[0] = None
    gauges.refresh()
    assert ours("stream_assigned_partitions") == 1.0
    for gone in ("stream_watermark_lag_seconds", "stream_features_stored_timestamp_seconds"):
        assert metrics.REGISTRY.get_sample_value(gone, {"partition": "7"}) is None
        assert metrics.REGISTRY.get_sample_value(gone, {"partition": "8"}) is not None
    assert metrics.REGISTRY.get_sample_value("stream_lag_messages", {"topic": "training-examples"}) is None


def test_late_timers_are_those_behind_stream_time_and_stay_while_the_store_is_away() -> None:
    late = TimerStanding(scheduled=5, due=2, earliest_ms=20_000)
    early = TimerStanding(scheduled=4, due=0, earliest_ms=70_000)
    owner = SimpleNamespace(workers={1: worker_of(1, standing=late), 2: worker_of(2, standing=early)})
    gauges = gauges_of(owner, [None])
    asyncio.run(gauges.count_timers())
    shown = ("stream_timers_scheduled", "stream_timers_due", "stream_timers_late_seconds")
    assert [ours(name) for name in shown] == [9.0, 2.0, 30.0]
    owner.workers[3] = worker_of(3)
    asyncio.run(gauges.count_timers())
    assert [ours(name) for name in shown] == [9.0, 2.0, 30.0]


def test_every_counter_of_a_worker_is_there_before_it_has_counted() -> None:
    begin_at_zero()
    for sample, labels in (
        ("stream_events_total", {"type": "email", "outcome": "dead_letter"}),
        ("stream_dead_letters_total", {"reason": "processing_failed"}),
        ("stream_alerts_total", {"kind": "raised", "cause": "silence", "severity": "critical"}),
        ("stream_alerts_suppressed_total", {"reason": "cooldown"}),
        ("stream_drift_alarms_total", {"detector": "adwin", "kind": "feature", "of": "days_since_purchase"}),
    ):
        assert metrics.REGISTRY.get_sample_value(sample, labels) is not None, sample
