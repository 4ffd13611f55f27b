"""The endpoint in this process, with parts that fail on demand."""

import asyncio
import logging
from typing import Any, cast

import pytest
from aiohttp.test_utils import TestClient, TestServer

from stream.adapters import Adapter, Call, Translation
from stream.client.producer import Producer
from stream.clock import FixedClock
from stream.ingest.access import Access
from stream.ingest.client_connection import Connections
from stream.ingest.endpoint import Endpoint
from stream.ingest.event_publisher import EventPublisher
from stream.ingest.metrics import INGEST_REQUESTS
from stream.ingest.reachability import Reachability
from stream.settings import Settings


def fail(_call: Call) -> list[Translation]:
    raise RuntimeError("a defect")


def endpoint() -> Endpoint:
    """An endpoint that reaches no producer."""
    producer = cast("Producer", None)
    reachability = Reachability(producer)
    reachability.problem = ""
    settings = Settings()
    adapters = {"segment": Adapter("segment", fail)}
    intake = EventPublisher(producer, max_waiting=10, timeout_s=1)
    connections = Connections(head_timeout_s=10)
    return Endpoint(
        settings, intake, reachability, Access(settings), adapters, FixedClock(1_900_000_000_000), connections
    )


async def answer_to(served: Endpoint, path: str, body: bytes) -> tuple[int, Any]:
    async with TestClient(TestServer(served.application())) as client, client.post(path, data=body) as response:
        return response.status, await response.json()


def test_a_defect_is_a_500_and_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    counter = INGEST_REQUESTS.labels("segment", "500")
    before = counter._value.get()
    with caplog.at_level(logging.ERROR):
        status, body = asyncio.run(answer_to(endpoint(), "/v1/adapters/segment", b"{}"))
    assert (status, body["error"]) == (500, "defect")
    assert counter._value.get() == before + 1
    assert "a request to segment could not be served" in caplog.text


def test_a_draining_endpoint_refuses_new_requests() -> None:
    served = endpoint()
    served.draining = True
    status, body = asyncio.run(answer_to(served, "/v1/events", b"{}"))
    assert (status, body["error"]) == (503, "draining")


def test_a_request_of_bad_events_alone_reaches_no_producer() -> None:
    status, body = asyncio.run(answer_to(endpoint(), "/v1/events", b'[{"name": "opened"}, 5]'))
    assert (status, body["rejected"]) == (422, 2)
