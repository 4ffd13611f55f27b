"""Worker processes on this machine, one log file each."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from stream.errors import LocalServerError
from stream.local.leash import leashed
from stream.local.server_process import tail_of
from stream.settings import ENV_PREFIX, Settings
from stream.storage.overview import PartitionTotals, TrainerPosition

__all__ = ["WorkerProcesses"]

STOP_TIMEOUT_S = 20.0

_METRICS_LINE = re.compile(rb"metrics at (http://\S+)")


class WorkerProcesses:
    """``with WorkerProcesses(settings, 2, directory) as workers: ...``: so many times ``stream worker``.

    They start together and are not waited for: see `own_everything`. Each has a session of its own, so that Ctrl-C in
    the terminal reaches only this process, which they cannot outlive. Leaving the block stops them as a deployment
    would, with SIGTERM, and kills what does not end in ``STOP_TIMEOUT_S``.
    """

    def __init__(self, settings: Settings, count: int, directory: Path) -> None:
        self._settings = settings
        self._directory = directory
        self._logs = [directory / f"worker-{number}.log" for number in range(count)]
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
        environment = {**inherited, **self._settings.to_env(), "TMPDIR": str(self._directory)}
        try:
            for log_path in self._logs:
                with log_path.open("wb") as log:
                    self._processes.append(
                        subprocess.Popen(
                            leashed([sys.executable, "-m", "stream", "worker"]),
                            env=environment,
                            stdin=subprocess.DEVNULL,
                            stdout=log,
                            stderr=subprocess.STDOUT,
                            start_new_session=True,
                        )
                    )
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes]

    @property
    def metrics_addresses(self) -> list[str]:
        """Where the workers show their metrics, as their logs say; without those that have not got so far."""
        found = (_METRICS_LINE.search(path.read_bytes()) for path in self._logs)
        return [match[1].decode() for match in found if match is not None]

    def check(self) -> None:
        """Raise `LocalServerError`, with the end of its log, when a worker has ended."""
        for number, (process, log_path) in enumerate(zip(self._processes, self._logs, strict=True)):
            if (status := process.poll()) is not None:
                raise LocalServerError(f"worker {number} ended with status {status}; {tail_of(log_path)}")

    def log_tails(self) -> str:
        """The ends of all logs, for a message."""
        return "\n".join(map(tail_of, self._logs))

    def own_everything(self, totals: PartitionTotals, trainer: TrainerPosition) -> bool:
        """Whether each partition and the training topic have an owner, and each worker has its share.

        With more workers than partitions the last one has the training topic, and those between them have nothing.
        """
        partitions = self._settings.partitions
        owners = totals.owners | {trainer.owner}
        return (
            totals.claimed == partitions
            and bool(trainer.owner)
            and len(owners) >= min(len(self._processes), partitions + 1)
        )

    def _stop(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for process in self._processes:
            try:
                process.wait(max(deadline - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
