"""`stream ingest` as a process, and a small HTTP client that shows all of an answer."""

import hashlib
import hmac
import http.client
import json
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from confluent_kafka import Consumer, TopicPartition

from stream.local.server_process import HOST
from stream.settings import Settings
from tests.cli.conftest import clean_environment
from tests.kafka_clients import arrived

__all__ = ["TOKEN", "HttpAnswer", "Reader", "Running", "click", "numbers", "post", "request", "signed_by_mailgun"]

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-of-sixteen-characters"
DEADLINE_S = 60.0
_METRICS_PORT = re.compile(rb"metrics at http://[^/]+:(\d+)/metrics")
_PORT = re.compile(rb"events are taken at http://[^/]+:(\d+)/v1/events")


class HttpAnswer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: Any


def click(number: object, **changes: object) -> dict[str, object]:
    """A native event; its id tells the number."""
    return {
        "event_id": f"e-{number}",
        "customer_id": f"c-{hash(str(number)) % 7}",
        "occurred_at": 1_717_158_600,
        "name": "page_viewed",
        **changes,
    }


def signed_by_mailgun(event: object, key: str = "key") -> dict[str, object]:
    """A webhook of Mailgun of now, with a token of its own."""
    timestamp, token = str(round(time.time())), uuid.uuid4().hex
    signature = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {"signature": {"timestamp": timestamp, "token": token, "signature": signature}, "event-data": event}


def post(
    port: int, path: str, body: object, headers: Mapping[str, str] | None = None, *, token: str | None = TOKEN
) -> HttpAnswer:
    """POST ``body`` (bytes as they are, anything else as JSON)."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **(headers or {})}
    if token is not None:
        sent.setdefault("Authorization", f"Bearer {token}")
    return request(port, "POST", path, content, sent)


def request(
    port: int, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> HttpAnswer:
    connection = http.client.HTTPConnection(HOST, port, timeout=DEADLINE_S)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        text = response.read()
        return HttpAnswer(
            response.status, {k.lower(): v for k, v in response.getheaders()}, json.loads(text or b"null")
        )
    finally:
        connection.close()


class Reader:
    """Reads a topic from its beginning, and resumes where it was."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": settings.kafka_bootstrap, "group.id": f"{topic}-reader"})
        self._consumer.assign([TopicPartition(topic, partition, 0) for partition in range(settings.partitions)])
        self.values: list[Any] = []

    def until(self, *wanted: str) -> list[str]:
        """Event ids in the order of their partitions, read until ``wanted`` are among them."""
        missing = {*wanted}.difference(value["event_id"] for value in self.values)
        deadline = time.monotonic() + DEADLINE_S
        while missing:
            assert time.monotonic() < deadline, f"not in the topic: {sorted(missing)[:5]}"
            for message in filter(None, map(arrived, self._consumer.consume(1000, 0.1))):
                self.values.append(json.loads(message.value() or b""))
                missing.discard(self.values[-1]["event_id"])
        return [value["event_id"] for value in self.values]

    def close(self) -> None:
        self._consumer.close()


class Running:
    """``with Running(settings, directory) as ingest``: waits until it is ready, ends it if it still runs.

    It listens on a free port, a new one at each start, and tells which.
    """

    def __init__(self, settings: Settings, directory: Path, *, wait: bool = True) -> None:
        self.settings = settings
        self.port = self.metrics_port = 0
        self._log = directory / "ingest.log"
        self._wait = wait
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def start(self) -> Self:
        environment = clean_environment(
            **{
                **self.settings.to_env(),
                "STREAM_INGEST_PORT": "0",
                "STREAM_METRICS_PORT": "0",
            }
        )
        with self._log.open("ab") as log:
            before = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "stream", "ingest"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        self.metrics_port = self._announced(_METRICS_PORT, before)
        self.port = self._announced(_PORT, before)
        self.wait_for("/health/ready" if self._wait else "/health/live", 200)
        return self

    def _announced(self, port: re.Pattern[bytes], after: int) -> int:
        """The log from this position on."""
        deadline = time.monotonic() + DEADLINE_S
        while (found := port.search(self._log.read_bytes(), after)) is None:
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)
        return int(found[1])

    def wait_for(self, path: str, status: int) -> HttpAnswer:
        deadline = time.monotonic() + DEADLINE_S
        while True:
            assert self.process.poll() is None, self.log()
            try:
                found = request(self.port, "GET", path)
            except OSError:
                found = HttpAnswer(0, {}, None)
            if found.status == status:
                return found
            assert time.monotonic() < deadline, (found, self.log())
            time.sleep(0.05)

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None, **options: Any) -> HttpAnswer:
        return post(self.port, path, body, headers, **options)

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        self.process.kill()
        self.process.wait(10)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def log(self) -> str:
        return self._log.read_text(errors="replace")[-4000:]

    def metrics(self) -> str:
        connection = http.client.HTTPConnection(HOST, self.metrics_port, timeout=DEADLINE_S)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.terminate()
            try:
                self._process.wait(20)
            finally:
                self._process.kill()


def numbers(ids: Iterable[str]) -> set[int]:
    """The numbers of `click` events."""
    return {int(event_id.removeprefix("e-")) for event_id in ids}
