"""The demo from end to end, in a process of its own: its sums, and what it leaves behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import msgspec
import pytest

from stream.cli.result import DemoResult
from stream.cli.signals import Interrupted, interruptible
from tests.cli.conftest import clean_environment

# longer than all the waits of a test together
pytestmark = pytest.mark.timeout(500)

DEADLINE_S = 110.0
MARK = "STREAMTEST_MARK"

Demo = Callable[..., "subprocess.Popen[str]"]
Running = Callable[[], dict[int, str]]


@pytest.fixture
def mark() -> str:
    """A part of the environment of the demo and so of every process that it starts."""
    return uuid.uuid4().hex


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Where the demo makes its temporary directories."""
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


@pytest.fixture
def demo(tmp_path: Path, mark: str, scratch: Path) -> Iterator[Demo]:
    """Start ``stream demo``; its output goes to ``out`` and ``err`` in the test's directory."""
    started = []

    def start(*arguments: str) -> "subprocess.Popen[str]":
        environment = clean_environment(TMPDIR=str(scratch), PYTHONUNBUFFERED="1", **{MARK: mark})
        with (tmp_path / "out").open("w") as out, (tmp_path / "err").open("w") as err:
            command = [sys.executable, "-m", "stream", "demo", *arguments]
            started.append(subprocess.Popen(command, env=environment, stdout=out, stderr=err, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def running(mark: str, scratch: Path) -> Running:
    """Command lines by pid of the processes that the demo has started, and its own.

    They are recognised by their environment or, because Redis overwrites it, by their working directory.
    """

    def look() -> dict[int, str]:
        found = {}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                marked = f"{MARK}={mark}".encode() in (folder / "environ").read_bytes()
                if marked or str((folder / "cwd").readlink()).startswith(str(scratch)):
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:  # it ended meanwhile
                continue
        return found

    return look


def wait_for(condition: Callable[[], bool], process: "subprocess.Popen[str]", what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert process.poll() is None, f"the demo ended with {process.returncode} before: {what}"
        assert time.monotonic() < deadline, f"not within {DEADLINE_S:g} s: {what}"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_small_demo_adds_up_and_leaves_nothing(demo: Demo, tmp_path: Path, running: Running, scratch: Path) -> None:
    summary, picture = tmp_path / "deep" / "summary.json", tmp_path / "demo.svg"
    process = demo(*("--limit", "3000", "--rate", "0", "--workers", "1"), *("--summary", summary, "--svg", picture))
    assert process.wait(DEADLINE_S) == 0, (tmp_path / "err").read_text()

    figures = json.loads(summary.read_bytes())
    assert figures["produced"] == figures["events_in"] == 3000
    assert figures["events_in"] == figures["applied"] + figures["duplicates"] + figures["dead_letters"]
    assert figures["alerts_raised"] == sum(figures["alerts_by_cause"].values())
    assert figures["customers"] == sum(figures["segments"].values()) > 0
    assert figures["labels_learned"] == figures["labels"]
    assert [*msgspec.json.decode(summary.read_bytes(), type=DemoResult).problems()] == []

    told = (tmp_path / "out").read_text()
    assert "3,000 in = 3,000 applied + 0 duplicates + 0 dead letters" in told
    assert "What customers say (made up for the demo: the log has no feedback)" in told
    assert re.search(r"^[1-9]\d* complaints are open\.$", told, re.MULTILINE)
    assert "One person's path (made up for the demo" in told
    path = re.findall(r"the (anonymous|email) id is (a customer of its own|customer made-up-ann):\s+(\d) events", told)
    assert path == [
        ("anonymous", "a customer of its own", "3"),
        ("anonymous", "customer made-up-ann", "5"),
        ("email", "customer made-up-ann", "6"),
    ]
    assert "GET 'stream:{" in told
    assert "/metrics" in told
    assert picture.read_text().startswith("<svg")
    assert "url(" not in picture.read_text().replace("url(#", "")
    assert running() == {}
    assert [*scratch.iterdir()] == []


@pytest.mark.slow
def test_a_demo_that_is_interrupted_leaves_nothing(demo: Demo, tmp_path: Path, running: Running, scratch: Path) -> None:
    process = demo("--limit", "100000", "--rate", "300", "--workers", "1")
    wait_for(lambda: "stream time 20" in (tmp_path / "out").read_text(), process, "the first events taken in")
    assert {"tansu", "redis-server"} <= {Path(command.split()[0]).name for command in running().values()}
    assert any("stream worker" in command for command in running().values())
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE_S) == 128 + signal.SIGINT, (tmp_path / "err").read_text()
    assert "everything has been stopped" in (tmp_path / "err").read_text()
    assert running() == {}
    assert [*scratch.iterdir()] == []


@pytest.mark.slow
def test_a_kept_demo_can_be_used_from_another_shell_until_it_is_interrupted(
    demo: Demo, tmp_path: Path, running: Running, scratch: Path
) -> None:
    process = demo("--limit", "1000", "--rate", "0", "--workers", "1", "--keep")
    wait_for(lambda: "Running until Ctrl-C" in (tmp_path / "out").read_text(), process, "it goes on")
    exports = re.findall(r"^export (\w+)=(.*)$", (tmp_path / "out").read_text(), re.MULTILINE)
    described = subprocess.run(
        [sys.executable, "-m", "stream", "topics", "describe"],
        env=clean_environment(**dict(exports)),
        timeout=DEADLINE_S,
        check=False,
    )
    assert described.returncode == 0
    addresses = re.findall(r"^curl -s (\S+) \|", (tmp_path / "out").read_text(), re.MULTILINE)
    assert addresses
    for address in addresses:
        with urlopen(address, timeout=DEADLINE_S) as answer:  # noqa: S310 - it is the demo that says where
            assert b"stream_events_total" in answer.read()
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE_S) == 0, (tmp_path / "err").read_text()
    assert running() == {}
    assert [*scratch.iterdir()] == []


@pytest.mark.slow
def test_a_worker_that_dies_fails_the_demo_at_once_with_its_log(
    demo: Demo, tmp_path: Path, running: Running, scratch: Path
) -> None:
    process = demo("--limit", "100000", "--rate", "300", "--workers", "1")
    wait_for(lambda: "stream time 20" in (tmp_path / "out").read_text(), process, "the first events taken in")
    (worker,) = [pid for pid, command in running().items() if "stream worker" in command]
    os.kill(worker, signal.SIGKILL)
    assert process.wait(DEADLINE_S) == 1
    told = (tmp_path / "err").read_text()
    assert "worker 0 ended with status -9" in told
    assert "[^-App]: Starting..." in told
    assert "Traceback" not in told
    assert running() == {}
    assert [*scratch.iterdir()] == []


@pytest.mark.slow
@pytest.mark.parametrize(("program", "name"), [("redis-server", "redis"), ("tansu", "broker")])
def test_a_server_that_dies_fails_the_demo_and_is_named(
    demo: Demo, tmp_path: Path, running: Running, scratch: Path, program: str, name: str
) -> None:
    process = demo("--limit", "100000", "--rate", "300", "--workers", "1")
    wait_for(lambda: "stream time 20" in (tmp_path / "out").read_text(), process, "the first events taken in")
    (server,) = [pid for pid, command in running().items() if program in command]
    os.kill(server, signal.SIGKILL)
    assert process.wait(DEADLINE_S) == 1
    told = (tmp_path / "err").read_text()
    assert f"the {name} has died" in told
    assert "check redis_url" not in told
    assert "Traceback" not in told
    assert running() == {}
    assert [*scratch.iterdir()] == []


RESULT = DemoResult(
    events_in=10,
    applied=7,
    duplicates=2,
    dead_letters=1,
    customers=3,
    landmarks=4,
    labels=2,
    labels_learned=2,
    labels_scored=1,
    auc=None,
    log_loss=0.5,
    baseline_auc=None,
    baseline_log_loss=0.6,
    base_rate_log_loss=0.7,
    alerts_raised=3,
    alerts_cleared=1,
    alerts_by_cause={"event": 1, "silence": 2, "model": 0},
    segment_changes=2,
    segments={"Loyal": 2, "none yet": 1},
    stream_time="2017-01-01T00:00:00.000Z",
    produced=10,
    alerts_published=4,
    workers=1,
    duration_s=1.0,
    events_per_s=10.0,
)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"applied": 6}, "10 events in, but applied"),
        ({"produced": 11}, "11 events were published, but 10 taken in"),
        ({"labels": 3}, "3 labels matured, but 2 were learned"),
        ({"alerts_by_cause": {"event": 1}}, "3 alerts were raised, but 1 by cause"),
        ({"alerts_published": 3}, "4 alerts were raised and cleared, but 3 are on the topic"),
        ({"segments": {"Loyal": 2}}, "3 customers were counted, but 2 documents found"),
    ],
)
def test_sums_that_do_not_add_up_are_told(change: dict[str, object], problem: str) -> None:
    assert [*RESULT.problems()] == []
    (told,) = msgspec.structs.replace(RESULT, **change).problems()
    assert problem in told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_only_the_first_signal_interrupts_so_that_the_clean_up_is_not_cut_off(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    cleaned = []

    def work() -> None:
        with interruptible():
            try:
                signal.raise_signal(number)
            finally:
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGTERM)
                cleaned.append("all")

    with pytest.raises(Interrupted) as interrupted:
        work()
    assert cleaned == ["all"]
    assert interrupted.value.exit_status == 128 + number
    assert signal.getsignal(number) is before
