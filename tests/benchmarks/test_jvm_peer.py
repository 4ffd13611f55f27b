"""The peer on the JVM does the job of the peers in Python: same features, same risks, same alerts."""

import importlib.util
import json
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import redis
from confluent_kafka import Consumer

from benchmarks import engines
from benchmarks.engines import finish
from benchmarks.workload import PEERS_ALERTS, Running, Workload, produce, stack, synthetic
from tests.kafka.required import required_kafka

WORKLOAD = Workload(events=6_000, customers=400, days=20.0)
#: The job is the same in all modes of the peer; this one does most beside it.
ENGINE = "streams-exactly-once-100ms"
CLOSE = 1e-9


def _job(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for name in ("BROKER", "REDIS", "TOPICS", "GROUP", "STATE"):
        monkeypatch.setenv(f"BENCH_{name}", "")
    path = Path(engines.__file__).parent / "peers" / "job.py"
    spec = importlib.util.spec_from_file_location("peers_job", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _alerts(running: Running, expected: int) -> list[str]:
    consumer = Consumer(
        {
            "bootstrap.servers": running.settings.kafka_bootstrap,
            "group.id": "alerts",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([PEERS_ALERTS])
    found: list[str] = []
    try:
        deadline = time.monotonic() + 60.0
        while len(found) < expected and time.monotonic() < deadline:
            found += [
                json.loads(message.value() or b"")["customer_id"] for message in consumer.consume(500, timeout=1.0)
            ]
    finally:
        consumer.close()
    return found


def test_the_jvm_peer_does_the_same_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    required_kafka()
    logs = synthetic(WORKLOAD, time.time_ns() // 1_000_000)
    # One partition, so that there is one order, and one event told twice.
    logs[0].append(logs[0][-1])
    module = _job(monkeypatch)
    job = module.Job()
    states: dict[str, Any] = {}
    crossed: list[str] = []
    for record in sorted((record for log in logs for record in log), key=lambda record: record.timestamp):
        event = json.loads(record.value)
        customer = event["customer_id"]
        states[customer], has_crossed = job.apply(states.get(customer), event)
        crossed += [customer] * has_crossed
    assert crossed

    with stack(tmp_path, 1, broker="kafka") as running:
        produce(running.settings, logs)
        told: list[str] = []
        # its last transaction may be open when the last features are stored
        finish(
            ENGINE,
            running,
            WORKLOAD.events + 1,
            None,
            tmp_path,
            before_kill=lambda: told.extend(_alerts(running, len(crossed))),
        )
        with redis.Redis.from_url(running.settings.redis_url) as client:
            documents = {key.decode().removeprefix("jvm:"): client.get(key) for key in client.scan_iter("jvm:*")}

    assert documents.keys() == states.keys()
    for customer, state in states.items():
        document = json.loads(documents[customer])
        assert document["features"] == pytest.approx(state["features"], rel=CLOSE)
        assert document["risk"] == pytest.approx(state["risk"], rel=CLOSE)
    assert sorted(told) == sorted(crossed)
