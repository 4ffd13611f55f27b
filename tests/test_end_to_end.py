"""Worker processes on a broker and a Redis: every feature of every customer, every dead letter, every alert."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import orjson
import pytest
from confluent_kafka import Message

from stream.features.registry import complete
from stream.local.broker import EmbeddedBroker
from stream.local.redis import EmbeddedRedis
from stream.online_models.snapshot import encode_snapshot
from stream.processing.document import packed_state
from tests.agents.topics import at_least, read
from tests.features.profiles import Profile
from tests.field import Deployment, Sent
from tests.oracle.event import Event
from tests.oracle.features import features_at
from tests.oracle.made_up import DAY, MadeUp, made_up
from tests.oracle.record import LogEntry
from tests.oracle.timeline import Alarm, Policy, timeline
from tests.processing.frozen import SILENCE, frozen
from tests.processing.published import arrivals_of, epoch_ms

pytestmark = pytest.mark.slow

LOG = made_up(7, customers=60, days=200, events=2_700)


@pytest.fixture
def field(
    broker: EmbeddedBroker, redis_server: EmbeddedRedis, tmp_path: Path, topic_prefix: str
) -> Iterator[Deployment]:
    field = Deployment(broker, redis_server, tmp_path, topic_prefix, batch_max_records=100, cache_mb=0)
    yield field
    field.close()


def assert_counters_add_up(field: Deployment, log: MadeUp) -> None:
    total = field.total()
    assert total["applied"] == sum(map(len, log.events.values()))
    assert total["duplicates"] == log.duplicates
    assert total["dead_letters"] == len(log.bad)
    assert total["events_in"] == len(log.entries)
    assert total["customers"] == len(log.events)
    for state in field.states().values():
        counters = state.counters
        assert counters.events_in == counters.applied + counters.duplicates + counters.dead_letters
        assert counters.labels <= counters.landmarks


def assert_features(field: Deployment, log: MadeUp) -> None:
    """Features at the time of each document, from its text and from its state; and of all customers later."""
    documents = field.documents()
    assert set(documents) == set(log.events)
    later = max(event.at for events in log.events.values() for event in events) + 3 * DAY + 12_345
    for customer, events in log.events.items():
        document = orjson.loads(documents[customer])
        as_of = epoch_ms(document["as_of"])
        profile = Profile.of(packed_state(documents[customer]), customer)
        expected = features_at(events, as_of)
        assert profile.values(as_of) == expected
        assert profile.values(later) == features_at(events, later)
        for name, value in complete(document["features"]).items():
            assert value == pytest.approx(expected[name], abs=0.51e-4), (customer, name)
        assert document["events"] == len(events)


def assert_dead_letters(field: Deployment, log: MadeUp, sent: Sequence[Sent]) -> None:
    """Each bad record is there with its key, its bytes and where it came from; after a crash perhaps twice."""
    messages = read(
        field.settings.kafka_bootstrap,
        field.settings.dead_letters,
        field.settings.partitions,
        lambda found: len({origin(message) for message in found}) >= len(log.bad),
    )
    found = {origin(message): message for message in messages}
    produced = {(s.topic, s.partition, s.record.offset): s.record for s in sent}
    for place, message in found.items():
        assert (message.key(), message.value()) == (produced[place].key, produced[place].value)
        assert headers_of(message)["dlq.detail"]
    reasons = Counter((m.key(), m.value(), headers_of(m)["dlq.reason"]) for m in found.values())
    assert reasons == Counter(log.bad)
    assert len({reason for *_, reason in log.bad}) == 12


def headers_of(message: Message) -> dict[str, str]:
    headers = cast("list[tuple[str, bytes]]", message.headers() or [])
    return {name: value.decode() for name, value in headers}


def origin(message: Message) -> tuple[str, int, int]:
    headers = headers_of(message)
    return headers["dlq.topic"], int(headers["dlq.partition"]), int(headers["dlq.offset"])


def test_two_workers_compute_what_the_definitions_say(field: Deployment) -> None:
    sent = field.produce(LOG.entries)
    field.start_worker()
    field.start_worker()
    field.wait_until_done(len(LOG.entries))
    assert_counters_add_up(field, LOG)
    assert_features(field, LOG)
    assert_dead_letters(field, LOG, sent)
    assert field.stop() == [0, 0]


def test_when_a_worker_is_killed_another_one_resumes_without_loss_or_repeat(field: Deployment) -> None:
    begin = len(LOG.entries) // 3
    sent = field.produce(LOG.entries[:begin])
    victim, _ = field.start_worker(), field.start_worker()
    field.wait(lambda total: total.get("events_in", 0) >= begin, "both workers run")
    rest = LOG.entries[begin:]
    killed = threading.Event()

    def half_of_it_after_the_kill() -> Iterator[LogEntry]:
        yield from rest[: len(rest) // 2]
        killed.wait()
        yield from rest[len(rest) // 2 :]

    producing = threading.Thread(target=lambda: sent.extend(field.produce(half_of_it_after_the_kill(), per_second=500)))
    producing.start()
    try:
        field.wait(lambda total: total["events_in"] > begin + len(rest) // 4, "events flow")
        field.kill(victim)
    finally:
        killed.set()
        producing.join()
    field.wait_until_done(len(LOG.entries))
    assert_counters_add_up(field, LOG)
    assert_features(field, LOG)
    assert_dead_letters(field, LOG, sent)
    assert field.stop() == [0]


def test_a_customer_who_goes_silent_is_alerted_at_the_hour_it_shows(
    broker: EmbeddedBroker, redis_server: EmbeddedRedis, tmp_path: Path, topic_prefix: str
) -> None:
    by_risk = {"alerts_per_week": 0.0, "overdue_at": 2.0, "min_purchases": 2}
    field = Deployment(broker, redis_server, tmp_path, topic_prefix, partitions=1, freeze_model=True, **by_risk)
    policy = Policy(overdue_at=2.0, min_orders=2)
    snapshot = encode_snapshot(frozen(SILENCE))
    field.client.set(field.keys.snapshot(), snapshot)
    log = silent_log()
    try:
        field.produce(log)
        field.start_worker()
        field.wait_until_done(len(log))
        end = field.states()[0].stream_time_ms or 0
        expected = {
            customer: timeline(customer, arrived, policy, SILENCE, end - 1000).alarms
            for customer, arrived in arrivals_of(log).items()
        }
        assert [alarm.cause for alarm in expected["quiet"]][:1] == ["silence"]
        count = sum(map(len, expected.values()))
        messages = read(broker.bootstrap, field.settings.alerts, 1, at_least(count))
        for customer, due in expected.items():
            alerts = [m for m in messages if m.key() == customer.encode()]
            found = [alarm_of(m) for m in alerts]
            assert [(alarm.raised, alarm.cause) for alarm in found] == [(alarm.raised, alarm.cause) for alarm in due]
            assert all(0 <= alarm.at - wanted.at <= 1000 for alarm, wanted in zip(found, due, strict=True))
        assert len({headers_of(message)["ce_id"] for message in messages}) == len(messages) == count
        quiet = orjson.loads(field.documents()["quiet"])
        assert quiet["alert"]
        assert quiet["risk"] >= field.settings.raise_at
        assert field.client.get(field.keys.snapshot()) == snapshot
        assert field.total()["raised_by_silence"] >= 1
        assert field.stop() == [0]
    finally:
        field.close()


def silent_log() -> list[tuple[str, Event]]:
    """Two customers who order every few days; one stops, the other continues for two months."""
    log = made_up(3, customers=1, days=60, events=120)
    [busy] = log.events.values()
    quiet = made_up(4, customers=1, days=200, events=150).events["customer-000"]
    first = min(event.at for event in quiet)
    gone = [event for event in quiet if event.at < first + 25 * DAY]
    both = [*(("busy", event) for event in busy), *(("quiet", event) for event in gone)]
    return sorted(both, key=lambda entry: entry[1].at)


def alarm_of(message: Message) -> Alarm:
    alert = orjson.loads(message.value() or b"")
    headers = headers_of(message)
    assert headers["ce_id"] == alert["alert_id"]
    assert headers["ce_time"] == alert["occurred_at"]
    assert headers["ce_subject"] == alert["customer_id"]
    return Alarm(raised=alert["kind"] == "churn_risk.raised", at=epoch_ms(alert["occurred_at"]), cause=alert["cause"])
