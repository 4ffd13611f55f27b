"""What a command writes, with ids and texts of persons in clear: the edge at which people read."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from stream.errors import StreamError
from stream.privacy.ciphertexts import may_conceal
from stream.settings import Settings

if TYPE_CHECKING:
    from stream.privacy.revealing import Revealer

__all__ = ["LazyRevealer", "revealed_output"]


class LazyRevealer:
    """A `Revealer` that looks for the key store when there is something to reveal."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._revealer: Revealer | None = None

    def revealed(self, text: str, *, as_json: bool = False) -> str:
        """``text`` for people. Raises `StorageError` while the key store is away."""
        if not may_conceal(text):
            return text
        if self._revealer is None:
            from stream.privacy.revealing import Revealer

            self._revealer = Revealer.of(self._settings)
        return self._revealer.json(text) if as_json else self._revealer.table(text)

    def close(self) -> None:
        """Let go of the key store."""
        if self._revealer is not None:
            self._revealer.close()


@contextmanager
def revealed_output(settings: Settings, *, as_json: bool) -> Iterator[None]:
    """Reveal what is written to standard output, and the message of an error; nothing without `privacy_keys`.

    ``as_json``: what is put in is escaped as strings in JSON are.
    """
    if not settings.privacy_keys:
        yield
        return
    revealer = LazyRevealer(settings)
    before = sys.stdout
    sys.stdout = _Output(before, revealer, as_json=as_json)
    try:
        yield
    except StreamError as error:
        error.args = tuple(revealer.revealed(one) if isinstance(one, str) else one for one in error.args)
        raise
    finally:
        sys.stdout.flush()
        sys.stdout = before
        revealer.close()


class _Output(io.TextIOBase):
    """A text stream that reveals each piece as it is written."""

    def __init__(self, file: Any, revealer: LazyRevealer, *, as_json: bool) -> None:
        self._file = file
        self._revealer = revealer
        self._as_json = as_json
        self.buffer: IO[bytes] = _Bytes(self)  # type: ignore[assignment]

    def write(self, text: str) -> int:
        self._file.write(self._revealer.revealed(text, as_json=self._as_json))
        return len(text)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return bool(self._file.isatty())

    def fileno(self) -> int:
        return int(self._file.fileno())

    def flush(self) -> None:
        self._file.flush()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(self._file.encoding)

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return None if self._file.errors is None else str(self._file.errors)


class _Bytes(io.RawIOBase):
    """Bytes of the same stream."""

    def __init__(self, output: _Output) -> None:
        self._output = output

    def write(self, data: Any) -> int:
        self._output.write(bytes(data).decode("utf-8", "surrogateescape"))
        return len(data)

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        self._output.flush()
