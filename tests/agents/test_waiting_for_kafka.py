"""A worker that starts before its broker."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stream.local.broker import EmbeddedBroker
from stream.local.redis import EmbeddedRedis
from tests.field import ROOT, Deployment
from tests.oracle.made_up import made_up

pytestmark = pytest.mark.slow

DEADLINE_S = 90.0


def wait_for(log: Path, text: str, process: subprocess.Popen[bytes]) -> str:
    """Wait until the log of a running worker has the text; return the log."""
    deadline = time.monotonic() + DEADLINE_S
    while text not in (found := log.read_text()):
        assert process.poll() is None, found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def test_a_worker_waits_for_its_broker_in_one_line_and_then_works(redis_server: EmbeddedRedis, tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path)
    events = made_up(3, customers=5, days=10, events=50)
    log = tmp_path / "worker.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAM_")}
    settings = {
        "STREAM_KAFKA_BOOTSTRAP": broker.bootstrap,
        "STREAM_REDIS_URL": redis_server.url,
        "STREAM_NAMESPACE": "waiting",
        "STREAM_PARTITIONS": "4",
        "STREAM_TOPIC_PREFIX": "waiting.",
        "STREAM_GROUP": "waiting.group",
        "STREAM_CLOCK": "event",
        "STREAM_METRICS_PORT": "-1",
    }
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", "stream", "worker"],
            cwd=ROOT,
            env={**environment, **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        told = wait_for(log, "no broker answers", worker)
        assert len(re.findall("WARNING|ERROR|CRITICAL", told)) == 1
        assert broker.bootstrap in told
        with broker:
            field = Deployment(broker, redis_server, tmp_path, "waiting.")
            field.produce(events.entries)
            field.wait_until_done(len(events.entries))
            field.close()
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
    finally:
        if worker.poll() is None:
            worker.kill()
            worker.wait(10)
    assert "Traceback" not in log.read_text()


def test_a_worker_that_waits_can_be_stopped(redis_server: EmbeddedRedis, tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("STREAM_")},
        "STREAM_KAFKA_BOOTSTRAP": EmbeddedBroker(tmp_path).bootstrap,
        "STREAM_REDIS_URL": redis_server.url,
        "STREAM_METRICS_PORT": "-1",
    }
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", "stream", "worker"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    wait_for(log, "no broker answers", worker)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0
