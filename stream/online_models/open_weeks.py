"""Sums by week of stream time, for what is watched week by week."""

from collections.abc import Mapping, Sequence
from copy import deepcopy

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from stream.features.registry import DAY_MS

__all__ = ["BLOCK", "OPEN_WEEKS", "WeekState", "Weeks"]

#: Examples that a week must have to be a block; a week of fewer is taken together with the next.
BLOCK = 50
#: Weeks that may still be filled: a trainer that catches up sees some weeks at once.
OPEN_WEEKS = 3
_WEEK_MS = 7 * DAY_MS


class WeekState(Struct, kw_only=True):
    """Sums of what was watched in one week."""

    count: int
    sums: list[float]


class Weeks:
    """Sums by week of stream time; a week is closed once one that begins `OPEN_WEEKS` later is seen.

    What comes later still counts in the oldest that is open, and a week of few examples is closed together with the
    next. By weeks and not by number, as a trainer that catches up learns of active customers before silent ones, run
    after run: any fixed number of labels in a row would show one or the other.
    """

    def __init__(self, state: Mapping[int, WeekState] | None = None) -> None:
        self._open: dict[int, WeekState] = deepcopy(dict(state or {}))

    def add(self, at_ms: int, values: Sequence[float]) -> list[WeekState]:
        """Take values in; the weeks that are closed now, oldest first."""
        into = self._open.get(at_ms // _WEEK_MS)
        if into is not None:
            _count(into, values)
            return []
        week = max(at_ms // _WEEK_MS, min(self._open, default=0))
        into = self._open.setdefault(week, WeekState(count=0, sums=[0.0] * len(values)))
        _count(into, values)
        closed = []
        while max(self._open) - (oldest := min(self._open)) >= OPEN_WEEKS:
            done = self._open.pop(oldest)
            if done.count >= BLOCK:
                closed.append(done)
            else:
                following = self._open[min(self._open)]
                following.count += done.count
                following.sums = [a + b for a, b in zip(following.sums, done.sums, strict=True)]
        return closed

    def is_open(self, weeks: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Whether examples of these weeks since the epoch, bool[N], close none."""
        return np.isin(weeks, [*self._open])

    def add_open(self, weeks: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> None:
        """`add` for examples of open weeks, one after the other; ``values``: float64[N], of one axis."""
        for week in np.unique(weeks).tolist():
            into, of_week = self._open[week], values[weeks == week]
            into.count += len(of_week)
            # sums one by one, from the first on: the digits of `add`
            into.sums[0] = float(np.add.accumulate(np.concatenate([into.sums, of_week]))[-1])

    def state(self) -> dict[int, WeekState]:
        return deepcopy(self._open)


def _count(into: WeekState, values: Sequence[float]) -> None:
    into.count += 1
    for axis, value in enumerate(values):
        into.sums[axis] += value
