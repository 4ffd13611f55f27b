"""Every event answered with 2xx is in Kafka, whatever dies at any time."""

import http.client
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from stream.local.broker import EmbeddedBroker
from stream.local.server_process import HOST
from stream.settings import Settings
from tests.agents.topics import create
from tests.ingest.running import TOKEN, HttpAnswer, Reader, Running, click

DEADLINE_S = 30.0


@contextmanager
def own_topics(broker: EmbeddedBroker, prefix: str, **overrides: Any) -> Iterator[Settings]:
    settings = Settings(
        kafka_bootstrap=broker.bootstrap, topic_prefix=prefix, partitions=2, ingest_token=TOKEN, **overrides
    )
    create(broker.bootstrap, settings.topics.items())
    yield settings


class Load:
    """Threads that send small batches until told to stop, and remember what was answered."""

    def __init__(self, ingest: Running, name: str, threads: int = 4) -> None:
        self._ingest = ingest
        self._name = name
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.accepted: list[str] = []
        self.answers: list[int] = []
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def _send(self, thread: int) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            batch = [click(f"{self._name}-{thread}-{number}-{k}") for k in range(10)]
            try:
                answer = self._ingest.post("/v1/events", batch)
            except (OSError, http.client.HTTPException):
                continue  # no answer: nothing was promised
            with self._lock:
                self.answers.append(answer.status)
                if answer.status == 200:
                    self.accepted += [str(event["event_id"]) for event in batch]

    def wait_for_answers(self, count: int) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while len(self.answers) < count:
            assert time.monotonic() < deadline, self.answers
            time.sleep(0.01)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(DEADLINE_S)


def test_every_event_answered_before_a_kill_is_in_kafka(
    broker: EmbeddedBroker, topic_prefix: str, tmp_path: Path
) -> None:
    with own_topics(broker, topic_prefix) as settings:
        ingest = Running(settings, tmp_path)
        accepted: list[str] = []
        for life in range(2):
            ingest.start()
            load = Load(ingest, f"life{life}")
            load.wait_for_answers(40)
            ingest.kill()
            load.stop()
            assert set(load.answers) == {200}
            accepted += load.accepted
        reader = Reader(settings, settings.events_click)
        assert len(accepted) >= 800
        reader.until(*accepted)
        reader.close()


def test_at_sigterm_requests_under_way_are_answered_and_what_is_answered_is_in_kafka(
    broker: EmbeddedBroker, topic_prefix: str, tmp_path: Path
) -> None:
    body = json.dumps(click("under-way")).encode()
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with own_topics(broker, topic_prefix) as settings, Running(settings, tmp_path) as ingest:
        load = Load(ingest, "term")
        load.wait_for_answers(20)
        with socket.create_connection((HOST, ingest.port), timeout=DEADLINE_S) as client:
            client.sendall(head.encode() + body[:10])
            load.wait_for_answers(len(load.answers) + 20)  # by now the endpoint waits for the rest of the body
            ingest.terminate()
            wait_until_refused(ingest)
            assert ingest.process.poll() is None
            client.sendall(body[10:])
            assert client.recv(65_536).startswith(b"HTTP/1.1 200")
        assert ingest.process.wait(DEADLINE_S) == 0
        load.stop()
        reader = Reader(settings, settings.events_click)
        reader.until("e-under-way", *load.accepted)
        reader.close()
        assert set(load.answers) <= {200, 503}


def wait_until_refused(ingest: Running) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, ingest.port), timeout=1).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.01)
    raise AssertionError("still listening")


def test_while_the_broker_is_away_nothing_is_accepted(tmp_path: Path, topic_prefix: str) -> None:
    with (
        EmbeddedBroker(tmp_path / "broker") as broker,
        own_topics(broker, topic_prefix, ingest_delivery_timeout_s=1.0) as settings,
        Running(settings, tmp_path) as ingest,
    ):
        assert ingest.post("/v1/events", click("before")).status == 200
        broker.kill()
        answer = ingest.post("/v1/events", [click("lost-1"), click("lost-2")])
        assert answer.status == 503
        assert answer.body.get("accepted", 0) == 0
        assert int(answer.headers["retry-after"]) > 0
        ingest.wait_for("/health/ready", 503)
        assert ingest.wait_for("/health/live", 200).body == {"live": True}
        answer = ingest.post("/v1/events", click("lost-3"))
        assert (answer.status, answer.body["error"]) == (503, "kafka_unavailable")
        assert int(answer.headers["retry-after"]) > 0


def test_events_are_accepted_again_when_a_broker_that_stood_still_goes_on(tmp_path: Path, topic_prefix: str) -> None:
    with (
        EmbeddedBroker(tmp_path / "broker") as broker,
        own_topics(broker, topic_prefix, ingest_delivery_timeout_s=1.0) as settings,
        Running(settings, tmp_path) as ingest,
    ):
        assert ingest.post("/v1/events", click("before")).status == 200
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            answer = ingest.post("/v1/events", click("still"))
            assert (answer.status, answer.body["accepted"], answer.body["failed"]) == (503, 0, 1)
            assert answer.body["problems"][0]["reason"] == "not_confirmed"
            ingest.wait_for("/health/ready", 503)
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        # The embedded broker, unlike Kafka, refuses a producer after a timeout, so a new process sends.
        assert until_accepted(ingest, click("after")).body["accepted"] == 1


def until_accepted(ingest: Running, event: object) -> HttpAnswer:
    """A sender that retries while told to, and a supervisor that restarts the process after status 1."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            answer = ingest.post("/v1/events", event)
        except OSError:
            answer = HttpAnswer(503, {}, None)
        if answer.status != 503:
            return answer
        assert time.monotonic() < deadline, (answer, ingest.log())
        if (status := ingest.process.poll()) is not None:
            assert status == 1
            ingest.start()
        time.sleep(0.1)


def test_more_events_than_may_wait_are_to_be_sent_later(tmp_path: Path, topic_prefix: str) -> None:
    with (
        EmbeddedBroker(tmp_path / "broker") as broker,
        own_topics(broker, topic_prefix, ingest_queue_events=5) as settings,
        Running(settings, tmp_path) as ingest,
        ThreadPoolExecutor(1) as pool,
    ):
        assert ingest.post("/v1/events", click("warm")).status == 200
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            waiting = pool.submit(ingest.post, "/v1/events", [click(f"wait-{k}") for k in range(4)])
            wait_until_waiting(ingest, 4)
            answer = ingest.post("/v1/events", [click("more-1"), click("more-2")])
            assert not waiting.done()
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        assert (answer.status, answer.body["error"]) == (429, "busy")
        assert int(answer.headers["retry-after"]) > 0
        assert waiting.result(DEADLINE_S).status == 200
        assert ingest.post("/v1/events", [click("more-1"), click("more-2")]).status == 200


def wait_until_waiting(ingest: Running, events: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while f"stream_ingest_waiting_events {float(events)}" not in ingest.metrics():
        assert time.monotonic() < deadline, ingest.log()
        time.sleep(0.01)


def test_without_topics_it_is_not_ready_and_says_what_to_do(
    broker: EmbeddedBroker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = Settings(kafka_bootstrap=broker.bootstrap, topic_prefix=topic_prefix, partitions=2)
    with Running(settings, tmp_path, wait=False) as ingest:
        ready = ingest.wait_for("/health/ready", 503)
        deadline = time.monotonic() + DEADLINE_S
        while "stream topics create" not in ready.body["problem"]:
            assert time.monotonic() < deadline, ready
            ready = ingest.wait_for("/health/ready", 503)
        assert ingest.post("/v1/events", click("early"), token=None).status == 503
        create(broker.bootstrap, settings.topics.items())
        ingest.wait_for("/health/ready", 200)
        assert ingest.post("/v1/events", click("in-time"), token=None).status == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_idle_it_ends_at_once_with_status_0(
    number: signal.Signals, broker: EmbeddedBroker, topic_prefix: str, tmp_path: Path
) -> None:
    with own_topics(broker, topic_prefix) as settings, Running(settings, tmp_path) as ingest:
        idle = socket.create_connection((HOST, ingest.port))
        ingest.process.send_signal(number)
        assert ingest.process.wait(DEADLINE_S) == 0
        idle.close()
