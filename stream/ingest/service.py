"""The process behind ``stream ingest``: start, serve, drain."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any, Final

import uvloop
from aiohttp import web

from stream import metrics as all_metrics
from stream.adapters import Adapter, adapters_of
from stream.client.producer import Producer
from stream.clock import SystemClock
from stream.errors import DeliveryError, SettingsError
from stream.ingest.access import Access
from stream.ingest.client_connection import Connection, Connections
from stream.ingest.endpoint import Endpoint
from stream.ingest.event_publisher import EventPublisher
from stream.ingest.files import allow_files
from stream.ingest.reachability import Reachability
from stream.ingest.request_handler import Handler
from stream.settings import Settings
from stream.stop_signals import stop_event

__all__ = ["run"]

_LOG = logging.getLogger(__name__)

_BACKLOG: Final = 1024
_DRAIN_MARGIN_S: Final = 5.0
#: Longer than load balancers keep idle connections, so that it is they who close them.
_KEEPALIVE_S: Final = 75.0
_LINGERING_S: Final = 1.0
#: Roughly what the system and aiohttp may hold of a body that is not read yet.
_READ_BYTES: Final = 16_384
#: Open files besides the connections of clients: those to brokers, the metrics port, modules.
_OTHER_FILES: Final = 128


def run(settings: Settings) -> int:
    """Serve until one of the `STOP_SIGNALS`; return the exit status.

    Raises `SettingsError` before anything is listened on if the settings would let strangers in, or half of a
    provider's credentials is missing.
    """
    access = Access(settings)
    adapters = adapters_of(settings)
    if settings.metrics_port >= 0:
        port = all_metrics.serve(settings.metrics_host, settings.metrics_port)
        _LOG.info("metrics at http://%s:%d/metrics", settings.metrics_host, port)
    producer = Producer(
        settings,
        delivery_timeout_s=settings.ingest_delivery_timeout_s,
        # Its own limit is the publisher's, which can say no to a whole request; this one is for what slips by.
        queue_events=2 * max(settings.ingest_queue_events, settings.ingest_max_events),
        options={"client.id": "customer-stream-ingest", "linger.ms": 5, "reconnect.backoff.max.ms": 1000},
    )
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(settings, producer, access, adapters))
    finally:
        try:
            producer.close(timeout_s=0.1)
        except DeliveryError as error:
            # Their requests were answered with a status that says so, or not at all.
            _LOG.warning("events not delivered at the end: %s", error)


async def _serve(settings: Settings, producer: Producer, access: Access, adapters: Mapping[str, Adapter]) -> int:
    reachability = Reachability(producer)
    publisher = EventPublisher(
        producer, max_waiting=settings.ingest_queue_events, timeout_s=settings.ingest_delivery_timeout_s
    )
    connections = Connections(head_timeout_s=settings.ingest_read_timeout_s, max_open=settings.ingest_connections)
    endpoint = Endpoint(settings, publisher, reachability, access, adapters, SystemClock(), connections)
    runner = web.AppRunner(endpoint.application(), handle_signals=False, access_log=None, shutdown_timeout=_LINGERING_S)
    await runner.setup()
    listener = await _listen(settings, runner, connections)
    watch = asyncio.create_task(reachability.run())
    try:
        await _until_told(watch)
        status = int(watch.done())
    finally:
        endpoint.draining = True
        listener.close()
    try:
        await asyncio.wait_for(endpoint.idle.wait(), settings.ingest_delivery_timeout_s + _DRAIN_MARGIN_S)
    except TimeoutError:
        _LOG.warning("not every request was answered in time")
        status = 1
    watch.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watch
    await runner.cleanup()
    _LOG.info("ended")
    return status


async def _listen(settings: Settings, runner: web.AppRunner, connections: Connections) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    server = runner.server
    if server is None:
        raise AssertionError("the runner was not set up")

    options: dict[str, Any] = {
        "access_log": None,
        # bodies are unpacked by `read_body`, which knows how much may come of it and whether it is whole
        "auto_decompress": False,
        "keepalive_timeout": _KEEPALIVE_S,
        "lingering_time": _LINGERING_S,
        "read_bufsize": _READ_BYTES,
    }

    allow_files(settings.ingest_connections + _OTHER_FILES)
    try:
        listener = await loop.create_server(
            lambda: Connection(Handler(server, loop=loop, **options), connections),
            settings.ingest_host,
            settings.ingest_port,
            backlog=_BACKLOG,
        )
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {settings.ingest_host}:{settings.ingest_port} ({error}): choose another ingest_port"
        ) from error
    _LOG.info("events are taken at http://%s:%d/v1/events", *listener.sockets[0].getsockname()[:2])
    return listener


async def _until_told(watch: asyncio.Task[None]) -> None:
    """Until a signal asks for the end, or nothing can be published any more."""
    waiting = asyncio.create_task(stop_event().wait())
    await asyncio.wait({watch, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
