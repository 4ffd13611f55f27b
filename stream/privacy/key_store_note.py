"""With which key store a shop's directory goes, so that another one, such as an empty one, is not taken for it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from stream.errors import SettingsError, StorageError
from stream.settings import Settings

__all__ = ["KEY_STORE_FILE", "KeyStoreNote"]

#: In the directory of the shop. It has a hash, and nothing secret.
KEY_STORE_FILE: Final = "key-store.id"
_SQLITE: Final = "sqlite:///"


class KeyStoreNote:
    """The note in the directory that ``settings`` name; there is none elsewhere, and nothing is checked then.

    A damaged note is that of another store. Raises `StorageError` if it cannot be read.
    """

    def __init__(self, settings: Settings) -> None:
        self._url = settings.privacy_keys
        self._file = Path(settings.data_dir).expanduser() / KEY_STORE_FILE if settings.data_dir else None
        self._expected = _read(self._file) if self._file is not None and self._file.exists() else ""

    def check_settings(self) -> None:
        """Raise `SettingsError` where keys are needed and not named, `StorageError` where their file is gone."""
        if not self._expected:
            return
        if not self._url:
            raise SettingsError(
                f"customers in {self._folder} have keys: set STREAM_PRIVACY_KEYS and the master key as for `stream up`"
            )
        if self._url.startswith(_SQLITE) and not Path(self._url.removeprefix(_SQLITE)).expanduser().exists():
            raise StorageError(f"there is no key store at {self._url}; {self._advice}")

    def check(self, found: str) -> None:
        """Raise `StorageError` if the store ``found`` is another one."""
        if self._expected not in {"", found}:
            raise StorageError(f"the key store is another one than {self._folder} was written with; {self._advice}")

    def write(self, found: str) -> None:
        """From now on the directory goes with this store."""
        if self._file is not None and not self._expected:
            self._file.write_text(f"{found}\n", "ascii")
            self._expected = found

    @property
    def _folder(self) -> str:
        return str(self._file.parent) if self._file is not None else ""

    @property
    def _advice(self) -> str:
        return (
            f"restore it from its backup. Nobody in {self._folder} can be read without it. If it is lost for good, "
            f"delete {self._file} to begin with new keys: everybody is somebody new then"
        )


def _read(file: Path) -> str:
    try:
        return file.read_text("ascii", "replace").strip()
    except OSError as error:
        raise StorageError(f"which key store the shop has cannot be read: {error}") from error
