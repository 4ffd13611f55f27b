"""The processes beside the workers, each with work: HTTP requests to answer, alerts to deliver."""

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from confluent_kafka import Producer

from stream.errors import LocalServerError
from stream.events.times import rfc3339
from stream.local.leash import leashed
from stream.local.server_process import HOST, tail_of
from stream.settings import ENV_PREFIX, Settings

__all__ = ["Service", "act", "configuration", "post", "service"]

READY_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 30.0
_METRICS_LINE = re.compile(rb"metrics at http://([^/\s]+)/metrics")
_EVENTS_LINE = re.compile(rb"events are taken at http://[^/\s]+:(\d+)/")
_PAGES_LINE = re.compile(rb"console: (http://\S+)")


@dataclass(frozen=True, slots=True)
class Service:
    """``metrics``: host and port; ``events``: the port where an endpoint takes them; ``pages``: the address of a
    console. None: not yet.

    ``check`` raises `LocalServerError` when the process has ended.
    """

    metrics: Callable[[], str | None]
    events: Callable[[], int | None]
    pages: Callable[[], str | None]
    check: Callable[[], None]


@contextmanager
def service(command: str, settings: Settings, directory: Path, *arguments: str) -> Iterator[Service]:
    """Run ``stream COMMAND ARGUMENTS`` and stop it as a deployment would."""
    log_path = directory / f"{command}.log"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            leashed([sys.executable, "-m", "stream", command, *arguments]),
            env={**inherited, **replace(settings, metrics_port=0).to_env()},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def metrics() -> str | None:
        found = _METRICS_LINE.search(log_path.read_bytes())
        return None if found is None else found[1].decode()

    def events() -> int | None:
        found = _EVENTS_LINE.search(log_path.read_bytes())
        return None if found is None else int(found[1])

    def pages() -> str | None:
        found = _PAGES_LINE.search(log_path.read_bytes())
        return None if found is None else found[1].decode()

    def check() -> None:
        if process.poll() is not None:
            raise LocalServerError(f"{command} ended with status {process.returncode}; {tail_of(log_path)}")

    try:
        yield Service(metrics, events, pages, check)
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def configuration(desk: str, broken: str) -> str:
    """A notification file: every alert goes to a channel that works and to one that does not."""
    return f"""
apply: all
channels:
  desk: {{url: "{desk}"}}
  broken: {{url: "{broken}", retries: {{attempts: 2, first_s: 1, longest_s: 1}}}}
templates:
  alert: {{title: "risk", body: "{{{{ alert.customer_id }}}}"}}
rules:
  - {{name: raised, match: {{kind: ["churn_risk.raised"]}}, channels: [desk, broken]}}
"""


def post(port: int, number: int) -> int:
    """Send one event over HTTP, every fourth without its name; return the status."""
    event = {
        "event_id": f"http-{number}",
        "customer_id": f"http-{number % 5}",
        "occurred_at": rfc3339(time.time_ns() // 1_000_000),
        **({"name": "page_viewed"} if number % 4 else {}),
    }
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("POST", "/v1/events/click", json.dumps(event), {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


def act(settings: Settings, customer_id: str) -> None:
    """Publish the action that somebody contacted a customer."""
    action = {
        "action_id": f"contacted-{customer_id}",
        "customer_id": customer_id,
        "action": "contacted",
        "occurred_at": rfc3339(time.time_ns() // 1_000_000),
    }
    producer = Producer(settings.librdkafka())
    producer.produce(settings.actions, key=customer_id, value=json.dumps(action))
    if producer.flush(10):
        raise LocalServerError("the broker did not take an action in 10 s")
