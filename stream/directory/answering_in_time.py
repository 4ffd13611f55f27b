"""Whether a connection to PostgreSQL still answers, without waiting for ever for a server that is frozen."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from sqlalchemy import Engine

__all__ = ["ping_in_time"]

#: So long a connection that was open already may take to answer nothing (s). Then a new one is tried.
_PING_S: Final = 3.0


def ping_in_time(engine: Engine) -> None:
    """Bound the pings with which the pool tries its connections before it hands them out.

    The system acknowledges what is sent to a frozen server, so neither keepalives nor the statement timeout, which is
    the server's, ever end the wait.
    """
    dialect: Any = engine.dialect
    dialect.do_ping = partial(_ping, dialect.do_ping)


def _ping(ping: Callable[[Any], bool], connection: Any) -> bool:
    with _cut_after(connection.fileno(), _PING_S):
        return ping(connection)


@contextmanager
def _cut_after(descriptor: int, limit_s: float) -> Iterator[None]:
    """End a connection from outside if the block takes longer: who waits for it reads its end, which is an error."""
    with socket.socket(fileno=socket.dup(descriptor)) as same:
        timer = threading.Timer(limit_s, partial(_end, same))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has just ended by itself
        connection.shutdown(socket.SHUT_RDWR)
