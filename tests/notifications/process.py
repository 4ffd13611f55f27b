"""``stream notify`` as a process of its own, to be stopped or killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from stream.local.leash import leashed
from stream.settings import Settings

__all__ = ["NotifyProcess"]

ROOT = Path(__file__).parents[2]


class NotifyProcess:
    """Runs until stopped; its log is in ``log``."""

    def __init__(self, settings: Settings, file: Path, log: Path) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("STREAM_")}
        self._environment = {**inherited, "PYTHONPATH": str(ROOT), **settings.to_env(), "STREAM_NOTIFY_FILE": str(file)}
        self.log = log

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                leashed([sys.executable, "-m", "stream", "notify"]), env=self._environment, stderr=log, stdout=log
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def wait(self) -> int:
        """The exit status of a process that ends, by itself or because it was told to."""
        return self._process.wait(60)

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.terminate()
        return self.wait()

    def terminate(self) -> None:
        self._process.send_signal(signal.SIGTERM)
