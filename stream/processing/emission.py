"""What leaves the kernel: a buffer of fixed records; ``stream.processing.outgoing`` turns them into messages."""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.features.registry import FEATURES

__all__ = ["ACTED_ON", "EMISSION", "STAGE_CHANGE", "EmissionCause", "EmissionKind", "StageChanges"]


class EmissionKind(IntEnum):
    """What happened."""

    LANDMARK = 0
    LABEL = 1
    RAISED = 2
    CLEARED = 3
    SEGMENT = 4
    WINBACK = 5
    OVERDUE = 6


_CHANGES = (EmissionKind.RAISED, EmissionKind.CLEARED, EmissionKind.WINBACK, EmissionKind.SEGMENT)
#: What people and systems act on, by the setting ``publish_customers``: the customer's document is published with it,
#: and, unless there is nothing, with every change of stage.
ACTED_ON = MappingProxyType(
    {"never": (), "changes": _CHANGES, "landmarks": (*_CHANGES, EmissionKind.LANDMARK)},
)


class EmissionCause(IntEnum):
    """What made the risk cross the level."""

    EVENT = 0
    SILENCE = 1
    MODEL = 2


#: ``row``: row of the working array. ``position``: of the event before or at which it was emitted, in the run of events
#: (0 in a sweep). ``at``: stream time that it is as of. ``event_id``: the event that caused it, 0
#: for a timer. ``logit``: of a label, see `Label.logit`; NO_LOGIT is none. ``spend``: of a label's horizon, else of the
#: whole history. ``habit_days``: of an alert. ``ordered``: an order cleared it. ``weight``: of a customer who has come
#: to be overdue, what is at stake but for the risk. ``landmark_at``: a label's landmark, or, of an alert that was
#: raised, the last calm landmark, whose risk and inputs are ``calm_*`` (NaN: there is none).
#: ``values`` and ``inputs``: the feature vector at ``at``; a label has the inputs that were frozen, and no values.
EMISSION = np.dtype(
    [
        ("kind", np.int64),
        ("row", np.int64),
        ("position", np.int64),
        ("at", np.int64),
        ("cause", np.int64),
        ("event_id", np.int64),
        ("risk", np.float64),
        ("previous_risk", np.float64),
        ("logit", np.int64),
        ("version", np.int64),
        ("segment", np.int64),
        ("previous_segment", np.int64),
        ("landmark_at", np.int64),
        ("risk_after_order", np.float64),
        ("calm_risk", np.float64),
        ("calm_inputs", np.int16, (len(FEATURES),)),
        ("churned", np.bool_),
        ("purchases", np.int64),
        ("spend", np.int64),
        ("habit_days", np.float64),
        ("ordered", np.bool_),
        ("weight", np.float64),
        ("inputs", np.int16, (len(FEATURES),)),
        ("values", np.float64, (len(FEATURES),)),
    ],
    align=True,
)

#: A customer came into another stage (`stream.features.stages`). Many do, so it is a record without the feature vector.
#: ``row``, ``position``, ``at``, ``event_id``: as in EMISSION. ``previous``, ``stage``, ``cause``: codes. ``since``:
#: when the stage began (ms). ``silence_days`` since the last order, and the habit as of then (NaN: no order).
STAGE_CHANGE = np.dtype(
    [
        ("row", np.int64),
        ("position", np.int64),
        ("at", np.int64),
        ("event_id", np.int64),
        ("previous", np.int64),
        ("stage", np.int64),
        ("cause", np.int64),
        ("since", np.int64),
        ("silence_days", np.float64),
        ("habit_days", np.float64),
    ],
    align=True,
)


class StageChanges(NamedTuple):
    """A buffer of STAGE_CHANGE[N], and how many it holds, int64[1]."""

    records: npt.NDArray[np.void]
    used: npt.NDArray[np.int64]
