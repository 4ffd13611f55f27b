"""The bytes of an event log: a file or standard input, plain or compressed with gzip, to be read more than once."""

import gzip
import io
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Self, cast

from stream.errors import EventLogError

__all__ = ["STDIN", "LogSource"]

STDIN: Final = "-"

_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK_BYTES = 262_144
#: More of standard input than this is kept in a temporary file instead of memory.
_SPOOL_BYTES = 16 * 2**20


class LogSource:
    """A log that can be opened again; what was read from standard input is kept for that.

    Close it to remove what was kept.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self.name = "standard input" if str(path) == STDIN else str(path)
        self._kept: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._kept is not None:
            self._kept.close()

    @contextmanager
    def open(self) -> Iterator[io.BufferedReader]:
        """Open the log at its beginning, decompressed; standard input more than once only after `keep`.

        Raises EventLogError, while it is open too, if the log cannot be opened, read or decompressed.
        """
        try:
            with self._raw() as file:
                if file.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC):
                    # The buffer makes lines in C; GzipFile alone makes them in Python.
                    yield io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=file)))
                else:
                    yield file
        except (OSError, EOFError, zlib.error) as error:
            raise EventLogError(f"{self.name}: cannot be read: {error}; expected a plain or gzip file") from error

    def keep(self, file: io.BufferedReader) -> None:
        """Keep the rest of ``file``, standard input that was opened once, so that it can be opened again."""
        kept: IO[bytes] = tempfile.SpooledTemporaryFile(_SPOOL_BYTES)  # noqa: SIM115 - closed when the source is
        shutil.copyfileobj(file, kept, _CHUNK_BYTES)
        self._kept = kept

    def chunks(self) -> Iterator[bytes]:
        """All bytes, in pieces."""
        with self.open() as file:
            while piece := file.read(_CHUNK_BYTES):
                yield piece

    @contextmanager
    def _raw(self) -> Iterator[io.BufferedReader]:
        if str(self._path) != STDIN:
            with Path(self._path).open("rb") as file:
                yield file
            return
        if self._kept is None:
            yield cast("io.BufferedReader", sys.stdin.buffer)
            return
        self._kept.seek(0)
        reader = cast("io.BufferedReader", io.BufferedReader(cast("io.RawIOBase", self._kept)))
        try:
            yield reader
        finally:
            reader.detach()
