"""The stage of a profile (`stream.features.stages`): what it is at a time, when the next one comes, and why.

A profile remembers its stage, since when and why. So the stage is a fold over the log: a later stage comes with
silence, by a timer that is exact; any stage may come with an order, or with news of one. An order won a customer back
who was lost by then; that is remembered until their last order is of another day.
"""

from __future__ import annotations

import numpy as np

from stream.compiling import jit
from stream.features.habit import learn_habit
from stream.features.profile import NEVER
from stream.features.registry import DAY_MS
from stream.features.stages import Stage, StageCause, silence_of, silence_stage, stage_times

__all__ = ["follow_event", "next_stage_at", "pass_to_next_stage", "take_up_stage"]

# Numba freezes plain integers into the compiled code
_NONE, _LEAD, _NEW, _ACTIVE = int(Stage.NONE), int(Stage.LEAD), int(Stage.NEW), int(Stage.ACTIVE)
_WON_BACK, _DUE, _LOST = int(Stage.WON_BACK), int(Stage.DUE), int(Stage.LOST)
_EVENT, _ORDER, _SILENCE, _CORRECTION = (
    int(StageCause.EVENT),
    int(StageCause.ORDER),
    int(StageCause.SILENCE),
    int(StageCause.CORRECTION),
)


@jit
def _times(p, rules, model):  # type: ignore[no-untyped-def]
    learn_habit(p, model.shop_gap_days)
    return stage_times(p.last_order_at, p.habit_days, rules.horizon_ms)


@jit
def stage_at(p, at, rules, model):  # type: ignore[no-untyped-def]
    """The stage at ``at`` (ms) by the orders and the silence, whatever it was before."""
    if p.orders == 0:
        return _LEAD
    silence = silence_of(at, _times(p, rules, model))
    if silence > 0:
        return silence_stage(silence)
    if p.won_back:
        return _WON_BACK
    return _NEW if p.order_days == 1 else _ACTIVE


@jit
def next_stage_at(p, rules, model):  # type: ignore[no-untyped-def]
    """When (ms) silence leads to the next stage; -NEVER when none is left.

    Never before the customer was last looked at: where a model has come for which it was due by then, it comes then.
    """
    if not rules.stages or p.orders == 0 or p.stage == _NONE or p.stage == _LOST:
        return -NEVER
    at = _times(p, rules, model)[max(p.stage - _DUE + 1, 0)]
    return max(at, p.as_of, p.stage_since)


@jit
def _since_by_rule(p, stage, rules, model):  # type: ignore[no-untyped-def]
    """Since when (ms) a customer is in ``stage``, as far as a profile tells that was stored without one."""
    if stage == _LEAD:
        return p.first_at
    if stage == _NEW:
        return p.first_order_at
    if stage < _DUE:
        return p.last_order_at
    return _times(p, rules, model)[stage - _DUE]


@jit
def _note_last_order(p, last_before, lost_before):  # type: ignore[no-untyped-def]
    """Note whether the last order won the customer back, after an event.

    ``last_before``: the last order before the event; ``lost_before``: after when they counted as lost then.
    """
    if p.last_order_at // DAY_MS != last_before // DAY_MS:
        p.won_back = p.last_order_at > last_before and p.last_order_at > lost_before


@jit
def _cause_after(stage, last_order_at, last_before, has_changed):  # type: ignore[no-untyped-def]
    """Why a customer is in ``stage`` after an event; ``has_changed``: it changed what is known of the orders."""
    if last_order_at > last_before:
        return _ORDER
    if has_changed:
        return _CORRECTION
    if stage == _LEAD:
        return _EVENT
    return _SILENCE if stage >= _DUE else _ORDER


@jit
def change_stage(p, row, at, stage, since, cause, event_id, model, changes):  # type: ignore[no-untyped-def]
    """Put ``p`` into ``stage`` at ``at`` and note that in ``changes`` (`StageChanges`), which has room."""
    change = changes.records[changes.used[0]]
    changes.used[0] += 1
    change.row = row
    change.at = at
    change.event_id = event_id
    change.previous = p.stage
    change.stage = stage
    change.cause = cause
    change.since = since
    change.silence_days = np.nan
    change.habit_days = np.nan
    if p.orders > 0:
        learn_habit(p, model.shop_gap_days)
        change.silence_days = (at - p.last_order_at) / DAY_MS
        change.habit_days = p.habit_days
    p.stage = stage
    p.stage_since = since
    p.stage_cause = cause


@jit
def take_up_stage(p, row, rules, model, changes):  # type: ignore[no-untyped-def]
    """Give a customer a stage who was stored without one: the one that they had when they were last looked at."""
    at = max(p.as_of, p.last_at)
    stage = stage_at(p, at, rules, model)
    cause = _cause_after(stage, p.last_order_at, p.last_order_at, False)
    since = min(_since_by_rule(p, stage, rules, model), at)
    change_stage(p, row, at, stage, since, cause, 0, model, changes)


@jit
def pass_to_next_stage(p, row, at, rules, model, changes):  # type: ignore[no-untyped-def]
    """Fire the timer of the next stage at ``at``: of several that begin then, the last."""
    change_stage(p, row, at, stage_at(p, at, rules, model), at, _SILENCE, 0, model, changes)


@jit
def follow_event(p, row, now, event_id, orders, order_days, first, last, lost, rules, model, changes):  # type: ignore[no-untyped-def]
    """Bring the stage up to date after an event that was applied at ``now``.

    ``orders``, ``order_days``, ``first``, ``last``: of the profile before it; ``lost``: after when the customer counted
    as lost then.
    """
    has_changed = (
        p.orders != orders or p.order_days != order_days or p.first_order_at != first or p.last_order_at != last
    )
    if has_changed:
        _note_last_order(p, last, lost)
    stage = stage_at(p, now, rules, model)
    # without news of an order a stage only goes on to a later one
    goes_on = stage > max(p.stage, _WON_BACK)
    if stage == p.stage or not (has_changed or goes_on or p.stage == _NONE):
        return
    cause = _cause_after(stage, p.last_order_at, last, has_changed)
    change_stage(p, row, now, stage, now, cause, event_id, model, changes)
