"""Points end to end: orders and movements through Kafka and a worker, then the commands."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from stream.cli.topics import create_topics
from stream.client import Producer, PurchaseEvent
from stream.events.model import Item
from stream.local.stack import LocalStack
from stream.settings import Settings
from tests.cli.projecting import folded, projecting, run

pytestmark = pytest.mark.timeout(400)

RULES = """
earn: {rate: 1, categories: {tea: 3}}
expire_days: 100
tiers: [{name: gold, points: 40, benefits: a gift}]
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    directory = tmp_path_factory.mktemp("stack")
    (directory / "points.yaml").write_text(RULES)
    settings = Settings(projections="points", role="projections")
    with LocalStack(directory, settings, partitions=2) as running:
        create_topics(running.settings)
        yield replace(running.settings, points_file=str(directory / "points.yaml"))


def test_points_are_earned_spent_given_and_shown(stack: Settings, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    items = (Item(product_id="t", category="tea", price=10.0),)
    with Producer(stack) as producer:
        for number, order in enumerate(("old", "new")):
            producer.publish(
                PurchaseEvent(
                    event_id=order,
                    customer_id="ann",
                    occurred_at=now - timedelta(days=(150, 5)[number]),
                    name="completed",
                    order_id=order,
                    amount=20.0,
                    currency="EUR",
                    items=items,
                )
            )
    with projecting(stack, tmp_path / "worker.log") as worker:
        worker.wait(lambda: folded(stack)["points"] == 2)
        # 10 of tea earn 30, the rest 10; the first order's are lost
        shown = orjson.loads(run(stack, "points", "ann", "--json")[1])
        assert (shown["balance"], shown["earned"], shown["expired"]) == (40, 80, 40)
        assert shown["tier"]["name"] == "gold"
        status, said = run(stack, "points", "spend", "ann", "41")
        assert status != 0
        assert "ann has 40 points, and cannot spend 41" in said
        for _ in range(2):
            assert run(stack, "points", "spend", "ann", "15", "--movement-id", "v-1", "--note", "a voucher")[0] == 0
        assert run(stack, "points", "give", "bob", "7")[0] == 0
        worker.wait(lambda: folded(stack)["points"] == 5)
        # a repeat is no second one, also when it is more than is left
        assert run(stack, "points", "spend", "ann", "39", "--movement-id", "v-1")[0] == 0
        text = " ".join(run(stack, "points", "ann")[1].split())
        bob = run(stack, "points", "bob")[1]
        before = orjson.loads(
            run(stack, "points", "ann", "--json", "--as-of", f"{now - timedelta(days=60):%Y-%m-%d}")[1]
        )
        worker.stop()
    assert "25 points: 80 earned, 15 spent, 40 expired." in text
    assert "25 of them expire on" in text
    assert "Tier gold: a gift." in text
    assert bob.startswith("7 points:")
    assert (before["balance"], before["tier"]) == (40, {"name": "gold", "points": 40, "benefits": "a gift"})


@pytest.mark.parametrize(
    "words", [("spend", "ann"), ("spend", "ann", "0"), ("spend", "ann", "1.5"), ("take", "ann", "3")]
)
def test_what_is_no_number_of_points_is_refused(stack: Settings, words: tuple[str, ...]) -> None:
    status, said = run(stack, "points", *words)
    assert status == 2
    assert "whole number" in said


def test_points_of_another_day_cannot_be_spent(stack: Settings) -> None:
    status, said = run(stack, "points", "spend", "ann", "1", "--as-of", "2026-01-31")
    assert (status, "spent and given now" in said) == (2, True)


def test_who_has_none_and_a_wrong_file_are_told(stack: Settings, tmp_path: Path) -> None:
    status, said = run(stack, "points", "nobody")
    assert (status, "nothing is known of points" in said) == (1, True)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("earn: {rates: 1}")
    status, said = run(replace(stack, points_file=str(wrong)), "points", "ann")
    assert status == 2
    assert "wrong.yaml" in said
