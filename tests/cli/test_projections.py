"""A process that runs only a projection, and the commands that show it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from stream.cli import main
from stream.cli.topics import create_topics
from stream.client import ClickEvent, Producer, PurchaseEvent
from stream.local.stack import LocalStack
from stream.settings import Settings
from tests.cli.projecting import folded, projecting, run

pytestmark = pytest.mark.timeout(180)

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with LocalStack(tmp_path_factory.mktemp("stack"), Settings(projections="activity"), partitions=2) as running:
        create_topics(running.settings)
        yield running.settings


def publish(settings: Settings, count: int, customer: str) -> None:
    with Producer(settings) as producer:
        for number in range(count):
            producer.publish(
                ClickEvent(event_id=f"{customer}{number}", customer_id=customer, occurred_at=AT, name="cart_viewed")
            )
        producer.publish(
            PurchaseEvent(
                event_id=f"{customer}-o",
                customer_id=customer,
                occurred_at=AT,
                name="completed",
                order_id=f"{customer}-o",
                amount=5.0,
                currency="EUR",
            )
        )


def test_a_process_of_projections_folds_is_shown_rebuilt_and_stopped(stack: Settings, tmp_path: Path) -> None:
    publish(stack, 30, "c-1")
    publish(stack, 7, "c-2")
    with projecting(stack, tmp_path / "worker.log") as process:
        process.wait(lambda: folded(stack)["activity"] == 39)
        status, shown = run(stack, "projections", "show", "activity", "c-1")
        assert status == 0
        assert orjson.loads(shown) == {"days": {"2026-01-02": {"click": 30, "purchase": 1}}}

        assert run(stack, "projections", "rebuild", "activity")[0] == 0
        publish(stack, 2, "c-3")
        process.wait(lambda: folded(stack)["activity"] == 42)
        assert "generation 1" in run(stack, "projections", "list")[1]

        assert run(stack, "projections", "erase", "activity", "c-1")[0] == 0
        status, _ = run(stack, "projections", "show", "activity", "c-1")
        assert status == 1
        assert run(stack, "projections", "show", "activity", "c-2")[0] == 0

        process.stop()


def test_a_name_that_is_no_projection_is_refused(stack: Settings) -> None:
    status, output = run(stack, "projections", "rebuild", "nothing")
    assert status == 2
    assert "activity" in output


def test_a_role_without_projections_is_a_wrong_setting() -> None:
    result = CliRunner().invoke(main, ["worker", "--role", "projections"])
    assert result.exit_code == 2
    assert "role=projections needs the setting projections" in result.output
