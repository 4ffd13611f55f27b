"""What customers said: figures of the shop, each month, survey, channel and product, and how many did not answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from stream.alerts.intervals import Interval, share
from stream.projections.ratings import RatingTally
from stream.projections.surveys import Surveyed
from stream.reporting.survey_figures import Figure, figures_of
from stream.reporting.words import ENGLISH, Words, to_say
from stream.reporting.writing import Writing

__all__ = ["FeedbackCounts", "FeedbackGroup", "as_object", "groups_of", "kinds_of", "written"]


class FeedbackCounts(NamedTuple):
    """Counts of the shop, of a product or of a survey; each is in parts, to be added up.

    ``products``: of the shop's products with most answers, first those. ``surveyed``: who was asked, of the same;
    ``surveyed_by_channel``, ``surveyed_by_product``: the same of each. ``surveys``: of the shop's latest surveys, each
    with who was asked.
    """

    tallies: Sequence[RatingTally]
    products: Mapping[str, Sequence[RatingTally]] = {}
    surveyed: Sequence[Surveyed] = ()
    surveyed_by_channel: Mapping[str, Sequence[Surveyed]] = {}
    surveyed_by_product: Mapping[str, Sequence[Surveyed]] = {}
    surveys: Mapping[str, tuple[Sequence[RatingTally], Sequence[Surveyed]]] = {}


class FeedbackGroup(NamedTuple):
    """``unanswered``: the share, of the ``asked`` customers, without an answer until now, with Wilson's interval.

    ``kind``: all, month, survey, channel, no channel or product; ``name``: of which.
    """

    title: str
    figures: Sequence[Figure]
    asked: int
    unanswered: Interval
    kind: str
    name: str

    def title_as(self, words: Words, writing: Writing) -> str:
        """``title`` in other words."""
        name = writing.month(date.fromisoformat(f"{self.name}-01")) if self.kind == "month" else self.name
        return words.gettext(_TITLES[self.kind], name=name)


#: By the kind of a group.
_TITLES: Final = {
    "all": to_say("all"),
    "month": "%(name)s",
    "survey": to_say("survey %(name)s"),
    "channel": to_say("by %(name)s"),
    "no channel": to_say("by no channel"),
    "product": to_say("about %(name)s"),
}


def groups_of(found: FeedbackCounts) -> Iterator[FeedbackGroup]:
    """All together, then months and surveys (the newest first), channels, products; those with nothing are left out."""
    tallies, surveyed = found.tallies, found.surveyed
    of_months = {month for tally in tallies for month in tally.months}
    asked_in = {month for one in surveyed for month in one.months}
    channels = {channel for tally in tallies for channel in tally.channels} | {*found.surveyed_by_channel}
    groups = [
        _group("all", "", _of_all_months(tallies), _asked(surveyed)),
        *(
            _group("month", month, [tally.months.get(month, {}) for tally in tallies], _asked(surveyed, month))
            for month in sorted(of_months | asked_in, reverse=True)
        ),
        *(
            _group("survey", survey, _of_all_months(parts), _asked(surveyed_by))
            for survey, (parts, surveyed_by) in found.surveys.items()
        ),
        *(
            _group(
                "channel" if channel else "no channel",
                channel,
                [tally.channels.get(channel, {}) for tally in tallies],
                _asked(found.surveyed_by_channel.get(channel, ())),
            )
            for channel in sorted(channels)
        ),
        *(
            _group(
                "product",
                product,
                _of_all_months(parts),
                _asked(found.surveyed_by_product.get(product, ())),
            )
            for product, parts in found.products.items()
        ),
    ]
    return (group for group in groups if group.figures or group.asked)


def kinds_of(tallies: Iterable[RatingTally]) -> Counter[str]:
    """How often customers gave feedback of each kind."""
    found: Counter[str] = Counter()
    for tally in tallies:
        for kinds in tally.kinds.values():
            found.update(kinds)
    return found


def as_object(found: FeedbackCounts) -> dict[str, Any]:
    """All of it for programs."""
    groups = [*groups_of(found)]
    return {
        "figures": [
            {
                "of": group.title,
                "kind": group.kind,
                "name": group.name,
                "scale": one.scale,
                "answers": one.answers,
                "mean": one.mean,
                "value": one.interval.estimate,
                "low": one.interval.low,
                "high": one.interval.high,
            }
            for group in groups
            for one in group.figures
        ],
        "unanswered": [
            {
                "of": group.title,
                "kind": group.kind,
                "name": group.name,
                "asked": group.asked,
                "share": group.unanswered.estimate,
                "low": group.unanswered.low,
                "high": group.unanswered.high,
            }
            for group in groups
            if group.asked
        ],
        "kinds": dict(kinds_of(found.tallies)),
    }


def written(found: FeedbackCounts, writing: Writing, words: Words = ENGLISH) -> list[tuple[str, list[dict[str, str]]]]:
    """For pages: by what it is of, rows of figures with their limits and how many answered or were asked."""

    def shown(value: float | None, scale: str = "") -> str:
        if value is None:
            return "-"
        return f"{value * 100:+.0f}" if scale == "nps" else writing.percent(value)

    def row(label: str, interval: Interval, count: int, scale: str = "") -> dict[str, str]:
        value, low, high = (shown(one, scale) for one in interval)
        return {"label": label, "value": value, "low": low, "high": high, "count": writing.number(count)}

    return [
        (
            group.title_as(words, writing),
            [row(words.name(one.label), one.interval, one.answers, one.scale) for one in group.figures]
            + ([row(words.gettext("did not answer"), group.unanswered, group.asked)] if group.asked else []),
        )
        for group in groups_of(found)
    ]


def _of_all_months(tallies: Iterable[RatingTally]) -> list[Mapping[str, dict[str, int]]]:
    return [of for tally in tallies for of in tally.months.values()]


def _asked(parts: Iterable[Surveyed], month: str | None = None) -> tuple[int, int]:
    """How many were asked, in a month or ever, and how many of them answered."""
    counts = [count for one in parts for of, count in one.months.items() if month in {None, of}]
    return sum(asked for asked, _ in counts), sum(answered for _, answered in counts)


def _group(
    kind: str, name: str, parts: Iterable[Mapping[str, dict[str, int]]], asked: tuple[int, int]
) -> FeedbackGroup:
    were_asked, answered = asked
    title = ENGLISH.gettext(_TITLES[kind], name=name)
    return FeedbackGroup(title, figures_of(parts), were_asked, share(were_asked - answered, were_asked), kind, name)
