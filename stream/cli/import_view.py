"""What `stream import` says to people."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stream.catalogue.wording import number_of
from stream.events.rejections import visible
from stream.imports.import_summary import Summary
from stream.imports.issues import Issue, IssueSeverity, Why
from stream.imports.line import UNITS
from stream.imports.mapping import Mapping
from stream.imports.source import ImportFile
from stream.reporting.writing import Writing

__all__ = ["money", "print_issues", "print_mapping", "print_sources", "print_summary"]

_LOCALE: Final = "en_GB"
#: Of the columns that are not read so many are named.
_UNREAD: Final = 30
_TITLES: Final = (
    (IssueSeverity.REFUSED, "Not used, because something is wrong with them"),
    (IssueSeverity.LEFT_OUT, "Not used, as they are no orders that count"),
    (IssueSeverity.NOTE, "Used, but look at them"),
)


def money(amounts: Counter[str]) -> str:
    """Sums in 1/UNITS by currency, as people write them.

    >>> money(Counter({"EUR": 12345000}))
    '€1,234.50'
    """
    utc = ZoneInfo("UTC")
    shown = [Writing(_LOCALE, code, utc).money(units / UNITS) for code, units in sorted(amounts.items()) if units]
    return " and ".join(shown) or "no amounts"


def _day(at_ms: int, zone: tzinfo) -> str:
    return format_date(datetime.fromtimestamp(at_ms / 1000, zone), "d MMMM y", locale=_LOCALE)


def print_mapping(console: Console, mapping: Mapping, header: Sequence[str]) -> None:
    """Which columns of ``header`` were found to be what, and which are not read."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("what")
    table.add_column("column")
    for field, column in mapping.columns.items():
        table.add_row(field.replace("_", " "), Text(visible(column)))
    console.print(table)
    used = {*mapping.columns.values()}
    unread = [name for name in header if name and name not in used]
    if unread:
        more = f" and {len(unread) - _UNREAD:,} more" if len(unread) > _UNREAD else ""
        console.print(Text(f"Not read: {', '.join(map(visible, unread[:_UNREAD]))}{more}."))


def print_sources(console: Console, sources: Sequence[ImportFile]) -> None:
    """What each file is, and what was assumed about it."""
    for source in sources:
        about = f"{source.mapping.title}; {number_of(source.reading.rows, 'row', 'rows')} ({source.table.described})"
        console.print(Text(f"{visible(source.name)}: {about}"))
        for note in source.reading.notes:
            console.print(Text(f"  {note}"))


def print_summary(console: Console, summary: Summary, zone: tzinfo) -> None:
    """Orders, customers, money and dates; these by the clock of ``zone``."""
    if summary.first_ms is None or summary.last_ms is None:
        console.print("\nNo orders were found.")
        return
    first, last = _day(summary.first_ms, zone), _day(summary.last_ms, zone)
    days = f"on {first}" if first == last else f"from {first} to {last}"
    console.print(
        f"\n{number_of(summary.orders, 'order', 'orders')} of {number_of(summary.customers, 'customer', 'customers')}"
        f" {days}: {money(summary.ordered)}."
    )
    if any(summary.paid_back.values()):
        console.print(
            f"{money(summary.paid_back)} of it was paid back; {money(summary.ordered - summary.paid_back)} is left."
        )
    if summary.cancelled:
        what = "it counts" if summary.cancelled == 1 else "they count"
        console.print(f"{number_of(summary.cancelled, 'more order', 'more orders')} cancelled: {what} nothing.")


def print_issues(console: Console, summary: Summary, sources: Sequence[ImportFile]) -> None:
    """Rows that are not used, by reason, with the first of each."""
    for severity, title in _TITLES:
        found = [(why, count, first) for why, (count, first) in summary.counts.items() if first.severity is severity]
        if not found:
            continue
        rows = sum(count for _, count, _ in found)
        console.print(f"\n{title}: {rows:,} of {number_of(summary.rows, 'row', 'rows')}")
        for why, count, first in found:
            console.print(Text(f"{count:>8,}  {_said(why, first, sources)}"))


def _said(why: Why, first: Issue, sources: Sequence[ImportFile]) -> str:
    where = f"line {first.line:,}" if len(sources) == 1 else f"{sources[first.table].name}, line {first.line:,}"
    detail = f": {first.detail}" if first.detail else ""
    return visible(f"{why} First: {where}{detail}".rstrip(".?!") + ".")
