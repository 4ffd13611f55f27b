"""One client connection: it may not take for ever to say what it wants, and there may not be too many."""

import asyncio
from typing import Final

__all__ = ["Connection", "Connections"]

MAX_CONNECTIONS: Final = 1000
_END_OF_HEAD: Final = b"\r\n\r\n"


class Connections:
    """Those that are open."""

    def __init__(self, *, head_timeout_s: float, most: int = MAX_CONNECTIONS) -> None:
        self.head_timeout_s = head_timeout_s
        self.most = most
        self.open: set[Connection] = set()


class Connection(asyncio.Protocol):
    """Passes everything on to ``handler``, aiohttp's protocol, and closes what does not complete its first head.

    aiohttp limits the time between requests, and the endpoint that of a body; a first head that arrives a byte at a
    time is limited by neither.
    """

    def __init__(self, handler: asyncio.Protocol, connections: Connections) -> None:
        self._handler = handler
        self._connections = connections
        self._deadline: asyncio.TimerHandle | None = None
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._handler.connection_made(transport)
        self._connections.open.add(self)
        if len(self._connections.open) > self._connections.most and isinstance(transport, asyncio.Transport):
            transport.abort()
            return
        self._deadline = asyncio.get_running_loop().call_later(self._connections.head_timeout_s, transport.close)

    def data_received(self, data: bytes) -> None:
        if self._deadline is not None:
            seen = self._tail + data
            self._tail = seen[-len(_END_OF_HEAD) + 1 :]
            if _END_OF_HEAD in seen:
                self._forget_deadline()
        self._handler.data_received(data)

    def eof_received(self) -> bool | None:
        return self._handler.eof_received()

    def pause_writing(self) -> None:
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        self._handler.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        self._connections.open.discard(self)
        self._handler.connection_lost(exc)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
