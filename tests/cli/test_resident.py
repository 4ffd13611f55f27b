"""Commands that a process which has them in memory runs for others."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import stream
from stream.cli.resident import can_listen
from stream.local.asking import socket_of
from tests.cli.conftest import clean_environment
from tests.cli.shop_runs import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks for the peer's process as Linux does")

#: Shows whether a command was asked for, which its result does not.
ASK = "import sys; from stream.local.asking import ask; print('status', ask(sys.argv[1:]))"
STREAM = "from stream.__main__ import program; program()"


@contextmanager
def resident_of(directory: Path, **variables: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-m", "stream", "resident"],
        env=clean_environment(STREAM_DATA_DIR=str(directory), **variables),
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert "answers at" in process.stdout.readline()
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where a process answers."""
    path = tmp_path_factory.mktemp("data")
    with resident_of(path):
        yield path


def run(directory: Path, *arguments: str, program: str = ASK, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=clean_environment(STREAM_DATA_DIR=str(directory), **variables),
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_output_and_status_are_those_of_a_process_of_its_own(directory: Path, tmp_path: Path) -> None:
    for arguments, status in ((("today", "--help"), 0), (("today", "--csv", "--json"), 2)):
        asked = run(directory, *arguments, COLUMNS="60", STREAM_REDIS_URL="redis://127.0.0.1:1/0")
        alone = run(tmp_path, *arguments, program=STREAM, COLUMNS="60", STREAM_REDIS_URL="redis://127.0.0.1:1/0")
        assert asked.stdout == f"{alone.stdout}status {status}\n"
        assert asked.stderr == alone.stderr
        assert alone.returncode == status


def test_settings_are_those_of_who_asks(directory: Path) -> None:
    refused = run(directory, "today", STREAM_PARTITIONS="none")
    assert refused.stdout == "status 2\n"
    assert "STREAM_PARTITIONS=none" in refused.stderr


def test_whoever_runs_another_program_or_python_runs_it_alone(directory: Path) -> None:
    assert run(directory, "today", "--help", PYTHONWARNINGS="error::ImportWarning").stdout == "status None\n"
    assert run(directory, "topics", "--help").stdout == "status None\n"


def test_nobody_is_waited_for_where_nobody_answers(tmp_path: Path) -> None:
    assert run(tmp_path, "today", "--help").stdout == "status None\n"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(os.fspath(socket_of(tmp_path)))
    assert run(tmp_path, "today", "--help").stdout == "status None\n"
    assert "Usage: stream today" in run(tmp_path, "today", "--help", program=STREAM).stdout


def test_ctrl_c_ends_the_command_and_not_who_answers(directory: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with subprocess.Popen(
            [sys.executable, "-c", ASK, "customer", "someone"],
            env=clean_environment(STREAM_DATA_DIR=str(directory), STREAM_REDIS_URL=url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            connection, _ = silent.accept()
            with connection:  # the command waits for an answer of Redis
                process.send_signal(signal.SIGINT)
                output, errors = process.communicate(timeout=60)
    assert output == "status 1\n"
    assert "Aborted!" in errors
    assert run(directory, "today", "--help").stdout.endswith("status 0\n")


def test_an_updated_program_answers_no_more(tmp_path: Path) -> None:
    program, data = tmp_path / "program", tmp_path / "data"
    data.mkdir()
    copy = shutil.copytree(Path(stream.__file__).parent, program / "stream")
    with resident_of(data, PYTHONPATH=str(program)) as process:
        assert run(data, "today", "--help", PYTHONPATH=str(program)).stdout.endswith("status 0\n")
        (copy / "urls.py").touch()
        assert run(data, "today", "--help", PYTHONPATH=str(program)).stdout == "status None\n"
        assert process.wait(60) == 0


def test_a_directory_without_room_for_a_socket_has_none(tmp_path: Path) -> None:
    assert can_listen(tmp_path / "new")
    assert [*(tmp_path / "new").iterdir()] == []
    assert not can_listen(tmp_path / ("long" * 30))


def test_the_socket_is_for_its_owner_only(directory: Path) -> None:
    until(lambda: socket_of(directory).is_socket(), "the socket is there")
    assert socket_of(directory).stat().st_mode & 0o077 == 0
