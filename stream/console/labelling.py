"""What the page of a customer shows beside the directory: what they wrote, agree to, and may be offered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stream.recommending.recommended import RecommendationLists
from stream.reporting.themes import SaidText

__all__ = ["CustomerTexts"]


class CustomerTexts(NamedTuple):
    """``texts``: the newest first; ``categories`` that there are; ``note``: why there is nothing to be read.

    ``refusals``: what the customer does not agree to, in words; ``is_scored``: whether they agree to be scored, so that
    scores may be shown. Where that cannot be read, none are. ``offered``: what to offer; None: nothing is known, or
    they do not agree.
    """

    texts: Sequence[SaidText] = ()
    categories: Sequence[str] = ()
    note: str = ""
    refusals: Sequence[str] = ()
    is_scored: bool = True
    offered: RecommendationLists | None = None
