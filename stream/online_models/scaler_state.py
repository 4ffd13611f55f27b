"""Running statistics of inputs as data: what snapshots and compiled code need of scaling, without River."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from stream.errors import SnapshotError

__all__ = ["SCALE_FLOOR", "ScalerState", "state_of"]

#: Least deviation an input is divided by, in units of the transformed feature: the first event of a count
#: moves log1p(count) by 0.69.
SCALE_FLOOR: Final = 0.1


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
