"""A worker process as an orchestrator sees it: its probes, and how it leaves."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stream.local.broker import EmbeddedBroker
from stream.local.redis import EmbeddedRedis
from stream.local.server_process import HOST
from stream.settings import Settings
from tests.faults.worker import PLAN_VARIABLE
from tests.field import ROOT, Deployment
from tests.oracle.made_up import made_up

# longer than all the waits of a test together
pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]

LOG = made_up(11, customers=40, days=120, events=1_500)
DEADLINE_S = 60.0
_PROBES = re.compile(r"metrics at http://[^/]+:(\d+)/metrics and probes")


class Probed:
    """A worker process with a fault plan, and its answers."""

    def __init__(self, settings: Settings, log: Path, **plan: Any) -> None:
        self._log = log
        own = {name: value for name, value in os.environ.items() if not name.startswith("STREAM_")}
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.worker"],
                cwd=ROOT,
                env={**own, **replace(settings, metrics_port=0).to_env(), PLAN_VARIABLE: json.dumps(plan)},
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def ask(self, question: str) -> tuple[int, str]:
        """Status and reasons; 0 while nobody listens."""
        announced = _PROBES.search(self._log.read_text(errors="replace"))
        if announced is None:
            return 0, ""
        connection = http.client.HTTPConnection(HOST, int(announced[1]), timeout=DEADLINE_S)
        try:
            connection.request("GET", f"/health/{question}")
            answer = connection.getresponse()
            return answer.status, " ".join(json.loads(answer.read())["reasons"])
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def wait(self, question: str, condition: Callable[[int, str], bool]) -> list[tuple[int, str]]:
        """All answers up to the first that meets the condition."""
        answers: list[tuple[int, str]] = []
        deadline = time.monotonic() + DEADLINE_S
        while True:
            answers.append(self.ask(question))
            if condition(*answers[-1]):
                return answers
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, (question, answers[-1], self.said())
            time.sleep(0.01)

    def said(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A Redis for this test alone, which the test stops."""
    with EmbeddedRedis(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def field(broker: EmbeddedBroker, server: EmbeddedRedis, tmp_path: Path, topic_prefix: str) -> Iterator[Deployment]:
    field = Deployment(broker, server, tmp_path, topic_prefix, batch_max_records=10)
    yield field
    field.close()


def ready(status: int, _reasons: str) -> bool:
    return status == 200


def behind(status: int, reasons: str) -> bool:
    return status == 503 and "have not caught up" in reasons


def test_a_worker_is_ready_while_it_is_up_to_date_and_redis_answers(
    field: Deployment, server: EmbeddedRedis, tmp_path: Path
) -> None:
    field.produce(LOG.entries)
    gate = tmp_path / "gate"
    gate.touch()
    worker = Probed(field.settings, tmp_path / "worker.log", stall="step", stall_gate=str(gate))
    try:
        worker.wait("startup", ready)
        worker.wait("ready", behind)
        gate.unlink()
        worker.wait("ready", ready)
        assert field.total()["events_in"] == len(LOG.entries)

        server.stop()
        worker.wait("ready", lambda status, reason: status == 503 and "Redis has not answered" in reason)
        assert worker.ask("live")[0] == 200
        server.start()
        worker.wait("ready", ready)

        gate.touch()
        field.client.flushall()
        worker.wait("ready", behind)
        gate.unlink()
        worker.wait("ready", ready)
        assert field.total()["events_in"] == len(LOG.entries)
    finally:
        worker.close()


def test_a_stuck_event_loop_fails_liveness_while_it_is_stuck_and_sigterm_drains_a_busy_worker(
    field: Deployment, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    settings = replace(field.settings, stuck_after_s=1.5)
    worker = Probed(settings, tmp_path / "worker.log", stall_gate=str(gate), pace_ms=100)
    try:
        worker.wait("startup", ready)
        gate.touch()
        sent = field.produce(LOG.entries)
        stuck = worker.wait("live", lambda status, _: status == 503)
        assert "the event loop has not turned" in stuck[-1][1]
        gate.unlink()
        worker.wait("live", ready)

        field.wait(lambda total: total.get("events_in", 0) > 0, "it is busy")
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(DEADLINE_S) == 0, worker.said()
        assert field.total()["events_in"] < len(sent), "there was nothing left to drain"
    finally:
        worker.close()
