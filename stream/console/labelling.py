"""What the page of a customer shows beside the directory: what they wrote, think, agree to, and may be offered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from stream.consent.purposes import Purpose
from stream.points.statement import PointsStatement
from stream.projections.satisfaction import Opinion
from stream.recommending.recommended import RecommendationLists
from stream.reporting.themes import SaidText
from stream.reporting.words import Words, to_say

__all__ = ["CustomerTexts", "refusals_in_words"]

_NO: Final = {
    Purpose.SERVICE: to_say("no service messages"),
    Purpose.MARKETING: to_say("no marketing"),
    Purpose.PROFILING: to_say("no scores"),
}


class CustomerTexts(NamedTuple):
    """``texts``: the newest first; ``categories`` that there are; ``note``: why there is nothing to be read.

    ``refusals``: purposes that the customer does not agree to, each with the channels, none: by all of them;
    ``is_scored``: whether they agree to be scored, so that scores may be shown. Where that cannot be read, none are.
    ``offered``: what to offer; None: nothing is known, or they do not agree. ``points``: None: nothing is known of
    them, or the shop has none; ``points_note``: why they cannot be shown.
    ``opinion``: how satisfied they are, and with what; of its answers ``moods`` are estimated from texts. ``means``: of
    each of its feedback how satisfied they were after it.
    """

    texts: Sequence[SaidText] = ()
    categories: Sequence[str] = ()
    note: str = ""
    refusals: Sequence[tuple[Purpose, Sequence[str]]] = ()
    is_scored: bool = True
    offered: RecommendationLists | None = None
    points: PointsStatement | None = None
    points_note: str = ""
    opinion: Opinion | None = None
    moods: int = 0
    means: Sequence[float | None] = ()


def refusals_in_words(refusals: Sequence[tuple[Purpose, Sequence[str]]], words: Words) -> Iterator[str]:
    """What must not be done with a customer.

    >>> from stream.reporting.words import ENGLISH
    >>> [*refusals_in_words([(Purpose.MARKETING, ["sms", "phone"]), (Purpose.PROFILING, [])], ENGLISH)]
    ['no marketing by sms, phone', 'no scores']
    """
    for purpose, channels in refusals:
        what = words.name(_NO[purpose])
        if channels:
            by = ", ".join(map(words.name, channels))
            what = words.gettext("%(what)s by %(channels)s", what=what, channels=by)
        yield what
