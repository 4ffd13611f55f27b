"""Connecting to the database of the directory: SQLite in a file, or PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from stream.directory.answering_in_time import ping_in_time
from stream.errors import SettingsError, StorageError, StreamError

__all__ = [
    "DATABASE_ERRORS",
    "Connection",
    "as_dict",
    "connect",
    "explained",
    "insert_of",
    "overwritten",
    "reading",
    "why_unanswered",
    "writing",
]

#: How long SQLite waits for another writer (s).
_BUSY_S: Final = 30.0
#: How long a PostgreSQL that does not answer is waited for (s), and a statement at most (ms).
_CONNECT_S: Final = 5
_STATEMENT_MS: Final = 60_000
_FAILURES: Final = (OperationalError, InterfaceError, PoolTimeoutError)
_WRITES: Final = "directory_writes"
#: What a database raises: it is away (`StorageError`), or it cannot carry out a statement, as when a table is gone.
#: A process that also does other things lives on after either.
DATABASE_ERRORS: Final = (StorageError, SQLAlchemyError)


def connect(url: str) -> Engine:
    """An engine for ``sqlite:///PATH`` or ``postgresql://...``; nothing is connected yet. Raises `SettingsError`."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the latter of a port that is no number
        raise SettingsError("directory_url: expected sqlite:///PATH or postgresql://user@host/database") from None
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    if parsed.get_backend_name() == "postgresql":
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"connect_timeout": _CONNECT_S, "options": f"-c statement_timeout={_STATEMENT_MS}"},
        )
        ping_in_time(engine)
        return engine
    raise SettingsError(f"directory_url: there is no {parsed.get_backend_name()}; use sqlite:///PATH or postgresql://")


def insert_of(engine: Engine) -> Any:
    """The database's own ``insert``, which knows what to do about a row that is there already."""
    return postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is committed when the block ends, and else rolled back. Raises `StorageError`."""
    with explained(engine), engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one state of the rows. Raises `StorageError`."""
    level = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with explained(engine), engine.connect().execution_options(**level) as connection, connection.begin():
        yield connection


def overwritten(engine: Engine) -> None:
    """Take what was deleted out of SQLite's write-ahead log, too. Raises `StorageError` while somebody reads on."""
    if engine.dialect.name != "sqlite":
        return
    # not by SQLAlchemy's connection, which begins a transaction
    with explained(engine), closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        found = cursor.fetchone()
    # the first number says whether somebody was in the way
    if found is None or found[0]:
        raise StorageError(
            f"{engine.url.database} is read all the time, so what was deleted is in its log: erase again"
        )


def as_dict(row: Row[Any]) -> dict[str, Any]:
    """A row by names of its columns, plain strings, as every encoder takes them."""
    return {str(name): value for name, value in row._mapping.items()}  # noqa: SLF001 - public, says SQLAlchemy


def why_unanswered(error: Exception) -> str:
    """An error of this package or of `DATABASE_ERRORS` in a line, without what PostgreSQL quotes of a row."""
    if isinstance(error, StreamError):
        return str(error)
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {str(cause).partition(chr(10))[0]}"


@contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """Let a database that is away or refuses us be a `StorageError`; what is wrong with a statement stays as it is."""
    try:
        yield
    except (*_FAILURES, DatabaseError) as error:
        # SQLite says DatabaseError itself of a file that is damaged or none of its own; others are of statements
        if not isinstance(error, _FAILURES) and type(error) is not DatabaseError:
            raise
        raise StorageError(_sentence(engine.url, error)) from error


def _sentence(url: URL, error: SQLAlchemyError) -> str:
    why = " ".join(str(getattr(error, "orig", None) or error).split())
    where = url.render_as_string()
    if type(error) is DatabaseError:
        return (
            f"the directory at {where} is damaged ({why}): restore the file from a backup. A directory.sqlite may also "
            "be moved away, and is then made again from the topics"
        )
    if "disk is full" in why:
        return f"the directory at {where} does not answer: {why}; make room"
    return f"the directory at {where} does not answer: {why}"


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise SettingsError("directory_url: expected a file, as in sqlite:////var/lib/shop/directory.sqlite")
    path = Path(url.database).expanduser().absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # for its owner only, as SQLite gives its other files the rights of this one
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror}): set directory_url or data_dir") from error
    engine = create_engine(
        url.set(database=str(path)), hide_parameters=True, connect_args={"timeout": _BUSY_S, "isolation_level": None}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: object) -> None:
        del record
        # A power cut may undo the newest transactions, rows and offsets together: their records are read again.
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # a reader that becomes a writer would fail when another one was faster
        is_writer = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")

    return engine
