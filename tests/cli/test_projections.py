"""A process that runs nothing but a projection, and the commands to look at it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
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

pytestmark = pytest.mark.timeout(180)

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with LocalStack(tmp_path_factory.mktemp("stack"), Settings(projections="activity"), partitions=2) as running:
        create_topics(running.settings)
        yield running.settings


def run(settings: Settings, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["projections", *arguments], env={**settings.to_env()})
    return result.exit_code, result.output


def wait(condition: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60.0
    while not condition():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def folded(settings: Settings) -> int:
    status, output = run(settings, "list", "--json")
    assert status == 0, output
    (activity,) = [one for one in orjson.loads(output) if one["name"] == "activity"]
    return int(activity["folded"])


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
    log = tmp_path / "worker.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "stream", "worker", "--role", "projections"],
            env={**os.environ, **stack.to_env()},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait(lambda: folded(stack) == 39, process, log)
        status, shown = run(stack, "show", "activity", "c-1")
        assert status == 0
        assert orjson.loads(shown) == {"days": {"2026-01-02": {"click": 30, "purchase": 1}}}

        assert run(stack, "rebuild", "activity")[0] == 0
        publish(stack, 2, "c-3")
        wait(lambda: folded(stack) == 42, process, log)
        assert "generation 1" in run(stack, "list")[1]

        assert run(stack, "erase", "activity", "c-1")[0] == 0
        status, _ = run(stack, "show", "activity", "c-1")
        assert status == 1
        assert run(stack, "show", "activity", "c-2")[0] == 0

        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def test_a_name_that_is_no_projection_is_refused(stack: Settings) -> None:
    status, output = run(stack, "rebuild", "nothing")
    assert status == 2
    assert "activity" in output


def test_a_role_without_projections_is_a_wrong_setting() -> None:
    result = CliRunner().invoke(main, ["worker", "--role", "projections"])
    assert result.exit_code == 2
    assert "role=projections needs the setting projections" in result.output
