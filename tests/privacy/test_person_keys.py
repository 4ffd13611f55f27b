"""Pseudonyms and keys of persons, in real databases."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import SettingsError, StorageError
from stream.privacy.ciphertexts import CIPHERTEXT, PSEUDONYM
from stream.privacy.concealed_fields import ConcealedField
from stream.privacy.concealing import PACKED, concealed_text
from stream.privacy.master_keys import MasterKeys
from stream.privacy.person_keys import PersonKeys
from stream.privacy.revealing import UNREADABLE, Revealer
from stream.privacy.sql_key_store import SqlKeyStore
from stream.settings import Settings
from tests.directory.postgres import Postgres, required_postgres

TOKEN = "email:h1_" + "a" * 22
MASTER = "11" * 32
OTHER = "22" * 32


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres(required_postgres()) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/keys/keys.sqlite"
        return
    server: Postgres = request.getfixturevalue("postgres")
    yield server.database()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(privacy_keys=f"sqlite:///{tmp_path}/keys/keys.sqlite", privacy_master_key=MASTER)


_OPENED: list[PersonKeys] = []


@pytest.fixture(autouse=True)
def close_what_was_opened() -> Iterator[None]:
    yield
    while _OPENED:
        _OPENED.pop().close()


def opened(settings: Settings) -> PersonKeys:
    keys = PersonKeys.of(settings)
    assert keys is not None
    _OPENED.append(keys)
    return keys


def test_persons_have_pseudonyms_that_stay_and_say_nothing(url: str) -> None:
    settings = Settings(privacy_keys=url, privacy_master_key=MASTER)
    keys, others = opened(settings), opened(settings)
    first = keys.persons(["ann", TOKEN, "ann"])
    ann, address = first["ann"], first[TOKEN]
    assert ann is not None
    assert address is not None
    assert PSEUDONYM.fullmatch(ann.customer_id)
    assert address.customer_id.startswith("email:h1_")
    assert address.customer_id != TOKEN
    # another process, and who is known by the pseudonym already
    for again in others.persons(["ann", ann.customer_id, address.customer_id]).values():
        assert again is not None
        assert again.customer_id in {ann.customer_id, address.customer_id}
    assert keys.persons(["k1_" + "x" * 22]) == {"k1_" + "x" * 22: None}
    packed = ann.encrypt("I live in Kiel \U0001f600")
    assert CIPHERTEXT.fullmatch(packed)
    assert ann.encrypt(packed) == packed
    assert Revealer(others).text(f"<{packed}|{ann.customer_id}>") == "<I live in Kiel \U0001f600|ann>"


def at_once(url: str) -> list[str]:
    """The pseudonym of one id, as many see it who open a new store at the same time."""
    settings = Settings(privacy_keys=url, privacy_master_key=MASTER)
    together = Barrier(8)

    def found(_: int) -> str:
        together.wait()
        keys = PersonKeys.of(settings)
        assert keys is not None
        with closing(keys):
            person = keys.persons(["ann"])["ann"]
        assert person is not None
        return f"{person.customer_id} {person.encrypt('a text')}"

    with ThreadPoolExecutor(8) as pool:
        return [*pool.map(found, range(8))]


def test_many_who_are_the_first_at_once_share_one_store(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    server: Postgres = request.getfixturevalue("postgres")
    for number in range(5):
        for url in (f"sqlite:///{tmp_path}/{number}.sqlite", server.database()):
            assert len({*at_once(url)}) == 1


def test_one_who_opens_a_store_does_not_end_the_locks_of_another(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/keys.sqlite"
    with closing(SqlKeyStore(url)) as one:
        before = one.generation().erasures
        with closing(SqlKeyStore(url)) as other:
            other.erase([])
        locks = Path("/proc/locks").read_text("ascii")
        inode = (tmp_path / "keys.sqlite").stat().st_ino
        # SQLite holds a lock on a file that it has open with a log of changes
        assert [line for line in locks.splitlines() if f":{inode} " in line and f" {os.getpid()} " in line]
        assert one.generation().erasures == before + 1


def test_who_is_erased_cannot_be_read_by_anybody_and_is_refused_or_begins_anew(url: str) -> None:
    settings = Settings(privacy_keys=url, privacy_master_key=MASTER)
    keys = opened(settings)
    ann, bob = keys.persons(["ann", "bob"]).values()
    assert ann is not None
    assert bob is not None
    texts = [ann.encrypt("where I live"), ann.customer_id, bob.encrypt("hello")]
    assert keys.erase(["ann"], refuse=True) == 1
    assert keys.erase(["ann"], refuse=True) == 0
    assert Revealer(keys).text(" ".join(texts)) == f"{UNREADABLE} {ann.customer_id} hello"
    assert keys.persons(["ann", ann.customer_id]) == {"ann": None, ann.customer_id: None}
    # and so is who has not come yet
    assert keys.erase(["zoe"], refuse=True) == 0
    assert opened(settings).persons(["zoe"]) == {"zoe": None}
    assert keys.erase(["eve"], refuse=False) == 0
    assert keys.persons(["eve"])["eve"] is not None
    assert keys.erase([bob.customer_id], refuse=False) == 1
    again = keys.persons(["bob"])["bob"]
    assert again is not None
    assert again.customer_id != bob.customer_id
    assert Revealer(opened(settings)).text(texts[2]) == UNREADABLE


def test_nothing_of_a_person_is_in_the_bytes_of_the_key_store(settings: Settings, tmp_path: Path) -> None:
    keys = opened(settings)
    ann = keys.persons(["ann-with-a-long-name"])["ann-with-a-long-name"]
    assert ann is not None
    files = [*(tmp_path / "keys").iterdir()]
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)
    assert not any(b"ann-with" in file.read_bytes() for file in files)
    assert any(ann.body.encode() in file.read_bytes() for file in files)
    keys.erase(["ann-with-a-long-name"], refuse=False)
    assert not any(ann.body.encode() in file.read_bytes() for file in files if file.exists())


@given(text=st.text(max_size=300), other=st.text(max_size=300))
def test_equal_texts_are_equal_and_others_are_not(text: str, other: str) -> None:
    masters = MasterKeys(lambda: [MASTER], "here")
    keys = PersonKeys(SqlKeyStore("sqlite:///:memory:"), masters)
    person = keys.persons(["ann"])["ann"]
    assert person is not None
    assert (person.encrypt(text) == person.encrypt(other)) is (text == other)
    assert (person.digest(text) == person.digest(other)) is (text == other)
    assert Revealer(keys).text(person.encrypt(text)) == text
    keys.close()


@pytest.mark.parametrize("text", [f"{PACKED}no base64", PACKED, f"{PACKED}AAAA", "hello " * 20])
@pytest.mark.parametrize("limit", [100, 1000])
def test_a_text_is_read_as_it_was_whatever_it_begins_with(settings: Settings, text: str, limit: int) -> None:
    keys = opened(settings)
    ann = keys.persons(["ann"])["ann"]
    assert ann is not None
    found = concealed_text(ann, text, ConcealedField(limit))
    assert found is not None
    assert len(found) <= limit
    assert Revealer(keys).text(found) == text


def test_a_page_shows_in_clear_and_asks_by_what_is_stored(settings: Settings) -> None:
    keys = opened(settings)
    ann = keys.persons(["ann <b>"])["ann <b>"]
    assert ann is not None
    page = '<a href="/customer/{0}">{0}</a><input name="event_id" value="{1}"><td>{1}</td>'
    found = Revealer(keys).html(page.format(ann.customer_id, ann.encrypt("e-1")))
    shown = '<a href="/customer/{0}">ann &lt;b&gt;</a><input name="event_id" value="{1}"><td>e-1</td>'
    assert found == shown.format(ann.customer_id, ann.encrypt("e-1"))


def test_everybody_of_a_text_is_revealed_when_fewer_are_remembered() -> None:
    keys = PersonKeys(SqlKeyStore("sqlite:///:memory:"), MasterKeys(lambda: [MASTER], "here"), remembered=2)
    _OPENED.append(keys)
    names = [f"c-{number}" for number in range(5)]
    pseudonyms = [one.customer_id for one in keys.persons(names).values() if one is not None]
    assert Revealer(keys).text(" ".join(pseudonyms)) == " ".join(names)


def test_master_keys_are_rotated_without_a_stop_and_a_lost_one_says_so(url: str, tmp_path: Path) -> None:
    file = tmp_path / "master"
    file.write_text(MASTER)
    settings = Settings(privacy_keys=url, privacy_master_key_file=str(file))
    running = opened(settings)
    ann = running.persons(["ann"])["ann"]
    assert ann is not None
    packed = ann.encrypt("hello")

    file.write_text(f"{OTHER}\n{MASTER}\n")
    rotating = opened(settings)
    assert rotating.rotate(0.0) == (1, 1)
    assert rotating.rotate(0.0) == (0, 1)
    # a process that was there before reads the file when it meets a key that it does not know
    assert running.persons(["bob"])["bob"] is not None
    assert Revealer(opened(settings)).text(packed) == "hello"
    rotating.rotate(0.0)
    file.write_text(OTHER)
    assert Revealer(opened(settings)).text(packed) == "hello"

    file.write_text("33" * 32)
    with pytest.raises(SettingsError, match="put the former back") as lost:
        opened(settings)
    assert "\n" not in str(lost.value)
    file.write_text("33" * 31)
    with pytest.raises(SettingsError, match="64 hexadecimal digits"):
        opened(settings)
    with pytest.raises(SettingsError, match="needs a master key"):
        opened(replace(settings, privacy_master_key_file=""))


def test_a_key_store_that_is_away_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("no directory")
    for url in (f"sqlite:///{tmp_path}/keys/keys.sqlite", "postgresql://ann:secret@127.0.0.1:1/none"):
        with pytest.raises(StorageError, match="keys of persons at") as away:
            opened(Settings(privacy_keys=url, privacy_master_key=MASTER))
        assert "\n" not in str(away.value)
        assert "secret" not in str(away.value)
