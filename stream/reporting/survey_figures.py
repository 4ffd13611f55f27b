"""NPS, CSAT and CES by the books, each with its interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from stream.alerts.intervals import Interval, share, shares_apart
from stream.catalogue.events import SCALES
from stream.projections.ratings import KIND, Counts
from stream.reporting.words import to_say

__all__ = ["SATISFACTION", "Figure", "added", "figure", "figures_of", "satisfaction"]

#: In place of a scale: all scores on their scales, complaints and praise together.
SATISFACTION: Final = "satisfaction"

#: Scores from which an answer counts as good: Reichheld, F. (2003), The one number you need to grow, Harvard Business
#: Review 81(12): promoters give 9 or 10, detractors 0 to 6. CSAT: the two best of five. CES 2.0: 5 to 7 of seven.
_GOOD_FROM: Final = {"stars": 4.0, "nps": 9.0, "csat": 4.0, "ces": 5.0}
_DETRACTORS_TO: Final = 6.0
_LABELS: Final = {"stars": to_say("4 or 5 stars"), "nps": "NPS", "csat": "CSAT", "ces": "CES"}


class Figure(NamedTuple):
    """``interval``: of NPS in [-1, 1], of satisfaction its mean in [0, 1], of all others the share of good answers.

    ``mean``: of the scores.
    """

    scale: str
    label: str
    answers: int
    mean: float
    interval: Interval


def added(tallies: Iterable[Mapping[str, Counts]]) -> dict[str, Counter[str]]:
    """Scale -> score -> how often, over several parts."""
    found: dict[str, Counter[str]] = {}
    for tally in tallies:
        for scale, counts in tally.items():
            found.setdefault(scale, Counter()).update(counts)
    return found


def figure(scale: str, counts: Mapping[str, int]) -> Figure | None:
    """The figure of a scale; None without answers.

    >>> found = figure("nps", {"10": 50, "8": 30, "3": 20})
    >>> found.answers, found.mean, [round(limit, 3) for limit in found.interval]
    (100, 8.0, [0.3, 0.14, 0.442])
    """
    scores = {float(value): number for value, number in counts.items()}
    answers = sum(scores.values())
    if answers == 0:
        return None
    good = sum(number for value, number in scores.items() if value >= _GOOD_FROM[scale])
    if scale == "nps":
        bad = sum(number for value, number in scores.items() if value <= _DETRACTORS_TO)
        interval = shares_apart(good, bad, answers)
    else:
        interval = share(good, answers)
    mean = sum(value * number for value, number in scores.items()) / answers
    return Figure(scale, _LABELS[scale], answers, mean, interval)


def satisfaction(counts: Mapping[str, Mapping[str, int]]) -> Figure | None:
    """The mean satisfaction of all answers, each the place of its score on its scale; None without answers.

    A complaint without a score counts 0, praise 1.

    >>> found = satisfaction({"nps": {"10": 1, "5": 1}, "stars": {"1": 1}, "kind": {"1": 1}})
    >>> found.answers, found.interval.estimate
    (4, 0.625)
    """
    total, answers = 0.0, 0
    for scale, scores in counts.items():
        low, high = (0.0, 1.0) if scale == KIND else (SCALES[scale].low, SCALES[scale].high)
        total += sum((float(value) - low) / (high - low) * number for value, number in scores.items())
        answers += sum(scores.values())
    if answers == 0:
        return None
    return Figure(SATISFACTION, to_say("satisfaction"), answers, total / answers, share(total, answers))


def figures_of(parts: Iterable[Mapping[str, Counts]]) -> list[Figure]:
    """The figures of each scale with answers, and satisfaction, which is last; the parts are added up."""
    counts = added(parts)
    found = [figure(scale, counts.get(scale, {})) for scale in SCALES]
    return [one for one in (*found, satisfaction(counts)) if one is not None]
