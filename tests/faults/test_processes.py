"""Expected and unexpected ends of worker processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.processes import WorkerProcess


def _process(directory: Path, code: str, log: str = "") -> WorkerProcess:
    log_path = directory / "w0-0.log"
    log_path.write_text(log)
    return WorkerProcess("w0", subprocess.Popen([sys.executable, "-c", code]), log_path)


def test_a_running_or_killed_process_has_not_ended_unexpectedly(tmp_path: Path) -> None:
    worker = _process(tmp_path, "import signal; signal.pause()")
    assert worker.unexpected_end is None
    worker.kill()
    assert worker.unexpected_end is None


def test_a_process_that_ends_by_itself_is_unexpected_even_if_killed_afterwards(tmp_path: Path) -> None:
    worker = _process(tmp_path, "raise SystemExit(70)", "what it said last")
    worker.process.wait()
    worker.kill()
    assert worker.unexpected_end is not None
    assert "status 70, expected to run: what it said last" in worker.unexpected_end


@pytest.mark.parametrize(("status", "ended_well"), [(70, True), (1, False)])
def test_a_process_that_must_end_needs_the_expected_status(tmp_path: Path, status: int, *, ended_well: bool) -> None:
    worker = _process(tmp_path, f"raise SystemExit({status})")
    worker.expected_status = 70
    worker.process.wait()
    assert (worker.unexpected_end is None) == ended_well


def test_a_refused_write_is_told_from_a_lost_connection(tmp_path: Path) -> None:
    refused = "partition 0 returns to the stored state: partition 0 is at token 2:w1-x:0, not at 1:w0-x:7: ..."
    lost = "partition 0 returns to the stored state: the step may not have been written: Connection closed by server."
    worker = _process(tmp_path, "", f"{lost}\n{refused}\n{lost}\n")
    worker.process.wait()
    assert (worker.fenced, worker.rewound) == (1, 3)
