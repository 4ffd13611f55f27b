"""Today's list on a terminal."""

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stream.catalogue.wording import number_of
from stream.cli.leads_view import lead_table
from stream.cli.list_names import called_in_list
from stream.events.rejections import printable
from stream.reporting.entries import Entry, Movement, Today
from stream.reporting.summary import complaints_line, headline, leads_line, model_note, stage_lines, standing_line
from stream.reporting.writing import Writing

__all__ = ["today_list", "today_view"]

_NAMES_SHOWN = 5
_COMPLAINTS_SHOWN = 20
#: From here on more likely than not by far.
_HIGH_RISK = 0.7


def today_view(found: Today, writing: Writing, note: str) -> RenderableType:
    """Lay the list out: the day, how the customers stand, whom to contact, what has moved since yesterday."""
    return Group(
        Text(writing.weekday(found.now_ms), "bold"),
        Text(standing_line(found, writing)),
        *map(Text, stage_lines(found, writing)),
        *(Text(line, "yellow") for line in (note, model_note(found)) if line),
        Text(),
        *_complaints(found, writing),
        *_list(found, writing),
        *_leads(found, writing),
        Text(),
        Text(f"Since yesterday, {writing.short_date(found.since_ms, found.now_ms)}", "bold"),
        _movements(found),
    )


def today_list(found: Today, writing: Writing) -> RenderableType:
    """The list alone, and how the customers stand."""
    return Group(
        Text(standing_line(found, writing)),
        *map(Text, stage_lines(found, writing)),
        *(Text(line, "yellow") for line in (model_note(found),) if line),
        *_list(found, writing),
    )


def _complaints(found: Today, writing: Writing) -> Iterator[RenderableType]:
    """Who waits for an answer."""
    if not found.complaints:
        return
    yield Text(complaints_line(found), "bold")
    table = Table.grid(padding=(0, 3, 0, 0))
    for one in found.complaints[:_COMPLAINTS_SHOWN]:
        since = writing.short_date(one.since_ms, found.now_ms)
        acted = Text("acted on, not resolved", "dim") if one.acted else Text("answer today", "yellow")
        table.add_row(Text(called_in_list(one), "bold"), printable(one.sentence), since, acted)
    yield table
    if (rest := len(found.complaints) - _COMPLAINTS_SHOWN) > 0:
        yield Text(f"{rest:,} more: --json", "dim")
    yield Text()


def _leads(found: Today, writing: Writing) -> Iterator[RenderableType]:
    """Who may order for the first time."""
    if not found.leads:
        return
    yield Text()
    yield Text(leads_line(found), "bold")
    yield lead_table(found.leads, writing)


def _list(found: Today, writing: Writing) -> Iterator[RenderableType]:
    yield Text(headline(found, writing), "bold")
    if not found.entries:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("customer", overflow="fold", max_width=18)
    table.add_column("at stake", justify="right", no_wrap=True)
    if found.scored:
        table.add_column("risk", justify="right", no_wrap=True)
    table.add_column("stage")
    table.add_column("why")
    table.add_column("order was due", justify="right")
    table.add_column("what to do")
    for entry in found.entries:
        table.add_row(*_cells(entry, found, writing))
    yield table
    if found.at_risk > len(found.entries):
        yield Text(f"{found.at_risk - len(found.entries):,} more with less at stake: --limit {found.at_risk}", "dim")


def _cells(entry: Entry, found: Today, writing: Writing) -> Iterator[Text]:
    yield Text(called_in_list(entry), "bold")
    yield Text(writing.about(entry.at_stake))
    if entry.risk is not None:
        yield Text(writing.percent(entry.risk), "red" if entry.risk >= _HIGH_RISK else "")
    yield Text(entry.standing_in_words)
    yield Text(entry.reason)
    yield Text(writing.short_date(entry.due_ms, found.now_ms))
    advice = Text(entry.action, "" if entry.may_email else "yellow")
    for note in entry.notes:
        advice.append(f" ({printable(note)})", "dim")
    yield advice


def _movements(found: Today) -> Table:
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(style="bright_black", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    rows = (
        ("new", found.new, "first order"),
        ("returning", found.returning, "ordered again"),
        ("won back", found.won_back, "had been lost, and ordered"),
        ("lost", found.lost, "silent for three times as long as usual"),
    )
    for name, movement, meaning in rows:
        table.add_row(name, f"{movement.count:,}", _names(movement) or Text(meaning, "dim"))
    table.add_row("due soon", f"{found.due_soon:,}", Text("next order expected within 7 days, or just late", "dim"))
    return table


def _names(movement: Movement) -> Text | None:
    if not movement.entries:
        return None
    shown = [called_in_list(entry) for entry in movement.entries[:_NAMES_SHOWN]]
    rest = movement.count - len(shown)
    return Text(", ".join(shown) + (f" and {number_of(rest, 'other', 'others')}" if rest > 0 else ""))
