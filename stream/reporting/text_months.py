"""What customers wrote in the newest month, beside the month before: moods and subjects by number of texts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from stream.projections.judgements import UNDECIDED, Counts, TextTally

__all__ = ["TextMonth", "TextRow", "newest_month"]


class TextRow(NamedTuple):
    """A mood or a subject, and its share of the texts of the month, and of the month before (None: it has no text)."""

    name: str
    texts: int
    share: float
    share_before: float | None


class TextMonth(NamedTuple):
    """``month``: its first day (UTC). ``texts`` in it and ``before`` it, in the month before.

    ``moods``, ``subjects``: the most first. Nobody told the mood of ``without_mood`` of the texts, nor the subject of
    ``without_subject``, and no model was sure of it.
    """

    month: date
    texts: int
    before: int
    moods: Sequence[TextRow]
    subjects: Sequence[TextRow]
    without_mood: int
    without_subject: int


def newest_month(tally: TextTally) -> TextMonth | None:
    """The newest month with a text; None: there is no text.

    >>> moods = {"2026-01": {"negative": 1}, "2026-02": {"negative": 3, "positive": 1}}
    >>> found = newest_month(TextTally(categories={"2026-02": {"": 4}}, moods=moods))
    >>> found.month, found.texts, found.before, found.without_subject
    (datetime.date(2026, 2, 1), 4, 1, 4)
    >>> [(row.name, row.share, row.share_before) for row in found.moods]
    [('negative', 0.75, 1.0), ('positive', 0.25, 0.0)]
    """
    months = [month for month, counts in tally.moods.items() if any(counts.values())]
    if not months:
        return None
    begin = date.fromisoformat(f"{max(months)}-01")
    names = [begin.strftime("%Y-%m"), (begin - timedelta(days=1)).strftime("%Y-%m")]
    moods, moods_before = (tally.moods.get(name, {}) for name in names)
    subjects, subjects_before = (tally.categories.get(name, {}) for name in names)
    return TextMonth(
        begin,
        sum(moods.values()),
        sum(moods_before.values()),
        _rows(moods, moods_before),
        _rows(subjects, subjects_before),
        moods.get(UNDECIDED, 0),
        subjects.get(UNDECIDED, 0),
    )


def _rows(now: Counts, before: Counts) -> list[TextRow]:
    texts, texts_before = sum(now.values()), sum(before.values())
    rows = [
        TextRow(name, count, count / texts, before.get(name, 0) / texts_before if texts_before else None)
        for name, count in now.items()
        if name != UNDECIDED
    ]
    return sorted(rows, key=lambda row: (-row.texts, row.name))
