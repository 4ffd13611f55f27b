"""The data directory of one machine: its lock, and the description of a run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stream.errors import LocalServerError
from stream.local.directory import DataDirectory, Layout, Running, default_directory
from tests.programs import required_program

RUNNING = Running(
    pid=1,
    command="up",
    started_at="2026-01-01T00:00:00+00:00",
    settings={"STREAM_PARTITIONS": "4"},
    pids={},
    addresses={},
)


def test_the_default_is_where_the_desktop_standard_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert default_directory({}) == Path("/home/ann/.local/share/customer-stream")
    assert default_directory({"XDG_DATA_HOME": "/data"}) == Path("/data/customer-stream")
    assert default_directory({"XDG_DATA_HOME": "relative"}) == Path("/home/ann/.local/share/customer-stream")


def test_a_run_is_reported_only_while_the_lock_is_held(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "shop")
    assert directory.running() is None
    with directory.lock():
        directory.store(RUNNING)
        assert directory.running() == RUNNING
    assert directory.running() is None


def test_a_second_user_is_refused_and_told_who_is_first(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    with directory.lock():
        directory.store(RUNNING)
        with pytest.raises(LocalServerError, match=r"in use by `stream up` \(process 1\)"), directory.lock(wait_s=0.1):
            pass


def test_the_lock_lasts_as_long_as_a_process_that_inherited_it(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    with directory.lock() as descriptor:
        directory.store(RUNNING)
        command = [sys.executable, "-c", "input()"]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(descriptor,))
    try:
        assert directory.running() == RUNNING
    finally:
        child.communicate(b"\n")
    assert directory.running() is None


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "shop")
    with directory.lock():
        directory.store(Layout(partitions=4, kafka_port=1, redis_port=2))
        assert directory.layout() == Layout(partitions=4, kafka_port=1, redis_port=2)
    assert (tmp_path / "shop").stat().st_mode & 0o077 == 0
    assert (tmp_path / "shop" / "layout.json").stat().st_mode & 0o077 == 0


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "layout.json").write_text("{")
    with pytest.raises(LocalServerError, match=r"layout\.json is damaged"):
        DataDirectory(tmp_path).layout()


@pytest.mark.parametrize(
    "layout",
    [
        '{"partitions":0,"kafka_port":1,"redis_port":2}',
        '{"partitions":4,"kafka_port":70000,"redis_port":2}',
        '{"partitions":4,"kafka_port":1,"redis_port":-1}',
        '{"partitions":4,"kafka_port":1}',
        "",
    ],
)
def test_ports_and_partitions_that_there_cannot_be_are_damage(tmp_path: Path, layout: str) -> None:
    (tmp_path / "layout.json").write_text(layout)
    with pytest.raises(LocalServerError, match=r"layout\.json is damaged .*: restore it from a backup"):
        DataDirectory(tmp_path).layout()


#: Root may write every file, until it gives that up.
_AS_A_USER = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.getuid() == 0 else ()


@pytest.mark.parametrize("name", ["lock", "layout.json", "directory.sqlite", "redis/appendonly.aof", "broker", "logs"])
def test_a_file_of_somebody_else_is_named_before_anything_starts(tmp_path: Path, name: str) -> None:
    """Mostly because root has run the program there once."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.mkdir() if "." not in name and name != "lock" else path.touch()
    if os.getuid() == 0:
        required_program("setpriv", "util-linux")
        os.chown(path, 65_534, 65_534)
    path.chmod(0o700 if os.getuid() == 0 else 0)
    code = (
        "import sys; from stream.local.directory import DataDirectory; from pathlib import Path\n"
        "with DataDirectory(Path(sys.argv[1])).lock(): print('held')"
    )
    done = subprocess.run(
        [*_AS_A_USER, sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    path.chmod(0o700)
    assert "held" not in done.stdout
    assert f"LocalServerError: {path} cannot be read and written by this user: it belongs to user" in done.stderr


def test_files_that_people_keep_there_may_be_read_only(tmp_path: Path) -> None:
    (tmp_path / "offers.yaml").touch(0o400)
    with DataDirectory(tmp_path).lock():
        assert (tmp_path / "lock").exists()


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(LocalServerError, match="set data_dir"), DataDirectory(tmp_path / "shop").lock():
        pass


def test_the_key_of_identifiers_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    directory, other = DataDirectory(tmp_path / "a"), DataDirectory(tmp_path / "b")
    assert directory.identity_key() == ""
    with directory.lock(), other.lock():
        key = directory.make_identity_key()
        assert directory.make_identity_key() == directory.identity_key() == key
        assert other.make_identity_key() != key
    assert len(key) == 64
    assert (tmp_path / "a" / "identity.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [b"", b"\n", b"abc\n", b"\xff\xfe" * 40, b"0123456789abcdef 0123456789abcdef\x00"])
def test_a_key_of_identifiers_that_is_none_is_refused_and_never_replaced(tmp_path: Path, content: bytes) -> None:
    directory = DataDirectory(tmp_path)
    (tmp_path / "identity.key").write_bytes(content)
    with pytest.raises(LocalServerError, match=r"identity.key is damaged: restore it"):
        directory.make_identity_key()
    assert (tmp_path / "identity.key").read_bytes() == content
