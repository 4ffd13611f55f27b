"""When would the risk cross the level if nothing happens?

The risk of a silent customer is evaluated one hour after the last evaluation, then day by day (tiles change by the
day, recency slowly), up to the next landmark, where the next search begins. Between two looks, of which the second is
at or above the level, the crossing is found to the second.
"""

from __future__ import annotations

import math

import numpy as np

from stream.compiling import jit
from stream.features.profile import NEVER
from stream.processing.lifecycle import next_stage_at
from stream.processing.maturity import first_maturity
from stream.processing.policy import window
from stream.processing.score import risk_at

__all__ = ["next_due", "search"]

_RESOLUTION_MS = 1000


@jit
def _crossing(p, low, high, level, model, value, inputs):  # type: ignore[no-untyped-def]
    """A time in (low, high], which are below and at or above the level, with both within the resolution before it.

    The ITP method (interpolate, truncate, project) evaluates a smooth curve some five times, and any curve once more
    than bisection at most. Source: I. Oliveira and R. Takahashi, "An Enhancement of the Bisection Method Average
    Performance Preserving Minmax Optimality", ACM TOMS 47 (2020), with k1 = 0.2 / (b - a), k2 = 2, n0 = 1.
    """
    under = risk_at(p, low, model, value, inputs) - level
    if under >= 0.0:
        # a model has come for which the level was crossed before the first look
        return min(low + _RESOLUTION_MS, high)
    over = risk_at(p, high, model, value, inputs) - level
    k1 = 0.2 / (high - low)
    reach = 0.5 * _RESOLUTION_MS * 2.0 ** (math.ceil(math.log2((high - low) / _RESOLUTION_MS)) + 1)
    while high - low > _RESOLUTION_MS:
        middle = 0.5 * (low + high)
        falsi = (over * low - under * high) / (over - under)
        toward_middle = 1.0 if falsi <= middle else -1.0
        shift = k1 * float(high - low) ** 2
        truncated = falsi + toward_middle * shift if shift <= abs(middle - falsi) else middle
        radius = max(reach - 0.5 * (high - low), 0.0)
        at = truncated if abs(truncated - middle) <= radius else middle - toward_middle * radius
        look = min(max(np.int64(at), low + 1), high - 1)
        risk = risk_at(p, look, model, value, inputs) - level
        if risk >= 0.0:
            high = look
            over = risk
        else:
            low = look
            under = risk
        reach *= 0.5
    return high


@jit
def search(p, until, rules, model, value, inputs):  # type: ignore[no-untyped-def]
    """Set ``p.check_at`` to the next check of the silence, before ``until`` (ms) or later, if there is one.

    Where alerts are counted, that is when the customer's silence becomes long enough. Where they are raised by risk,
    it is the first crossing of the level. The looks are counted from ``p.as_of``, not from ``until``, so a search that
    is cut short and taken up again finds the same crossing as one long search. ``p.check_due`` stays set while the
    stretch to the next landmark has not been searched to its end.
    """
    p.check_at = -NEVER
    p.check_due = False
    if p.raised or p.next_landmark_at == -NEVER or p.as_of == NEVER:
        return
    first, last = window(p, rules, model)
    begin = max(first, p.cooldown_until)
    if rules.alerts_per_week > 0.0:
        if p.as_of < begin < last:
            p.check_at = begin
        return
    if model.ready and last > p.as_of:
        _search_risk(p, begin, min(until, last), min(p.next_landmark_at, last), rules, model, value, inputs)


@jit
def _search_risk(p, begin, until, end, rules, model, value, inputs):  # type: ignore[no-untyped-def]
    """`search` for the first crossing of the risk from ``begin`` on, before ``until``; all is searched at ``end``."""
    stop = min(until, end)
    low = max(p.as_of, begin)
    if low > p.as_of:
        if low >= stop:
            p.check_due = low < end
            return
        if risk_at(p, low, model, value, inputs) >= rules.raise_at:
            p.check_at = low
            return
    step = rules.first_check_ms
    start = low
    while low < stop:
        high = start + step
        if risk_at(p, high, model, value, inputs) >= rules.raise_at:
            at = _crossing(p, low, high, rules.raise_at, model, value, inputs)
            if at < end or end == p.next_landmark_at:
                p.check_at = at
            return
        low = high
        step = rules.check_ms if step == rules.first_check_ms else step + rules.check_ms
    p.check_due = low < end


@jit
def next_due(p, rules, model):  # type: ignore[no-untyped-def]
    """Time of the profile's next timer; -NEVER when it has none."""
    due = min(p.next_landmark_at, p.check_at)
    return min(due, first_maturity(p, rules, model)[1], next_stage_at(p, rules, model))
