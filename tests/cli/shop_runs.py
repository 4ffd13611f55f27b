"""Running ``stream up`` as its users do."""

import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from stream.local.directory import DataDirectory, Running
from tests.cli.conftest import clean_environment

__all__ = ["LOG", "UpProcess", "page_of", "run_in", "until"]

LOG = Path(__file__).parents[2] / "examples" / "uci_online_retail_events.csv.gz"
#: Without compiled kernels in the cache a worker takes a minute to start, on a busy machine longer.
START_TIMEOUT_S = 600.0


def until(condition: Callable[[], object], what: str, timeout_s: float = START_TIMEOUT_S) -> None:
    """Wait until ``condition`` holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {what}"
        time.sleep(0.05)


def run_in(path: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run ``stream`` with nothing set but the data directory."""
    return subprocess.run(
        [sys.executable, "-m", "stream", *arguments],
        env=clean_environment(STREAM_DATA_DIR=str(path), **variables),
        capture_output=True,
        text=True,
        timeout=START_TIMEOUT_S,
        check=False,
    )


def page_of(address: str) -> str:
    """A page of the console, or why there is none yet."""
    parts = urlsplit(address)
    connection = HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().read().decode()
    except OSError as error:
        return str(error)
    finally:
        connection.close()


class UpProcess:
    """``stream up`` on a directory, ready; kill it or let the block end it."""

    def __init__(self, path: Path, *arguments: str, **variables: str) -> None:
        self.directory = DataDirectory(path)
        self._arguments = arguments
        self._variables = variables
        self._output = path.parent / f"{path.name}.up.log"

    def __enter__(self) -> Self:
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stream", "up", *self._arguments],
                env=clean_environment(STREAM_DATA_DIR=str(self.directory.path), **self._variables),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            until(lambda: self.process.poll() is not None or "ready after" in self.output, "stream up is ready")
            assert self.process.poll() is None, self.output
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def output(self) -> str:
        return self._output.read_text()

    @property
    def running(self) -> Running:
        found = self.directory.running()
        assert found is not None
        return found

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
