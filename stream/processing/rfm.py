"""Scores, value and tier of customers by recency, frequency and money, and the segment they begin in.

``value = wR R + wF F + wM M`` with scores 1 to 5 (`stream.online_models.rfm`) and the weights of the settings. Tiers:

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
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from stream.features.stages import Stage
from stream.online_models.rfm import measures
from stream.online_models.segment_names import ARCHETYPES
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer

__all__ = ["FIRST_SEGMENTS", "Rfm", "Tier", "first_segments", "rfm_of"]

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


class Rfm(NamedTuple):
    """Of N customers: scores of recency, frequency, money (int8[N, 3]), value (float64[N]), `Tier` (int8[N]).

    Where nothing is known, as of who has not ordered, scores and tier are 0 and the value is NaN.
    """

    scores: npt.NDArray[np.int8]
    value: npt.NDArray[np.float64]
    tier: npt.NDArray[np.int8]


def rfm_of(
    scorer: Scorer,
    rules: Rules,
    *,
    inputs: npt.NDArray[np.int16],
    stage: npt.NDArray[np.int64],
    has_ordered: npt.NDArray[np.bool_],
) -> Rfm:
    """``inputs`` int16[N, features]; the others are of length N."""
    if scorer.rfm is None:
        count = len(inputs)
        return Rfm(np.zeros((count, 3), np.int8), np.full(count, np.nan), np.zeros(count, np.int8))
    scores = np.where(has_ordered[:, None], scorer.rfm.scores(measures(inputs)), 0).astype(np.int8)
    value = np.where(has_ordered, np.round(scores @ np.array(rules.rfm_weights), 2), np.nan)
    by_value = np.select(
        [value >= _VIP, value >= _HIGH, value >= _MIDDLE], [Tier.VIP, Tier.HIGH, Tier.MIDDLE], Tier.LOW
    )
    tier = np.where(stage == Stage.NEW, Tier.NEW, by_value)
    return Rfm(scores, value, np.where(has_ordered, tier, Tier.NONE).astype(np.int8))


def first_segments(rfm: Rfm, stage: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Positions in `FIRST_SEGMENTS` of customers while no segments are learned; -1 where nothing is known."""
    recency, frequency, money = rfm.scores.T
    rules = (
        (recency == 0, None),
        (stage == Stage.NEW, "New"),
        (stage == Stage.LOST, "Lost"),
        ((stage == Stage.AT_RISK) | (stage == Stage.LAPSED), "At risk"),
        ((recency >= _GOOD) & (frequency >= _GOOD) & (money >= _GOOD), "Champions"),
        (frequency >= _GOOD, "Loyal"),
        (money >= _GOOD, "Big baskets"),
        (recency > _POOR, "Promising"),
    )
    positions = [-1 if name is None else FIRST_SEGMENTS.index(name) for _, name in rules]
    return np.select([where for where, _ in rules], positions, FIRST_SEGMENTS.index("Hibernating"))
