"""The rhythm of a history, before anything has learned it: what horizon to begin with."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stream.features.registry import DAY_MS
from stream.online_models.horizon import FIRST_HORIZON_DAYS, HORIZONS, Rhythm, fixed_schedule
from stream.online_models.rhythm import AGES, COHORTS, MAX_SILENT, WEEK_MS, RhythmModel

__all__ = ["propose_horizon", "rhythm_of_orders"]

#: A regular customer has orders on this many days.
_REGULAR_DAYS = 2


def propose_horizon(silent_shares: Sequence[float]) -> float:
    """The smallest horizon (days) within which half of the regular customers order; the first one when not known.

    >>> propose_horizon([0.74, 0.58, 0.41]), propose_horizon([])
    (91.0, 28.0)
    """
    if not silent_shares:
        return FIRST_HORIZON_DAYS
    found = [days for days, share in zip(HORIZONS, silent_shares, strict=True) if share <= MAX_SILENT]
    return float(found[0] if found else HORIZONS[-1])


def rhythm_of_orders(customers: npt.ArrayLike, at_ms: npt.ArrayLike, as_of_ms: int) -> Rhythm:
    """The rhythm of a history, with the horizon that it would have had from the beginning.

    ``customers``: int64[N], who placed each order; ``at_ms``: int64[N], when; in any order. Landmarks are taken at the
    weeks' beginnings up to ``as_of_ms``. A history that is too short gives the defaults.
    """
    who, at = np.asarray(customers, np.int64), np.asarray(at_ms, np.int64)
    order = np.lexsort((at, who))
    who, at = who[order], at[order]
    model = RhythmModel()
    state = model.state()
    if len(at) == 0:
        return model.snapshot()
    state.first_week, state.newest_week = int(at.min() // WEEK_MS), int(as_of_ms // WEEK_MS)
    first = np.concatenate([[True], who[1:] != who[:-1]])
    new_day = first | np.concatenate([[True], at[1:] // DAY_MS != at[:-1] // DAY_MS])
    starts = np.maximum.accumulate(np.where(first, np.arange(len(at)), 0))
    days = np.cumsum(new_day) - np.cumsum(new_day)[starts] + 1
    own_gap = (at - at[starts]) / DAY_MS / np.maximum(days - 1, 1)
    ends = np.concatenate([np.where(first[1:], as_of_ms + 1, at[1:]), [as_of_ms + 1]])
    # week beginnings after the order, before the next one
    first_week = at // WEEK_MS + 1
    count = np.minimum(np.maximum((ends - 1) // WEEK_MS - first_week + 1, 0), AGES)
    count[days < _REGULAR_DAYS] = 0
    row = np.repeat(np.arange(len(at)), count)
    week = first_week[row] + np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    recency = (week * WEEK_MS - at[row]) / DAY_MS
    for k in np.flatnonzero(week > state.newest_week - COHORTS):
        model.count_landmark(int(week[k]), float(recency[k]), float(own_gap[row[k]]))
    model.forget()
    horizon = propose_horizon(model.silent_shares(state.newest_week - 1))
    state.schedule = fixed_schedule(horizon)
    return model.snapshot()
