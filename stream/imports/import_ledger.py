"""What has been imported: so that importing an export again, or a longer one, counts nothing twice.

One SQLite file in the data directory. An order is entered after the broker has confirmed its events, in the same
transaction as the others of its chunk. The events of a chunk lie within `MAX_CHUNK_MS` of each other, so an import that
was killed publishes at most events that the workers still know by id.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import msgspec

from stream.errors import ImportFileError

__all__ = ["LEDGER_FILE", "Book", "ImportLedger", "LedgerEntry", "Witness"]

#: Name of the file in the data directory.
LEDGER_FILE: Final = "imports.sqlite"

_AT_ONCE: Final = 500
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS booked (shop TEXT, order_key TEXT, body BLOB, PRIMARY KEY (shop, order_key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS newest (shop TEXT, customer_id TEXT, at_ms INTEGER, PRIMARY KEY (shop, customer_id))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alias (shop TEXT, customer TEXT, customer_id TEXT, PRIMARY KEY (shop, customer))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS witness (shop TEXT PRIMARY KEY, topic TEXT, partition INTEGER, offset_ INTEGER,
    customer_id TEXT) WITHOUT ROWID;
"""
#: Tables with a column of customers.
_NAMING: Final = ("newest", "alias", "witness")


class Book(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What has been published of an order. Money in 1/UNITS; ``amount`` None: unknown, or no order but a refund only.

    ``customer``: the customer number in the export, where the customer is known by that and not by an e-mail address.
    ``updates``: how often its total was told again because it had changed.
    """

    customer_id: str
    at_ms: int
    amount: int | None
    refunded: int = 0
    cancelled: bool = False
    customer: str = ""
    updates: int = 0


class LedgerEntry(NamedTuple):
    """An order of which an event has been confirmed: ``book`` as it is after that event, of time ``at_ms``."""

    order_key: str
    at_ms: int
    book: Book


class Witness(NamedTuple):
    """One record of the import, by which it is noticed that the topic is not the one any more into which it went."""

    topic: str
    partition: int
    offset: int
    customer_id: str


class ImportLedger:
    """The ledger of one ``shop``: the topics into which is imported. Raises `ImportFileError` if the file is broken."""

    def __init__(self, path: Path, shop: str) -> None:
        self._path = path
        self._shop = shop
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            # a second import that runs at the same time waits for the first one's chunk
            self._file = sqlite3.connect(path, timeout=60.0)
            # what is deleted is overwritten: an erasure leaves nothing in the file
            self._file.execute("PRAGMA secure_delete = ON")
            self._file.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise ImportFileError(f"{path}: cannot be used as the list of what was imported: {error}") from error

    def find(self, order_key: str) -> Book | None:
        rows = self._all("SELECT body FROM booked WHERE shop = ? AND order_key = ?", order_key)
        return msgspec.msgpack.decode(rows[0][0], type=Book) if rows else None

    def customer_of(self, customer: str) -> str:
        """The customer id under which a customer number was imported; empty if it was not."""
        rows = self._all("SELECT customer_id FROM alias WHERE shop = ? AND customer = ?", customer)
        return str(rows[0][0]) if rows else ""

    def newest(self, customer_ids: Iterable[str]) -> dict[str, int]:
        """For those of ``customer_ids`` that were imported: the time of their newest imported event, ms."""
        ids = iter(customer_ids)
        found: dict[str, int] = {}
        while some := list(islice(ids, _AT_ONCE)):
            marks = ", ".join("?" * len(some))
            statement = f"SELECT customer_id, at_ms FROM newest WHERE shop = ? AND customer_id IN ({marks})"  # noqa: S608
            found.update(self._all(statement, *some))
        return found

    def witness(self) -> Witness | None:
        rows = self._all("SELECT topic, partition, offset_, customer_id FROM witness WHERE shop = ?")
        return Witness(*rows[0]) if rows else None

    def enter(self, entries: Iterable[LedgerEntry], witness: Witness | None) -> None:
        """Enter what the broker has confirmed: all of it, or after an error nothing."""
        try:
            with self._file:
                for entry in entries:
                    self._enter(entry)
                if witness is not None:
                    self._file.execute("INSERT OR REPLACE INTO witness VALUES (?, ?, ?, ?, ?)", [self._shop, *witness])
        except sqlite3.Error as error:
            raise ImportFileError(f"{self._path}: the import cannot be recorded: {error}") from error

    def clear(self) -> None:
        """Forget everything about this shop."""
        try:
            with self._file:
                for table in ("booked", "newest", "alias", "witness"):
                    self._file.execute(f"DELETE FROM {table} WHERE shop = ?", [self._shop])  # noqa: S608 - names of ours
        except sqlite3.Error as error:
            raise ImportFileError(f"{self._path}: cannot be written: {error}") from error

    def about(self, customer_ids: Collection[str]) -> list[dict[str, Any]]:
        """What is recorded of customers, of all shops. The whole of the file is gone through."""
        wanted = {*customer_ids}
        orders = [
            {"order": order_key, **msgspec.structs.asdict(book)}
            for _, order_key, book in self._books()
            if book.customer_id in wanted
        ]
        rows = [
            {"table": table, "customer_id": of}
            for table in _NAMING
            for (of,) in self._every(f"SELECT customer_id FROM {table}")  # noqa: S608 - names of ours
            if of in wanted
        ]
        return [*orders, *rows]

    def forget(self, customer_ids: Collection[str]) -> None:
        """Delete what is recorded of customers, of all shops; their orders count as new if they are imported again."""
        wanted = {*customer_ids}
        booked = [(shop, order_key) for shop, order_key, book in self._books() if book.customer_id in wanted]
        try:
            with self._file:
                self._file.executemany("DELETE FROM booked WHERE shop = ? AND order_key = ?", booked)
                for table in _NAMING:
                    ids = [(one,) for one in wanted]
                    self._file.executemany(f"DELETE FROM {table} WHERE customer_id = ?", ids)  # noqa: S608 - as above
        except sqlite3.Error as error:
            raise ImportFileError(f"{self._path}: cannot be written: {error}") from error

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _enter(self, entry: LedgerEntry) -> None:
        book = entry.book
        self._file.execute(
            "INSERT OR REPLACE INTO booked VALUES (?, ?, ?)",
            [self._shop, entry.order_key, msgspec.msgpack.encode(book)],
        )
        self._file.execute(
            "INSERT INTO newest VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at_ms = max(at_ms, excluded.at_ms)",
            [self._shop, book.customer_id, entry.at_ms],
        )
        if book.customer:
            self._file.execute(
                "INSERT OR IGNORE INTO alias VALUES (?, ?, ?)", [self._shop, book.customer, book.customer_id]
            )

    def _books(self) -> Iterator[tuple[str, str, Book]]:
        for shop, order_key, body in self._every("SELECT shop, order_key, body FROM booked"):
            yield shop, order_key, msgspec.msgpack.decode(body, type=Book)

    def _every(self, statement: str) -> list[tuple[Any, ...]]:
        try:
            return self._file.execute(statement).fetchall()
        except sqlite3.Error as error:
            raise ImportFileError(f"{self._path}: cannot be read: {error}") from error

    def _all(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        try:
            return self._file.execute(statement, [self._shop, *values]).fetchall()
        except sqlite3.Error as error:
            raise ImportFileError(f"{self._path}: cannot be read: {error}") from error
