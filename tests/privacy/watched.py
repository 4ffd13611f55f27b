"""Processes of the program beside a test: what they log, and what their /metrics show."""

import http.client
import re
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from stream.settings import Settings
from tests.privacy.planted import planted_in
from tests.stream_process import StreamProcess

__all__ = ["WatchedProcess", "ask"]

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


class WatchedProcess(StreamProcess):
    """``stream`` with ``arguments`` as a process, which ends with the context; output goes to a file of its own."""

    ends_within_s: ClassVar = 60.0

    def __init__(self, settings: Settings, directory: Path, *arguments: str) -> None:
        super().__init__(settings, directory / f"{'-'.join(arguments)}.log", *arguments)

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
