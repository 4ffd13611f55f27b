"""Standardisation by running mean and deviation, with a floor under the deviation."""

import math
from collections.abc import Hashable, Sequence
from typing import Any

from msgspec import Struct
from river.preprocessing import StandardScaler

from stream.errors import SnapshotError

__all__ = ["SCALE_FLOOR", "FlooredScaler", "ScalerState", "state_of"]

#: Least deviation an input is divided by, in units of the transformed feature: the first event of a count
#: moves log1p(count) by 0.69.
SCALE_FLOOR = 0.1


class ScalerState(Struct, frozen=True, kw_only=True):
    """Running statistics per input: mean and population variance of so many values.

    ``count`` is the most of ``counts``; these are empty where each input has had as many.
    """

    count: int
    means: tuple[float, ...]
    variances: tuple[float, ...]
    counts: tuple[int, ...] = ()

    def of(self, found: Sequence[str], wanted: Sequence[str]) -> "ScalerState":
        """The statistics of the inputs ``wanted``, where these are of the inputs ``found``; new ones have none.

        >>> ScalerState(count=3, means=(1.0, 2.0), variances=(0.5, 0.6)).of(["a", "b"], ["b", "c"])
        ScalerState(count=3, means=(2.0, 0.0), variances=(0.6, 0.0), counts=(3, 0))
        """
        counts = self.counts or (self.count,) * len(self.means)
        if not len(found) == len(self.means) == len(self.variances) == len(counts):
            raise SnapshotError(f"statistics of {len(self.means)} inputs, expected {len(found)}; they are damaged")
        known = dict(zip(found, zip(counts, self.means, self.variances, strict=True), strict=True))
        chosen = [known.get(name, (0, 0.0, 0.0)) for name in wanted]
        return state_of(chosen)


def state_of(chosen: Sequence[tuple[int, float, float]]) -> ScalerState:
    """The state of inputs of which (count, mean, variance) are ``chosen``."""
    counts, means, variances = zip(*chosen, strict=True)
    count = max(counts)
    return ScalerState(count=count, means=means, variances=variances, counts=() if min(counts) == count else counts)


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
        means = tuple(self.means[i] for i in range(inputs))
        return means, tuple(max(math.sqrt(self.vars[i]), SCALE_FLOOR) for i in range(inputs))

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
