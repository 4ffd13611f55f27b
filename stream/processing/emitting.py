"""Writing one emission of the kernel into the buffer of its caller."""

from __future__ import annotations

import numpy as np

from stream.compiling import jit
from stream.processing.emission import EmissionCause
from stream.processing.score import NO_LOGIT

__all__ = ["copy", "emit"]

_EVENT = int(EmissionCause.EVENT)


@jit
def copy(source, target):  # type: ignore[no-untyped-def]
    """Copy one array into another of the same length."""
    # an assignment of slices would make an array in between, in case that they overlap
    for k in range(source.shape[0]):
        target[k] = source[k]


@jit
def emit(out, count, kind, row, at, inputs, value):  # type: ignore[no-untyped-def]
    """Write an emission of ``kind`` with nothing else known at ``out[count]``; return the new count."""
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
    copy(inputs, e.inputs)
    copy(value, e.values)
    return count + 1
