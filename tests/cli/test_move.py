"""``stream move``: to a Kafka and a Redis of one's own."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
import pytest
from confluent_kafka import Consumer, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from stream.cli.move import facts_of
from stream.cli.move_log import copy_records, ends_of, merged_by_time, once_each
from stream.cli.profile_view import readable_profile
from stream.cli.publish_one import publish_one
from stream.cli.reach import Local, reach
from stream.cli.settle import wait_until_settled
from stream.cli.topics import create_topics
from stream.events.partitioner import partition_of
from stream.identity.departures import REPEATED
from stream.identity.places import Place, appended_ms, place_header
from stream.local.durable_broker import DurableBroker
from stream.local.redis import EmbeddedRedis
from stream.local.workers import WorkerProcesses
from stream.notifications.read_to_end import read_to_end
from stream.processing.document import packed_state
from stream.processing.rules import NO_MODEL, Rules
from stream.settings import Settings
from stream.storage.overview import Overview
from tests.cli.shop_runs import LOG, run_in

NOTIFIER = "customer-stream.notify"
#: Events that the workers of the core do not read.
SAID = [
    {"event_id": "f-1", "customer_id": "c-1", "occurred_at": 1_700_000_000, "name": "reviewed", "text": "Fits well."},
    {
        "event_id": "f-2",
        "customer_id": "c-2",
        "occurred_at": 1_700_000_000,
        "name": "rated",
        "scale": "nps",
        "value": 9,
    },
    {"event_id": "i-1", "customer_id": "c-1", "occurred_at": 1_700_000_000, "name": "visited", "place": "Main Street"},
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with 1,500 processed events; somebody has read two alerts."""
    path = tmp_path_factory.mktemp("shop")
    with reach({"STREAM_DATA_DIR": str(path)}, {"partitions": 2}, Local.WORKERS, command="test") as settings:
        told = {"STREAM_KAFKA_BOOTSTRAP": settings.kafka_bootstrap, "STREAM_REDIS_URL": settings.redis_url}
        published = run_in(path, "produce", str(LOG), "--limit", "1500", **told)
        assert "published 1,500 events" in published.stderr
        said = path / "said.jsonl"
        said.write_bytes(b"\n".join(map(orjson.dumps, SAID)))
        run_in(path, "produce", str(said), **told)
        for topic in (settings.points, settings.offers):
            publish_one(settings, topic, b"c-1", b"{}", "fact")
        wait_until_settled(settings)
        consumer = Consumer({"bootstrap.servers": settings.kafka_bootstrap, "group.id": NOTIFIER})
        consumer.commit(offsets=[TopicPartition("alerts", 1, 2)], asynchronous=False)
        consumer.close()
    return path


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Settings]:
    """Another Kafka and another Redis, both empty."""
    with DurableBroker(tmp_path / "broker") as broker, EmbeddedRedis(tmp_path / "redis") as redis:
        yield Settings(kafka_bootstrap=broker.bootstrap, redis_url=redis.url, partitions=2)


def _documents(settings: Settings) -> dict[str, bytes]:
    with Overview(settings) as overview:
        return {orjson.loads(document)["customer_id"]: document for document in overview.documents()}


def _move(shop: Path, target: Settings, *options: str) -> str:
    moved = run_in(shop, "move", "--kafka-bootstrap", target.kafka_bootstrap, "--redis-url", target.redis_url, *options)
    assert moved.returncode == 0, moved.stderr
    return moved.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_with_as_many_partitions_everything_is_moved(shop: Path, target: Settings, tmp_path: Path) -> None:
    told = _move(shop, target, "--partitions", "2")
    assert f", {NOTIFIER}" in told
    with reach({"STREAM_DATA_DIR": str(shop)}, {}, Local.SERVERS, command="test") as source:
        before, ends = _documents(source), ends_of(source, source.topics)
        with Overview(source) as overview:
            totals, trainer, snapshot = overview.totals(), overview.trainer(), overview.snapshot()
    assert len(before) > 100
    assert _documents(target) == before
    assert ends_of(target, target.topics) == ends
    consumer = Consumer({"bootstrap.servers": target.kafka_bootstrap, "group.id": NOTIFIER})
    assert consumer.committed([TopicPartition("alerts", 1)], timeout=10)[0].offset == 2
    consumer.close()

    # a worker there resumes: it repeats nothing and counts new events on top
    with WorkerProcesses(target, 1, tmp_path), Overview(target) as overview:
        assert overview.snapshot() == snapshot
        assert overview.trainer().offset == trainer.offset
        addresses = {"STREAM_KAFKA_BOOTSTRAP": target.kafka_bootstrap, "STREAM_REDIS_URL": target.redis_url}
        run_in(shop, "produce", str(LOG), "--limit", "1600", STREAM_PARTITIONS="2", **addresses)
        wait_until_settled(target)
        after = overview.totals().counters
    assert totals.counters.events_in == totals.counters.applied == 1500
    assert (after.events_in, after.applied, after.duplicates) == (3100, 1600, 1500)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_with_another_number_workers_rebuild_the_same_profiles(shop: Path, target: Settings, tmp_path: Path) -> None:
    five = Settings(kafka_bootstrap=target.kafka_bootstrap, redis_url=target.redis_url, partitions=5)
    told = _move(shop, five, "--partitions", "5")
    assert "2 partitions here, 5 there" in told
    said = {"events.feedback": 2, "events.interaction": 1, "points": 1, "offers": 1}
    assert {name: sum(ends_of(five, [name]).values()) for name in said} == said
    with reach({"STREAM_DATA_DIR": str(shop)}, {}, Local.SERVERS, command="test") as source:
        before = _documents(source)
    with WorkerProcesses(five, 1, tmp_path):
        wait_until_settled(five)
        with Overview(five) as overview:
            assert overview.totals().counters.applied == 1500
            assert all(
                (overview.find(customer) or (None,))[0] == partition_of(customer, 5) for customer in sorted(before)[:50]
            )
    after = _documents(five)
    assert after.keys() == before.keys()
    assert all(_history(after[customer]) == _history(before[customer]) for customer in before)


def _history(document: bytes) -> tuple[object, ...]:
    """The part of the document that depends on the customer's own events only."""
    fields = orjson.loads(document)
    profile = readable_profile(fields["customer_id"], packed_state(document), Rules(), NO_MODEL)
    counted = [fields.get(name) for name in ("events", "orders", "spend", "first_at", "last_at", "last_order_at")]
    return (*counted, profile["days"], profile["orders"])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_target_with_records_is_refused(shop: Path, target: Settings) -> None:
    _move(shop, target, "--partitions", "2")
    again = run_in(shop, "move", "--kafka-bootstrap", target.kafka_bootstrap, "--redis-url", target.redis_url)
    assert again.returncode == 1
    assert "the target has records in" in again.stderr


def test_a_directory_without_anything_is_named(tmp_path: Path) -> None:
    refused = run_in(tmp_path, "move", "--kafka-bootstrap", "127.0.0.1:1", "--redis-url", "redis://127.0.0.1:1/0")
    assert refused.returncode == 1
    assert f"{tmp_path} holds nothing" in refused.stderr


class _LogRecord:
    """What `merged_by_time` and `once_each` read of a record."""

    def __init__(
        self, value: bytes, appended_ms: int, headers: Sequence[tuple[str, bytes | None]] | None = None
    ) -> None:
        self._value, self._appended_ms, self._headers = value, appended_ms, headers

    def headers(self) -> Sequence[tuple[str, bytes | None]] | None:
        return self._headers

    def value(self) -> bytes:
        return self._value

    def timestamp(self) -> tuple[int, int]:
        return (2, self._appended_ms)


@given(st.lists(st.lists(st.one_of(st.none(), st.integers(0, 10**9)), max_size=20), max_size=5))
def test_the_order_within_a_partition_stays_and_sorted_partitions_are_merged(times: list[list[int | None]]) -> None:
    now_ms = 2 * 10**12

    def record(stream: int, number: int, at: int | None) -> _LogRecord:
        event = {"stream": stream, "number": number, **({} if at is None else {"occurred_at": at})}
        return _LogRecord(orjson.dumps(event), now_ms)

    streams = [[record(stream, number, at) for number, at in enumerate(own)] for stream, own in enumerate(times)]
    merged = [orjson.loads(found.value() or b"") for found in merged_by_time([iter(own) for own in streams], 0)]  # type: ignore[arg-type]
    assert len(merged) == sum(map(len, times))
    for stream in range(len(times)):
        assert [event["number"] for event in merged if event["stream"] == stream] == [*range(len(times[stream]))]
    if all(None not in own and own == sorted(own, key=lambda at: at or 0) for own in times):
        in_order = [event["occurred_at"] for event in merged]
        assert in_order == sorted(in_order)


def test_an_event_from_the_future_delays_no_other() -> None:
    """Workers reject it, so its time is not used here either."""
    early, late = orjson.dumps({"occurred_at": 10}), orjson.dumps({"occurred_at": 20})
    wild = orjson.dumps({"occurred_at": 10**9})
    streams = [[_LogRecord(wild, 1_000_000), _LogRecord(early, 1_000_000)], [_LogRecord(late, 1_000_000)]]
    merged = [found.value() for found in merged_by_time([iter(own) for own in streams], 300_000)]  # type: ignore[arg-type]
    assert merged == [wild, early, late]


def test_events_are_merged_by_the_field_that_events_have() -> None:
    def log(times: list[int]) -> Iterator[_LogRecord]:
        return iter([_LogRecord(orjson.dumps({**SAID[0], "occurred_at": at}), 2 * 10**12) for at in times])

    merged = merged_by_time([log([2, 4]), log([1, 3])], 0)  # type: ignore[list-item]
    assert [orjson.loads(found.value() or b"")["occurred_at"] for found in merged] == [1, 2, 3, 4]


def test_what_was_published_again_after_a_crash_is_copied_once() -> None:
    """What a producer sent again says so, and is copied: the first may be gone from the log."""
    now_ms = 1_700_000_000_000
    first, second = ([place_header(Place(0, offset, 0, now_ms))] for offset in (4, 5))
    repeated = [REPEATED, place_header(Place(0, 6, 0, now_ms))]
    log = [(b"1", first), (b"2", second), (b"1", first), (b"2", second), (b"1", repeated), (b"3", None)]
    found = once_each(_LogRecord(value, now_ms, headers) for value, headers in log)  # type: ignore[misc]
    assert [record.value() for record in found] == [b"1", b"2", b"1", b"3"]


def test_a_copied_record_of_arrivals_says_when_it_was_appended_first(target: Settings, tmp_path: Path) -> None:
    """Places that follow from it are told apart by that time, and holds are counted from it."""
    with DurableBroker(tmp_path / "source") as broker:
        source = Settings(kafka_bootstrap=broker.bootstrap, partitions=2)
        for settings in (source, target):
            create_topics(settings)
        for topic in (source.arrivals, source.points):
            publish_one(source, topic, b"c-1", b"{}", "fact")
        (came,) = read_to_end(source, source.arrivals)
        names = [(topic, topic) for topic in (source.arrivals, source.points)]
        assert copy_records(source, target, names, lambda _done, _of: None) == 2
    (copied,) = read_to_end(target, target.arrivals)
    assert copied.timestamp > came.timestamp
    assert appended_ms(copied) == came.timestamp
    assert [appended_ms(one) == one.timestamp for one in read_to_end(target, target.points)] == [True]


def test_topics_that_follow_from_no_other_go_along_to_another_number_of_partitions() -> None:
    settings = Settings(topic_prefix="shop.")
    rebuilt = {"alerts", "segment-changes", "stages", "customers", "training-examples", "feedback-texts"}
    left = {"recommendations", "arrivals", "assignments", "dead-letters", "notification-dead-letters"}
    assert facts_of(settings) == {*settings.topics} - {f"shop.{name}" for name in rebuilt | left}
