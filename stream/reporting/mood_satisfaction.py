"""Satisfaction where no score is given: by the mood of what the customer wrote; and how satisfaction came about."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

import msgspec

from stream.projections.judgements import Judged
from stream.projections.satisfaction import HALF_LIFE_MS, Opinion

__all__ = ["means_then", "with_moods"]

#: A sum of weights below this is a rest of rounding.
_NOTHING: Final = 1e-9

#: The satisfaction that a mood counts as.
_OF_MOOD: Final = MappingProxyType({"negative": 0.0, "neutral": 0.5, "positive": 1.0})


def with_moods(opinion: Opinion | None, texts: Iterable[Judged]) -> tuple[Opinion, int]:
    """The mean with the texts that told nothing but a mood, and how many those are.

    Texts with a score, complaints and praise are in ``opinion`` already. Moods are estimates: they are in no alert, and
    loyalty does not follow them.
    """
    found = Opinion() if opinion is None else msgspec.structs.replace(opinion)
    estimated = _estimated(texts)
    for at_ms, satisfaction in estimated:
        found.add(satisfaction, at_ms)
    return found, len(estimated)


def means_then(opinion: Opinion, texts: Iterable[Judged]) -> list[float | None]:
    """Of each feedback in ``opinion.said`` the mean after it, as `with_moods` has it now; None: nothing told one yet.

    Sums commute, so what came later is taken out of them. A complaint that was resolved later counts as resolved.
    """
    estimated = _estimated(texts)
    found: list[float | None] = []
    total, weight = opinion.total, opinion.weight
    for said in reversed(opinion.said):
        then = Opinion(total=total, weight=weight, as_of_ms=opinion.as_of_ms)
        for at_ms, satisfaction in estimated:
            if at_ms <= said.at_ms:
                then.add(satisfaction, at_ms)
        mean = then.total / then.weight if then.weight > _NOTHING else None
        found.append(None if mean is None else min(max(mean, 0.0), 1.0))
        if said.satisfaction is not None:
            share = 0.5 ** ((opinion.as_of_ms - said.at_ms) / HALF_LIFE_MS)
            total -= share * said.satisfaction
            weight -= share
    return found[::-1]


def _estimated(texts: Iterable[Judged]) -> list[tuple[int, float]]:
    """Time and satisfaction of each text that told nothing but a mood, in the order of their times."""
    return sorted(
        (one.at_ms, _OF_MOOD[one.mood.decided])
        for one in texts
        if one.mood.told is None and one.mood.decided is not None
    )
