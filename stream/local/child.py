"""One ``stream`` command as a child process that logs into a file."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from stream.errors import LocalServerError
from stream.local.leash import leashed
from stream.local.server_process import tail_of

__all__ = ["Child"]

#: A longer log is put aside at the next start, in place of the one before.
MAX_LOG_BYTES = 16 * 1024 * 1024


class Child:
    """``stream COMMAND``, leashed to this process and in a session of its own, so that Ctrl-C reaches only its owner.

    ``environment`` is all that it gets.

    Start it from a thread that lives as long as the child is needed (see `stream.local.leash`).
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log_path: Path,
        pass_fds: tuple[int, ...] = (),
    ) -> None:
        self.name = name
        self.log_path = log_path
        self._command = [sys.executable, "-m", "stream", *command]
        self._environment = dict(environment)
        self._pass_fds = pass_fds
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise LocalServerError(f"{self.name} was not started")
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status; None while it runs, and before it was started."""
        return None if self._process is None else self._process.poll()

    def log_tail(self) -> str:
        """The end of what it has written, for a message."""
        return tail_of(self.log_path)

    def start(self) -> None:
        """Start it, again if it has ended; what it wrote before stays in the log."""
        if self.log_path.exists() and self.log_path.stat().st_size > MAX_LOG_BYTES:
            self.log_path.replace(self.log_path.with_suffix(".log.1"))
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                leashed(self._command),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=self._pass_fds,
                start_new_session=True,
            )

    def ask_to_end(self) -> None:
        """Send SIGTERM. No effect when it has ended."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def wait(self, timeout_s: float) -> None:
        """Wait for the end; kill it after ``timeout_s``."""
        if self._process is None:
            return
        try:
            self._process.wait(max(timeout_s, 0.0))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
