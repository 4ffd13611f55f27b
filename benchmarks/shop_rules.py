"""Rules that a shop would use to choose whom to contact; `benchmarks.alerts` says what each is."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.silences import WEEK, Shop, Spell

__all__ = ["crossings", "most_recent", "rfm"]

#: The lower two of five classes: customers whose last order is longer ago than that of three fifths.
_LOWER_FIFTHS = 2


def crossings(
    all_spells: Sequence[Spell], begin: float, end: float, after: Callable[[Spell], float]
) -> list[tuple[Spell, float]]:
    """Silences that become ``after`` days long within [begin, end)."""
    found = [(spell, spell.last + after(spell)) for spell in all_spells]
    return [(spell, at) for spell, at in found if begin <= at < min(end, spell.following)]


def most_recent(all_spells: Sequence[Spell], begin: float, end: float, number: int) -> list[tuple[Spell, float]]:
    """The recency rule: the whole number of days of silence that gives about as many alerts."""

    def limit(days: int) -> list[tuple[Spell, float]]:
        return crossings(all_spells, begin, end, lambda _: float(days))

    limits = [limit(days) for days in range(2, 200)]
    return min(limits, key=lambda alerts: abs(len(alerts) - number))


def rfm(shop: Shop, all_spells: Sequence[Spell], begin: float, end: float, number: int) -> list[tuple[Spell, float]]:
    """Weekly: whose recency has come into the lower two fifths, the best by frequency and money first."""
    weeks = np.arange(begin, end, WEEK)
    told: set[tuple[str, float]] = set()
    alerts = []
    for week in weeks:
        open_spells = [s for s in all_spells if s.last < week <= s.following]
        if not open_spells:
            continue
        recency = np.array([week - s.last for s in open_spells])
        frequency = np.array([s.days for s in open_spells], np.float64)
        money = np.array([shop.spent(s.customer, 0.0, week) for s in open_spells])
        score = _fifths(frequency) + _fifths(money)
        ranked = sorted(
            np.flatnonzero(_fifths(-recency) < _LOWER_FIFTHS).tolist(), key=lambda k: (-score[k], recency[k])
        )
        fresh = [k for k in ranked if (open_spells[k].customer, open_spells[k].last) not in told]
        for k in fresh[: round(number / len(weeks))]:
            told.add((open_spells[k].customer, open_spells[k].last))
            alerts.append((open_spells[k], float(week)))
    return alerts


def _fifths(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return np.asarray(5 * ranks // len(values), np.int64)
