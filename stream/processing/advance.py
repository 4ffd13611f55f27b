"""The kernel: one customer's timers and events, strictly in time order.

A timer due at *d* fires before any event with time > *d*, after all events <= *d*, and as if at exactly *d*. Nothing
here depends on where a batch begins or ends: a replay gives the landmarks, labels and alerts of the live run.
"""

from __future__ import annotations

from stream.compiling import jit
from stream.features import apply as features
from stream.features.profile import NEVER
from stream.features.stages import Stage
from stream.processing.deciding import IF_DUE, IF_OVERDUE, NO_RAISE, decide, emit_alert
from stream.processing.emission import EmissionCause, EmissionKind
from stream.processing.emitting import emit
from stream.processing.foresight import at_risk_from
from stream.processing.landmarks import arm_landmark, assign_segment, mature, take_landmark
from stream.processing.lifecycle import follow_event, next_stage_at, pass_to_next_stage, take_up_stage
from stream.processing.maturity import first_maturity
from stream.processing.policy import (
    is_of_interest,
    is_of_leaving,
    lapsed_at,
    reaches,
    says_so,
    stake_weight,
    window,
)
from stream.processing.score import risk_at
from stream.processing.silence import next_due, search

__all__ = ["FIRED", "ROOM", "apply", "fire", "look"]

_WINBACK = int(EmissionKind.WINBACK)
_OVERDUE = int(EmissionKind.OVERDUE)
_EVENT = int(EmissionCause.EVENT)
_SILENCE = int(EmissionCause.SILENCE)
_MODEL = int(EmissionCause.MODEL)

#: Positions in the tally of a run: timers fired, by kind; then comes `stream.processing.deciding.SUPPRESSED`.
FIRED = {"landmark": 0, "maturity": 1, "silence": 2, "stage": 3}
_FIRED_LANDMARK, _FIRED_MATURITY, _FIRED_SILENCE, _FIRED_STAGE = 0, 1, 2, 3
#: Emissions that must fit between two checks of the buffer: a raise or clear, a segment, two examples. Changes of stage
#: have a buffer of the same length, and there are fewer.
ROOM = 4
#: The stage of a profile that was stored without one.
_NO_STAGE = int(Stage.NONE)


@jit
def _evaluate(p, row, at, cause, event_id, may, rules, model, out, count, tally, looks):  # type: ignore[no-untyped-def]
    """Score at ``at`` and decide; the row's last look is the one at ``at``."""
    value = looks.values[row]
    inputs = looks.inputs[row]
    looks.at[row] = at
    risk = risk_at(p, at, model, value, inputs)
    if model.ready:
        count = decide(p, row, at, cause, event_id, may, risk, rules, model, out, count, tally, value, inputs)
        p.risk_version = model.version
    p.as_of = at
    p.check_due = True
    p.check_at = -NEVER
    return count


@jit
def _silence_cause(p, rules, model, looks):  # type: ignore[no-untyped-def]
    """If the present model already reaches the level at the last evaluation, the cause is the model, not silence."""
    if p.risk_version == model.version or p.as_of == NEVER or not model.ready:
        return _SILENCE
    first, last = window(p, rules, model)
    if p.as_of < first or p.as_of >= last:
        return _SILENCE
    risk = risk_at(p, p.as_of, model, looks.value, looks.input)
    return _MODEL if reaches(p, p.as_of, risk, rules, model) else _SILENCE


@jit
def _report_overdue(p, row, at, out, count, rules, looks):  # type: ignore[no-untyped-def]
    """Tell the trainer of a customer whose silence has become long enough for an alert, to learn the level from."""
    if rules.alerts_per_week == 0.0:
        return count
    count = emit(out, count, _OVERDUE, row, at, looks.inputs[row], looks.values[row])
    out[count - 1].weight = stake_weight(p, at)
    return count


@jit
def fire(p, row, until, rules, model, out, count, tally, looks, changes):  # type: ignore[no-untyped-def]
    """Fire the timers of ``p`` that are due before ``until``, in time order; return the new emission count.

    Stops early when the buffer has no room left; the caller drains it and calls again.
    """
    if model.ready and p.risk_version != model.version and p.as_of != NEVER:
        p.check_due = True
    if rules.stages and p.stage == _NO_STAGE and p.events > 0:
        take_up_stage(p, row, rules, model, changes)
    while max(count, changes.used[0]) + ROOM <= out.shape[0]:
        if p.check_due:
            search(p, until, rules, model, looks.value, looks.input)
        due = next_due(p, rules, model)
        if due >= until:
            break
        which, matures_at = first_maturity(p, rules, model)
        if due == matures_at:
            count = mature(p, which, row, due, out, count, looks.value)
            tally[_FIRED_MATURITY] += 1
        elif due == p.next_landmark_at:
            cause = _silence_cause(p, rules, model, looks)
            count = _evaluate(p, row, due, cause, 0, IF_OVERDUE, rules, model, out, count, tally, looks)
            value = looks.values[row]
            inputs = looks.inputs[row]
            count = assign_segment(p, row, due, model, out, count, value, inputs)
            count = take_landmark(p, row, due, rules, model, out, count, value, inputs)
            p.at_risk_from = at_risk_from(p, due, rules, model, looks.value, looks.input)
            tally[_FIRED_LANDMARK] += 1
        elif due == next_stage_at(p, rules, model):
            pass_to_next_stage(p, row, due, rules, model, changes)
            tally[_FIRED_STAGE] += 1
        else:
            cause = _silence_cause(p, rules, model, looks)
            count = _evaluate(p, row, due, cause, 0, IF_OVERDUE, rules, model, out, count, tally, looks)
            count = _report_overdue(p, row, due, out, count, rules, looks)
            tally[_FIRED_SILENCE] += 1
    return count


@jit
def look(p, row, at, rules, model, out, count, tally, looks):  # type: ignore[no-untyped-def]
    """Bring risk and segment of ``p`` up to date as of ``at`` without a timer; return the new emission count.

    ``at`` is stream time, whose timers have fired. A customer retired from scoring gets no alert, because nothing
    would clear it. A customer already scored at that time with this model is skipped.
    """
    if p.events == 0 or not model.ready or (p.as_of >= at and p.risk_version == model.version):
        return count
    if p.next_landmark_at == -NEVER:
        p.risk = risk_at(p, at, model, looks.values[row], looks.inputs[row])
        p.risk_version = model.version
        p.as_of = at
        looks.at[row] = at
    else:
        cause = _silence_cause(p, rules, model, looks)
        count = _evaluate(p, row, at, cause, 0, IF_OVERDUE, rules, model, out, count, tally, looks)
        p.at_risk_from = at_risk_from(p, at, rules, model, looks.value, looks.input)
    return assign_segment(p, row, at, model, out, count, looks.values[row], looks.inputs[row])


@jit
def apply(p, row, event, now, rules, model, out, count, tally, looks, changes):  # type: ignore[no-untyped-def]
    """Apply an EVENT at stream time ``now``; return what became of it (`stream.features.apply`) and the emissions."""
    lost = lapsed_at(p, rules, model) if p.orders > 0 else -NEVER
    lapsed = lost if is_of_interest(event.kind) else -NEVER
    looked_at = max(p.last_click_at, p.last_email_at)
    orders, order_days, first, last = p.orders, p.order_days, p.first_order_at, p.last_order_at
    status = features.apply(p, event)
    if status == features.APPLIED:
        if p.next_landmark_at == -NEVER:
            arm_landmark(p, now, rules)
        may = NO_RAISE
        if is_of_leaving(event.kind):
            may = IF_DUE if says_so(event.kind) else IF_OVERDUE
        previous = p.risk
        count = _evaluate(p, row, now, _EVENT, event.event_id, may, rules, model, out, count, tally, looks)
        # the first look since the customer was lost: later ones find it remembered
        if model.ready and event.time > lapsed and looked_at <= lapsed:
            value = looks.values[row]
            count = emit_alert(
                p, row, now, _WINBACK, _EVENT, event.event_id, previous, model, out, count, value, looks.inputs[row]
            )
        if rules.stages:
            follow_event(p, row, now, event.event_id, orders, order_days, first, last, lost, rules, model, changes)
    return status, count
