"""Scores, value and tier of customers by recency, frequency and money, and the segment they begin in.

``value = wR R + wF F + wM M`` with scores 1 to 5 (`stream.online_models.rfm_classes`) and the weights of the settings.
Tiers:

======= =========================================
new     the first order was lately (the stage new)
VIP     a value of 4.5 or more
high    3.5 or more
middle  2.5 or more
low     less
======= =========================================
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np

from stream.compiling import jit
from stream.features.stages import Stage
from stream.online_models.archetypes import ARCHETYPES
from stream.online_models.rfm_classes import SCORES, RfmSnapshot
from stream.online_models.rfm_scores import measure, score
from stream.processing.rules import Rules

__all__ = ["FIRST_SEGMENTS", "RATING", "Tier", "rate", "rating_of"]

#: A value from which a customer is VIP, high, middle.
_VIP, _HIGH, _MIDDLE = 4.5, 3.5, 2.5
#: A score that is high, and one that is low.
_GOOD, _POOR = 4, 2

#: Names of the segments that customers begin in: those that learned ones have, too.
FIRST_SEGMENTS: Final = tuple(ARCHETYPES)


class Tier(IntEnum):
    """How much a customer is worth to the shop; 0 is none."""

    NONE = 0
    VIP = 1
    HIGH = 2
    MIDDLE = 3
    LOW = 4
    NEW = 5

    @property
    def text(self) -> str:
        """As it is published and as people call it."""
        return self.name if self is Tier.VIP else self.name.lower()


#: How customers are rated: by which edges and weights (see `rate`), if they are known; and what `rate` last found:
#: ``scores`` and ``value``, a `Tier`, and the position in `FIRST_SEGMENTS`, -1 for none.
RATING = np.dtype(
    [
        ("known", np.bool_),
        ("edges", np.int64, (3, SCORES - 1)),
        ("weights", np.float64, (3,)),
        ("measured", np.int64, (3,)),
        ("scores", np.int64, (3,)),
        ("value", np.float64),
        ("tier", np.int64),
        ("segment", np.int64),
    ],
    align=True,
)

# Numba freezes plain integers into the compiled code
_STAGE_NEW, _STAGE_AT_RISK, _STAGE_LAPSED, _STAGE_LOST = map(int, (Stage.NEW, Stage.AT_RISK, Stage.LAPSED, Stage.LOST))
_NO_TIER, _TIER_VIP, _TIER_HIGH, _TIER_MIDDLE, _TIER_LOW, _TIER_NEW = map(int, Tier)
_NEW, _LOST, _AT_RISK, _CHAMPIONS, _LOYAL, _BIG_BASKETS, _PROMISING, _HIBERNATING = map(
    FIRST_SEGMENTS.index,
    ("New", "Lost", "At risk", "Champions", "Loyal", "Big baskets", "Promising", "Hibernating"),
)


def rating_of(snapshot: RfmSnapshot | None, rules: Rules) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """RATING[1] by the shop's classes (None: not known yet) and the weights of the rules."""
    rating = np.zeros(1, RATING)
    if snapshot is not None:
        rating["known"] = True
        rating["edges"] = snapshot.edges()
        rating["weights"] = rules.rfm_weights
    return rating


@jit
def _tier(stage, value):  # type: ignore[no-untyped-def]
    if stage == _STAGE_NEW:
        return _TIER_NEW
    if value >= _VIP:
        return _TIER_VIP
    if value >= _HIGH:
        return _TIER_HIGH
    return _TIER_MIDDLE if value >= _MIDDLE else _TIER_LOW


@jit
def _segment(stage, recency, frequency, money):  # type: ignore[no-untyped-def]
    if stage == _STAGE_NEW:
        return _NEW
    if stage == _STAGE_LOST:
        return _LOST
    if stage == _STAGE_AT_RISK or stage == _STAGE_LAPSED:
        return _AT_RISK
    return _segment_by_scores(recency, frequency, money)


@jit
def _segment_by_scores(recency, frequency, money):  # type: ignore[no-untyped-def]
    if recency >= _GOOD and frequency >= _GOOD and money >= _GOOD:
        return _CHAMPIONS
    if frequency >= _GOOD:
        return _LOYAL
    if money >= _GOOD:
        return _BIG_BASKETS
    return _PROMISING if recency > _POOR else _HIBERNATING


@jit
def rate(rating, inputs, orders, stage):  # type: ignore[no-untyped-def]
    """Fill the found fields of ``rating`` for a customer with these inputs, number of orders and stage."""
    if not rating.known or orders == 0:
        rating.tier = _NO_TIER
        rating.segment = -1
        return
    measure(inputs, rating.measured)
    value = 0.0
    for k in range(rating.scores.shape[0]):
        rating.scores[k] = score(rating.measured[k], rating.edges[k])
        value += rating.scores[k] * rating.weights[k]
    # to cents: as it is shown
    rating.value = round(value * 100.0) / 100.0
    rating.tier = _tier(stage, rating.value)
    rating.segment = _segment(stage, rating.scores[0], rating.scores[1], rating.scores[2])
