"""Landmarks: points of a customer's grid where a vector is frozen, later its label, and the segment is looked at."""

from __future__ import annotations

import numpy as np

from stream.compiling import jit
from stream.features.profile import MAX_PENDING, NEVER
from stream.processing.emission import EmissionKind
from stream.processing.emitting import copy, emit
from stream.processing.score import nearest_segment, raw_logit_of

__all__ = ["arm_landmark", "assign_segment", "mature", "take_landmark"]

_LANDMARK = int(EmissionKind.LANDMARK)
_LABEL = int(EmissionKind.LABEL)
_SEGMENT = int(EmissionKind.SEGMENT)


@jit
def assign_segment(p, row, at, model, out, count, value, inputs):  # type: ignore[no-untyped-def]
    """Segments are a slow view of a customer: they are assigned at landmarks only."""
    if model.clusters == 0 or p.orders == 0:
        return count
    current = p.segment if p.segment < model.clusters else -1
    segment = nearest_segment(inputs, model, current)
    if segment != p.segment:
        count = emit(out, count, _SEGMENT, row, at, inputs, value)
        e = out[count - 1]
        e.segment = segment
        e.previous_segment = p.segment
        e.version = model.segment_version
        p.segment = segment
    p.segment_version = model.segment_version
    return count


@jit
def take_landmark(p, row, at, rules, model, out, count, value, inputs):  # type: ignore[no-untyped-def]
    """Freeze the vector and the score just evaluated; go to the next point of the grid."""
    if p.orders > 0 and p.pending < MAX_PENDING:
        k = p.pending
        p.pending_at[k] = at
        p.pending_risk[k] = p.risk if model.ready else np.nan
        p.pending_logit[k] = raw_logit_of(inputs, model)
        p.pending_version[k] = model.version if model.ready else 0
        p.pending_orders[k] = p.orders
        p.pending_spend[k] = p.order_spend - p.refund_spend
        copy(inputs, p.pending_input[k])
        p.pending = k + 1
        count = emit(out, count, _LANDMARK, row, at, inputs, value)
    p.next_landmark_at = at + rules.landmark_ms
    if p.next_landmark_at > p.last_at + rules.silence_bound_ms:
        p.next_landmark_at = -NEVER
    return count


@jit
def mature(p, which, row, at, out, count, value):  # type: ignore[no-untyped-def]
    """Emit the label of the pending landmark at position ``which``, with what was frozen on it."""
    count = emit(out, count, _LABEL, row, at, p.pending_input[which], value)
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
        copy(p.pending_input[k + 1], p.pending_input[k])
    p.pending = last
    return count


@jit
def arm_landmark(p, now, rules):  # type: ignore[no-untyped-def]
    """Put the next landmark on the customer's grid, strictly after ``now``."""
    period = rules.landmark_ms
    p.next_landmark_at = ((now - p.phase_ms) // period + 1) * period + p.phase_ms
