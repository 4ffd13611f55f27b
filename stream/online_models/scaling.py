"""Standardisation by running mean and deviation, with a floor under the deviation."""

import math
from collections.abc import Hashable
from typing import Any

from stream.online_models.river_parts import StandardScaler
from stream.online_models.scaler_state import SCALE_FLOOR, ScalerState, state_of

__all__ = ["FlooredScaler"]


class FlooredScaler(StandardScaler):
    """River's `StandardScaler`, dividing by ``max(deviation, SCALE_FLOOR)``; inputs are named 0, 1, ...

    River maps an input without variance to 0 and divides any other by its deviation, however small: after
    100,000 customers without clicks, the first click would weigh 300 deviations and throw a linear model off.
    With the floor, the map is one affine function per input from the first observation on. An input that ``x`` does not
    have is neither learned nor transformed.

    >>> scaler = FlooredScaler()
    >>> scaler.learn_one({0: 2.0})
    >>> scaler.transform_one({0: 2.5})
    {0: 5.0}
    """

    def learn_one(self, x: dict[Hashable, Any]) -> None:
        super().learn_one(x)  # type: ignore[no-untyped-call]  # River leaves it untyped

    def transform_one(self, x: dict[Hashable, Any]) -> dict[Hashable, Any]:
        means, variances = self.means, self.vars
        return {i: (value - means[i]) / max(math.sqrt(variances[i]), SCALE_FLOOR) for i, value in x.items()}

    def affine(self, inputs: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Means and scales of inputs 0..``inputs``-1: ``transform_one`` is ``(x - mean) / scale``."""
        means, variances, axes = self.means, self.vars, range(inputs)
        # lists, because generators would take half as long again: each example asks
        return tuple([means[i] for i in axes]), tuple([max(math.sqrt(variances[i]), SCALE_FLOOR) for i in axes])

    def state(self, inputs: int) -> ScalerState:
        return state_of([(self.counts[i], self.means[i], self.vars[i]) for i in range(inputs)])

    @classmethod
    def from_state(cls, state: ScalerState) -> "FlooredScaler":
        scaler = cls()
        if state.count:
            counts = state.counts or (state.count,) * len(state.means)
            scaler.counts.update(dict(enumerate(counts)))
        scaler.means.update(enumerate(state.means))
        scaler.vars.update(enumerate(state.variances))
        return scaler
