"""What customers write, for people: moods and categories as counts, and the texts themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stream.catalogue.wording import number_of
from stream.events.rejections import printable
from stream.events.times import rfc3339
from stream.projections.judgements import UNDECIDED, Counts, Judgement, Tested, TextTally
from stream.reporting.themes import SaidText

__all__ = ["clipped", "judgement_line", "tally_view", "texts_view", "told_of"]

_NONE: Final = {"category": "no category yet", "mood": "mood undecided"}
_MAX_CHARACTERS: Final = 300
#: Categories with a column of their own, the most frequent ones.
_MAX_COLUMNS: Final = 8


def tally_view(tally: TextTally) -> RenderableType:
    """Texts by mood and by category: in all, by month, by channel; how often the decisions were right."""
    return Group(
        "",
        _counts("mood of texts", tally.moods, tally.mood_channels),
        Text(_tested("mood", tally.mood_tested), "bright_black"),
        "",
        _counts("category of texts", tally.categories, tally.category_channels),
        Text(_tested("category", tally.category_tested), "bright_black"),
    )


def texts_view(said: Sequence[SaidText]) -> RenderableType:
    """Texts with their ids, moods and categories."""
    parts: list[RenderableType] = []
    for one in said:
        text = one.text
        parts += (
            Text.assemble((printable(text.event_id), "bold"), f"  {rfc3339(text.at_ms)} {printable(one.customer_id)}"),
            Text(f"    {clipped(text.text)}"),
            Text(f"    {judgement_line(one)}", "bright_black"),
        )
    return Group(*parts)


def judgement_line(one: SaidText) -> str:
    """Mood and category of a text, how sure they are and which words decided."""
    if one.judged is None:
        return "not classified yet"
    return "; ".join((_judgement("mood", one.judged.mood), _judgement("category", one.judged.category)))


def told_of(one: SaidText) -> dict[str, Any]:
    """A text for programs."""
    judged = None if one.judged is None else msgspec.to_builtins(one.judged)
    return {"customer_id": one.customer_id, **msgspec.to_builtins(one.text), "judged": judged}


def clipped(text: str) -> str:
    """A text on one line, of which the end may be left out."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= _MAX_CHARACTERS else f"{line[: _MAX_CHARACTERS - 1]}…"


def _judgement(kind: str, found: Judgement) -> str:
    if found.told is not None:
        return f"{kind} {printable(found.told)} (told)"
    if found.decided is None:
        return _NONE[kind]
    words = f": {', '.join(map(printable, found.words))}" if found.words else ""
    return f"{kind} {printable(found.decided)} ({found.probability:.0%}{words})"


def _counts(title: str, months: Mapping[str, Counts], channels: Mapping[str, Counts]) -> Table:
    whole = _added(months.values())
    named = sorted((label for label in whole if label != UNDECIDED), key=lambda label: (-whole[label], label))
    columns = [(printable(label), [label]) for label in named[:_MAX_COLUMNS]]
    if len(named) > _MAX_COLUMNS:
        columns.append(("all others", named[_MAX_COLUMNS:]))
    if UNDECIDED in whole:
        columns.append(("undecided", [UNDECIDED]))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bright_black")
    table.add_column(title)
    for heading, _ in columns:
        table.add_column(heading, justify="right")
    rows: list[tuple[str, Mapping[str, int]]] = [
        ("all", whole),
        *((month, months[month]) for month in sorted(months, reverse=True)),
        *((f"by {channel}" if channel else "by no channel", channels[channel]) for channel in sorted(channels)),
    ]
    for name, counts in rows:
        table.add_row(printable(name), *(f"{sum(counts.get(label, 0) for label in of):,}" for _, of in columns))
    return table


def _added(parts: Iterable[Counts]) -> Counter[str]:
    found: Counter[str] = Counter()
    for counts in parts:
        found.update(counts)
    return found


def _tested(kind: str, tested: Tested) -> str:
    decided = tested.labels - tested.abstained
    if not tested.labels:
        return f"no label of a {kind} yet: `stream feedback label ID CATEGORY`" if kind == "category" else ""
    texts = number_of(tested.labels, "text has", "texts have")
    right = f", {tested.right:,} of the other {decided:,} right" if decided else ""
    return f"{texts} a {kind} that was told; before that, {tested.abstained:,} undecided{right}"
