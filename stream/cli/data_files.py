"""Where this machine keeps a shop's data."""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from stream.imports.contacts import CONTACTS_FILE, Contact, ContactsFile
from stream.imports.import_ledger import LEDGER_FILE, ImportLedger
from stream.local.directory import DataDirectory, default_directory
from stream.privacy.key_store_note import KeyStoreNote
from stream.privacy.person_keys import PersonKeys
from stream.settings import Settings

__all__ = ["contacts_file", "contacts_of", "data_directory", "has_room", "ledger_if_any", "note_key_store"]


def data_directory(settings: Settings) -> DataDirectory:
    """The directory that the settings name, else the default one."""
    return DataDirectory(Path(settings.data_dir) if settings.data_dir else default_directory(os.environ))


def note_key_store(settings: Settings) -> None:
    """Let the directory go with the key store of ``settings``, if there is one, from now on.

    Raises what `PersonKeys.of` does, such as `StorageError` for another store than before.
    """
    if (keys := PersonKeys.of(settings)) is not None:
        KeyStoreNote(settings).write(keys.store_id)
        keys.close()


@contextmanager
def ledger_if_any(settings: Settings) -> Iterator[ImportLedger | None]:
    """What was imported, by the file in that directory; None where nothing was."""
    path = data_directory(settings).path / LEDGER_FILE
    if not path.exists():
        yield None
        return
    with ImportLedger(path, "") as ledger:
        yield ledger


def contacts_file(settings: Settings) -> ContactsFile:
    """Who the customers are that were imported, by the file in that directory."""
    return ContactsFile(data_directory(settings).path / CONTACTS_FILE, PersonKeys.of(settings))


def contacts_of(settings: Settings, customer_ids: Iterable[str]) -> Mapping[str, Contact]:
    """What was imported of these customers; those of whom nothing is known are not in it."""
    with contacts_file(settings) as file:
        return file.find(customer_ids)


def has_room(folder: Path, room_bytes: int = 16_777_216) -> bool:
    """Whether so much can still be written there; servers of this machine stand still where it cannot.

    Where there is no folder, no server of this machine writes.
    """
    return not folder.exists() or shutil.disk_usage(folder).free >= room_bytes
