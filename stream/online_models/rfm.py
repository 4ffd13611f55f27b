"""Recency, frequency and money of a shop's customers, in fifths: scores 1 to 5.

The customers are those of the landmarks of the last weeks: at weekly landmarks each customer counts once a week, until
they are retired. Scores are learned from the first landmark on.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct, field

from stream.features.registry import COLUMN, DAY_MS, INPUT_SCALE
from stream.online_models.example import Observation
from stream.online_models.inputs import INPUT_LIMIT, lacks
from stream.online_models.log_histogram import BIN, bin_of, edges_above, merged

__all__ = ["SCORES", "RfmModel", "RfmSnapshot", "RfmState", "measures"]

#: Scores are 1 to this.
SCORES: Final = 5
#: Weeks of landmarks that count.
WEEKS: Final = 4
_WEEK_MS: Final = 7 * DAY_MS
_RECENCY, _DAYS = COLUMN["days_since_purchase"], COLUMN["purchase_days"]
_ORDERS, _ORDER_VALUE = COLUMN["purchases_total"], COLUMN["order_value"]
_READ: Final = (_RECENCY, _DAYS, _ORDERS, _ORDER_VALUE)
#: No input is so large, or so small.
_BEYOND: Final = INPUT_LIMIT + 1


class RfmState(Struct, kw_only=True):
    """``weeks``: week since the epoch -> histograms of recency, frequency and money (`log_histogram`), by bin."""

    weeks: dict[int, tuple[dict[int, int], dict[int, int], dict[int, int]]] = field(default_factory=dict)


class RfmSnapshot(Struct, frozen=True, kw_only=True):
    """Edges of the classes, in the units of `measures`, ascending in the score.

    A customer's score is 1, and one more for each edge that is reached: ``frequency`` and ``money`` at least,
    ``recency`` at most the edge.
    """

    recency: tuple[int, ...]
    frequency: tuple[int, ...]
    money: tuple[int, ...]

    def scores(self, measured: npt.NDArray[np.int64]) -> npt.NDArray[np.int8]:
        """Scores 1 to `SCORES`, int8[N, 3], of `measures`."""
        recency, frequency, money = measured.T
        reached = (
            recency[:, None] <= np.array(self.recency),
            frequency[:, None] >= np.array(self.frequency),
            money[:, None] >= np.array(self.money),
        )
        return np.stack([1 + one.sum(axis=1) for one in reached], axis=1).astype(np.int8)


def measures(inputs: npt.NDArray[np.int16]) -> npt.NDArray[np.int64]:
    """Days since the last order, days with an order, and money ordered: ``log1p`` of each, int64[N, 3].

    ``inputs`` int16[N, features]; the result is in units of 1/INPUT_SCALE as well.
    """
    spend = np.round(np.expm1(inputs[:, _ORDERS] / INPUT_SCALE)) * np.expm1(inputs[:, _ORDER_VALUE] / INPUT_SCALE)
    money = np.clip(np.round(np.log1p(np.maximum(spend, 0.0)) * INPUT_SCALE), 0, INPUT_LIMIT)
    return np.stack([inputs[:, _RECENCY], inputs[:, _DAYS], money], axis=1).astype(np.int64)


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
        if lacks(observation.x, _READ):
            return
        weeks = self._state.weeks
        week = observation.at_ms // _WEEK_MS
        newest = max(weeks, default=week)
        if week <= newest - WEEKS:
            return
        for old in [old for old in weeks if old <= week - WEEKS]:
            del weeks[old]
        of_week = weeks.setdefault(week, ({}, {}, {}))
        measured: Sequence[int] = measures(np.array([observation.x], np.int16))[0].tolist()
        for histogram, value in zip(of_week, measured, strict=True):
            place = bin_of(value)
            histogram[place] = histogram.get(place, 0) + 1

    def snapshot(self) -> RfmSnapshot | None:
        """The edges; None before the first landmark."""
        if not self._state.weeks:
            return None
        recency, frequency, money = (merged(parts) for parts in zip(*self._state.weeks.values(), strict=True))
        # the shorter ago, the higher the score: bins from behind
        mirrored = {-place: count for place, count in reversed(recency.items())}
        return RfmSnapshot(
            recency=tuple(-_BEYOND if e is None else -e * BIN + BIN - 1 for e in edges_above(mirrored, SCORES)),
            frequency=_at_least(edges_above(frequency, SCORES)),
            money=_at_least(edges_above(money, SCORES)),
        )

    def state(self) -> RfmState:
        return self._state


def _at_least(edges: Sequence[int | None]) -> tuple[int, ...]:
    return tuple(_BEYOND if edge is None else edge * BIN for edge in edges)
