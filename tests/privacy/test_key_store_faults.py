"""Key stores that die, hold a lock or lose their last write, and processes that die at every step of theirs."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import psycopg
import pytest

from stream.errors import StorageError
from stream.privacy import person_keys, sql_key_store
from stream.privacy.person_keys import PersonKeys
from stream.privacy.revealing import UNREADABLE, Revealer
from stream.settings import Settings
from tests.directory.postgres import Postgres, required_postgres

pytestmark = pytest.mark.timeout(300)
MASTER, OTHER = "11" * 32, "22" * 32


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres(required_postgres()) as server:
        yield server


@pytest.fixture(autouse=True)
def look_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes look at once what changed, and do not wait long."""
    monkeypatch.setattr(person_keys, "STALE_S", 0.0)
    monkeypatch.setattr(sql_key_store, "_WAIT_S", 1.0)


def opened(url: str) -> PersonKeys:
    keys = PersonKeys.of(Settings(privacy_keys=url, privacy_master_key=MASTER))
    assert keys is not None
    return keys


def pseudonym_of(keys: PersonKeys, one: str) -> str:
    person = keys.persons([one])[one]
    assert person is not None
    return person.customer_id


def test_a_database_that_goes_and_comes_back_has_everybody_still(postgres: Postgres) -> None:
    with closing(opened(postgres.database())) as keys:
        before = pseudonym_of(keys, "ann")
        postgres.pause()
        for ask in (lambda: keys.persons(["ann"]), lambda: keys.erase(["ann"], refuse=True), keys.rotate):
            with pytest.raises(StorageError, match="keys of persons"):
                ask()
        postgres.start()
        assert pseudonym_of(keys, "ann") == before
        assert pseudonym_of(keys, "bob") != before
        assert keys.erase(["ann"], refuse=True) == 1
        assert keys.persons(["ann"]) == {"ann": None}


def test_nothing_is_encrypted_under_a_key_that_the_database_has_lost(postgres: Postgres) -> None:
    url = postgres.database()
    with closing(opened(url)) as keys, Revealer(keys) as revealer:
        person = keys.persons(["ann"])["ann"]
        assert person is not None
        lost = person.encrypt("a text")
        postgres.pause()
        postgres.start()
        with psycopg.connect(url) as connection:
            connection.execute("DELETE FROM person_key")
        with pytest.raises(StorageError, match="keys of persons"):
            keys.persons(["ann"])
        again = keys.persons(["ann"])["ann"]
        assert again is not None
        assert again.customer_id != person.customer_id
        assert revealer.text(f"{lost} {again.encrypt('another')}") == f"{UNREADABLE} another"


def test_who_waits_for_a_lock_says_so_and_goes_on_later(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.database()
    with closing(opened(url)) as keys:
        before = pseudonym_of(keys, "ann")
        with psycopg.connect(url) as locking:
            locking.execute("LOCK TABLE person_key, refused_person, key_generation IN ACCESS EXCLUSIVE MODE")
            for ask in (lambda: keys.persons(["bob"]), lambda: keys.erase(["ann"], refuse=True)):
                with pytest.raises(StorageError, match="timeout"):
                    ask()
        assert pseudonym_of(keys, "ann") == before
    file = tmp_path / "keys.sqlite"
    with closing(opened(f"sqlite:///{file}")) as keys:
        before = pseudonym_of(keys, "ann")
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for ask in (lambda: keys.persons(["bob"]), lambda: keys.erase(["ann"], refuse=True)):
                with pytest.raises(StorageError, match="locked"):
                    ask()
            other.execute("ROLLBACK")
        assert pseudonym_of(keys, "ann") == before
        assert pseudonym_of(keys, "bob") != before


def died(url: str, file: Path, step: int, *what: str) -> bool:
    """Whether a process died at a step of what it did; else it was done before."""
    command = [sys.executable, "-m", "tests.privacy.dying_keys", url, str(file), str(step), *what]
    ended = subprocess.run(command, check=False, capture_output=True, timeout=120)
    assert ended.returncode in {0, -signal.SIGKILL}, ended.stderr.decode()
    return ended.returncode != 0


def test_an_erasure_that_dies_at_any_step_is_whole_when_it_is_asked_for_again(tmp_path: Path) -> None:
    url, file = f"sqlite:///{tmp_path}/keys.sqlite", tmp_path / "master"
    file.write_text(MASTER)
    with closing(opened(url)) as keys:
        other = pseudonym_of(keys, "other")
        steps = 0
        for step in count(1):
            text = keys.persons([f"p-{step}"])[f"p-{step}"]
            assert text is not None
            written = text.encrypt("a text")
            is_killed = died(url, file, step, "erase", f"p-{step}")
            # all or nothing, and the same once more is enough
            known = keys.known([f"p-{step}"])
            assert (keys.persons([f"p-{step}"])[f"p-{step}"] is None) == (not known)
            keys.erase([f"p-{step}"], refuse=True)
            assert keys.persons([f"p-{step}"]) == {f"p-{step}": None}
            with closing(opened(url)) as fresh:
                assert Revealer(fresh).text(written) == UNREADABLE
            if not is_killed:
                break
            steps += 1
        assert steps >= 5
        assert pseudonym_of(keys, "other") == other


def test_a_change_of_master_keys_that_dies_at_any_step_is_gone_on_with(tmp_path: Path) -> None:
    url, file = f"sqlite:///{tmp_path}/keys.sqlite", tmp_path / "master"
    file.write_text(MASTER)
    settings = Settings(privacy_keys=url, privacy_master_key_file=str(file))
    keys = PersonKeys.of(settings)
    assert keys is not None
    masters, steps = (MASTER, OTHER), 0
    with closing(keys):
        before = {f"p-{number}": pseudonym_of(keys, f"p-{number}") for number in range(20)}
        for step in count(1):
            old, new = masters[(step + 1) % 2], masters[step % 2]
            file.write_text(f"{new}\n{old}")
            is_killed = died(url, file, step, "rotate")
            assert {one: pseudonym_of(keys, one) for one in before} == before
            keys.rotate(settle_s=0.0)
            # the former is not needed any more
            file.write_text(new)
            fresh = PersonKeys.of(settings)
            assert fresh is not None
            with closing(fresh):
                assert {one: pseudonym_of(fresh, one) for one in before} == before
            if not is_killed:
                break
            steps += 1
        assert steps >= 5
