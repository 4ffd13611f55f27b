"""``stream up``: the whole program on one machine, without loss."""

import os
import signal
import time
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from stream.cli.reach import Local, reach
from stream.cli.settle import wait_until_settled
from stream.cli.shop import Shop
from stream.cli.shop_layout import settled_layout
from stream.errors import LocalServerError
from stream.local.child import Child
from stream.local.directory import DataDirectory
from stream.local.restarts import MAX_PAUSE_S, MAX_RESTARTS, STEADY_S, Restarts
from stream.processing.state import Counters
from stream.settings import Settings
from stream.storage.overview import Overview
from tests.cli.shop_runs import LOG, UpProcess, page_of, run_in, until


def _settings(path: Path) -> Settings:
    with reach({"STREAM_DATA_DIR": str(path)}, {}, Local.FIND) as settings:
        return settings


def _settled(path: Path) -> Counters:
    settings = _settings(path)
    wait_until_settled(settings)
    with Overview(settings) as overview:
        return overview.totals().counters


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_life_of_a_shop(tmp_path: Path) -> None:
    path = tmp_path / "shop"
    produced = ("produce", str(LOG), "--limit", "2000")
    with UpProcess(path) as up:
        assert f"data in {path}" in up.output
        second = run_in(path, "up")
        assert second.returncode == 1
        assert f"in use by `stream up` (process {up.process.pid})" in second.stderr

        # every process dies with the killed one, and confirmed events are there afterwards
        published = run_in(path, *produced)
        assert "published 2,000 events" in published.stderr
        pids = [*up.running.pids.values()]
        layout = up.directory.layout()
        up.kill()
        until(lambda: not any(map(_alive, pids)), "all are dead", 10.0)
        assert up.directory.running() is None

    with UpProcess(path) as up:
        assert up.directory.layout() == layout
        assert layout is not None
        # the console is where it was, and shows what came in the run before
        address = f"http://127.0.0.1:{layout.console_port}/"
        assert f"console runs at {address}" in up.output
        until(lambda: "events.purchase" in page_of(f"{address}system"), "the console shows what has been read", 60.0)
        first = _settled(path)
        assert (first.events_in, first.applied, first.duplicates, first.dead_letters) == (2000, 2000, 0, 0)

        # a worker that dies is restarted, and so are the servers
        for name in ("worker-0", "redis", "broker"):
            before = up.running.pids
            os.kill(before[name], signal.SIGKILL)
            until(lambda before=before, name=name: up.running.pids[name] != before[name], f"{name} is there again")  # type: ignore[misc]
            assert f"{name} has ended" in up.output
        assert "published 2,000 events" in run_in(path, *produced).stderr
        again = _settled(path)
        assert (again.events_in, again.applied, again.duplicates) == (4000, 2000, 2000)

        pids = [*up.running.pids.values()]
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(60) == 0
        assert "everything is kept" in up.output
        assert not any(map(_alive, pids))

    # a separate command finds all of it, and leaves nothing behind
    found = run_in(path, "doctor")
    assert "no Kafka or Redis" not in found.stderr
    with reach({"STREAM_DATA_DIR": str(path)}, {}, Local.SERVERS, command="test") as settings:
        with Overview(settings) as overview:
            assert overview.totals().counters == again
        assert DataDirectory(path).running() is not None
    assert DataDirectory(path).running() is None


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_process_that_cannot_start_ends_it_and_its_log_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "shop"
    refused = run_in(path, "up", STREAM_NOTIFY_FILE=str(tmp_path / "missing.yaml"))
    assert refused.returncode in {1, 2}
    assert "notify refuses its settings" in refused.stderr
    assert "missing.yaml" in refused.stderr


@pytest.mark.timeout(120)
def test_a_damaged_database_of_the_pages_is_named_and_may_be_made_again(tmp_path: Path) -> None:
    with UpProcess(tmp_path) as up:
        until((tmp_path / "directory.sqlite").exists, "there is a directory")
    for file in tmp_path.glob("directory.sqlite-*"):
        file.unlink()
    (tmp_path / "directory.sqlite").write_bytes(b"\xc0 no database" * 500)
    with UpProcess(tmp_path) as up:
        until(lambda: "directory has ended: starting it again" in up.output, "it is said")
        (line, *_) = [line for line in up.output.splitlines() if "directory has ended" in line]
        assert "is damaged" in line
        assert "may also be moved away, and is then made again from the topics" in line


class _Ended(Child):
    """A process that has ended with an error."""

    status = 1


@pytest.mark.parametrize(("name", "only_shows"), [("directory", True), ("notify", False)])
def test_what_only_shows_is_left_in_the_end_and_all_else_ends_the_shop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, only_shows: bool
) -> None:
    shop = Shop(DataDirectory(tmp_path), Settings(), workers=1, command="up")
    (log_path := tmp_path / f"{name}.log").write_text("stream: the file is damaged\n")
    shop.children = [_Ended(name, (), {}, log_path)]
    monkeypatch.setattr(shop, "_showing", {name} if only_shows else set())
    monkeypatch.setattr(shop, "_restarts", {name: Restarts(MAX_RESTARTS, time.monotonic())})
    monkeypatch.setattr(shop, "announce", lambda: None)
    if only_shows:
        shop.tend()
        assert shop.children == []
        assert "is left; the rest runs on: the file is damaged" in capsys.readouterr().err
    else:
        with pytest.raises(LocalServerError, match=f"{name} ended {MAX_RESTARTS} times in a row"):
            shop.tend()


def test_the_console_of_a_directory_keeps_its_address(tmp_path: Path) -> None:
    ports = set()
    for _ in range(2):
        with Shop(DataDirectory(tmp_path), Settings(), workers=0, command="test", has_console=True) as shop:
            directory, console = shop.services
            assert (directory.name, directory.address) == ("directory", "")
            page = partial(page_of, f"{console.address}system")
            until(lambda page=page: "How far" in page(), "the console answers", 120.0)  # type: ignore[misc]
            ports.add(console.address)
            shop.tend()
            assert all(child.status is None for child in shop.children)
    assert len(ports) == 1
    layout = DataDirectory(tmp_path).layout()
    assert layout is not None
    assert ports == {f"http://127.0.0.1:{layout.console_port}/"}


def test_the_number_of_partitions_of_a_directory_stays(tmp_path: Path) -> None:
    settled_layout(DataDirectory(tmp_path), Settings(partitions=3))
    with reach({"STREAM_DATA_DIR": str(tmp_path)}, {"partitions": 3}, Local.SERVERS, command="test") as settings:
        assert settings.partitions == 3
    with reach({"STREAM_DATA_DIR": str(tmp_path)}, {}, Local.SERVERS, command="test") as settings:
        assert settings.partitions == 3
    refused = run_in(tmp_path, "up", "--partitions", "5")
    assert refused.returncode == 2
    assert f"partitions=5, but {tmp_path} has 3" in refused.stderr


def test_settings_of_other_servers_are_ignored(tmp_path: Path) -> None:
    given = {"topic_prefix": "x.", "namespace": "n", "kafka_sasl_mechanism": "", "raise_at": 0.8}
    settled_layout(DataDirectory(tmp_path), Settings())
    with reach({"STREAM_DATA_DIR": str(tmp_path)}, given, Local.SERVERS, command="test") as settings:
        usual = Settings()
        same = ("kafka_bootstrap", "redis_url", "partitions", "data_dir", "identity_key")
        own = replace(settings, **{name: getattr(usual, name) for name in same})
        assert own == Settings(raise_at=0.8, projections="consents")
        assert settings.identity_key == DataDirectory(tmp_path).identity_key() != ""


def test_restarts_get_further_apart_and_end() -> None:
    restarts, now, times = Restarts(), 1000.0, []
    while not restarts.hopeless(now):
        if restarts.due(now):
            times.append(now)
        now += 0.1
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == MAX_RESTARTS
    assert pauses == sorted(pauses)
    assert max(pauses) <= MAX_PAUSE_S + 0.2
    assert restarts.due(now + STEADY_S + 1)
    assert restarts.count == 1
