"""Learns how often the customers of a shop order, and proposes the horizon.

A life table of the gaps between orders. A *regular* customer has orders on two days or more. At each weekly landmark
they stand *k* whole weeks after their last order; a week later at *k + 1*, unless they have ordered. So of the
customers whose last order was in week *c*, ``N[c][k]`` stand at age *k*, and

    hazard[k] = 1 - sum_c g(c) N[c][k + 1] / sum_c g(c) N[c][k]

over the weeks *c* for which both are complete, where ``g`` halves every half a year: recent customers count. Silence
that has not ended yet is in the table as such, which a mean of the gaps that have ended would miss. The share of
regular customers who are silent for the next *m* weeks is the mean of ``prod_j (1 - hazard[k + j])``, j < m, over the
ages at which active customers stand.

Source of the estimator: S. Cutler and F. Ederer, "Maximum utilization of the life table method in analyzing survival",
Journal of Chronic Diseases 8 (1958).

The counts do not depend on the order of the observations within the weeks that are kept. Memory is bounded.
"""

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import UNSET, Struct, UnsetType, field

from stream.features.habit import SHOP_GAP_DAYS
from stream.features.registry import COLUMN, DAY_MS, INPUT_SCALE
from stream.online_models.example import Observation
from stream.online_models.horizon import (
    FIRST_HORIZON_DAYS,
    GAP_QUANTILES,
    HORIZONS,
    MAX_PERIODS,
    HorizonPeriod,
    Rhythm,
    Seed,
    fixed_schedule,
)
from stream.online_models.inputs import lacks

__all__ = ["AGES", "COHORTS", "MAX_SILENT", "WEEK_MS", "RhythmModel", "RhythmState"]

Floats = npt.NDArray[np.float64]

_WEEK_DAYS: Final = 7
WEEK_MS: Final = _WEEK_DAYS * DAY_MS
#: Ages (weeks since the last order) of the life table; an active customer is below `_ACTIVE`.
AGES: Final = 26
_ACTIVE: Final = 8
#: Weeks of last orders that are kept, and the half-life (weeks) of their weights.
COHORTS: Final = 104
_HALF_LIFE: Final = 26.0
#: Own gaps are counted in bins, evenly spaced in the logarithm, and in blocks of four weeks.
_BLOCK: Final = 4
_BLOCKS: Final = 20
_BINS_PER_E: Final = 10
_BINS: Final = 64
#: Below this many landmarks of regular customers, or weeks of landmarks, nothing is said.
_MIN_WEIGHT: Final = 100
_MIN_WEEKS: Final = 12
#: Weeks are complete when one that begins this much later is seen: a trainer that catches up learns out of order.
_DELAY: Final = 3

#: The horizon is the smallest within which at least half of the regular customers order.
MAX_SILENT: Final = 0.5
#: It changes when the share has been beyond that by so much for so many weeks in a row.
_MARGIN: Final = 0.03
_EVIDENCE_WEEKS: Final = 8

_PURCHASE_DAYS: Final = COLUMN["purchase_days"]
_ORDERS: Final = COLUMN["purchases_total"]
_RECENCY: Final = COLUMN["days_since_purchase"]
_GAP: Final = COLUMN["purchase_gap"]
_READ: Final = (_PURCHASE_DAYS, _ORDERS, _RECENCY, _GAP)


class SeededGap(Struct, frozen=True):
    """The usual gap (days) before week ``until``, and while none is known."""

    gap_days: float
    until: int


class RhythmState(Struct, kw_only=True):
    """``cohorts``: week of the last order -> customers at each age. ``gaps``: block of weeks -> customers by own gap.

    Weeks are counted from the epoch. ``evidence``: weeks in a row, with the last one looked at, that spoke for
    ``leaning`` (days). ``looked_at``: the last week that was complete when the horizon was thought about.
    ``seeded``: of an imported history alone.
    """

    cohorts: dict[int, list[int]] = field(default_factory=dict)
    gaps: dict[int, list[int]] = field(default_factory=dict)
    first_week: int = -1
    newest_week: int = -1
    looked_at: int = -1
    leaning: int = 0
    evidence: int = 0
    schedule: tuple[HorizonPeriod, ...] = fixed_schedule(FIRST_HORIZON_DAYS)
    seeded: SeededGap | UnsetType = UNSET


class RhythmModel:
    """A fold over observations; ``horizon_days`` > 0 fixes the horizon, 0 lets it follow the shop.

    ``seed``: what to begin with, where a history was looked at before.
    """

    def __init__(
        self,
        horizon_days: float = 0.0,
        state: RhythmState | None = None,
        seed: Seed | None = None,
    ) -> None:
        self._fixed = horizon_days
        if state is None and seed is not None:
            gap = SeededGap(gap_days=seed.shop_gap_days, until=seed.until_ms // WEEK_MS)
            state = RhythmState(schedule=seed.schedule, seeded=gap)
        self._state = RhythmState() if state is None else state

    @property
    def schedule(self) -> tuple[HorizonPeriod, ...]:
        """The horizons, ascending in time; the last one is in force."""
        return fixed_schedule(self._fixed) if self._fixed > 0.0 else self._state.schedule

    def learn_one(self, observation: Observation) -> HorizonPeriod | None:
        """Count a landmark. The new period when it has made the horizon change."""
        x = observation.x
        if lacks(x, _READ):
            return None
        order_days = round(_inverse(x[_PURCHASE_DAYS]))
        week = observation.at_ms // WEEK_MS
        state = self._state
        if order_days > 1:
            recency, orders = _inverse(x[_RECENCY]), round(_inverse(x[_ORDERS]))
            span = _inverse(x[_GAP]) * max(orders - 1, 1)
            self.count_landmark(week, recency, span / (order_days - 1))
        if state.first_week < 0 or week < state.first_week:
            state.first_week = week
        if week <= state.newest_week:
            return None
        state.newest_week = week
        self.forget()
        return None if self._fixed > 0.0 else self._think()

    def begins_week(self, at_ms: int) -> bool:
        """Whether a landmark at ``at_ms`` is the first one of a week that is newer than all others."""
        return at_ms // WEEK_MS > self._state.newest_week

    def count_landmark(self, week: int, recency_days: float, gap_days: float) -> None:
        """Count a regular customer at a landmark in ``week``, of their own mean gap."""
        age = int(recency_days / _WEEK_DAYS)
        if age >= AGES:
            return
        cohort = self._state.cohorts.setdefault(week - age, [0] * AGES)
        cohort[age] += 1
        position = min(max(int(np.log(max(gap_days, 1.0)) * _BINS_PER_E), 0), _BINS - 1)
        self._state.gaps.setdefault(week // _BLOCK, [0] * _BINS)[position] += 1

    def forget(self) -> None:
        """Drop the weeks that are too long ago."""
        state = self._state
        for week in [week for week in state.cohorts if week <= state.newest_week - COHORTS]:
            del state.cohorts[week]
        for block in [block for block in state.gaps if block <= state.newest_week // _BLOCK - _BLOCKS]:
            del state.gaps[block]

    def _think(self) -> HorizonPeriod | None:
        """Look at the newest complete week; the period that begins, if the evidence is enough."""
        state = self._state
        if not self._is_past_the_seed():
            return None  # a part of the history knows less than the whole that the seed is of
        complete = state.newest_week - _DELAY
        shares = self.silent_shares(complete)
        if complete <= state.looked_at or not shares:
            return None
        state.looked_at = complete
        leaning = _leaning(shares, state.schedule[-1].days)
        state.evidence = state.evidence + 1 if leaning == state.leaning else 1
        state.leaning = leaning
        if leaning == state.schedule[-1].days or state.evidence < _EVIDENCE_WEEKS:
            return None
        state.evidence = 0
        began = HorizonPeriod((state.newest_week + 1) * WEEK_MS, float(leaning))
        state.schedule = (*state.schedule, began)[-MAX_PERIODS:]
        return began

    def _is_past_the_seed(self) -> bool:
        seeded = self._state.seeded
        return seeded is UNSET or self._state.newest_week >= seeded.until

    def silent_shares(self, complete_week: int) -> tuple[float, ...]:
        """See `Rhythm.silent_shares`, as of the end of a week; () while too little is known."""
        state = self._state
        if complete_week - state.first_week < _MIN_WEEKS:
            return ()
        before, after, standing = np.zeros(AGES - 1), np.zeros(AGES - 1), np.zeros(_ACTIVE)
        for week, counts in sorted(state.cohorts.items()):
            known = min(complete_week - week, AGES - 1)  # ages whose next one is complete as well
            weight = 2.0 ** ((week - complete_week) / _HALF_LIFE)
            if known > 0:
                before[:known] += weight * np.array(counts[:known])
                after[:known] += weight * np.array(counts[1 : known + 1])
                standing[:known] += weight * np.array(counts[: min(known, _ACTIVE)])
        if standing.sum() < _MIN_WEIGHT:
            return ()
        return _shares(before, after, standing)

    def snapshot(self) -> Rhythm:
        """The figures as they are."""
        state = self._state
        shares = self.silent_shares(state.newest_week - _DELAY) or self.silent_shares(state.newest_week - 1)
        quantiles = self._quantiles() if shares else ()
        is_learned = bool(quantiles) and self._is_past_the_seed()
        at_first = SHOP_GAP_DAYS if state.seeded is UNSET else state.seeded.gap_days
        weeks = sum(sum(counts) for counts in state.cohorts.values())
        return Rhythm(
            known=bool(shares),
            customer_weeks=weeks,
            shop_gap_days=quantiles[GAP_QUANTILES.index(0.5)] if is_learned else at_first,
            gap_quantiles=quantiles,
            silent_shares=shares,
            schedule=self.schedule,
        )

    def _quantiles(self) -> tuple[float, ...]:
        """Of own gaps, weighted as the cohorts are; linear in the logarithm within a bin."""
        state = self._state
        newest = state.newest_week // _BLOCK
        counts = sum(
            (
                2.0 ** ((block - newest) * _BLOCK / _HALF_LIFE) * np.array(found)
                for block, found in sorted(state.gaps.items())
            ),
            np.zeros(_BINS),
        )
        cumulated = np.concatenate([[0.0], np.cumsum(counts)]) / counts.sum()
        edges = np.arange(_BINS + 1) / _BINS_PER_E
        return tuple(float(np.exp(np.interp(q, cumulated, edges))) for q in GAP_QUANTILES)

    def state(self) -> RhythmState:
        return self._state


@cache
def _inverse(value: int) -> float:
    """Of an input, what its logarithm was taken of. Inputs are int16, so few values are kept."""
    return float(np.expm1(value / INPUT_SCALE))


def _shares(before: Floats, after: Floats, standing: Floats) -> tuple[float, ...]:
    stay = np.full(len(before), np.nan)
    seen = (before > 0.0) & (after > 0.0)
    # landmarks of the silent end some day: beyond that, silence goes on as it did in the last month that was seen
    last = int(np.argmin(seen)) if not seen.all() else len(seen)
    stay[:last] = np.minimum(after[:last] / before[:last], 1.0)
    stay[last:] = stay[max(last - 4, 0) : last].mean() if last > 0 else 0.0
    shares = []
    for days in HORIZONS:
        weeks = days // _WEEK_DAYS
        silent = np.array([stay[age : age + weeks].prod() for age in range(_ACTIVE)])
        shares.append(float((standing * silent).sum() / standing.sum()))
    return tuple(shares)


def _leaning(shares: Sequence[float], present_days: float) -> int:
    """The horizon that a week speaks for: the present one, unless another is better by the margin."""
    for days, share in zip(HORIZONS, shares, strict=True):
        margin = -_MARGIN if days < present_days else _MARGIN
        if share <= MAX_SILENT + margin:
            return days
    return HORIZONS[-1]
