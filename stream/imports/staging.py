"""Everything that an import has read, on disk: sorted and grouped there, so that memory stays small.

SQLite does the sorting, in a file that is gone afterwards. 2 million lines take some 600 MB there.
"""

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

import msgspec

from stream.errors import ImportFileError
from stream.events.kinds import EventType
from stream.imports.contacts import Contact
from stream.imports.issues import Issue, Why
from stream.imports.line import Line

__all__ = ["StagedEvent", "Staging"]

_CACHE_KIB: Final = 65_536
_AT_ONCE: Final = 5_000
_SCHEMA: Final = """
CREATE TABLE line (order_key TEXT, seq INTEGER, table_ INTEGER, amount INTEGER, worth REAL, refund INTEGER,
    digest INTEGER, body BLOB);
CREATE TABLE link (customer TEXT PRIMARY KEY, email TEXT) WITHOUT ROWID;
CREATE TABLE person (email TEXT, customer TEXT, seen_ms INTEGER, body BLOB, PRIMARY KEY (email, customer))
    WITHOUT ROWID;
CREATE TABLE issue (table_ INTEGER, line INTEGER, why TEXT, detail TEXT);
CREATE TABLE event (at_ms INTEGER, seq INTEGER, type TEXT, order_key TEXT, event_id TEXT, customer_id TEXT, body BLOB,
    book BLOB);
CREATE TABLE bought (customer_id TEXT, day INTEGER, PRIMARY KEY (customer_id, day)) WITHOUT ROWID;
"""
_LINE: Final = msgspec.msgpack.Encoder()
_LINES: Final = msgspec.msgpack.Decoder(Line)
_CONTACTS: Final = msgspec.msgpack.Decoder(Contact)


class StagedEvent(NamedTuple):
    """A native event that waits to be published. ``book``: what the ledger notes of its order once it is there."""

    at_ms: int
    event_type: EventType
    order_key: str
    event_id: str
    customer_id: str
    value: bytes
    book: bytes


class Staging:
    """A store in a temporary file. Raises `ImportFileError` when the disk is full or cannot be written."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="stream-import-", dir=folder)
        self._file = sqlite3.connect(Path(self._folder.name) / "staging.sqlite", isolation_level=None)
        # nothing in it is worth keeping after a crash
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", f"cache_size = -{_CACHE_KIB}"):
            self._file.execute(f"PRAGMA {pragma}")
        # sorting spills into files of SQLite's own choice of folder; this one is known to have room
        self._file.execute(f"PRAGMA temp_store_directory = '{self._folder.name}'")
        self._file.executescript(_SCHEMA)
        # one transaction for everything: no other process reads the file
        self._file.execute("BEGIN")
        self._lines: list[tuple[str, int, int, int | None, float | None, bool, int, bytes]] = []
        self._issues: list[Issue] = []
        self._seq = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._folder.cleanup()
        if isinstance(error, sqlite3.Error):
            raise ImportFileError(f"the rows cannot be sorted on disk in {tempfile.gettempdir()}: {error}") from error

    # What rows say.

    def add_line(self, order_key: str, line: Line) -> None:
        self._seq += 1
        # SQLite's integers are signed
        digest = line.digest - (1 << 63)
        body = _LINE.encode(line)
        self._lines.append((order_key, self._seq, line.table, line.amount, line.worth, line.is_refund, digest, body))
        if len(self._lines) == _AT_ONCE:
            self._write_lines()

    def add_person(self, email: str, customer: str, contact: Contact) -> None:
        """Remember who somebody is, and that the customer number and the e-mail address are the same person."""
        if email and customer:
            self._file.execute("INSERT OR IGNORE INTO link VALUES (?, ?)", [customer, email])
        if contact and (email or customer):
            self._file.execute(
                "INSERT INTO person VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET seen_ms = excluded.seen_ms,"
                " body = excluded.body WHERE excluded.seen_ms >= seen_ms",
                [email, customer, contact.seen_ms, _LINE.encode(contact)],
            )

    def add_issue(self, issue: Issue) -> None:
        self._issues.append(issue)
        if len(self._issues) == _AT_ONCE:
            self._write_issues()

    # What becomes of them.

    def email_of(self, customer: str) -> str:
        """The e-mail address that some row gives for a customer number; empty if none does."""
        found = self._file.execute("SELECT email FROM link WHERE customer = ?", [customer]).fetchone()
        return found[0] if found else ""

    def people(self) -> Iterator[tuple[str, str, Contact]]:
        """E-mail address, customer number and contact, oldest rows first."""
        rows = self._file.execute("SELECT email, customer, body FROM person ORDER BY seen_ms, email, customer")
        return ((email, customer, _CONTACTS.decode(body)) for email, customer, body in rows)

    def orders(self) -> Iterator[tuple[str, list[Line]]]:
        """The lines of each order, in the order of files and lines."""
        self._write_lines()
        rows = self._file.execute("SELECT order_key, body FROM line ORDER BY order_key, seq")
        for order_key, lines in groupby(rows, key=lambda row: str(row[0])):
            yield order_key, [_LINES.decode(body) for _, body in lines]

    def repeated_amounts(self, table: int) -> tuple[int, int, int, int]:
        """Of a table's sales: orders; those with several amounts; of these, with different ones; with equal rows."""
        self._write_lines()
        row = self._file.execute(
            "SELECT count(*), sum(n > 1), sum(n > 1 AND least <> most), sum(n > 1 AND rows_ = 1) FROM"
            " (SELECT count(amount) n, min(amount) least, max(amount) most, count(DISTINCT digest) rows_ FROM line"
            " WHERE table_ = ? AND NOT refund GROUP BY order_key)",
            [table],
        ).fetchone()
        return row[0], row[1] or 0, row[2] or 0, row[3] or 0

    def amounts_beside_prices(self, table: int) -> tuple[int, int]:
        """Of a table's sales with several amounts: those whose amount is nearer to the price of all pieces than the
        amounts' sum is, and those where the sum is nearer.
        """
        self._write_lines()
        row = self._file.execute(
            "SELECT sum(abs(least - worth) < abs(total - worth)), sum(abs(total - worth) < abs(least - worth)) FROM"
            " (SELECT min(amount) least, sum(amount) total, sum(worth) worth FROM line WHERE table_ = ? AND NOT refund"
            " GROUP BY order_key HAVING count(amount) > 1 AND count(worth) = count(*))",
            [table],
        ).fetchone()
        return row[0] or 0, row[1] or 0

    def add_events(self, events: Iterable[StagedEvent]) -> None:
        rows = ((event.at_ms, self._next(), str(event.event_type), *event[2:]) for event in events)
        self._file.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def add_order_day(self, customer_id: str, day: int) -> None:
        self._file.execute("INSERT OR IGNORE INTO bought VALUES (?, ?)", [customer_id, day])

    def events(self) -> Iterator[StagedEvent]:
        """The events by time; those of one time as they were added."""
        rows = self._file.execute(
            "SELECT at_ms, type, order_key, event_id, customer_id, body, book FROM event ORDER BY at_ms, seq"
        )
        return (StagedEvent(row[0], EventType(row[1]), *row[2:]) for row in rows)

    def count_events(self) -> int:
        (count,) = self._file.execute("SELECT count(*) FROM event").fetchone()
        return int(count)

    def count_buyers(self) -> int:
        """Customers with an order that counts."""
        (count,) = self._file.execute("SELECT count(DISTINCT customer_id) FROM bought").fetchone()
        return int(count)

    def order_days(self, customers: int) -> Iterator[tuple[int, int]]:
        """Customer and day (since the epoch) of the orders that count, for at most so many ``customers``.

        They are numbered from 0; the choice is as good as random if ids are hashes.
        """
        rows = self._file.execute("SELECT customer_id, day FROM bought ORDER BY customer_id, day")
        for number, (_, days) in enumerate(islice(groupby(rows, key=lambda row: str(row[0])), customers)):
            yield from ((number, int(day)) for _, day in days)

    def issues(self) -> Iterator[Issue]:
        """All issues by file and line."""
        self._write_issues()
        rows = self._file.execute("SELECT table_, line, why, detail FROM issue ORDER BY table_, line, rowid")
        return (Issue(table, line, Why(why), detail) for table, line, why, detail in rows)

    def issue_counts(self) -> dict[Why, tuple[int, Issue]]:
        """For each reason the number of rows and the first of them."""
        self._write_issues()
        rows = self._file.execute(
            "SELECT why, count(*), min(table_ * 1000000000000 + line) FROM issue GROUP BY why ORDER BY 2 DESC, 1"
        ).fetchall()
        found: dict[Why, tuple[int, Issue]] = {}
        for why, count, place in rows:
            table, line = divmod(place, 1_000_000_000_000)
            (detail,) = self._file.execute(
                "SELECT detail FROM issue WHERE why = ? AND table_ = ? AND line = ? LIMIT 1", [why, table, line]
            ).fetchone()
            found[Why(why)] = count, Issue(table, line, Why(why), detail)
        return found

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def _write_lines(self) -> None:
        self._file.executemany("INSERT INTO line VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._lines)
        self._lines.clear()

    def _write_issues(self) -> None:
        self._file.executemany("INSERT INTO issue VALUES (?, ?, ?, ?)", self._issues)
        self._issues.clear()
