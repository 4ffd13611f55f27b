"""Commands write nothing down about people who were erased."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from confluent_kafka import Consumer, TopicPartition

from stream.cli.privacy_erasing import ask_for_erasure
from stream.cli.topics import create_topics
from stream.local.stack import LocalStack
from stream.settings import Settings
from tests.cli.projecting import run


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    directory = tmp_path_factory.mktemp("shop")
    rules = directory / "points.yaml"
    rules.write_text("earn: {rate: 1}\nexpire_days: 100\n")
    with LocalStack(directory / "stack", Settings(identity_key="k" * 32), partitions=1) as running:
        settings = replace(running.settings, data_dir=str(directory / "data"), points_file=str(rules))
        create_topics(settings)
        ask_for_erasure(settings, "ann")
        yield settings


@pytest.mark.parametrize(
    ("arguments", "topic"),
    [
        (("actions", "record", "{}", "contacted"), "actions"),
        (("points", "give", "{}", "7"), "points"),
        (("consent", "grant", "{}", "marketing"), "events.consent"),
        (("feedback", "label", "e-1", "delivery", "--customer", "{}"), "actions"),
        (("identity", "merge", "c-2", "{}"), "identities"),
        (("identity", "merge", "{}", "c-2"), "identities"),
    ],
)
def test_a_command_refuses_who_was_erased_and_takes_others(
    shop: Settings, arguments: tuple[str, ...], topic: str
) -> None:
    name = f"{shop.topic_prefix}{topic}"
    before = _length(shop, name)
    status, said = run(shop, *(one.format("ann") for one in arguments))
    assert status != 0
    assert "this person was erased" in said
    assert _length(shop, name) == before
    status, said = run(shop, *(one.format("bob") for one in arguments))
    assert (status, _length(shop, name)) == (0, before + 1), said


def _length(settings: Settings, topic: str) -> int:
    consumer = Consumer({"bootstrap.servers": settings.kafka_bootstrap, "group.id": "length"})
    try:
        return int(consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)[1])
    finally:
        consumer.close()
