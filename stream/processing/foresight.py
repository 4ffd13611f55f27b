"""What would become of the risk: if nothing happens, and if the customer orders."""

from __future__ import annotations

import numpy as np

from stream.compiling import jit, jit_with_arrays
from stream.events.columns import UNKNOWN_AMOUNT
from stream.features import orders
from stream.features.profile import NEVER, PROFILE
from stream.features.registry import DAY_MS
from stream.processing.policy import reaches, window
from stream.processing.score import risk_at

__all__ = ["at_risk_from", "foreseen", "risk_after_order"]


@jit
def at_risk_from(p, at, rules, model, value, inputs):  # type: ignore[no-untyped-def]
    """The time (ms) from which silence since ``at`` would raise an alert, to the day, or -NEVER.

    Where alerts are counted, that is when the silence becomes long enough, if what is at stake is enough then. Where
    they are raised by risk: looks 1, 2, 4, ... weeks ahead, to the time at which landmarks of the silent customer end,
    and halves the stretch in which the level is reached down to a day. So it takes for granted that silence raises the
    risk; where the risk falls again within such a stretch, an earlier crossing can be missed. Leaves ``value`` and
    ``inputs`` of another time.
    """
    if p.raised or not model.ready:
        return -NEVER
    first, last = window(p, rules, model)
    end = min(p.last_at + rules.silence_bound_ms, last)
    low = max(at, first)
    if rules.alerts_per_week > 0.0:
        low = max(low, p.cooldown_until)
        if low >= end or low == at:
            return -NEVER
        return low if reaches(p, low, risk_at(p, low, model, value, inputs), rules, model) else -NEVER
    if low > at and low < end and risk_at(p, low, model, value, inputs) >= rules.raise_at:
        return max(low, p.cooldown_until)
    step = 7 * DAY_MS
    while low < end:
        high = min(low + step, end)
        if risk_at(p, high, model, value, inputs) >= rules.raise_at:
            while high - low > DAY_MS:
                middle = (low + high) // 2
                if risk_at(p, middle, model, value, inputs) >= rules.raise_at:
                    high = middle
                else:
                    low = middle
            return max(high, p.cooldown_until)
        low = high
        step *= 2
    return -NEVER


@jit
def _risk_with_order(copies, at, model, value, inputs):  # type: ignore[no-untyped-def]
    """The risk of the profile ``copies[0]``, which gets one more order of the usual value at ``at``."""
    q = copies[0]
    priced = q.orders - q.unpriced
    amount = q.order_spend // priced if priced > 0 else np.int64(UNKNOWN_AMOUNT)
    q.events += 1
    q.first_at = min(q.first_at, at)
    q.last_at = max(q.last_at, at)
    orders.complete(q, -1, at, amount)
    return risk_at(q, at, model, value, inputs)


@jit_with_arrays
def risk_after_order(p, at, model):  # type: ignore[no-untyped-def]
    """The risk if the customer, as of ``at``, placed one order of the usual value at that moment."""
    copies = np.empty(1, PROFILE)
    copies[0] = p
    value = np.empty(model.weights.shape[0])
    inputs = np.empty(model.weights.shape[0], np.int16)
    # A record does not keep the array alive that it is in: Numba frees the array after its last use, which is this call
    return _risk_with_order(copies, at, model, value, inputs)


@jit
def foreseen(p, rules):  # type: ignore[no-untyped-def]
    """When silence will raise an alert, as far as is known; -NEVER when it will not, or already has.

    Before the next landmark the next crossing of the risk is exact, and what was foreseen at the last landmark may be
    out of date. Where alerts are counted, ``check_at`` is only when it will be looked at.
    """
    if rules.alerts_per_week > 0.0:
        return p.at_risk_from if p.at_risk_from > p.as_of else -NEVER
    if p.check_at < -NEVER:
        return p.check_at
    return p.at_risk_from if p.at_risk_from >= p.next_landmark_at else -NEVER
