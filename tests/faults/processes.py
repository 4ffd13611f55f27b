"""Worker processes that are started, killed, frozen and thawed one by one."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stream.local.leash import leashed
from stream.local.server_process import tail_of
from stream.settings import ENV_PREFIX, Settings
from tests.faults.worker import PLAN_VARIABLE, Plan

__all__ = ["ROOT", "WorkerProcess", "environment_of"]

ROOT = Path(__file__).parents[2]
#: An installation has its bytecode compiled; without it a start would take twice as long, and so would a recovery.
BYTECODE = Path(tempfile.gettempdir()) / f"customer-stream-bytecode-{os.getuid()}"
STOP_TIMEOUT_S = 30.0


def environment_of(settings: Settings) -> dict[str, str]:
    """Of a process of the program beside the workers: no other settings than these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
    return {**inherited, **settings.to_env()}


@dataclass
class WorkerProcess:
    """One process; ``name`` is its static group instance id, kept by the process that replaces it.

    ``expected_status``: the status with which it may end, None while it must run.
    """

    name: str
    process: subprocess.Popen[bytes]
    log_path: Path
    expected_status: int | None = None
    was_frozen: bool = False

    @classmethod
    def start(cls, name: str, environment: Mapping[str, str], plan: Plan, log_path: Path) -> "WorkerProcess":
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(ENV_PREFIX) and key != "PYTHONDONTWRITEBYTECODE"
        }
        module = "stream" if plan == Plan() else "tests.faults.worker"
        arguments = ["worker"] if plan == Plan() else []
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                leashed([sys.executable, "-m", module, *arguments]),
                env={
                    **inherited,
                    **environment,
                    f"{ENV_PREFIX}INSTANCE_ID": name,
                    "PYTHONPYCACHEPREFIX": str(BYTECODE),
                    PLAN_VARIABLE: msgspec.json.encode(plan).decode(),
                },
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(name, process, log_path)

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def unexpected_end(self) -> str | None:
        """How the process ended unexpectedly or with the wrong status; None if it runs or ended well."""
        status = self.process.poll()
        if status is None or status == self.expected_status:
            return None
        wanted = "to run" if self.expected_status is None else f"status {self.expected_status}"
        return f"{self.log_path.stem} ended with status {status}, expected {wanted}: {self.log[-2000:]}"

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    @property
    def fenced(self) -> int:
        """Number of this process' writes that were refused because another worker had written."""
        return sum("is at token" in line for line in self._rewinds)

    @property
    def may_have_published_late(self) -> bool:
        """Whether it may have gone on publishing while another worker owned its partitions."""
        return bool(self.was_frozen or self.fenced)

    @property
    def rewound(self) -> int:
        """Number of this process' returns to the stored state, for any reason."""
        return len(self._rewinds)

    @property
    def _rewinds(self) -> list[str]:
        return [line for line in self.log.splitlines() if "returns to the stored state" in line]

    @property
    def memory_mb(self) -> float:
        """Resident memory at its highest, 0 when the process has ended."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        except OSError:
            return 0.0
        return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)

    def kill(self) -> None:
        if self.running:  # a process that had ended before was not killed
            self.expected_status = -signal.SIGKILL
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        self.was_frozen = True
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """SIGTERM; returns the exit status, and kills what does not end."""
        if self.running:
            self.expected_status = 0
        self.process.terminate()
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"{self.name} did not end within {STOP_TIMEOUT_S:g} s of SIGTERM; {tail_of(self.log_path)}"
            ) from None
