"""Deciding on an alert: what an evaluation raises or clears, and what holds an alert back."""

from __future__ import annotations

import numpy as np

from stream.compiling import jit
from stream.features.habit import learn_habit
from stream.features.profile import NEVER
from stream.processing.emission import EmissionKind
from stream.processing.emitting import copy, emit
from stream.processing.foresight import risk_after_order
from stream.processing.policy import due_at, reaches, window

__all__ = ["IF_DUE", "IF_OVERDUE", "NO_RAISE", "SUPPRESSED", "decide", "emit_alert"]

_RAISED = int(EmissionKind.RAISED)
_CLEARED = int(EmissionKind.CLEARED)

#: Positions in the tally of a run, after those of `stream.processing.advance.FIRED`: evaluations that reached the level
#: and raised nothing, by what held the alert back.
SUPPRESSED = {"few_orders": 4, "cooldown": 5}
_SUPPRESSED_FEW_ORDERS, _SUPPRESSED_COOLDOWN = 4, 5

#: What may become of an evaluation: an order, a visit or another sign of life never raises an alert.
NO_RAISE, IF_OVERDUE, IF_DUE = 0, 1, 2


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
            copy(p.pending_input[k], e.calm_inputs)
            return


@jit
def _may_raise(p, at, may, risk, rules, model, tally):  # type: ignore[no-untyped-def]
    """Whether an alert is raised at ``at``; see `stream.processing.policy`."""
    if may == NO_RAISE or p.orders == 0:
        return False
    first, last = window(p, rules, model)
    if first == -NEVER:
        if risk >= rules.raise_at:
            tally[_SUPPRESSED_FEW_ORDERS] += 1
        return False
    # who says so leaves as soon as an order is due, as if they had been silent for so long as to be alerted
    begins = min(due_at(p, model), first) if may == IF_DUE else first
    if at < begins or at >= last or not reaches(p, max(at, first), risk, rules, model):
        return False
    if at < p.cooldown_until:
        tally[_SUPPRESSED_COOLDOWN] += 1
        return False
    return True


@jit
def decide(p, row, at, cause, event_id, may, risk, rules, model, out, count, tally, value, inputs):  # type: ignore[no-untyped-def]
    """Note ``risk``, and raise or clear the alert of ``p`` if it is time; return the new emission count."""
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
        count = emit_alert(p, row, at, kind, cause, event_id, previous, model, out, count, value, inputs)
        e = out[count - 1]
        e.ordered = ordered
        if kind == _RAISED:
            p.at_risk_from = -NEVER
            e.risk_after_order = risk_after_order(p, at, model)
            _recall_calm(p, e, rules, model)
    return count


@jit
def emit_alert(p, row, at, kind, cause, event_id, previous, model, out, count, value, inputs):  # type: ignore[no-untyped-def]
    """Emit an alert of ``kind``, with what is told of the customer; return the new emission count."""
    learn_habit(p, model.shop_gap_days)
    count = emit(out, count, kind, row, at, inputs, value)
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
