"""A key store that is lost is told; nobody takes an empty one for it."""

from dataclasses import replace
from pathlib import Path

import pytest

from stream.cli.data_files import note_key_store
from stream.errors import SettingsError, StorageError
from stream.privacy.key_store_note import KEY_STORE_FILE
from stream.privacy.person_keys import PersonKeys
from stream.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a shop that has noted its key store, in which somebody has a key."""
    (tmp_path / "shop").mkdir()
    settings = Settings(
        data_dir=str(tmp_path / "shop"),
        privacy_keys=f"sqlite:///{tmp_path}/keys/keys.sqlite",
        privacy_master_key="11" * 32,
    )
    note_key_store(settings)
    pseudonym(settings)
    return settings


def opened(settings: Settings) -> PersonKeys:
    keys = PersonKeys.of(settings)
    assert keys is not None
    return keys


def pseudonym(settings: Settings) -> str:
    keys = opened(settings)
    person = keys.persons(["ann"])["ann"]
    keys.close()
    assert person is not None
    return person.customer_id


def test_the_store_of_the_shop_is_taken_again_and_again(settings: Settings, tmp_path: Path) -> None:
    before = (tmp_path / "shop" / KEY_STORE_FILE).read_text()
    note_key_store(settings)
    assert (tmp_path / "shop" / KEY_STORE_FILE).read_text() == before
    assert pseudonym(settings) == pseudonym(settings)


def test_a_store_that_is_lost_is_not_made_anew(settings: Settings, tmp_path: Path) -> None:
    was = pseudonym(settings)
    (tmp_path / "keys").rename(tmp_path / "backup")
    for use in (PersonKeys.of, note_key_store):
        with pytest.raises(StorageError, match="restore it from its backup"):
            use(settings)
    assert not (tmp_path / "keys").exists()
    (tmp_path / "backup").rename(tmp_path / "keys")
    assert pseudonym(settings) == was


def test_an_empty_store_is_not_taken_for_the_one_that_is_lost(settings: Settings, tmp_path: Path) -> None:
    other = replace(settings, privacy_keys=f"sqlite:///{tmp_path}/other.sqlite")
    opened(replace(other, data_dir="")).close()
    with pytest.raises(StorageError, match="another one than"):
        PersonKeys.of(other)
    # whoever has lost it for good begins with new keys
    (tmp_path / "shop" / KEY_STORE_FILE).unlink()
    note_key_store(other)
    assert pseudonym(other) != pseudonym(replace(settings, data_dir=""))


def test_nobody_goes_on_in_clear_where_customers_are_under_keys(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="STREAM_PRIVACY_KEYS"):
        PersonKeys.of(replace(settings, privacy_keys=""))


def test_a_change_of_master_keys_leaves_the_store_the_same(settings: Settings) -> None:
    was = pseudonym(settings)
    both = replace(settings, privacy_master_key=",".join(("22" * 32, "11" * 32)))
    keys = opened(both)
    assert keys.rotate(settle_s=0.0) == (1, 1)
    keys.close()
    assert pseudonym(replace(settings, privacy_master_key="22" * 32)) == was


def test_a_note_that_is_damaged_or_cannot_be_read_is_told(settings: Settings, tmp_path: Path) -> None:
    note = tmp_path / "shop" / KEY_STORE_FILE
    note.write_bytes(b"\xff\xfe")
    with pytest.raises(StorageError, match="restore it from its backup"):
        PersonKeys.of(settings)
    note.unlink()
    note.mkdir()
    with pytest.raises(StorageError, match="cannot be read"):
        PersonKeys.of(settings)
