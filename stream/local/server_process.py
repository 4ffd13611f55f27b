"""A server process that this process starts, waits for and takes down with it."""

import os
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from stream.errors import LocalServerError
from stream.local.leash import leashed

__all__ = ["HOST", "LocalServer", "free_port", "last_line_of", "tail_of"]

HOST = "127.0.0.1"
READY_TIMEOUT_S = 30.0
POLL_INTERVAL_S = 0.05
STOP_TIMEOUT_S = 10.0
LOG_TAIL_BYTES = 4096
_MAX_LINE = 400
START_ATTEMPTS = 3


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def tail_of(log_path: Path) -> str:
    """The end of a log file, with words that fit into a message."""
    if not log_path.exists():
        return "it logged nothing"
    log = _end_of(log_path)
    return f"the end of {log_path}:\n{log}" if log else f"{log_path} is empty"


def last_line_of(log_path: Path) -> str:
    """What a process wrote last, mostly why it has ended, in one line that fits into a message; empty for nothing."""
    if not log_path.exists():
        return ""
    lines = _end_of(log_path).splitlines()
    return lines[-1].removeprefix("stream: ")[:_MAX_LINE] if lines else ""


def _end_of(log_path: Path) -> str:
    return log_path.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").strip()


class LocalServer(ABC):
    """Start, readiness, stop and kill of one server process on the loopback interface.

    The process has a session of its own, so Ctrl-C in the terminal reaches only its owner, and it dies with
    its owner (see `stream.local.leash`). The port stays the same from one start to the next. Output goes to
    ``directory/NAME.log``. Start it from a thread that lives as long as the server is needed.

    Raises `LocalServerError` from `start` when the process ends or is not ready in `ready_timeout_s`.
    """

    #: What the server is called in messages and file names.
    name: str
    #: How long a start may take.
    ready_timeout_s: float = READY_TIMEOUT_S
    #: File descriptors that the process inherits: a lock that is to last as long as it.
    pass_fds: tuple[int, ...] = ()

    def __init__(self, directory: Path, port: int | None = None) -> None:
        self.directory = Path(directory)
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Path of the program and its arguments, for `port` and `directory`."""

    def environment(self) -> dict[str, str]:
        """What it is started with beside the environment of this process."""
        return {}

    @abstractmethod
    def answers(self, timeout_s: float) -> bool:
        """Whether *this* process, not another one on the same port, serves requests."""

    @property
    def port(self) -> int:
        if self._port is None:
            self._port = free_port()
        return self._port

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def log_path(self) -> Path:
        return self.directory / f"{self.name}.log"

    def log_tail(self) -> str:
        """The end of what the process has written, for a message."""
        return tail_of(self.log_path)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start the process and return when it serves requests."""
        if self.running:
            raise LocalServerError(f"{self.name} already runs with pid {self.pid}: stop it first")
        self.directory.mkdir(parents=True, exist_ok=True)
        attempts = START_ATTEMPTS if self._port is None else 1
        for attempt in range(1, attempts + 1):
            try:
                self._spawn()
                self._wait_until_ready()
            except LocalServerError:
                self.kill()
                if attempt == attempts:
                    raise
                self._port = None  # someone may have taken the free port before the server could
            except BaseException:
                self.kill()
                raise
            else:
                break
        return self

    def stop(self) -> None:
        """Ask the process to end and wait; kill it after ``STOP_TIMEOUT_S``. No effect when it has ended."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the process at once, as a crash would. No effect when it has ended."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop, then start on the same directory and port."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise LocalServerError(f"{self.name} is not running: call start() first")
        return self._process

    def _spawn(self) -> None:
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                leashed(self.command()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env={**os.environ, **self.environment()},
                pass_fds=self.pass_fds,
                start_new_session=True,
            )

    def _wait_until_ready(self) -> None:
        process = self._running()
        deadline = time.monotonic() + self.ready_timeout_s
        while (remaining_s := deadline - time.monotonic()) > 0:
            if process.poll() is not None:
                raise LocalServerError(
                    f"{self.name} ended with status {process.returncode} while starting; {self.log_tail()}"
                )
            if self.answers(min(remaining_s, 1.0)):
                return
            time.sleep(POLL_INTERVAL_S)
        raise LocalServerError(
            f"{self.name} did not answer on {HOST}:{self.port} in {self.ready_timeout_s:g} s; {self.log_tail()}"
        )

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(number)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_TIMEOUT_S)
