"""The kernel: one customer's timers and events, strictly in time order.

A timer due at *d* fires before any event with time > *d*, after all events <= *d*, and as if at exactly *d*. Nothing
here depends on where a batch begins or ends: a replay gives the landmarks, labels and alerts of the live run.
"""

from __future__ import annotations

import numpy as np

from stream.compiling import jit
from stream.features import apply as features
from stream.features.profile import MAX_PENDING, NEVER
from stream.processing.emission import EmissionCause, EmissionKind
from stream.processing.foresight import at_risk_from, risk_after_order
from stream.processing.maturity import first_maturity
from stream.processing.score import NO_LOGIT, nearest_segment, raw_logit_of, risk_at
from stream.processing.silence import next_due, search

__all__ = ["FIRED", "ROOM", "SUPPRESSED", "apply", "fire", "look"]

_LANDMARK = int(EmissionKind.LANDMARK)
_LABEL = int(EmissionKind.LABEL)
_RAISED = int(EmissionKind.RAISED)
_CLEARED = int(EmissionKind.CLEARED)
_SEGMENT = int(EmissionKind.SEGMENT)
_EVENT = int(EmissionCause.EVENT)
_SILENCE = int(EmissionCause.SILENCE)
_MODEL = int(EmissionCause.MODEL)

#: Positions in the tally of a run: timers fired, by kind, then ...
FIRED = {"landmark": 0, "maturity": 1, "silence": 2}
_FIRED_LANDMARK, _FIRED_MATURITY, _FIRED_SILENCE = 0, 1, 2
#: ... evaluations that reached the level and raised nothing, by what held the alert back.
SUPPRESSED = {"few_orders": 3, "cooldown": 4}
_SUPPRESSED_FEW_ORDERS, _SUPPRESSED_COOLDOWN = 3, 4

#: Emissions for which there must be room between two looks at the buffer: a raise or clear, a segment, an example.
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
    _copy(inputs, e.inputs)
    _copy(value, e.values)
    return count + 1


@jit
def _recall_calm(p, e, rules):  # type: ignore[no-untyped-def]
    """Put the last landmark whose risk was below the clear level on an alert, if one still waits for its label."""
    for k in range(p.pending - 1, -1, -1):
        if p.pending_risk[k] < rules.clear_at:
            e.landmark_at = p.pending_at[k]
            e.calm_risk = p.pending_risk[k]
            _copy(p.pending_input[k], e.calm_inputs)
            return


@jit
def _decide(p, row, at, cause, event_id, risk, rules, model, out, count, tally, value, inputs):  # type: ignore[no-untyped-def]
    previous = p.risk
    p.risk = risk
    kind = -1
    if not p.raised:
        if risk >= rules.raise_at:
            if p.orders < rules.min_orders:
                tally[_SUPPRESSED_FEW_ORDERS] += 1
            elif at < p.cooldown_until:
                tally[_SUPPRESSED_COOLDOWN] += 1
            else:
                p.raised = True
                p.raised_at = at
                p.cooldown_until = at + rules.cooldown_ms
                kind = _RAISED
    elif risk < rules.clear_at:
        p.raised = False
        kind = _CLEARED
    if kind >= 0:
        count = _emit(out, count, kind, row, at, inputs, value)
        e = out[count - 1]
        e.cause = cause
        e.event_id = event_id
        e.risk = risk
        e.previous_risk = previous
        e.version = model.version
        e.segment = p.segment
        e.spend = p.order_spend - p.refund_spend
        if kind == _RAISED:
            p.at_risk_from = -NEVER
            e.risk_after_order = risk_after_order(p, at, model)
            _recall_calm(p, e, rules)
    return count


@jit
def _evaluate(p, row, at, cause, event_id, rules, model, out, count, tally, looks):  # type: ignore[no-untyped-def]
    """Score at ``at`` and decide; the row's last look is the one at ``at``."""
    value = looks.values[row]
    inputs = looks.inputs[row]
    looks.at[row] = at
    risk = risk_at(p, at, model, value, inputs)
    if model.ready:
        count = _decide(p, row, at, cause, event_id, risk, rules, model, out, count, tally, value, inputs)
        p.risk_version = model.version
    p.as_of = at
    p.check_due = True
    p.check_at = -NEVER
    return count


@jit
def _assign_segment(p, row, at, model, out, count, value, inputs):  # type: ignore[no-untyped-def]
    """Segments are a slow view of a customer: they are looked at on landmarks only."""
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
    """A crossing that the present model already sees at the last evaluation comes from the model, not from silence."""
    if p.risk_version == model.version or p.as_of == NEVER or not model.ready:
        return _SILENCE
    return _MODEL if risk_at(p, p.as_of, model, looks.value, looks.input) >= rules.raise_at else _SILENCE


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
            count = _evaluate(p, row, due, cause, 0, rules, model, out, count, tally, looks)
            value = looks.values[row]
            inputs = looks.inputs[row]
            count = _assign_segment(p, row, due, model, out, count, value, inputs)
            count = _take_landmark(p, row, due, rules, model, out, count, value, inputs)
            p.at_risk_from = at_risk_from(p, due, rules, model, looks.value, looks.input)
            tally[_FIRED_LANDMARK] += 1
        else:
            cause = _silence_cause(p, rules, model, looks)
            count = _evaluate(p, row, due, cause, 0, rules, model, out, count, tally, looks)
            tally[_FIRED_SILENCE] += 1
    return count


@jit
def look(p, row, at, rules, model, out, count, tally, looks):  # type: ignore[no-untyped-def]
    """Bring risk and segment of ``p`` up to date as of ``at`` without a timer; return the new emission count.

    ``at`` is stream time, whose timers have fired. Nobody is alerted of a customer who is retired from scoring: nothing
    would ever clear that. Who was looked at then with this model is passed over.
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
        count = _evaluate(p, row, at, cause, 0, rules, model, out, count, tally, looks)
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
    status = features.apply(p, event)
    if status == features.APPLIED:
        if p.next_landmark_at == -NEVER:
            _arm_landmark(p, now, rules)
        cause = _EVENT
        if not p.raised and _silence_cause(p, rules, model, looks) == _MODEL:
            cause = _MODEL
        count = _evaluate(p, row, now, cause, event.event_id, rules, model, out, count, tally, looks)
    return status, count
