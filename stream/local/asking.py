"""Asks a process that has a command's code in memory already to run it: importing takes most of a short command's time.

A Unix socket in the data directory, which only its owner can open. The client hands over its three standard streams,
arguments, environment, working directory and umask, so the command does what it would do in a process of its own,
whatever it is told to connect to.

    client                                    `stream.cli.resident`, a process for each request
      request: length, JSON; the streams  ->
                                          <-  process id, 0 for "run it yourself"
      signals, by the process id          ->
                                          <-  exit status
"""

import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final, NamedTuple

from stream.local.directory import DataDirectory, default_directory

__all__ = ["COMMANDS", "CommandRequest", "ask", "is_ours", "program_of", "receive", "reply", "socket_of"]

#: Commands that are asked for: those that only show something, soon, and for which compiled code is loaded.
COMMANDS: Final = frozenset({"customer", "leads", "recommend", "today"})

_SOCKET: Final = "commands.sock"
#: Of a request, and of a reply.
_NUMBER: Final = struct.Struct("<I")
_STREAMS: Final = 3
#: What Python and Numba look at while they start.
_OF_START: Final = ("NUMBA_", "PYTHON")
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: For a process that is busy or stopped a command does not wait.
_CONNECT_TIMEOUT_S: Final = 2.0
_CREDENTIALS: Final = struct.Struct("3i")


class CommandRequest(NamedTuple):
    """``program``: see `program_of`; ``encodings``: encoding and errors of the three streams."""

    program: list[str]
    arguments: list[str]
    environment: dict[str, str]
    directory: str
    umask: int
    encodings: list[list[str]]


def socket_of(data_directory: Path) -> Path:
    """Where the process listens. The path may be longer than the name of a socket can be."""
    return data_directory / _SOCKET


def program_of(environment: Mapping[str, str]) -> list[str]:
    """What two processes have in common that do the same with the same request."""
    started = sorted(f"{name}={value}" for name, value in environment.items() if name.startswith(_OF_START))
    return [sys.executable, sys.version, str(Path(__file__).parents[1]), *started]


def ask(arguments: Sequence[str]) -> int | None:
    """The exit status of a command, None if nobody answers: then this process is to run it.

    Raises ConnectionError if the process that ran it has died.
    """
    if not arguments or arguments[0] not in COMMANDS or sys.platform != "linux":
        return None
    directory = DataDirectory(Path(os.environ.get("STREAM_DATA_DIR") or default_directory(os.environ)))
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_CONNECT_TIMEOUT_S)
        try:
            connection.connect(os.fspath(socket_of(directory.path)))
            if not is_ours(connection):
                return None
            message = json.dumps(_request(arguments)).encode()
            socket.send_fds(connection, [_NUMBER.pack(len(message))], range(_STREAMS))
            connection.sendall(message)
            process = _number(connection)
        except (OSError, EOFError, ValueError):  # nobody is there, or a stream of ours is closed
            return None
        if process == 0:
            return None
        connection.settimeout(None)
        return _followed(connection, process)


def receive(connection: socket.socket) -> tuple[CommandRequest, list[int]]:
    """A request, and the descriptors of its streams. Raises EOFError, OSError or ValueError when none comes."""
    head, streams, *_ = socket.recv_fds(connection, _NUMBER.size, _STREAMS)
    if len(head) < _NUMBER.size or len(streams) != _STREAMS:
        raise EOFError
    return CommandRequest(*json.loads(_exactly(connection, _NUMBER.unpack(head)[0]))), streams


def reply(connection: socket.socket, number: int) -> None:
    """Send a process id or an exit status."""
    connection.sendall(_NUMBER.pack(number))


def is_ours(connection: socket.socket) -> bool:
    """Whether who is at the other end is the same user, and sees the same processes: no container of the directory."""
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    process, user, _ = _CREDENTIALS.unpack(found)
    return bool(process) and user == os.geteuid()


def _request(arguments: Sequence[str]) -> CommandRequest:
    umask = os.umask(0o077)
    os.umask(umask)
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return CommandRequest(
        program_of(os.environ),
        [*arguments],
        dict(os.environ),
        str(Path.cwd()),
        umask,
        [[one.encoding, str(one.errors)] for one in streams],
    )


def _followed(connection: socket.socket, process: int) -> int:
    """Pass signals on until the command ends."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        del frame
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(process, number)

    before: dict[int, Callable[..., Any] | int | None] = {of: signal.signal(of, pass_on) for of in _SIGNALS}
    try:
        return _number(connection)
    except EOFError:
        raise ConnectionError("the process that ran the command has died") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _number(connection: socket.socket) -> int:
    return int(_NUMBER.unpack(_exactly(connection, _NUMBER.size))[0])


def _exactly(connection: socket.socket, size: int) -> bytes:
    """Raises EOFError if the other end closes before."""
    found = b""
    while len(found) < size:
        part = connection.recv(size - len(found))
        if not part:
            raise EOFError
        found += part
    return found
