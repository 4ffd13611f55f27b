"""The README works: its snippets run unchanged, and its links resolve."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from stream.alerts.alert_records import Alert
from stream.catalogue.events import KERNEL_TYPES
from stream.cli import COMMANDS
from stream.cli.topics import create_topics
from stream.events.decode import Decoder
from stream.events.partitioner import partition_of
from stream.local.stack import LocalStack
from stream.settings import Settings
from tests.cli.conftest import clean_environment
from tests.kafka_clients import arrived

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DEADLINE_S = 60.0


def blocks(language: str) -> list[str]:
    """The fenced code blocks in ``language``."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def snippet(containing: str) -> str:
    (found,) = [block for block in blocks("python") if containing in block]
    return found


def shown_alert() -> Alert:
    (block,) = blocks("json")
    return msgspec.json.decode(block, type=Alert)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A local stack with its topics, under the names that the README uses."""
    with LocalStack(tmp_path_factory.mktemp("stack"), Settings(), partitions=4) as running:
        create_topics(running.settings)
        yield running


def environment(stack: LocalStack) -> dict[str, str]:
    return clean_environment(**stack.settings.to_env())


def first_record(stack: LocalStack, topic: str) -> Message:
    consumer = Consumer(
        {"bootstrap.servers": stack.broker.bootstrap, "group.id": f"read-{topic}", "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(stack.settings.partitions)])
    deadline = time.monotonic() + DEADLINE_S
    message = None
    while message is None:
        assert time.monotonic() < deadline, f"nothing in {topic}"
        message = arrived(consumer.poll(0.2))
    consumer.close()
    return message


def test_the_producer_sends_events_that_are_applied(stack: LocalStack) -> None:
    done = subprocess.run(
        [sys.executable, "-c", snippet("Producer(")],
        env=environment(stack),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for event_type, topic in zip(KERNEL_TYPES, stack.settings.event_topics, strict=True):
        message = first_record(stack, topic)
        assert message.key() == b"c-1"
        # otherwise the three topics would not agree on where a customer is
        assert message.partition() == partition_of("c-1", stack.settings.partitions)
        record = _ReadRecord(message)
        decoded = Decoder().decode(event_type, [record])
        assert decoded.customer_ids == ["c-1"], decoded


class _ReadRecord:
    """A consumed message in the shape that the decoder reads."""

    def __init__(self, message: Message) -> None:
        self.key = message.key()
        self.value = message.value()
        self.timestamp = message.timestamp()[1]
        self.offset = message.offset() or 0
        self.headers = ()


def test_the_consumer_receives_an_alert_once_though_it_was_sent_twice(stack: LocalStack, tmp_path: Path) -> None:
    alert = shown_alert()
    later = msgspec.structs.replace(alert, alert_id="f" * 64, customer_id="later")
    producer = Producer({"bootstrap.servers": stack.broker.bootstrap})
    for record in (alert, alert, later):
        # one partition, so that the second alert comes after the repeat
        producer.produce("alerts", msgspec.json.encode(record), record.customer_id, partition=0)
    assert producer.flush(DEADLINE_S) == 0

    with (tmp_path / "out").open("w") as out:
        consumer = subprocess.Popen([sys.executable, "-c", snippet("Consumer(")], env=environment(stack), stdout=out)
    try:
        deadline = time.monotonic() + DEADLINE_S
        while len(lines := (tmp_path / "out").read_text().splitlines()) < 2:
            assert consumer.poll() is None, "the consumer ended"
            assert time.monotonic() < deadline, f"came: {lines}"
            time.sleep(0.05)
    finally:
        consumer.kill()
        consumer.wait()
    assert lines == [
        f"churn_risk.raised {alert.customer_id}: {alert.sentence}",
        f"churn_risk.raised later: {alert.sentence}",
    ]


def test_the_alert_shown_is_one_and_adds_up() -> None:
    alert = shown_alert()
    assert alert.baseline is not None
    assert alert.rest is not None
    parts = alert.baseline + alert.rest + sum(reason.contribution for reason in alert.reasons)
    assert parts == pytest.approx(alert.logit, abs=5e-4)


def test_every_topic_and_every_command_is_in_the_readme() -> None:
    for topic in Settings().topics:
        assert f"| `{topic}` |" in README
    for command in COMMANDS:
        assert f"`stream {command}" in README
