"""Client connections: how long one may take to say what it wants, and how many there may be.

When there is no place left, a new connection takes that of one that matters less: the longest idle one, else the one
that sends a body for the longest time without having shown who it is. Nobody can keep others out with connections
that do nothing.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from stream.ingest import metrics

__all__ = ["MAX_CONNECTIONS", "Connection", "Connections"]

MAX_CONNECTIONS: Final = 1000
_END_OF_HEAD: Final = b"\r\n\r\n"


class Connections:
    """Those that are open, by what they do."""

    def __init__(self, *, head_timeout_s: float, max_open: int = MAX_CONNECTIONS) -> None:
        self.head_timeout_s = head_timeout_s
        self.max_open = max_open
        self.open: dict[asyncio.Protocol, Connection] = {}
        # Both in the order in which they came to be so.
        self._idle: dict[asyncio.Protocol, None] = {}
        self._unproven: dict[asyncio.Protocol, None] = {}

    def add(self, connection: "Connection") -> None:
        """A new one; if there is no place, one that matters less, or else the new one, is closed."""
        if len(self.open) >= self.max_open:
            self._evict(connection)
        self.open[connection.handler] = connection
        self._idle[connection.handler] = None

    def remove(self, connection: "Connection") -> None:
        """It is closed."""
        self.open.pop(connection.handler, None)
        self._idle.pop(connection.handler, None)
        self._unproven.pop(connection.handler, None)

    @contextmanager
    def serving(self, handler: asyncio.Protocol | None) -> Iterator[None]:
        """While a request is served, its connection is not idle."""
        if handler is None or handler not in self.open:
            yield
            return
        self._idle.pop(handler, None)
        try:
            yield
        finally:
            if handler in self.open:
                self._idle[handler] = None

    @contextmanager
    def unproven(self, handler: asyncio.Protocol | None) -> Iterator[None]:
        """While a body is read whose sender is not known yet, another may take the place."""
        if handler is None or handler not in self.open:
            yield
            return
        self._unproven[handler] = None
        try:
            yield
        finally:
            self._unproven.pop(handler, None)

    def _evict(self, newcomer: "Connection") -> None:
        metrics.INGEST_EVICTIONS.inc()
        for line in (self._idle, self._unproven):
            if line:
                oldest = next(iter(line))
                del line[oldest]
                self.open.pop(oldest).abort()
                return
        newcomer.abort()


class Connection(asyncio.Protocol):
    """Passes everything on to ``handler``, aiohttp's protocol, and closes what does not complete its first head.

    aiohttp limits the time between requests, and the endpoint that of a body; a first head that arrives a byte at a
    time is limited by neither.
    """

    def __init__(self, handler: asyncio.Protocol, connections: Connections) -> None:
        self.handler = handler
        self._connections = connections
        self._deadline: asyncio.TimerHandle | None = None
        self._tail = b""
        self._abort = _nothing

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes
        self._abort = getattr(transport, "abort", transport.close)
        self.handler.connection_made(transport)
        self._connections.add(self)
        self._deadline = asyncio.get_running_loop().call_later(self._connections.head_timeout_s, transport.close)

    def abort(self) -> None:
        """Close at once; what is not sent is lost."""
        # not from within a callback of the transport itself
        asyncio.get_running_loop().call_soon(self._abort)

    def data_received(self, data: bytes) -> None:
        if self._deadline is not None:
            seen = self._tail + data
            self._tail = seen[-len(_END_OF_HEAD) + 1 :]
            if _END_OF_HEAD in seen:
                self._forget_deadline()
        self.handler.data_received(data)

    def eof_received(self) -> bool | None:
        return self.handler.eof_received()

    def pause_writing(self) -> None:
        self.handler.pause_writing()

    def resume_writing(self) -> None:
        self.handler.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        self._connections.remove(self)
        self.handler.connection_lost(exc)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _nothing() -> None:
    """There is no connection yet."""
