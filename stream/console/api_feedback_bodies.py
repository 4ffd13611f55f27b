"""What the API asks and answers about what customers say."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

__all__ = ["FeedbackAnswer", "FeedbackFigure", "FeedbackQuery", "SurveyShare"]

_Kind = Literal["all", "month", "survey", "channel", "no channel", "product"]


class FeedbackQuery(Struct, frozen=True, kw_only=True):
    """Parameters of figures of feedback. ``of``: ``product:ID`` or ``survey:ID``; without it the whole shop."""

    of: Annotated[str, Meta(max_length=300, pattern=r"^((product|survey):[^\x00-\x1f\x7f-\x9f]+)?$")] = ""


class FeedbackFigure(Struct, kw_only=True):
    """Of a ``scale``, or of satisfaction, the mean of all scales. ``kind`` and ``name``: of what, ``of`` in words.

    ``value``: NPS in [-1, 1], the mean satisfaction in [0, 1], otherwise the share of good answers; ``low`` and
    ``high``: its 95 % interval. ``mean``: of the scores.
    """

    of: str
    kind: _Kind
    name: str
    scale: Literal["stars", "nps", "csat", "ces", "satisfaction"]
    answers: int
    mean: float
    value: float
    low: float
    high: float


class SurveyShare(Struct, kw_only=True):
    """The ``share`` of the ``asked`` customers who have not answered until now, with its 95 % interval."""

    of: str
    kind: _Kind
    name: str
    asked: int
    share: float
    low: float
    high: float


class FeedbackAnswer(Struct, kw_only=True):
    """``kinds``: how often customers gave feedback of each kind."""

    figures: list[FeedbackFigure]
    unanswered: list[SurveyShare]
    kinds: dict[str, int]
