"""How much must be at stake for an alert, so that there are so many alerts a week.

The kernel tells of each customer whose silence has become long enough for an alert (`Overdue`), with what is at stake
(`stream.processing.policy`). Here they are counted by what is at stake; the level is the value that as many of them a
week exceed as are asked for. Recent weeks count most: seasons come and go.
"""

import math
from typing import Final

from msgspec import Struct, field

from stream.features.registry import DAY_MS

__all__ = ["HALF_LIFE_MS", "MIN_MS", "StakeLevel"]

#: The weight of a customer halves in this time.
HALF_LIFE_MS: Final = 28 * DAY_MS
#: No level before so much time has been seen: a week, so that no day of the week decides.
MIN_MS: Final = 7 * DAY_MS

_WEEK_MS: Final = 7 * DAY_MS
_BINS_PER_OCTAVE: Final = 4
_MIN_OCTAVE: Final = -20
_BINS: Final = 60 * _BINS_PER_OCTAVE


class StakeLevel(Struct, kw_only=True):
    """Exponentially weighted counts over event time, by quarters of a doubling of the stake. Stored unchanged.

    ``present`` is the level as of the last call of `settle`: what is published changes only when the models' version
    does. None: not known yet.

    >>> levels = StakeLevel()
    >>> for day in range(28):
    ...     for stake in (10.0, 100.0):
    ...         levels.learn_one(stake, at_ms=day * DAY_MS)
    >>> levels.level(7.0) > 50.0, levels.level(13.9) < 12.0, levels.level(1000.0)
    (True, True, 0.0)
    """

    counts: list[float] = field(default_factory=lambda: [0.0] * _BINS)
    begun_ms: int | None = None
    at_ms: int = 0
    present: float | None = None

    def learn_one(self, stake: float, at_ms: int) -> None:
        """One more customer has come to be overdue; one that comes after its time counts as of the latest."""
        if self.begun_ms is None:
            self.begun_ms = self.at_ms = at_ms
        elapsed_ms = max(at_ms - self.at_ms, 0)
        if elapsed_ms:
            faded = 2.0 ** (-elapsed_ms / HALF_LIFE_MS)
            self.counts[:] = [count * faded for count in self.counts]
            self.at_ms += elapsed_ms
        if stake > 0.0:
            position = int((math.log2(stake) - _MIN_OCTAVE) * _BINS_PER_OCTAVE)
            self.counts[min(max(position, 0), _BINS - 1)] += 1.0

    def level(self, per_week: float) -> float | None:
        """What ``per_week`` customers a week exceed; 0 where there are not so many, None before a week was seen."""
        if self.begun_ms is None or self.at_ms - self.begun_ms < MIN_MS:
            return None
        # the time that the counts stand for: that of the weights e^(-t / tau) from the first customer to the last
        tau = HALF_LIFE_MS / math.log(2.0)
        weeks = tau * -math.expm1((self.begun_ms - self.at_ms) / tau) / _WEEK_MS
        wanted = per_week * weeks
        above = 0.0
        for position in range(_BINS - 1, -1, -1):
            count = self.counts[position]
            if above + count > wanted:
                # within a bin, evenly in the logarithm
                share = 1.0 - (wanted - above) / count
                return float(2.0 ** (_MIN_OCTAVE + (position + share) / _BINS_PER_OCTAVE))
            above += count
        return 0.0

    def settle(self, per_week: float) -> None:
        """Publish the present level from now on."""
        self.present = self.level(per_week)
