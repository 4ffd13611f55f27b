"""The stages of a customer's life with the shop, by written rules.

=========== =======================================================================================
lead        known, and no order yet
new         one day with an order, and the next one is not due
active      ordered on more days than one, and the next order is not due
won back    the last order came after the customer had been lost, and the next one is not due
due         silent for a habit (`stream.features.habit`)
at risk     silent for `AT_RISK_HABITS` habits, and a week at least
lapsed      silent for `LAPSED_HABITS` habits, and two weeks at least
lost        silent for longer than `LOST_HABITS` habits and than the horizon
=========== =======================================================================================

Without an order a stage only goes on to a later one; an order, or news of one, may lead to any.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from stream.compiling import jit
from stream.features.habit import lost_since
from stream.features.registry import DAY_MS

__all__ = [
    "AT_RISK_DAYS",
    "AT_RISK_HABITS",
    "LAPSED_DAYS",
    "LAPSED_HABITS",
    "STAGE_NAMES",
    "Stage",
    "StageCause",
    "silence_of",
    "silence_stage",
    "silence_stages",
    "stage_times",
]

#: A customer is at risk when the silence is as long as this many habits, ...
AT_RISK_HABITS: Final = 1.5
#: ... and nobody within a week, however often they order.
AT_RISK_DAYS: Final = 7
#: A customer has lapsed when the silence is as long as this many habits, and so many days at least.
LAPSED_HABITS: Final = 2.0
LAPSED_DAYS: Final = 14


class Stage(IntEnum):
    """Where a customer stands. The numbers are stored; 0 is none: nothing is known, or stages are not kept yet."""

    NONE = 0
    LEAD = 1
    NEW = 2
    ACTIVE = 3
    WON_BACK = 4
    DUE = 5
    AT_RISK = 6
    LAPSED = 7
    LOST = 8

    @property
    def code(self) -> str:
        """As it is published.

        >>> Stage.AT_RISK.code
        'at_risk'
        """
        return self.name.lower()

    @property
    def text(self) -> str:
        """As people call it.

        >>> Stage.WON_BACK.text
        'won back'
        """
        return self.code.replace("_", " ")


class StageCause(IntEnum):
    """Why a customer came to be in a stage. The numbers are stored.

    EVENT: the first that was seen of them. CORRECTION: an order was cancelled, or told of late.
    """

    EVENT = 0
    ORDER = 1
    SILENCE = 2
    CORRECTION = 3

    @property
    def code(self) -> str:
        """As it is published."""
        return self.name.lower()


#: Codes of the stages that a customer can be in.
STAGE_NAMES: Final = tuple(stage.code for stage in Stage if stage)

# Numba freezes plain integers into the compiled code
_ACTIVE, _DUE, _LOST = int(Stage.ACTIVE), int(Stage.DUE), int(Stage.LOST)


@jit
def stage_times(last_order_at, habit_days, horizon_ms):  # type: ignore[no-untyped-def]
    """From when on (ms) a silent customer is due, at risk, lapsed and lost, each not before the one before it.

    >>> [at / DAY_MS for at in stage_times(0, 14.0, 28 * DAY_MS)[:3]]
    [14.0, 21.0, 28.0]
    >>> [at / DAY_MS for at in stage_times(0, 2.0, 28 * DAY_MS)[:3]]
    [2.0, 7.0, 14.0]
    """
    lost = lost_since(last_order_at, habit_days, horizon_ms) + 1
    at_risk = last_order_at + max(np.int64(AT_RISK_HABITS * habit_days * DAY_MS), np.int64(AT_RISK_DAYS * DAY_MS))
    lapsed = last_order_at + max(np.int64(LAPSED_HABITS * habit_days * DAY_MS), np.int64(LAPSED_DAYS * DAY_MS))
    return last_order_at + np.int64(habit_days * DAY_MS), min(at_risk, lost), min(lapsed, lost), lost


@jit
def silence_of(at, times):  # type: ignore[no-untyped-def]
    """How many of the `stage_times` have come by ``at`` (ms): 0 is within the habit, 4 is lost."""
    return (at >= times[0]) + (at >= times[1]) + (at >= times[2]) + (at >= times[3])


@jit
def silence_stage(silence):  # type: ignore[no-untyped-def]
    """The stage, by `silence_of`, of who has ordered on several days and was not won back."""
    return _ACTIVE if silence == 0 else _DUE - 1 + silence


@jit
def _fill(silent_ms, habit_days, horizon_ms, stages):  # type: ignore[no-untyped-def]
    for k in range(silent_ms.shape[0]):
        stages[k] = silence_stage(silence_of(silent_ms[k], stage_times(np.int64(0), habit_days[k], horizon_ms)))


def silence_stages(
    silent_ms: npt.NDArray[np.int64], habit_days: npt.NDArray[np.float64], horizon_ms: int
) -> npt.NDArray[np.int8]:
    """`Stage` from ACTIVE to LOST, int8[N], of customers by their silence since the last order (int64[N]) and habit.

    >>> days = np.array([10, 15, 22, 30, 43])
    >>> [Stage(stage).name for stage in silence_stages(days * DAY_MS, np.full(5, 14.0), 28 * DAY_MS)]
    ['ACTIVE', 'DUE', 'AT_RISK', 'LAPSED', 'LOST']
    """
    stages = np.zeros(len(silent_ms), np.int8)
    _fill(silent_ms, habit_days, np.int64(horizon_ms), stages)
    return stages
