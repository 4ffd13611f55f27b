"""Keys of persons in SQLite or PostgreSQL."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from stream.errors import SettingsError, StorageError
from stream.privacy.key_store import KeyGeneration, KeyRow

__all__ = ["SqlKeyStore"]

_AT_ONCE: Final = 500
_WAIT_S: Final = 10.0
_MEMORY: Final = ":memory:"
#: Lock of PostgreSQL while tables are made: a number that nobody else in the database uses.
_MAKING: Final = 0x6B6579735F6D6B
_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS person_key (body TEXT PRIMARY KEY, lookup {blob} UNIQUE, sealed {blob} NOT NULL)",
    "CREATE TABLE IF NOT EXISTS refused_person (lookup {blob} PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS key_secret (name TEXT PRIMARY KEY, sealed {blob} NOT NULL)",
    "CREATE TABLE IF NOT EXISTS key_generation (number BIGINT PRIMARY KEY)",
    "INSERT INTO key_generation SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM key_generation)",
)


class SqlKeyStore:
    """The key store at ``sqlite:///PATH`` or ``postgresql://...``. Usable from several threads, one at a time.

    A connection that is lost is made again at the next call. SQLite overwrites what it deletes (``secure_delete``).
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._is_sqlite = url.startswith("sqlite:///")
        self._where = urlsplit(url)._replace(query="").geturl() if self._is_sqlite else _without_password(url)
        self._lock = threading.Lock()
        self._connection: Any = None
        self._connections = 0
        self._failures: tuple[type[Exception], ...] = (sqlite3.Error, OSError)
        if not self._is_sqlite:
            try:
                import psycopg  # noqa: PLC0415 - only installations with PostgreSQL have it
            except ImportError as error:
                raise SettingsError(f"{error}: pip install 'customer-stream[postgresql]'") from error
            self._failures = (psycopg.Error, OSError)

    def by_lookup(self, lookups: Sequence[bytes]) -> Mapping[bytes, KeyRow]:
        return {row.lookup: row for row in self._rows("lookup", lookups)}

    def by_body(self, bodies: Sequence[str]) -> Mapping[str, KeyRow]:
        return {row.body: row for row in self._rows("body", bodies)}

    def add(self, rows: Sequence[KeyRow]) -> None:
        statement = (
            "INSERT INTO person_key SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM refused_person WHERE lookup = ?)"
            " ON CONFLICT DO NOTHING"
        )
        if not self._is_sqlite:
            statement = statement.replace("SELECT ?, ?, ?", "SELECT ?::text, ?::bytea, ?::bytea")
        with self._writing() as cursor:
            cursor.executemany(self._own(statement), [(*row, row.lookup) for row in rows])

    def erase(self, bodies: Sequence[str], *, refused: Sequence[bytes] = ()) -> int:
        count = 0
        with self._writing() as cursor:
            for lookup in refused:
                cursor.execute(self._own("INSERT INTO refused_person VALUES (?) ON CONFLICT DO NOTHING"), (lookup,))
            for body in bodies:
                cursor.execute(self._own("DELETE FROM person_key WHERE body = ?"), (body,))
                count += cursor.rowcount
            cursor.execute("UPDATE key_generation SET number = number + 1")
        if count and self._is_sqlite:
            # what was deleted is in the log of changes until that is written back
            with self._used() as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return count

    def generation(self) -> KeyGeneration:
        with self._writing() as cursor:
            cursor.execute("SELECT number FROM key_generation")
            return KeyGeneration(int(cursor.fetchone()[0]), self._connections)

    def secret(self, name: str, made: bytes) -> bytes:
        with self._writing() as cursor:
            cursor.execute(self._own("INSERT INTO key_secret VALUES (?, ?) ON CONFLICT DO NOTHING"), (name, made))
            cursor.execute(self._own("SELECT sealed FROM key_secret WHERE name = ?"), (name,))
            return bytes(cursor.fetchone()[0])

    def replace_secret(self, name: str, old: bytes, new: bytes) -> None:
        with self._writing() as cursor:
            cursor.execute(
                self._own("UPDATE key_secret SET sealed = ? WHERE name = ? AND sealed = ?"), (new, name, old)
            )

    def all(self) -> Iterator[KeyRow]:
        last = ""
        while True:
            with self._writing() as cursor:
                statement = "SELECT body, lookup, sealed FROM person_key WHERE body > ? ORDER BY body LIMIT ?"
                cursor.execute(self._own(statement), (last, _AT_ONCE))
                rows = [_row(row) for row in cursor.fetchall()]
            if not rows:
                return
            yield from rows
            last = rows[-1].body

    def rewrap(self, rows: Sequence[tuple[KeyRow, bytes]]) -> int:
        count = 0
        with self._writing() as cursor:
            for row, sealed in rows:
                cursor.execute(
                    self._own("UPDATE person_key SET sealed = ? WHERE body = ? AND sealed = ?"),
                    (sealed, row.body, row.sealed),
                )
                count += cursor.rowcount
        return count

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _rows(self, column: str, wanted: Sequence[bytes] | Sequence[str]) -> list[KeyRow]:
        found: list[KeyRow] = []
        with self._writing() as cursor:
            for some in _parts(wanted):
                marks = ", ".join("?" * len(some))
                statement = f"SELECT body, lookup, sealed FROM person_key WHERE {column} IN ({marks})"  # noqa: S608
                cursor.execute(self._own(statement), some)
                found += map(_row, cursor.fetchall())
        return found

    def _own(self, statement: str) -> str:
        return statement if self._is_sqlite else statement.replace("?", "%s")

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        """A transaction."""
        with self._used() as connection, connection:
            cursor = connection.cursor()
            try:
                yield cursor
            finally:
                cursor.close()

    @contextmanager
    def _used(self) -> Iterator[Any]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._connect()
                    self._connections += 1
                yield self._connection
            except self._failures as error:
                self._drop()
                why = " ".join(str(error).split())
                raise StorageError(f"the keys of persons at {self._where} cannot be read or written: {why}") from error

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connect(self) -> Any:
        with self._alone():
            return self._opened()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process opens this file meanwhile: SQLite does not wait when two begin with a log of changes."""
        name = self._url.removeprefix("sqlite:///")
        if not self._is_sqlite or name == _MEMORY:
            yield
            return
        path = Path(name).expanduser()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # a file of its own: closing that of the database would end SQLite's locks of the whole process
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _opened(self) -> Any:
        connection: Any = self._of_sqlite() if self._is_sqlite else self._of_postgresql()
        try:
            with connection:
                if not self._is_sqlite:
                    # two that make a table at once: the second finds it in no catalogue, and fails to make it
                    connection.execute(f"SELECT pg_advisory_xact_lock({_MAKING})")
                for statement in _TABLES:
                    connection.execute(statement.format(blob="BLOB" if self._is_sqlite else "BYTEA"))
        except BaseException:
            connection.close()
            raise
        return connection

    def _of_sqlite(self) -> Any:
        connection = sqlite3.connect(self._file(), timeout=_WAIT_S, check_same_thread=False)
        # a key that is given out must be there after a power cut: what it encrypts is in Kafka
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _of_postgresql(self) -> Any:
        import psycopg  # noqa: PLC0415 - see above

        wait_ms = int(_WAIT_S * 1000)
        connection = psycopg.connect(
            self._url, connect_timeout=int(_WAIT_S), tcp_user_timeout=wait_ms, keepalives_idle=5, autocommit=False
        )
        # who waits for keys answers that it cannot go on, and does not hang
        for timeout in ("lock_timeout", "statement_timeout"):
            connection.execute(f"SET {timeout} = {wait_ms}")
        connection.commit()
        # psycopg closes a connection that is used as a block; a cursor's transaction is what is wanted
        return _Kept(connection)

    def _file(self) -> str:
        """The database of SQLite; a file is readable for its owner only."""
        name = self._url.removeprefix("sqlite:///")
        if name == _MEMORY:
            return name
        path = Path(name).expanduser()
        if not path.exists():
            # not one that is there: closing it would end the locks of other connections of this process
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        return str(path)


class _Kept:
    """A connection of psycopg that commits or rolls back at the end of a block, and stays open."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is None:
            self._connection.commit()
        elif not self._connection.closed:
            self._connection.rollback()

    def cursor(self) -> Any:
        return self._connection.cursor()

    def execute(self, statement: str) -> None:
        self._connection.execute(statement)

    def close(self) -> None:
        self._connection.close()


def _parts(wanted: Sequence[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(wanted), _AT_ONCE):
        yield [*wanted[start : start + _AT_ONCE]]


def _row(found: Sequence[Any]) -> KeyRow:
    body, lookup, sealed = found
    return KeyRow(body, bytes(lookup), bytes(sealed))


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"
