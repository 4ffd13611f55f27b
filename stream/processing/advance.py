"""The kernel: one customer's timers and events, strictly in time order.

A timer due at *d* fires before any event with time > *d*, after all events <= *d*, and as if at exactly *d*. Nothing
here depends on where a batch begins or ends: a replay gives the landmarks, labels and alerts of the live run.
"""

from __future__ import annotations

import numpy as np

from stream.compiling import jit
from stream.features import apply as features
from stream.features.habit import learn_habit
from stream.features.profile import MAX_PENDING, NEVER
from stream.processing.emission import EmissionCause, EmissionKind
from stream.processing.foresight import at_risk_from, risk_after_order
from stream.processing.maturity import first_maturity
from stream.processing.policy import (
    due_at,
    is_of_interest,
    is_of_leaving,
    lapsed_at,
    reaches,
    says_so,
    stake_weight,
    window,
)
from stream.processing.score import NO_LOGIT, nearest_segment, raw_logit_of, risk_at
from stream.processing.silence import next_due, search

__all__ = ["FIRED", "ROOM", "SUPPRESSED", "apply", "fire", "look"]

_LANDMARK = int(EmissionKind.LANDMARK)
_LABEL = int(EmissionKind.LABEL)
_RAISED = int(EmissionKind.RAISED)
_CLEARED = int(EmissionKind.CLEARED)
_SEGMENT = int(EmissionKind.SEGMENT)
_WINBACK = int(EmissionKind.WINBACK)
_OVERDUE = int(EmissionKind.OVERDUE)
_EVENT = int(EmissionCause.EVENT)
_SILENCE = int(EmissionCause.SILENCE)
_MODEL = int(EmissionCause.MODEL)

#: Positions in the tally of a run: timers fired, by kind, then ...
FIRED = {"landmark": 0, "maturity": 1, "silence": 2}
_FIRED_LANDMARK, _FIRED_MATURITY, _FIRED_SILENCE = 0, 1, 2
#: ... evaluations that reached the level and raised nothing, by what held the alert back.
SUPPRESSED = {"few_orders": 3, "cooldown": 4}
_SUPPRESSED_FEW_ORDERS, _SUPPRESSED_COOLDOWN = 3, 4

#: What may become of an evaluation: an order, a visit or another sign of life never raises an alert.
_NO_RAISE, _IF_OVERDUE, _IF_DUE = 0, 1, 2

#: Emissions that must fit between two checks of the buffer: a raise or clear, a segment, two examples.
ROOM = 4


@jit
def _copy(source, target):  # type: ignore[no-untyped-def]
    # an assignment of slices would make an array in between, in case that they overlap
    for k in range(source.shape[0]):
        target[k] = source[k]


@jit
def _emit(out, count, kind, row, at, inputs, value):  # type: ignore[no-untyped-def]
    e = out[count]
    e.kind = kind
    e.row = row
    e.position = 0
    e.at = at
    e.cause = _EVENT
    e.event_id = 0
    e.risk = np.nan
    e.previous_risk = np.nan
    e.logit = NO_LOGIT
    e.version = 0
    e.segment = -1
    e.previous_segment = -1
    e.landmark_at = 0
    e.risk_after_order = np.nan
    e.calm_risk = np.nan
    e.churned = False
    e.purchases = 0
    e.spend = 0
    e.habit_days = np.nan
    e.ordered = False
    e.weight = 0.0
    _copy(inputs, e.inputs)
    _copy(value, e.values)
    return count + 1


@jit
def _recall_calm(p, e, rules, model):  # type: ignore[no-untyped-def]
    """Put the last calm landmark on an alert, if one still waits for its label.

    Calm is a risk below ``clear_at``, or, where alerts are counted, a time at which no order was due.
    """
    due = due_at(p, model)
    for k in range(p.pending - 1, -1, -1):
        calm = p.pending_at[k] < due if rules.alerts_per_week > 0.0 else p.pending_risk[k] < rules.clear_at
        if calm and not np.isnan(p.pending_risk[k]):
            e.landmark_at = p.pending_at[k]
            e.calm_risk = p.pending_risk[k]
            _copy(p.pending_input[k], e.calm_inputs)
            return


@jit
def _may_raise(p, at, may, risk, rules, model, tally):  # type: ignore[no-untyped-def]
    """Whether an alert is raised at ``at``; see `stream.processing.policy`."""
    if may == _NO_RAISE or p.orders == 0:
        return False
    first, last = window(p, rules, model)
    if first == -NEVER:
        if risk >= rules.raise_at:
            tally[_SUPPRESSED_FEW_ORDERS] += 1
        return False
    # who says so leaves as soon as an order is due, as if they had been silent for so long as to be alerted
    begins = min(due_at(p, model), first) if may == _IF_DUE else first
    if at < begins or at >= last or not reaches(p, max(at, first), risk, rules, model):
        return False
    if at < p.cooldown_until:
        tally[_SUPPRESSED_COOLDOWN] += 1
        return False
    return True


@jit
def _decide(p, row, at, cause, event_id, may, risk, rules, model, out, count, tally, value, inputs):  # type: ignore[no-untyped-def]
    previous = p.risk
    p.risk = risk
    kind = -1
    ordered = False
    if p.raised:
        ordered = p.orders == 0 or at < due_at(p, model)
        if ordered or (rules.alerts_per_week == 0.0 and risk < rules.clear_at):
            p.raised = False
            kind = _CLEARED
    elif _may_raise(p, at, may, risk, rules, model, tally):
        p.raised = True
        p.raised_at = at
        p.cooldown_until = at + rules.cooldown_ms
        kind = _RAISED
    if kind >= 0:
        count = _emit_alert(p, row, at, kind, cause, event_id, previous, model, out, count, value, inputs)
        e = out[count - 1]
        e.ordered = ordered
        if kind == _RAISED:
            p.at_risk_from = -NEVER
            e.risk_after_order = risk_after_order(p, at, model)
            _recall_calm(p, e, rules, model)
    return count


@jit
def _emit_alert(p, row, at, kind, cause, event_id, previous, model, out, count, value, inputs):  # type: ignore[no-untyped-def]
    learn_habit(p, model.shop_gap_days)
    count = _emit(out, count, kind, row, at, inputs, value)
    e = out[count - 1]
    e.cause = cause
    e.event_id = event_id
    e.risk = p.risk
    e.previous_risk = previous
    e.version = model.version
    e.segment = p.segment
    e.spend = p.order_spend - p.refund_spend
    e.habit_days = p.habit_days
    return count


@jit
def _evaluate(p, row, at, cause, event_id, may, rules, model, out, count, tally, looks):  # type: ignore[no-untyped-def]
    """Score at ``at`` and decide; the row's last look is the one at ``at``."""
    value = looks.values[row]
    inputs = looks.inputs[row]
    looks.at[row] = at
    risk = risk_at(p, at, model, value, inputs)
    if model.ready:
        count = _decide(p, row, at, cause, event_id, may, risk, rules, model, out, count, tally, value, inputs)
        p.risk_version = model.version
    p.as_of = at
    p.check_due = True
    p.check_at = -NEVER
    return count


@jit
def _assign_segment(p, row, at, model, out, count, value, inputs):  # type: ignore[no-untyped-def]
    """Segments are a slow view of a customer: they are assigned at landmarks only."""
    if model.clusters == 0 or p.orders == 0:
        return count
    current = p.segment if p.segment < model.clusters else -1
    segment = nearest_segment(inputs, model, current)
    if segment != p.segment:
        count = _emit(out, count, _SEGMENT, row, at, inputs, value)
        e = out[count - 1]
        e.segment = segment
        e.previous_segment = p.segment
        e.version = model.segment_version
        p.segment = segment
    p.segment_version = model.segment_version
    return count


@jit
def _take_landmark(p, row, at, rules, model, out, count, value, inputs):  # type: ignore[no-untyped-def]
    """Freeze the vector and the score just evaluated; go to the next point of the grid."""
    if p.orders > 0 and p.pending < MAX_PENDING:
        k = p.pending
        p.pending_at[k] = at
        p.pending_risk[k] = p.risk if model.ready else np.nan
        p.pending_logit[k] = raw_logit_of(inputs, model)
        p.pending_version[k] = model.version if model.ready else 0
        p.pending_orders[k] = p.orders
        p.pending_spend[k] = p.order_spend - p.refund_spend
        _copy(inputs, p.pending_input[k])
        p.pending = k + 1
        count = _emit(out, count, _LANDMARK, row, at, inputs, value)
    p.next_landmark_at = at + rules.landmark_ms
    if p.next_landmark_at > p.last_at + rules.silence_bound_ms:
        p.next_landmark_at = -NEVER
    return count


@jit
def _mature(p, which, row, at, out, count, value):  # type: ignore[no-untyped-def]
    """Emit the label of the pending landmark at position ``which``, with what was frozen on it."""
    count = _emit(out, count, _LABEL, row, at, p.pending_input[which], value)
    e = out[count - 1]
    e.landmark_at = p.pending_at[which]
    e.risk = p.pending_risk[which]
    e.logit = p.pending_logit[which]
    e.version = p.pending_version[which]
    e.churned = p.last_order_at <= p.pending_at[which]
    e.purchases = max(p.orders - p.pending_orders[which], 0)
    e.spend = p.order_spend - p.refund_spend - p.pending_spend[which]
    last = p.pending - 1
    for k in range(which, last):
        p.pending_at[k] = p.pending_at[k + 1]
        p.pending_risk[k] = p.pending_risk[k + 1]
        p.pending_logit[k] = p.pending_logit[k + 1]
        p.pending_version[k] = p.pending_version[k + 1]
        p.pending_orders[k] = p.pending_orders[k + 1]
        p.pending_spend[k] = p.pending_spend[k + 1]
        _copy(p.pending_input[k + 1], p.pending_input[k])
    p.pending = last
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
    count = _emit(out, count, _OVERDUE, row, at, looks.inputs[row], looks.values[row])
    out[count - 1].weight = stake_weight(p, at)
    return count


@jit
def fire(p, row, until, rules, model, out, count, tally, looks):  # type: ignore[no-untyped-def]
    """Fire the timers of ``p`` that are due before ``until``, in time order; return the new emission count.

    Stops early when the buffer has no room left; the caller drains it and calls again.
    """
    if model.ready and p.risk_version != model.version and p.as_of != NEVER:
        p.check_due = True
    while count + ROOM <= out.shape[0]:
        if p.check_due:
            search(p, until, rules, model, looks.value, looks.input)
        due = next_due(p, rules, model)
        if due >= until:
            break
        which, matures_at = first_maturity(p, rules, model)
        if due == matures_at:
            count = _mature(p, which, row, due, out, count, looks.value)
            tally[_FIRED_MATURITY] += 1
        elif due == p.next_landmark_at:
            cause = _silence_cause(p, rules, model, looks)
            count = _evaluate(p, row, due, cause, 0, _IF_OVERDUE, rules, model, out, count, tally, looks)
            value = looks.values[row]
            inputs = looks.inputs[row]
            count = _assign_segment(p, row, due, model, out, count, value, inputs)
            count = _take_landmark(p, row, due, rules, model, out, count, value, inputs)
            p.at_risk_from = at_risk_from(p, due, rules, model, looks.value, looks.input)
            tally[_FIRED_LANDMARK] += 1
        else:
            cause = _silence_cause(p, rules, model, looks)
            count = _evaluate(p, row, due, cause, 0, _IF_OVERDUE, rules, model, out, count, tally, looks)
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
        count = _evaluate(p, row, at, cause, 0, _IF_OVERDUE, rules, model, out, count, tally, looks)
        p.at_risk_from = at_risk_from(p, at, rules, model, looks.value, looks.input)
    return _assign_segment(p, row, at, model, out, count, looks.values[row], looks.inputs[row])


@jit
def _arm_landmark(p, now, rules):  # type: ignore[no-untyped-def]
    """Put the next landmark on the customer's grid, strictly after ``now``."""
    period = rules.landmark_ms
    p.next_landmark_at = ((now - p.phase_ms) // period + 1) * period + p.phase_ms


@jit
def apply(p, row, event, now, rules, model, out, count, tally, looks):  # type: ignore[no-untyped-def]
    """Apply an EVENT at stream time ``now``; return what became of it (`stream.features.apply`) and the emissions."""
    lapsed = lapsed_at(p, rules, model) if p.orders > 0 and is_of_interest(event.kind) else -NEVER
    looked_at = max(p.last_click_at, p.last_email_at)
    status = features.apply(p, event)
    if status == features.APPLIED:
        if p.next_landmark_at == -NEVER:
            _arm_landmark(p, now, rules)
        may = _NO_RAISE
        if is_of_leaving(event.kind):
            may = _IF_DUE if says_so(event.kind) else _IF_OVERDUE
        previous = p.risk
        count = _evaluate(p, row, now, _EVENT, event.event_id, may, rules, model, out, count, tally, looks)
        # the first look since the customer was lost: later ones find it remembered
        if model.ready and event.time > lapsed and looked_at <= lapsed:
            value = looks.values[row]
            count = _emit_alert(
                p, row, now, _WINBACK, _EVENT, event.event_id, previous, model, out, count, value, looks.inputs[row]
            )
    return status, count
