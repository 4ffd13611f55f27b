"""Connections to Redis: those of redis-py, which pack long commands faster and leave a primary that is one no more."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Final

import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

__all__ = [
    "BLOCKING_SENTINEL",
    "BLOCKING_SENTINEL_TLS",
    "OURS",
    "PIECE_BYTES",
    "SENTINEL",
    "SENTINEL_TLS",
    "BlockingSentinelPool",
    "SentinelPool",
    "pieces_of",
]

#: A command of so many arguments is packed here; its name must be one word.
_MANY_ARGUMENTS: Final = 64

#: A step's command has megabytes. As a whole it would be copied several times on its way to the socket, each time to
#: memory that the system has to find; pieces of this size stay in the processor's cache.
PIECE_BYTES: Final = 1 << 17

_FROZEN: Final = "Redis hangs, or has too much to do"

#: What stands between two arguments, by the bytes of the second; a longer one is written when it comes.
_LENGTHS = [b"\r\n$%d\r\n" % length for length in range(8192)]


class _Packing:
    """Packs commands of very many arguments, as a step has them, four times as fast as redis-py."""

    def pack_command(self, *args: Any) -> list[bytes]:
        if len(args) < _MANY_ARGUMENTS:
            return super().pack_command(*args)  # type: ignore[misc, no-any-return]  # of the connection that this is mixed into
        name, *rest = args
        raw = [str(name).encode(), *(rest if {*map(type, rest)} == {bytes} else map(_as_bytes, rest))]
        parts = [b"\r\n"] * (2 * len(raw) + 2)
        parts[0] = b"*%d" % len(raw)
        parts[1:-1:2] = _between(raw)
        parts[2:-1:2] = raw
        return [*_joined(parts, sum(map(len, raw)))]

    async def _send_packed_command(self, command: Iterable[bytes]) -> None:
        """Send what `pack_command` gave, a piece at a time. redis-py calls this under its timeout."""
        writer = self._writer  # type: ignore[attr-defined]  # of the connection
        for piece in pieces_of(command):
            writer.write(piece)
            await writer.drain()


def _as_bytes(argument: object) -> bytes:
    return argument if isinstance(argument, bytes) else str(argument).encode()


def _joined(parts: Sequence[bytes], size: int) -> Iterator[bytes]:
    """``parts`` of about ``size`` bytes, joined to pieces that have about `PIECE_BYTES` if the parts are alike."""
    count = max(len(parts) * PIECE_BYTES // max(size, 1), 1)
    for begin in range(0, len(parts), count):
        yield b"".join(parts[begin : begin + count])


def pieces_of(packed: Iterable[bytes]) -> Iterator[bytes]:
    """``packed`` with small parts joined, because each piece is a call of the system."""
    waiting: list[bytes] = []
    size = 0
    for part in packed:
        if waiting and size + len(part) > PIECE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
        waiting.append(part)
        size += len(part)
    if waiting:
        yield b"".join(waiting)


def _between(raw: Sequence[bytes]) -> list[bytes]:
    try:
        return list(map(_LENGTHS.__getitem__, map(len, raw)))
    except IndexError:
        return [b"\r\n$%d\r\n" % len(one) for one in raw]


class _Leaving:
    """Leaves a primary that has become a replica: the next connection may find the new one under the same name.

    redis-py would go on to ask the old one, which refuses every write.
    """

    async def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().read_response(*args, **options)  # type: ignore[misc]  # of the connection
        except ResponseError as error:
            if not _is_demoted(error):
                raise
            await self.disconnect()  # type: ignore[attr-defined]  # of the connection
            raise RedisConnectionError("this Redis is a replica now: looking for the primary") from error


class _BlockingLeaving:
    """The same for a blocking connection."""

    def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return super().read_response(*args, **options)  # type: ignore[misc]  # of the connection
        except ResponseError as error:
            if not _is_demoted(error):
                raise
            self.disconnect()  # type: ignore[attr-defined]  # of the connection
            raise RedisConnectionError("this Redis is a replica now: looking for the primary") from error


#: Who has just waited in vain for a server does not let others of the process wait as well (s): a page asks many times.
_SILENT_S: Final = 3.0


class _FirstAnswer:
    """Waits for a server's first answer no longer than for the connection.

    The kernel accepts connections for a server that is frozen. One that works, and be it busy, answers a greeting soon.
    """

    #: By host and port: when a server gave no first answer, by the monotonic clock (s).
    _silent_since: ClassVar[dict[tuple[Any, Any], float]] = {}

    def _connect(self) -> Any:
        """Also a greeting of TLS is an answer."""
        connection: Any = self
        if time.monotonic() - self._silent_since.get(_address(connection), -math.inf) < _SILENT_S:
            raise RedisTimeoutError(f"no answer a moment ago: {_FROZEN}")
        timeout_s = connection.socket_timeout
        connection.socket_timeout = connection.socket_connect_timeout
        try:
            return super()._connect()  # type: ignore[misc]  # of the connection that this is mixed into
        except TimeoutError as error:
            raise self._silent() from error
        finally:
            connection.socket_timeout = timeout_s

    def on_connect_check_health(self, check_health: bool = True) -> None:  # noqa: FBT001, FBT002 - inherited
        connection: Any = self
        socket = connection._sock  # noqa: SLF001 - of the connection
        socket.settimeout(connection.socket_connect_timeout)
        try:
            super().on_connect_check_health(check_health)  # type: ignore[misc]  # of the connection
        except RedisTimeoutError as error:
            raise self._silent() from error
        socket.settimeout(connection.socket_timeout)
        self._silent_since.pop(_address(connection), None)

    def _silent(self) -> RedisTimeoutError:
        connection: Any = self
        self._silent_since[_address(connection)] = time.monotonic()
        return RedisTimeoutError(f"no answer for {connection.socket_connect_timeout:g} s: {_FROZEN}")


def _address(connection: Any) -> tuple[Any, Any]:
    return connection.host, connection.port


def _is_demoted(error: ResponseError) -> bool:
    """A script's error has the word in the middle of its text."""
    return "READONLY" in str(error) or isinstance(error, redis.ReadOnlyError)


class _Connection(_Packing, _Leaving, redis.asyncio.Connection):
    pass


class _TlsConnection(_Packing, _Leaving, redis.asyncio.SSLConnection):
    pass


class _SentinelConnection(_Packing, _Leaving, redis.asyncio.sentinel.SentinelManagedConnection):
    pass


class _SentinelTlsConnection(_Packing, _Leaving, redis.asyncio.sentinel.SentinelManagedSSLConnection):
    pass


class _BlockingConnection(_FirstAnswer, _BlockingLeaving, redis.Connection):
    pass


class _BlockingTlsConnection(_FirstAnswer, _BlockingLeaving, redis.SSLConnection):
    pass


class _BlockingSentinelConnection(_FirstAnswer, _BlockingLeaving, redis.sentinel.SentinelManagedConnection):
    pass


class _BlockingSentinelTlsConnection(_FirstAnswer, _BlockingLeaving, redis.sentinel.SentinelManagedSSLConnection):
    pass


class SentinelPool(redis.asyncio.sentinel.SentinelConnectionPool):
    """Closes its connections to the sentinels with those to the primary."""

    async def disconnect(self, inuse_connections: bool = True) -> None:  # noqa: FBT001, FBT002 - inherited
        await super().disconnect(inuse_connections)
        if inuse_connections:
            for sentinel in self.sentinel_manager.sentinels:
                await sentinel.aclose()


class BlockingSentinelPool(redis.sentinel.SentinelConnectionPool):
    """The same for blocking connections."""

    def disconnect(self, inuse_connections: bool = True) -> None:  # noqa: FBT001, FBT002 - inherited
        super().disconnect(inuse_connections)
        if inuse_connections:
            for sentinel in self.sentinel_manager.sentinels:
                sentinel.close()


#: What takes the place of redis-py's own kinds.
OURS: dict[Any, Any] = {
    redis.asyncio.Connection: _Connection,
    redis.asyncio.SSLConnection: _TlsConnection,
    redis.Connection: _BlockingConnection,
    redis.SSLConnection: _BlockingTlsConnection,
}
SENTINEL, SENTINEL_TLS = _SentinelConnection, _SentinelTlsConnection
BLOCKING_SENTINEL, BLOCKING_SENTINEL_TLS = _BlockingSentinelConnection, _BlockingSentinelTlsConnection
