"""The shop's rhythm as models publish it: its usual gap between orders, and the horizon that follows from it.

The horizon is the time without an order after which a customer counts as churned. It is one of `HORIZONS`, or what a
setting fixes. A change holds from a stream time on: a landmark is judged by the horizon of its own time, so nothing
that was frozen before has to be thrown away.
"""

import math
from typing import Final

from msgspec import Struct

from stream.errors import SnapshotError

__all__ = [
    "FIRST_HORIZON_DAYS",
    "GAP_QUANTILES",
    "HORIZONS",
    "MAX_PERIODS",
    "HorizonPeriod",
    "Rhythm",
    "Seed",
    "check_rhythm",
    "fixed_schedule",
]

#: The horizons (days) that a shop can have, ascending.
HORIZONS: Final = (28, 56, 91)
#: The horizon (days) of a shop of which nothing is known yet.
FIRST_HORIZON_DAYS: Final = 28.0
#: Which quantiles of the customers' own gaps are published.
GAP_QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9)
#: Horizons of a schedule, former ones among them. No landmark that still waits for its label is older than these.
MAX_PERIODS: Final = 8


class HorizonPeriod(Struct, frozen=True):
    """Landmarks at or after ``since_ms`` (stream time) are judged after ``days``, up to the next period."""

    since_ms: int
    days: float


class Seed(Struct, frozen=True, kw_only=True):
    """What models begin with where a history was looked at before they learn it.

    ``schedule``: its horizons, and ``shop_gap_days``: its usual gap, hold up to the history's end at ``until_ms``
    (stream time): the first weeks of a history show short gaps only.
    """

    schedule: tuple[HorizonPeriod, ...]
    shop_gap_days: float
    until_ms: int


class Rhythm(Struct, frozen=True, kw_only=True):
    """How often the shop's customers order. Gaps are in days.

    ``known``: enough was seen to say so; before that the figures are the defaults. ``customer_weeks``: what they rest
    on: landmarks of regular customers, those with orders on two days or more. ``shop_gap_days``: the median of regular
    customers' own mean gaps, or what a `Seed` says. ``gap_quantiles``: at `GAP_QUANTILES`, () when not known.
    ``silent_shares``: of the regular customers who ordered in the last eight weeks, the share who will not order within
    each of `HORIZONS`; () when not known. ``schedule``: ascending; the last one is in force.
    """

    known: bool
    customer_weeks: int
    shop_gap_days: float
    gap_quantiles: tuple[float, ...]
    silent_shares: tuple[float, ...]
    schedule: tuple[HorizonPeriod, ...]

    @property
    def horizon_days(self) -> float:
        """The horizon in force."""
        return self.schedule[-1].days

    @property
    def since_ms(self) -> int:
        """The stream time from which landmarks use it."""
        return self.schedule[-1].since_ms

    @property
    def first_days(self) -> float:
        """The horizon of the oldest landmarks."""
        return self.schedule[0].days

    def sentence(self) -> str:
        """What an owner should know of it."""
        lost = f"a customer counts as lost after three times as long as usual, at least {self.horizon_days:g} days"
        if not self.known:
            return f"{lost}; how often customers order is not known yet"
        ordering = f"your regular customers order every {self.shop_gap_days:.0f} days"
        shares = dict(zip(HORIZONS, self.silent_shares, strict=True))
        first = HORIZONS[0]
        if self.horizon_days == first:
            return f"{ordering}: {lost}"
        return f"{ordering}: {lost}; with {first} days, {shares[first]:.0%} of them would count as lost"


def fixed_schedule(horizon_days: float) -> tuple[HorizonPeriod, ...]:
    """The schedule of a horizon that was always so."""
    return (HorizonPeriod(0, horizon_days),)


def check_rhythm(rhythm: Rhythm) -> None:
    """Raise `SnapshotError` unless the figures can be scored with."""
    numbers = (rhythm.shop_gap_days, *rhythm.gap_quantiles, *rhythm.silent_shares)
    if not all(map(math.isfinite, numbers)) or rhythm.shop_gap_days <= 0.0:
        raise SnapshotError(f"rhythm: expected finite gaps above 0, got {numbers}")
    times = [period.since_ms for period in rhythm.schedule]
    if not 1 <= len(times) <= MAX_PERIODS or times != sorted(set(times)):
        raise SnapshotError(f"rhythm: expected 1..{MAX_PERIODS} periods in ascending order, got {rhythm.schedule}")
    if not all(math.isfinite(period.days) and period.days > 0.0 for period in rhythm.schedule):
        raise SnapshotError(f"rhythm: expected horizons above 0 days, got {rhythm.schedule}")
    if rhythm.known and (len(rhythm.silent_shares) != len(HORIZONS) or len(rhythm.gap_quantiles) != len(GAP_QUANTILES)):
        raise SnapshotError(f"rhythm: expected {len(HORIZONS)} shares and {len(GAP_QUANTILES)} quantiles, got {rhythm}")
