"""Standardisation by running mean and deviation, with a floor under the deviation."""

import math
from collections.abc import Hashable
from typing import Any

from msgspec import Struct
from river.preprocessing import StandardScaler

__all__ = ["SCALE_FLOOR", "FlooredScaler", "ScalerState"]

#: Least deviation an input is divided by, in units of the transformed feature: the first event of a count
#: moves log1p(count) by 0.69.
SCALE_FLOOR = 0.1


class ScalerState(Struct, frozen=True, kw_only=True):
    """Running statistics per input: observations, mean and population variance."""

    count: int
    means: tuple[float, ...]
    variances: tuple[float, ...]


class FlooredScaler(StandardScaler):
    """River's `StandardScaler`, dividing by ``max(deviation, SCALE_FLOOR)``; every ``x`` has inputs 0, 1, ...

    River maps an input without variance to 0 and divides any other by its deviation, however small: after
    100,000 customers without clicks, the first click would weigh 300 deviations and throw a linear model off.
    With the floor, the map is one affine function per input from the first observation on.

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
        means = tuple(self.means[i] for i in range(inputs))
        return means, tuple(max(math.sqrt(self.vars[i]), SCALE_FLOOR) for i in range(inputs))

    def state(self, inputs: int) -> ScalerState:
        return ScalerState(
            count=self.counts[0],
            means=tuple(self.means[i] for i in range(inputs)),
            variances=tuple(self.vars[i] for i in range(inputs)),
        )

    @classmethod
    def from_state(cls, state: ScalerState) -> "FlooredScaler":
        scaler = cls()
        if state.count:
            scaler.counts.update(dict.fromkeys(range(len(state.means)), state.count))
        scaler.means.update(enumerate(state.means))
        scaler.vars.update(enumerate(state.variances))
        return scaler
