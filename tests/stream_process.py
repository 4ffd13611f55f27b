"""A process of the program beside a test."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from stream.settings import Settings

__all__ = ["StreamProcess"]

#: Published records are folded within this time, even on a busy machine.
_LIMIT_S = 120.0


class StreamProcess:
    """``stream`` with ``arguments``, which ends with the context; its output is appended to the file ``log``."""

    #: How long an orderly end may take.
    ends_within_s: ClassVar = 30.0

    def __init__(self, settings: Settings, log: Path, *arguments: str) -> None:
        self.log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "stream", *arguments],
                env={**os.environ, **settings.to_env()},
                stdout=file,
                stderr=file,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self.kill()

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until ``condition`` holds, while the process runs."""
        deadline = time.monotonic() + _LIMIT_S
        while not condition():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End the process as an operator does; its status must be 0."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(self.ends_within_s) == 0, self.log.read_text()
