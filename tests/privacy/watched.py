"""Processes of the program beside a test: what they log, and what their /metrics show."""

import http.client
import os
import re
import signal
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from stream.settings import Settings
from tests.privacy.planted import planted_in

__all__ = ["Watched", "ask"]

_LIMIT_S = 120.0
_METRICS = r"metrics at http://[^/]+:(\d+)/metrics"


def ask(port: int, path: str, form: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Status and content of a page of this machine; with ``form`` it is sent."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_LIMIT_S)
    try:
        if form is None:
            connection.request("GET", path)
        else:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", path, urllib.parse.urlencode(form), headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


class Watched:
    """``stream`` with ``arguments`` as a process, which ends with the context; output goes to a file of its own."""

    def __init__(self, settings: Settings, directory: Path, *arguments: str) -> None:
        self.log = directory / f"{'-'.join(arguments)}.log"
        with self.log.open("ab") as file:
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
            self._process.kill()
            self._process.wait()

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until ``condition`` holds, while the process runs."""
        deadline = time.monotonic() + _LIMIT_S
        while not condition():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def found(self, pattern: str) -> str:
        """The first group of ``pattern`` in the log, once it is there."""
        wanted = re.compile(pattern)
        self.wait(lambda: wanted.search(self.log.read_text("utf-8")) is not None)
        match = wanted.search(self.log.read_text("utf-8"))
        assert match is not None
        return match[1]

    def metrics(self) -> bytes:
        """What the process shows to whoever collects metrics."""
        _, shown = ask(int(self.found(_METRICS)), "/metrics")
        assert b"stream_" in shown, "there are no metrics of the program"
        return shown

    def planted(self) -> list[str]:
        """What log and metrics have of the person."""
        return planted_in(self.log.read_bytes() + self.metrics())

    def stop(self) -> None:
        """End the process as an operator does; its status must be 0."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(60) == 0, self.log.read_text()
