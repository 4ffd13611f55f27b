"""Corrections of what was expected by what came, learned from matured labels.

The ratio of came to expected in bins of the expectation, with weights that halve as labels go by. A bin with few labels
leans to the ratio of all. Neighbouring bins are pooled where what is corrected would fall as the expectation rises
(M. Ayer et al., "An empirical distribution function for sampling with incomplete information", 1955), so a correction
never turns an order round, and keeps the sums.
"""

import math
from copy import deepcopy
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Struct

__all__ = ["AMOUNTS", "CHANCES", "MEANS", "BinScale", "Correction", "CorrectionState", "corrected"]

Floats = npt.NDArray[np.float64]

#: A bin leans to the ratio of all bins, which weighs as much as this many labels; that ratio leans to 1 likewise.
PRIOR_LABELS = 30.0
#: The factors used between two labels are at most so many labels old.
REFRESH_LABELS = 50
_RESCALE_AT = 2.0**400
_MIN_FACTOR = 1e-3
_MIN_CHANCE = 1e-6


class BinScale(NamedTuple):
    """Bins ``width`` wide from ``low`` up, of log2 of an amount or, if ``is_chance``, of the log-odds of a chance.

    ``half_life``: labels after which the weight of a label has halved. ``share``: the power to which a ratio is taken.
    """

    low: float
    width: float
    bins: int
    half_life: float
    is_chance: bool = False
    share: float = 1.0

    def axis(self, expected: float) -> float:
        """Where an expectation lies, in units of the scale."""
        if self.is_chance:
            chance = min(max(expected, _MIN_CHANCE), 1.0 - _MIN_CHANCE)
            return math.log(chance / (1.0 - chance))
        return math.log2(max(expected, 2.0**self.low))

    def bin(self, expected: float) -> int:
        """The bin of an expectation; those beyond either end are in the last one."""
        return min(max(int((self.axis(expected) - self.low) / self.width), 0), self.bins - 1)

    def middles(self) -> Floats:
        """float64[bins], in units of the scale."""
        return np.asarray(self.low + (np.arange(self.bins) + 0.5) * self.width, np.float64)


@cache
def _middle_values(scale: BinScale) -> tuple[float, ...]:
    """What is expected in the middle of each bin."""
    values = (1.0 / (1.0 + math.exp(-middle)) if scale.is_chance else 2.0**middle for middle in scale.middles())
    return tuple(float(value) for value in values)


#: Of the chance to buy, of the mean of a buyer, and of the two multiplied. What is left over is corrected by half:
#: labels from before the first two had learned an error would have it corrected twice.
CHANCES = BinScale(low=-6.0, width=1.0, bins=12, half_life=20_000.0, is_chance=True)
MEANS = BinScale(low=-10.0, width=1.0, bins=40, half_life=20_000.0)
AMOUNTS = BinScale(low=-10.0, width=0.5, bins=80, half_life=10_000.0, share=0.5)


class CorrectionState(Struct, kw_only=True):
    """Sums by bin of the expectation: labels, expected and come. ``weight`` is that of the last label.

    ``factors``: as they were ``since`` labels ago, empty before there were any.
    """

    weight: float = 1.0
    labels: list[float]
    expected: list[float]
    came: list[float]
    factors: list[float] = []
    since: int = 0

    @classmethod
    def empty(cls, scale: BinScale) -> "CorrectionState":
        """Nothing seen yet."""
        return cls(labels=[0.0] * scale.bins, expected=[0.0] * scale.bins, came=[0.0] * scale.bins)


class Correction:
    """Ratio of what came to what was expected, by bin of what was expected."""

    def __init__(self, scale: BinScale, state: CorrectionState | None = None) -> None:
        self._scale = scale
        self._state = CorrectionState.empty(scale) if state is None else deepcopy(state)

    def record(self, expected: float, came: float) -> None:
        """Take what was expected of a label, and what came."""
        state, scale = self._state, self._scale
        expected = max(expected, _MIN_CHANCE if scale.is_chance else 2.0**scale.low)
        position = scale.bin(expected)
        # a new label weighs more instead of every old one weighing less
        state.weight = weight = state.weight * 2.0 ** (1.0 / scale.half_life)
        state.labels[position] += weight
        state.expected[position] += weight * expected
        state.came[position] += weight * came
        if weight > _RESCALE_AT:
            state.weight /= _RESCALE_AT
            for sums in (state.labels, state.expected, state.came):
                sums[:] = [value / _RESCALE_AT for value in sums]
        state.since += 1
        if state.since >= REFRESH_LABELS or not state.factors:
            state.since, state.factors = 0, list(self.factors())

    def corrected_by_bin(self, expected: float) -> float:
        """What is to be expected where ``expected`` was."""
        factors = self._state.factors
        if not factors:
            return expected
        factor = factors[self._scale.bin(expected)]
        if not self._scale.is_chance:
            return expected * factor
        return min(expected * factor, 1.0)

    def factors(self) -> tuple[float, ...]:
        """The ratio for the middle of each bin, from the least up."""
        state = self._state
        bins = list(zip(state.labels, state.expected, state.came, strict=True))
        # by labels, not by money: one absurd amount weighs as one label
        seen = sum(state.labels)
        ratios = (labels * max(came, 0.0) / expected for labels, expected, came in bins if labels)
        prior = PRIOR_LABELS * state.weight
        whole = (sum(ratios) + prior) / (seen + prior)
        found = []
        for labels, expected, came in bins:
            mean = expected / labels if labels else 1.0
            found.append(max(came + prior * whole * mean, 0.0) / (expected + prior * mean))
        values = _middle_values(self._scale)
        ascending = _pooled(
            [factor * value for factor, value in zip(found, values, strict=True)],
            [labels + prior for labels in state.labels],
        )
        return tuple((level / value) ** self._scale.share for level, value in zip(ascending, values, strict=True))

    def state(self) -> CorrectionState:
        """What has been learned."""
        return self._state


def corrected(scale: BinScale, factors: tuple[float, ...], expected: Floats) -> Floats:
    """``expected`` float64[N] corrected by the factors at the middles of the bins, linear in between on the scale.

    As it is where there are no factors, as in a snapshot of an earlier version of the program.
    """
    if not factors:
        return expected
    middles = scale.middles()
    if not scale.is_chance:
        log_factors = np.log2(np.maximum(factors, _MIN_FACTOR))
        place = np.log2(np.maximum(expected, 2.0**scale.low))
        return np.asarray(expected * np.exp2(np.interp(place, middles, log_factors)), np.float64)
    levels = np.clip(np.array(factors) * _middle_values(scale), _MIN_CHANCE, 1.0 - _MIN_CHANCE)
    bounded = np.clip(expected, _MIN_CHANCE, 1.0 - _MIN_CHANCE)
    place = np.log(bounded / (1.0 - bounded))
    place += np.interp(place, middles, np.log(levels / (1.0 - levels)) - middles)
    # who is certain stays so
    return np.where((expected <= 0.0) | (expected >= 1.0), expected, 1.0 / (1.0 + np.exp(-place)))


def _pooled(values: list[float], weights: list[float]) -> list[float]:
    """The nearest ascending values: neighbours that descend become their mean by weight."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        level, mass, count = value, weight, 1
        while blocks and blocks[-1][0] > level:
            before, heavy, length = blocks.pop()
            level = (before * heavy + level * mass) / (heavy + mass)
            mass, count = mass + heavy, count + length
        blocks.append((level, mass, count))
    return [level for level, _, count in blocks for _ in range(count)]
