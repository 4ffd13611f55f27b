"""Recency, frequency and money of a shop's customers, in fifths: scores 1 to 5.

The customers are those of the landmarks of the last weeks: at weekly landmarks each customer counts once a week, until
they are retired. Scores are learned from the first landmark on.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct, field

from stream.features.registry import DAY_MS
from stream.online_models.example import Observation
from stream.online_models.inputs import INPUT_LIMIT, lacks
from stream.online_models.log_histogram import BIN, bin_of, edges_above, merged
from stream.online_models.rfm_scores import MEASURED, measure

__all__ = ["RFM", "SCORES", "RfmModel", "RfmSnapshot", "RfmState"]

#: Name of the component, under which it publishes.
RFM: Final = "rfm"
#: Scores are 1 to this.
SCORES: Final = 5
#: Weeks of landmarks that count.
WEEKS: Final = 4
_WEEK_MS: Final = 7 * DAY_MS
#: No input is so large.
_BEYOND: Final = INPUT_LIMIT + 1


class RfmState(Struct, kw_only=True):
    """``weeks``: week since the epoch -> histograms of recency, frequency and money (`log_histogram`), by bin."""

    weeks: dict[int, tuple[dict[int, int], dict[int, int], dict[int, int]]] = field(default_factory=dict)


class RfmSnapshot(Struct, frozen=True, kw_only=True):
    """Edges of the classes of each measure (`stream.online_models.rfm_scores`), in its units and ascending.

    The score is 1, and one more for each edge that is reached.
    """

    recency: tuple[int, ...]
    frequency: tuple[int, ...]
    money: tuple[int, ...]

    def edges(self) -> npt.NDArray[np.int64]:
        """int64[3, SCORES - 1], for `score`."""
        return np.array([self.recency, self.frequency, self.money], np.int64)


class RfmModel:
    """A fold over observations, in any order within the weeks that count."""

    def __init__(self, state: RfmState | None = None) -> None:
        self._state = RfmState() if state is None else state

    @property
    def observations(self) -> int:
        """Landmarks that count."""
        return sum(sum(of_week[0].values()) for of_week in self._state.weeks.values())

    def learn_one(self, observation: Observation) -> None:
        """Count a customer at a landmark, unless an input is missing."""
        if lacks(observation.x, MEASURED):
            return
        weeks = self._state.weeks
        week = observation.at_ms // _WEEK_MS
        newest = max(weeks, default=week)
        if week <= newest - WEEKS:
            return
        for old in [old for old in weeks if old <= week - WEEKS]:
            del weeks[old]
        of_week = weeks.setdefault(week, ({}, {}, {}))
        measured = np.zeros(len(of_week), np.int64)
        measure(np.array(observation.x, np.int64), measured)
        for histogram, value in zip(of_week, measured.tolist(), strict=True):
            place = bin_of(value)
            histogram[place] = histogram.get(place, 0) + 1

    def snapshot(self) -> RfmSnapshot | None:
        """The edges; None before the first landmark."""
        if not self._state.weeks:
            return None
        recency, frequency, money = (merged(parts) for parts in zip(*self._state.weeks.values(), strict=True))
        return RfmSnapshot(recency=_edges(recency), frequency=_edges(frequency), money=_edges(money))

    def state(self) -> RfmState:
        return self._state


def _edges(histogram: Mapping[int, int]) -> tuple[int, ...]:
    return tuple(_BEYOND if edge is None else edge * BIN for edge in edges_above(histogram, SCORES))
