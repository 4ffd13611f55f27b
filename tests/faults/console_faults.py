"""The console, its database and the process that keeps the directory die: nobody else notices, and no row is wrong."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from zoneinfo import ZoneInfo

from stream.directory.store import DirectoryStore
from stream.local.child import Child
from stream.local.server_process import HOST, free_port
from stream.settings import Settings
from tests.directory.postgres import Postgres, required_postgres
from tests.directory.told import rows_of
from tests.faults.processes import ROOT, environment_of
from tests.faults.scenario import Fault, Trial
from tests.faults.waiting import TooLateError
from tests.faults.worker import Plan
from tests.oracle.record import type_of

__all__ = ["CONSOLE_FAULTS"]

_READ_S = 120.0
_PAGE_S = 60.0


class _Office:
    """PostgreSQL, the process that keeps the directory in it, and the console that shows it."""

    def __init__(self, trial: Trial, server: Postgres) -> None:
        self.trial = trial
        self.server = server
        settings = replace(trial.bench.settings, directory_url=server.database())
        self.settings = replace(settings, data_dir=str(trial.bench.directory / "data"))
        self._port = free_port()
        self.directory = self._child("directory", "directory", "run")
        self.console = self._child("console", "console", "--port", str(self._port))

    def _child(self, name: str, *command: str) -> Child:
        return Child(name, command, environment_of(self.settings), self.trial.bench.directory / f"{name}.log")

    def status(self) -> int:
        """Of the console's answer; 0: nobody listens."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self._port}/customers", timeout=_PAGE_S) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code
        except OSError:
            return 0

    def expect_page(self, status: int) -> None:
        """Wait until the console answers so."""
        self.trial.bench.wait(f"a page with status {status}", lambda: self.status() == status, _PAGE_S)

    def kill_console(self) -> None:
        """kill -9; the supervisor starts it again."""
        _kill(self.console)
        self.console.start()

    def kill_directory(self) -> None:
        """kill -9 three times, soon after its start as well."""
        for _ in range(3):
            _kill(self.directory)
            self.directory.start()
            time.sleep(self.trial.random.uniform(0.2, 2.0))

    def kill_database(self) -> None:
        """kill -9; the console says so and lives, and so does the process of the directory."""
        self.server.kill()
        self.expect_page(503)
        self.server.start()
        for child in (self.console, self.directory):
            if child.status is not None:
                self.trial.findings.append(f"R: {child.name} ended with its database: {child.log_tail()}")


@contextmanager
def _office(trial: Trial) -> Iterator[_Office]:
    with Postgres(required_postgres()) as server:
        office = _Office(trial, server)
        try:
            office.directory.start()
            office.console.start()
            office.expect_page(200)
            yield office
        finally:
            for child in (office.directory, office.console):
                _kill(child)


def _kill_office(trial: Trial) -> None:
    """kill -9 of the console, of PostgreSQL and of the directory's process, while workers go on."""
    bench = trial.bench
    with _office(trial) as office:
        trial.strike_each(
            [office.kill_console, office.kill_directory, office.kill_database] * 2,
            after=lambda: office.expect_page(200),
        )
        bench.settle()
        _kill(office.directory)
        _read_all(office.settings)
        trial.findings += _wrong_rows(trial, office)


def _wrong_rows(trial: Trial, office: _Office) -> Iterator[str]:
    """P: the rows are those of a directory that nobody disturbed, and each event is there once."""
    zone = ZoneInfo("UTC")
    undisturbed = replace(
        office.settings, directory_url=f"sqlite:///{trial.bench.directory / 'undisturbed.sqlite'}", group="undisturbed"
    )
    _read_all(undisturbed)
    with (
        DirectoryStore(office.settings.directory_url, zone) as one,
        DirectoryStore(undisturbed.directory_url, zone) as two,
    ):
        found, wanted = rows_of(one), rows_of(two)
    for table, rows in wanted.items():
        if found[table] != rows:
            first = next((pair for pair in zip(found[table], rows, strict=False) if pair[0] != pair[1]), None)
            yield f"P: {table}: {len(found[table])} rows, undisturbed {len(rows)}; the first that differ: {first}"
    log = trial.bench.log
    events = {(who, type_of(event).value, event.event_id) for who, of in log.truth.items() for event in of}
    told = Counter((who, source) for who, source, _ in events)
    kept = Counter((row["customer_id"], row["source"]) for row in found["directory_timeline"])
    if wrong := [key for key in told if told[key] != kept[key]]:
        yield f"P: timelines of {len(wrong)}, such as {wrong[0]}: {kept[wrong[0]]} events, wanted {told[wrong[0]]}"


def _read_all(settings: Settings) -> None:
    command = [sys.executable, "-m", "stream", "directory", "run", "--once"]
    ran = subprocess.run(
        command, env=environment_of(settings), cwd=ROOT, capture_output=True, timeout=_READ_S, check=False, text=True
    )
    if ran.returncode:
        raise TooLateError(f"the directory was not read: status {ran.returncode}: {ran.stderr[-2000:]}")


def _kill(child: Child) -> None:
    if child.status is None:
        os.kill(child.pid, 9)
    child.wait(_READ_S)


CONSOLE_FAULTS = (
    Fault(
        "console-and-database-killed",
        "27",
        _kill_office,
        log={"customers": 150},
        plan=Plan(pace_ms=200.0),
        beside_broker=True,
        short=True,
    ),
)
