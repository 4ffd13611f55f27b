"""What customers write about more than before: moods, categories and words of a week, with examples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from stream.projections.judgements import Judged
from stream.projections.written import Text
from stream.texts.hashing import words_of

__all__ = ["MIN_CUSTOMERS", "WEEKS_BEFORE", "SaidText", "Theme", "Themes", "growth", "monday_of", "themes_of"]

#: The weeks before that a week is compared with.
WEEKS_BEFORE: Final = 4
#: A theme is what at least so many customers wrote about.
MIN_CUSTOMERS: Final = 3
#: Examples of a theme, each of another customer.
MAX_EXAMPLES: Final = 3
#: Words shown at most.
MAX_WORDS: Final = 10
_EXAMPLE_CHARACTERS: Final = 200
#: Chi-squared with one degree of freedom, p = 0.001: thousands of words are compared.
_MIN_GROWTH: Final = 10.83
_MIN_LETTERS: Final = 3
_WEEK: Final = timedelta(days=7)


class SaidText(NamedTuple):
    """A text, who wrote it, and what it was taken for; ``judged``: None, it was not classified yet."""

    customer_id: str
    text: Text
    judged: Judged | None = None

    @property
    def mood(self) -> str | None:
        """Told or decided; None if nobody knows."""
        return self.text.mood if self.judged is None else self.judged.mood.label

    @property
    def category(self) -> str | None:
        return None if self.judged is None else self.judged.category.label


class Theme(msgspec.Struct, frozen=True):
    """``now`` and ``before``: customers who wrote about it, of those who wrote at all (`Themes`)."""

    name: str
    now: int
    before: int
    growth: float
    examples: tuple[str, ...]


class Themes(msgspec.Struct, frozen=True):
    """Of the ``week`` that begins on this Monday (UTC), compared with the `WEEKS_BEFORE`.

    ``customers`` and ``customers_before`` wrote something. ``moods`` and ``categories``: each of them; ``estimated`` of
    the texts of the week have a mood that nobody told, and ``undecided`` have none. ``words``: those that grew, the
    surest first.
    """

    week: str
    customers: int
    customers_before: int
    estimated: int
    undecided: int
    moods: tuple[Theme, ...]
    categories: tuple[Theme, ...]
    words: tuple[Theme, ...]


def _week_of(at_ms: int) -> date:
    """The Monday of the week of a time, UTC."""
    return monday_of(datetime.fromtimestamp(at_ms / 1000, UTC).date())


def monday_of(day: date) -> date:
    """The Monday of the week of a day.

    >>> monday_of(date(2026, 1, 4)), monday_of(date(2026, 1, 5))
    (datetime.date(2025, 12, 29), datetime.date(2026, 1, 5))
    """
    return day - timedelta(days=day.weekday())


def growth(now: int, of: int, before: int, of_before: int) -> float:
    """How sure it is that ``now`` of ``of`` is more than ``before`` of ``of_before``: Dunning's G^2; 0 if not more.

    Source: T. Dunning, "Accurate methods for the statistics of surprise and coincidence", Computational Linguistics 19
    (1993). Without anybody before there is nothing to compare with: 0.

    >>> round(growth(10, 100, 10, 400), 2)
    9.4
    >>> growth(1, 100, 10, 400)
    0.0
    """
    if not of or not of_before or now / of <= before / of_before:
        return 0.0
    share = (now + before) / (of + of_before)
    cells = (
        (now, of * share),
        (of - now, of * (1 - share)),
        (before, of_before * share),
        (of_before - before, of_before * (1 - share)),
    )
    return 2.0 * sum(seen * math.log(seen / expected) for seen, expected in cells if seen)


def themes_of(said: Iterable[SaidText], week: date | None = None) -> Themes | None:
    """The themes of a week, None if there is no text: by default of the week of the newest text."""
    texts = sorted(said, key=lambda one: (one.text.at_ms, one.text.id))
    if not texts:
        return None
    week = week or _week_of(texts[-1].text.at_ms)
    present, former = _Weeks(), _Weeks()
    estimated = undecided = 0
    for one in texts:
        monday = _week_of(one.text.at_ms)
        if monday == week:
            estimated += one.mood is not None and one.text.mood is None
            undecided += one.mood is None
            present.add(one)
        elif week - WEEKS_BEFORE * _WEEK <= monday < week:
            former.add(one)
    words = _compared(present, former, "words")
    grown = [one for one in words if one.growth >= _MIN_GROWTH and one.now >= MIN_CUSTOMERS]
    return Themes(
        week.isoformat(),
        len(present.customers),
        len(former.customers),
        estimated,
        undecided,
        _by_customers(_compared(present, former, "moods")),
        _by_customers(_compared(present, former, "categories")),
        tuple(sorted(grown, key=lambda one: (-one.growth, one.name))[:MAX_WORDS]),
    )


def _by_customers(found: Iterable[Theme]) -> tuple[Theme, ...]:
    return tuple(sorted(found, key=lambda one: (-one.now, one.name)))


class _Weeks:
    """Who wrote what in some weeks: customer -> newest text, for each mood, category and word."""

    def __init__(self) -> None:
        self.customers: set[str] = set()
        self.about: dict[str, dict[str, dict[str, Text]]] = {"moods": {}, "categories": {}, "words": {}}

    def add(self, one: SaidText) -> None:
        self.customers.add(one.customer_id)
        named = (("moods", [one.mood]), ("categories", [one.category]), ("words", _words(one.text.text)))
        for kind, names in named:
            for name in names:
                if name is not None:
                    self.about[kind].setdefault(name, {})[one.customer_id] = one.text


def _words(text: str) -> set[str]:
    """Words of three letters and more, and pairs of neighbouring Chinese or Japanese characters."""
    words = words_of(text)
    pairs = {a + b for a, b in pairwise(words) if len(a) == len(b) == 1 and a + b in text and not (a + b).isascii()}
    return {word for word in words if len(word) >= _MIN_LETTERS and not word.isdecimal()} | pairs


def _compared(present: _Weeks, former: _Weeks, kind: str) -> list[Theme]:
    """A theme for each name that occurs now."""
    themes = []
    for name, about in present.about[kind].items():
        now, before = len(about), len(former.about[kind].get(name, ()))
        grown = growth(now, len(present.customers), before, len(former.customers))
        themes.append(Theme(name, now, before, round(grown, 2), _examples(about.values())))
    return themes


def _examples(texts: Iterable[Text]) -> tuple[str, ...]:
    newest: Sequence[Text] = sorted(texts, key=lambda text: (-text.at_ms, text.id))[:MAX_EXAMPLES]
    clipped = (
        text.text if len(text.text) <= _EXAMPLE_CHARACTERS else text.text[: _EXAMPLE_CHARACTERS - 1] + "…"
        for text in newest
    )
    return tuple(" ".join(text.split()) for text in clipped)
