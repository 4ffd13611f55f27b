"""A process of projections beside a test, and commands against the servers that it uses."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
from click.testing import CliRunner

from stream.cli import main
from stream.settings import Settings

__all__ = ["Projecting", "folded", "projecting", "run"]

#: Published records are folded within this time, even on a busy machine.
_LIMIT_S = 120.0


def run(settings: Settings, *arguments: str) -> tuple[int, str]:
    """Exit status and output of ``stream`` with these arguments."""
    result = CliRunner().invoke(main, [*arguments], env={**settings.to_env()})
    return result.exit_code, result.output


def folded(settings: Settings) -> dict[str, int]:
    """How many records each projection has folded."""
    status, output = run(settings, "projections", "list", "--json")
    assert status == 0, output
    return {one["name"]: int(one["folded"]) for one in orjson.loads(output)}


class Projecting:
    """A running process, and its log."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process = process
        self._log = log

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until ``condition`` holds, while the process runs."""
        deadline = time.monotonic() + _LIMIT_S
        while not condition():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.1)

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End the process as an operator does; its status must be 0."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(30) == 0, self._log.read_text()


@contextmanager
def projecting(settings: Settings, log: Path, role: str = "projections") -> Iterator[Projecting]:
    """Run the projections of ``settings`` in a process; its output is appended to the file ``log``.

    ``role``: of the worker; with ``events`` the core runs beside them.
    """
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "stream", "worker", "--role", role],
            env={**os.environ, **settings.to_env()},
            stdout=file,
            stderr=file,
        )
    try:
        yield Projecting(process, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
