"""What the console does beside the directory, against Kafka and Redis."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from confluent_kafka import Producer

from stream.cli.console_operations import ShopOperations, WhatIfError
from stream.cli.move_log import ends_of
from stream.events.dead_letters import HEADER_PREFIX
from stream.notifications.read_to_end import read_to_end
from stream.settings import Settings
from tests.agents.topics import create


def operations(environment: dict[str, str]) -> tuple[ShopOperations, Settings]:
    settings = Settings.from_env({name: text for name, text in environment.items() if name.startswith("STREAM_")})
    create(settings.kafka_bootstrap, settings.topics.items())
    return ShopOperations(settings), settings


def test_dead_letters_are_told_by_reason_and_published_again_each_once(environment: dict[str, str]) -> None:
    operating, settings = operations(environment)
    assert operating.dead_letters() == []
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap})

    def bury(value: bytes, reason: str, topic: str = settings.events_purchase, **more: str) -> None:
        told = {"reason": reason, "topic": topic, "detail": "expected a number", **more}
        headers = [(f"{HEADER_PREFIX}{name}", text.encode()) for name, text in told.items()]
        producer.produce(settings.dead_letters, value, b"ada", headers=[*headers, ("trace", b"7")])

    for _ in range(2):  # what came back once is one record
        bury(b'{"amount":"x"}', "bad_amount")
    bury(b'{"amount":"y"}', "bad_amount")
    bury(b'{"amount', "bad_amount", truncated_from="99")
    bury(b"{}", "bad_amount", topic=settings.alerts)
    bury(b"", "missing_field", topic=settings.alerts)
    assert producer.flush(30) == 0
    found = {one.reason: one for one in operating.dead_letters()}
    assert {reason: (one.records, one.can_replay) for reason, one in found.items()} == {
        "bad_amount": (5, True),
        "missing_field": (1, False),
    }
    assert found["bad_amount"].detail == "expected a number"
    assert operating.replay("bad_amount") == 2
    assert operating.replay("missing_field") == 0
    again = [*read_to_end(settings, settings.events_purchase)]
    assert Counter(record.value for record in again) == {b'{"amount":"x"}': 1, b'{"amount":"y"}': 1}
    assert {(record.key, *map(tuple, record.headers)) for record in again} == {(b"ada", ("trace", b"7"))}
    lags = {one.topic: one for one in operating.lags({})}
    assert settings.dead_letters not in lags
    places = ends_of(settings, [settings.events_purchase])
    ahead = sum(places.values())
    assert ahead > 0
    assert (lags[settings.events_purchase].workers, lags[settings.events_purchase].directory) == (None, ahead)
    lags = {one.topic: one for one in operating.lags(places)}
    assert lags[settings.events_purchase].directory == 0
    levels = Counter(one.level for one in operating.checked())
    assert levels["ok"] > 5
    assert levels["fail"] == 0


def test_a_policy_is_tried_over_the_events_of_the_topics(environment: dict[str, str]) -> None:
    operating, settings = operations(environment)
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap})
    for day in range(1, 28, 3):
        at = f"2026-01-{day:02}T10:00:00Z"
        event = (
            f'{{"event_id":"e{day}","customer_id":"ada","occurred_at":"{at}","name":"completed","order_id":"o{day}"}}'
        )
        producer.produce(settings.events_purchase, event.encode(), b"ada")
    assert producer.flush(30) == 0
    present = operating.policy()
    found = asyncio.run(operating.compare({**present, "alerts_per_week": 3.0}, lambda _: None))
    assert (found.added, found.removed, found.moved) == ([], [], [])
    assert found.end_ms - found.begin_ms == 24 * 86_400_000
    wrong = ShopOperations(replace(settings, notify_file="/nowhere.yaml"))
    with pytest.raises(WhatIfError, match=r"/nowhere\.yaml"):
        asyncio.run(wrong.compare(present, lambda _: None))
