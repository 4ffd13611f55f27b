"""When the label of a landmark matures: one horizon later, by the horizon of the landmark's own time.

A horizon that follows the shop changes now and then. Pending landmarks keep the one that was in force at their time, so
after a change to a shorter one the newest may mature before older ones.
"""

from __future__ import annotations

from stream.compiling import jit
from stream.features.profile import NEVER

__all__ = ["first_maturity", "horizon_of"]


@jit
def horizon_of(at, rules, model):  # type: ignore[no-untyped-def]
    """The horizon (ms) of a landmark at ``at`` (ms)."""
    if rules.follows and model.periods > 0:
        for k in range(model.periods - 1, 0, -1):
            if at >= model.horizon_since[k]:
                return model.horizon_ms[k]
        return model.horizon_ms[0]
    return rules.horizon_ms


@jit
def first_maturity(p, rules, model):  # type: ignore[no-untyped-def]
    """The pending landmark whose label matures first, and when (ms); (-1, -NEVER) without one.

    No label matures before the last evaluation of the customer: its outcome is counted over all orders that are known,
    and so says up to when. That can only be when a shorter horizon became known after its time.
    """
    if p.pending == 0:
        return -1, -NEVER
    if not rules.follows or model.periods < 2:  # noqa: PLR2004 - one horizon: the oldest is first
        return 0, p.pending_at[0] + horizon_of(p.pending_at[0], rules, model)
    first = 0
    due = -NEVER
    for k in range(p.pending):
        at = max(p.pending_at[k] + horizon_of(p.pending_at[k], rules, model), p.as_of)
        if at < due:
            first = k
            due = at
    return first, due
