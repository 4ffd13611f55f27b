"""Where the directory is, and opening it for a command."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stream.cli.data_files import data_directory
from stream.errors import SettingsError, StorageError
from stream.reporting.writing import Writing
from stream.settings import Settings

if TYPE_CHECKING:
    from stream.directory.desk.desk_store import DeskStore
    from stream.directory.store import DirectoryStore

__all__ = [
    "DIRECTORY",
    "customer_object",
    "described",
    "directory_is_there",
    "erase_from_directory",
    "open_desk",
    "open_directory",
]

#: Its name among the projections.
DIRECTORY = "directory"


def directory_is_there(settings: Settings) -> bool:
    """Whether a database is named, or the file of the data directory exists."""
    return bool(settings.directory_url) or _file(settings).exists()


@contextmanager
def open_directory(settings: Settings, *, make: bool = False) -> Iterator["DirectoryStore"]:
    """The directory; ``make``: also where there is none yet. Raises `StorageError` and `SettingsError`."""
    try:
        from stream.directory.store import DirectoryStore
    except ImportError as error:
        raise SettingsError(f"{error}: pip install 'customer-stream[console]'") from error
    if not (make or directory_is_there(settings)):
        raise StorageError(f"there is no {_file(settings)}: run `stream directory run`, or set STREAM_DIRECTORY_URL")
    with DirectoryStore(_url(settings), Writing.of(settings).zone) as store:
        yield store


@contextmanager
def open_desk(settings: Settings) -> Iterator["DeskStore"]:
    """What people do in the console; it is made where there is none. Raises `StorageError` and `SettingsError`."""
    try:
        from stream.directory.desk.desk_store import DeskStore, desk_url
    except ImportError as error:
        raise SettingsError(f"{error}: pip install 'customer-stream[console]'") from error
    with DeskStore(desk_url(_url(settings))) as desk:
        yield desk


def erase_from_directory(settings: Settings, customer_id: str) -> None:
    """Delete a customer's rows from the directory, and what people noted of them in the console."""
    with open_directory(settings) as store, open_desk(settings) as desk:
        desk.erase(customer_id)
        store.erase(customer_id)


def described(settings: Settings) -> dict[str, Any]:
    """The directory as `stream projections list` shows projections. It has no dead letters: it publishes nothing."""
    with open_directory(settings) as store:
        from stream.directory.message_inputs import inputs_of

        progress = store.progress()
    return {
        "name": DIRECTORY,
        "version": progress.version,
        "what": "Customers, what happened to each, their orders, and the shop's figures, in a database.",
        "key": "customer",
        "topics": (*inputs_of(settings),),
        "generation": progress.generation,
        "partitions": progress.partitions,
        "folded": progress.folded,
        "dead_letters": 0,
    }


def customer_object(store: "DirectoryStore", customer_id: str) -> dict[str, Any]:
    """What the directory knows of a customer, for JSON. Raises `StorageError` for an unknown one."""
    from stream.directory.customer_queries import customer
    from stream.directory.database import reading
    from stream.directory.json_rows import row_object

    with reading(store.engine) as connection:
        found = customer(connection, customer_id)
    if found is None:
        raise StorageError("the directory does not know this customer: has `stream directory run` read the topics?")
    return row_object(found)


def _url(settings: Settings) -> str:
    return settings.directory_url or f"sqlite:///{_file(settings)}"


def _file(settings: Settings) -> Path:
    return data_directory(settings).path / "directory.sqlite"
