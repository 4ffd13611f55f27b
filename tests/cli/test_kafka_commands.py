"""topics, produce and alerts against a running broker."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from stream.alerts.alert_records import Alert, AlertKind, Cause, Reason
from stream.alerts.severity import Severity
from stream.cli.alerts import describe_alert
from stream.cli.produce import EventProducer
from stream.errors import DeliveryError, PublishError
from stream.events.kinds import EventType
from stream.events.log import LogEvent
from stream.events.partitioner import partition_of
from stream.local.broker import EmbeddedBroker
from stream.reporting.writing import Writing
from stream.settings import Settings
from tests.kafka_clients import arrived

DEADLINE_S = 60.0

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def read_all(broker: EmbeddedBroker, topic: str, count: int) -> list[Message]:
    """The first ``count`` records of ``topic``, which must have no more."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": topic, "enable.auto.commit": False})
    partitions = consumer.list_topics(topic, timeout=DEADLINE_S).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    records: list[Message] = []
    deadline = time.monotonic() + DEADLINE_S
    while len(records) < count:
        assert time.monotonic() < deadline, f"{len(records)} of {count} records in {topic} after {DEADLINE_S:g} s"
        if (message := arrived(consumer.poll(0.2))) is not None:
            records.append(message)
    if (extra := arrived(consumer.poll(0.5))) is not None:
        records.append(extra)
    consumer.close()
    return records


def event(number: int, name: str = "page_viewed", customer: str | None = None) -> dict[str, object]:
    return {
        "event_id": f"e{number}",
        "customer_id": customer or f"c{number % 7}",
        "occurred_at": 1_700_000_000 + number,
        "name": name,
    }


def write_log(path: Path, events: list[dict[str, object]]) -> str:
    path.write_text("".join(f"{json.dumps(item)}\n" for item in events))
    return str(path)


def test_topics_are_created_once_with_the_partitions_of_the_settings(run: Run, topic_prefix: str) -> None:
    first = run("topics", "create")
    assert first.returncode == 0, first.stderr
    assert f"created {topic_prefix}events.click" in first.stderr
    second = run("topics", "create")
    assert second.returncode == 0
    assert "all topics exist" in second.stderr
    findings = {item["subject"]: item for item in json.loads(run("topics", "describe", "--json").stdout)}
    assert findings[f"topic {topic_prefix}events.email"]["found"] == "3 partitions, 1 replica"
    assert findings[f"topic {topic_prefix}training-examples"]["found"] == "1 partition, 1 replica"
    assert {item["level"] for item in findings.values()} == {"ok"}


def test_missing_topics_are_a_failure(run: Run) -> None:
    done = run("topics", "describe")
    assert done.returncode == 1
    assert "stream topics create" in done.stdout
    assert done.stderr == "stream: the topics are not what the program needs\n"


def test_unequal_partition_counts_are_a_failure(run: Run, broker: EmbeddedBroker, topic_prefix: str) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    name = f"{topic_prefix}events.email"
    admin.create_topics([NewTopic(name, 5, 1)])[name].result(DEADLINE_S)
    done = run("topics", "create")
    assert done.returncode == 1
    assert "unequal partition counts" in done.stdout


def test_other_partition_counts_than_set_are_a_warning(run: Run) -> None:
    assert run("topics", "create").returncode == 0
    done = run("topics", "describe", STREAM_PARTITIONS="4")
    assert done.returncode == 0
    assert done.stdout.count("warn") == len(Settings().topics) - 2  # those that are read in order have one partition


def test_events_go_to_the_topic_of_their_type_keyed_by_customer_in_order(
    run: Run, broker: EmbeddedBroker, topic_prefix: str, tmp_path: Path
) -> None:
    events = [event(number) for number in range(40)] + [event(40, "opened"), event(41, "completed") | {"order_id": "o"}]
    log = write_log(tmp_path / "log.jsonl", events)
    assert run("topics", "create").returncode == 0
    done = run("produce", log)
    assert done.returncode == 0, done.stderr
    assert "published 42 events" in done.stderr

    clicks = read_all(broker, f"{topic_prefix}events.click", 40)
    published = {json.loads(message.value() or b"")["event_id"]: message for message in clicks}
    assert published.keys() == {item["event_id"] for item in events[:40]}
    for item in events[:40]:
        message = published[str(item["event_id"])]
        customer = str(item["customer_id"])
        assert message.key() == customer.encode()
        assert message.partition() == partition_of(customer, 3)
        assert message.timestamp()[1] == int(str(item["occurred_at"])) * 1000
    for partition in range(3):
        times = [message.timestamp()[1] for message in clicks if message.partition() == partition]
        assert times == sorted(times)
    assert len(read_all(broker, f"{topic_prefix}events.email", 1)) == 1
    assert len(read_all(broker, f"{topic_prefix}events.purchase", 1)) == 1


def test_the_limit_and_standard_input_are_respected(run: Run) -> None:
    assert run("topics", "create").returncode == 0
    lines = "".join(f"{json.dumps(event(number))}\n" for number in range(10))
    done = run("produce", "-", "--limit", "4", stdin=lines)
    assert done.returncode == 0, done.stderr
    assert "published 4 events" in done.stderr


def test_the_rate_is_kept(run: Run, tmp_path: Path) -> None:
    assert run("topics", "create").returncode == 0
    log = write_log(tmp_path / "log.jsonl", [event(number) for number in range(21)])
    started = time.monotonic()
    assert run("produce", log, "--rate", "20").returncode == 0
    assert time.monotonic() - started >= 1.0


def test_a_bad_log_names_the_line_and_is_status_1(run: Run, tmp_path: Path) -> None:
    assert run("topics", "create").returncode == 0
    log = tmp_path / "log.jsonl"
    log.write_text(f"{json.dumps(event(1))}\n{{broken\n")
    done = run("produce", str(log))
    assert done.returncode == 1
    assert "line 2" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_newest_first_is_published_in_time_order(
    run: Run, broker: EmbeddedBroker, topic_prefix: str, tmp_path: Path
) -> None:
    assert run("topics", "create").returncode == 0
    events = [event(number) | {"customer_id": "c"} for number in range(30)]
    done = run("produce", write_log(tmp_path / "log.jsonl", events[::-1]))
    assert done.returncode == 0, done.stderr
    ids = [
        json.loads(message.value() or b"")["event_id"]
        for message in read_all(broker, f"{topic_prefix}events.click", 30)
    ]
    assert ids == [item["event_id"] for item in events]
    again = run("produce", "-", "--no-sort", stdin="".join(f"{json.dumps(item)}\n" for item in events[::-1]))
    assert again.returncode == 0, again.stderr
    ids = [
        json.loads(message.value() or b"")["event_id"]
        for message in read_all(broker, f"{topic_prefix}events.click", 60)
    ]
    assert ids[30:] == [item["event_id"] for item in events[::-1]]


@pytest.mark.parametrize("timestamps", ["CreateTime", "LogAppendTime"])
def test_a_mistyped_year_is_refused_by_its_line_and_its_neighbours_are_published(
    run: Run, broker: EmbeddedBroker, topic_prefix: str, tmp_path: Path, timestamps: str
) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    names = [f"{topic_prefix}events.{name}" for name in EventType]
    config = {"message.timestamp.type": timestamps}
    for future in admin.create_topics([NewTopic(name, 3, 1, config=config) for name in names]).values():
        future.result(DEADLINE_S)
    log = tmp_path / "log.csv"
    rows = [f"{year}-11-0{year % 9 + 1} 10:00:00,c,purchase,order,o-{year},19.99\n" for year in (2023, 2062, 2024)]
    log.write_text("ts,customer_id,type,subtype,ref_id,amount\n" + "".join(rows))
    done = run("produce", str(log))
    assert done.returncode == 1
    assert "published 2 events" in done.stderr
    assert "1 of 3 events are not used:\n  1 rejected as timestamp_out_of_range, first line 3: " in done.stderr
    assert "33.3 % is more than --max-rejected 1" in done.stderr
    purchases = [json.loads(message.value() or b"") for message in read_all(broker, names[2], 2)]
    assert [purchase["order_id"] for purchase in purchases] == ["o-2023", "o-2024"]
    assert run("produce", str(log), "--max-rejected", "40").returncode == 0


def test_a_warning_says_that_two_currencies_without_rates_count_at_par(run: Run, tmp_path: Path) -> None:
    assert run("topics", "create").returncode == 0
    log = tmp_path / "log.csv"
    rows = ["2024-03-01,c-1,purchase,order,o-1,1990,JPY", "2024-03-01,c-2,purchase,order,o-2,19.90,EUR"]
    log.write_text("\n".join(["ts,customer_id,type,subtype,ref_id,amount,currency", *rows]))
    at_par = run("produce", str(log))
    assert at_par.returncode == 0
    assert "amounts are in JPY 1, EUR 1 and count at par: set currency_rates" in at_par.stderr
    judged = run("produce", str(log), "--currency-rates", "EUR=1")
    assert judged.returncode == 1
    assert "1 rejected as unknown_currency, first line 2: expected EUR; got 'JPY'" in judged.stderr


def test_producing_without_topics_says_how_to_create_them(run: Run, tmp_path: Path) -> None:
    done = run("produce", write_log(tmp_path / "log.jsonl", [event(1)]))
    assert done.returncode == 1
    assert "stream topics create" in done.stderr


def test_an_absent_broker_is_one_line_and_status_1(run: Run) -> None:
    done = run("produce", "log.jsonl", STREAM_KAFKA_BOOTSTRAP="127.0.0.1:1")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "no Kafka broker answers at 127.0.0.1:1" in done.stderr


def test_a_refused_event_is_reported() -> None:
    producer = EventProducer(Settings(kafka_bootstrap="127.0.0.1:1"), delivery_timeout_s=0.3)
    producer.publish([LogEvent(EventType.CLICK, "c", 0, b"{}")])
    deadline = time.monotonic() + DEADLINE_S
    while not producer.refused:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    refusal = r"1 events were refused, the first: .*timed out \(topic events.click\)"
    with pytest.raises(PublishError, match=refusal):
        producer.publish([LogEvent(EventType.CLICK, "c", 0, b"{}")])
    with pytest.raises(PublishError, match=refusal):
        producer.serve(0)
    producer.close()
    with pytest.raises(DeliveryError, match="2 events were refused"):
        producer.check()
    assert producer.confirmed == 0


ALERT = Alert(
    alert_id="0" * 64,
    kind=AlertKind.RAISED,
    sentence="No order for 86 days; usually every 14.",
    severity=Severity.WARNING,
    customer_id="c-7",
    risk=0.83,
    threshold=0.7,
    previous_risk=0.4,
    cause=Cause.SILENCE,
    segment="loyal",
    value_at_risk=120.0,
    reasons=(Reason(feature="tenure", value=3.0, contribution=0.4, sentence="Customer for 3 days only."),),
    logit=1.6,
    baseline=0.5,
    rest=0.7,
    calm=None,
    remedy=None,
    model_version=3,
    occurred_at="2026-01-02T03:04:05Z",
    emitted_at="2026-01-02T03:04:06Z",
)


def test_an_alert_is_a_line_for_people_and_one_for_each_reason() -> None:
    head, reason = describe_alert(ALERT).splitlines()
    assert head.startswith("2026-01-02T03:04:05Z")
    assert "RAISED" in head
    told = "(120.00 at risk, risk 83%, level 70%, by silence, segment loyal)"
    assert head.endswith(f"  c-7  No order for 86 days; usually every 14.  {told}")
    assert "(£120.00 at risk, " in describe_alert(ALERT, Writing("en_GB", "GBP", ZoneInfo("UTC")).money)
    assert reason.strip() == "Customer for 3 days only."


def test_alerts_already_in_the_topic_are_shown_when_asked_for(
    run: Run, broker: EmbeddedBroker, topic_prefix: str
) -> None:
    assert run("topics", "create").returncode == 0
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce(f"{topic_prefix}alerts", msgspec.json.encode(ALERT), "c-7")
    assert producer.flush(DEADLINE_S) == 0
    as_json = run("alerts", "--from-beginning", "--limit", "1", "--json")
    assert as_json.returncode == 0, as_json.stderr
    assert msgspec.json.decode(as_json.stdout, type=Alert) == ALERT
    for_people = run("alerts", "--from-beginning", "--limit", "1")
    assert for_people.stdout.splitlines()[1].strip() == ALERT.reasons[0].sentence


def test_a_record_that_is_no_alert_is_shown_as_such(run: Run, broker: EmbeddedBroker, topic_prefix: str) -> None:
    assert run("topics", "create").returncode == 0
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce(f"{topic_prefix}alerts", b"{}", "c-7")
    assert producer.flush(DEADLINE_S) == 0
    done = run("alerts", "--from-beginning", "--limit", "1")
    assert done.returncode == 0, done.stderr
    assert "not an alert" in done.stdout
