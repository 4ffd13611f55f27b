"""Imports files in a test without Kafka: the events to publish, and the messages."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from stream.client.event_contract import EventContract
from stream.imports.contacts import Contact
from stream.imports.import_ledger import Book, ImportLedger, LedgerEntry
from stream.imports.import_summary import Summary
from stream.imports.importer import Importer
from stream.imports.issues import Issue, Why
from stream.imports.source import ImportFile, Options, open_source
from stream.imports.staging import Staging
from stream.settings import Settings

EXPORTS = Path(__file__).parent / "exports"
#: 2026-01-01.
NOW_MS = 1_767_225_600_000
UNITS = 10_000

#: An export of three orders.
HEADER = "Order number,Order date,Customer email,Total"
LINES = (
    "1001,2024-03-01 10:00,ann@example.com,19.90",
    "1002,2024-03-05 11:30,bo@example.com,5.00",
    "1003,2024-04-01 12:00,ann@example.com,1250.00",
)


class Imported(NamedTuple):
    summary: Summary
    events: list[dict[str, Any]]
    issues: list[Issue]
    contacts: dict[str, Contact]
    order_days: list[tuple[int, int]]
    sources: list[ImportFile]

    def why(self, why: Why) -> list[int]:
        """The lines that the note names."""
        return [issue.line for issue in self.issues if issue.why is why]

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["name"] == name]

    def money(self) -> float:
        return sum(self.summary.ordered.values()) / UNITS

    def paid_back(self) -> float:
        return sum(self.summary.paid_back.values()) / UNITS


def imported(
    *paths: Path,
    ledger: ImportLedger | None = None,
    newest: Mapping[str, int] | None = None,
    settings: Settings | None = None,
    **options: Any,
) -> Imported:
    """Import ``paths``; with a ledger the events count as published afterwards. ``newest``: what workers know."""
    sources = [open_source(path, Options(**options), lambda *_: None) for path in paths]
    known = newest or {}
    with Staging() as staging:
        importer = Importer(
            sources,
            staging,
            EventContract(settings or Settings()),
            ledger,
            now_ms=NOW_MS,
            newest=lambda ids: {one: known[one] for one in ids if one in known},
        )
        summary = importer.prepare()
        staged = [*staging.events()]
        contacts = dict(importer.contacts())
        if ledger is not None:
            ledger.enter(
                [
                    LedgerEntry(event.order_key, event.at_ms, msgspec.msgpack.decode(event.book, type=Book))
                    for event in staged
                ],
                None,
            )
        events = [msgspec.json.decode(event.value) for event in staged]
        return Imported(summary, events, [*staging.issues()], contacts, [*staging.order_days(1000)], sources)


def table(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """Write a file for a test."""
    path.write_bytes(text.encode(encoding))
    return path


def rows(header: str, lines: Sequence[str]) -> str:
    return "\n".join([header, *lines]) + "\n"
