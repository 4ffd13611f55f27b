"""Several processes under one: all stop when one ends or when told to."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from stream.cli import main
from stream.cli.worker import _environments
from stream.settings import Settings

DEADLINE_S = 15.0

# A process that writes its pid, then behaves according to its mode.
WORKER = """
import os, pathlib, signal, sys, time
if os.environ["MODE"] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
pathlib.Path(os.environ["PIDS"], str(os.getpid())).touch()
while os.environ["MODE"] != "failing":
    time.sleep(0.05)
while len(os.listdir(os.environ["PIDS"])) < 2:
    time.sleep(0.05)
sys.exit(3)
"""

SUPERVISOR = """
import os, sys
from stream.cli.supervisor import supervise
environments = [{**os.environ, "MODE": mode} for mode in sys.argv[3:]]
sys.exit(supervise([sys.executable, "-c", sys.argv[1]], environments, grace_s=float(sys.argv[2])))
"""

Supervise = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervise]:
    started = []

    def start(*modes: str, grace_s: float = 10.0) -> "subprocess.Popen[str]":
        env = {**os.environ, "PIDS": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
        command = [sys.executable, "-c", SUPERVISOR, WORKER, str(grace_s), *modes]
        started.append(subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def pids(folder: Path, count: int) -> list[int]:
    """The pids of ``count`` running workers, when that many have written theirs."""
    deadline = time.monotonic() + DEADLINE_S
    while len(found := [int(path.name) for path in folder.iterdir()]) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} workers started"
        time.sleep(0.02)
    return found


def all_gone(processes: list[int]) -> bool:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{pid}").exists() for pid in processes):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_signal_stops_all_with_status_0(supervised: Supervise, tmp_path: Path, number: signal.Signals) -> None:
    process = supervised("willing", "willing")
    workers = pids(tmp_path, 2)
    process.send_signal(number)
    assert process.wait(DEADLINE_S) == 0
    assert all_gone(workers)


def test_the_end_of_one_stops_the_others_with_status_1(supervised: Supervise, tmp_path: Path) -> None:
    process = supervised("willing", "failing")
    workers = pids(tmp_path, 2)
    assert process.wait(DEADLINE_S) == 1
    assert all_gone(workers)
    assert process.stderr is not None
    assert ": 3}" in process.stderr.read()


def test_a_worker_that_does_not_stop_is_killed_after_the_grace(supervised: Supervise, tmp_path: Path) -> None:
    process = supervised("willing", "stubborn", grace_s=0.5)
    workers = pids(tmp_path, 2)
    process.terminate()
    assert process.wait(DEADLINE_S) == 1
    assert all_gone(workers)


def test_a_second_signal_kills_at_once(supervised: Supervise, tmp_path: Path) -> None:
    process = supervised("willing", "stubborn", grace_s=600.0)
    workers = pids(tmp_path, 2)
    process.terminate()
    deadline = time.monotonic() + DEADLINE_S
    while all(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline, "the willing one was not told to stop"
        time.sleep(0.02)
    process.terminate()
    assert process.wait(DEADLINE_S) == 1
    assert all_gone(workers)


def test_workers_die_with_a_killed_supervisor(supervised: Supervise, tmp_path: Path) -> None:
    process = supervised("stubborn", "willing")
    workers = pids(tmp_path, 2)
    process.kill()
    assert all_gone(workers)


def test_each_process_has_its_own_metrics_port_and_instance_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_PARTITIONS", "99")
    settings = Settings(metrics_port=9100, instance_id="a", partitions=4)
    own = [Settings.from_env(environment) for environment in _environments(settings, 3)]
    assert [each.metrics_port for each in own] == [9100, 9101, 9102]
    assert [each.instance_id for each in own] == ["a-0", "a-1", "a-2"]
    assert {each.partitions for each in own} == {4}


@pytest.mark.parametrize("port", [0, -1])
def test_a_free_or_absent_metrics_port_stays_so(port: int) -> None:
    own = [Settings.from_env(each) for each in _environments(Settings(metrics_port=port), 2)]
    assert [each.metrics_port for each in own] == [port, port]
    assert [each.instance_id for each in own] == ["", ""]


def test_no_processes_is_wrong_usage() -> None:
    assert CliRunner().invoke(main, ["worker", "-n", "0"]).exit_code == 2
