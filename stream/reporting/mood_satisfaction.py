"""Satisfaction where no score is given: by the mood of what the customer wrote."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

import msgspec

from stream.projections.judgements import Judged
from stream.projections.satisfaction import Opinion

__all__ = ["with_moods"]

#: The satisfaction that a mood counts as.
_OF_MOOD: Final = MappingProxyType({"negative": 0.0, "neutral": 0.5, "positive": 1.0})


def with_moods(opinion: Opinion | None, texts: Iterable[Judged]) -> tuple[Opinion, int]:
    """The mean with the texts that told nothing but a mood, and how many those are.

    Texts with a score, complaints and praise are in ``opinion`` already. Moods are estimates: they are in no alert, and
    loyalty does not follow them.
    """
    found = Opinion() if opinion is None else msgspec.structs.replace(opinion)
    estimated = [
        (one.at_ms, _OF_MOOD[one.mood.decided])
        for one in texts
        if one.mood.told is None and one.mood.decided is not None
    ]
    for at_ms, satisfaction in sorted(estimated):
        found.add(satisfaction, at_ms)
    return found, len(estimated)
