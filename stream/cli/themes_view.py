"""Themes, for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stream.catalogue.wording import number_of
from stream.events.rejections import printable
from stream.reporting.themes import WEEKS_BEFORE, Theme, Themes

__all__ = ["themes_view"]


def themes_view(themes: Themes) -> RenderableType:
    """Moods, then words that grew."""
    parts: list[RenderableType] = [
        Text(
            f"week of {themes.week}: {number_of(themes.customers, 'customer', 'customers')} wrote,"
            f" {themes.customers_before:,} in the {WEEKS_BEFORE} weeks before"
        ),
        Text(
            f"mood: estimated for {number_of(themes.estimated, 'text', 'texts')} of which nobody told it;"
            f" undecided for {themes.undecided:,}",
            "bright_black",
        ),
        _table("mood", themes.moods, themes),
        *([_table("category", themes.categories, themes)] if themes.categories else []),
    ]
    if themes.words:
        parts.append(_table("word", themes.words, themes))
    else:
        parts.append(Text("No word grew.", "bright_black"))
    return Group(*parts)


def _table(title: str, rows: Sequence[Theme], themes: Themes) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bright_black")
    table.add_column(title)
    table.add_column("customers", justify="right")
    table.add_column("share", justify="right")
    table.add_column("before", justify="right")
    table.add_column("examples")
    for row in rows:
        table.add_row(
            printable(row.name),
            f"{row.now:,}",
            _share(row.now, themes.customers),
            _share(row.before, themes.customers_before),
            Text("\n".join(printable(example) for example in row.examples)),
        )
    return table


def _share(count: int, of: int) -> str:
    return f"{count / of:.0%}" if of else "-"
