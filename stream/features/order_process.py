"""The purchase process (MBG/NBD) of one customer, compiled: how likely no order is, told by the times of orders alone.

`stream.online_models.purchase_process` has the formulas, their sources and the fit. Here is what scores. It takes model
inputs, which a label keeps, so a label can be scored again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from stream.compiling import jit
from stream.features.registry import COLUMN, INPUT_SCALE

__all__ = ["HISTORY_COLUMNS", "NO_PROCESS", "ProcessTerm", "histories", "history_of", "log_odds", "silence_and_habit"]

_ORDER_DAYS: Final = COLUMN["purchase_days"]
_ORDERS: Final = COLUMN["purchases_total"]
_RECENCY: Final = COLUMN["days_since_purchase"]
_GAP: Final = COLUMN["purchase_gap"]
#: The inputs that a history is told by.
HISTORY_COLUMNS: Final = (_ORDER_DAYS, _ORDERS, _RECENCY, _GAP)

#: float64[5], as `log_odds` takes it, where there is none.
NO_PROCESS: Final = np.ones(5)
#: No risk is nearer to 0 or 1 than this.
_MIN_RISK: Final = 1e-5


@jit
def history_of(inputs, scale):  # type: ignore[no-untyped-def]
    """Days with an order after the first (-1: none at all), days from the first to the last, and since the first.

    ``inputs``: one for each feature, in units of 1 / ``scale``.
    """
    days = round(math.expm1(inputs[_ORDER_DAYS] / scale))
    span = 0.0
    if days > 1:
        between = max(round(math.expm1(inputs[_ORDERS] / scale)) - 1, 0)
        span = math.expm1(inputs[_GAP] / scale) * between
    return days - 1, span, span + math.expm1(inputs[_RECENCY] / scale)


@jit
def log_odds(x, last, age, process):  # type: ignore[no-untyped-def]
    """Log-odds of no order; ``process``: r, alpha, a, b and the days of the horizon."""
    shape = process[0] + x
    scale = process[1] + age
    gone = process[2] / (process[3] + x) * math.exp(shape * math.log(scale / (process[1] + last)))
    comes = -math.expm1(-shape * math.log1p(process[4] / scale)) / (1.0 + gone)
    comes = min(max(comes, _MIN_RISK), 1.0 - _MIN_RISK)
    return math.log((1.0 - comes) / comes)


@jit
def silence_and_habit(inputs, scale, process, typical, typical_silence):  # type: ignore[no-untyped-def]
    """What the silence, and what the habit, adds to the ``typical`` log-odds; 0 for customers without an order.

    The silence is compared with the customer's own mean gap, that of customers with one day of orders with
    ``typical_silence``; the habit, as of that gap after the last order, with what is typical.
    """
    x, last, age = history_of(inputs, scale)
    if x < 0:
        return 0.0, 0.0
    due = last + (last / x if x > 0 else typical_silence)
    at_due = log_odds(x, last, due, process)
    return log_odds(x, last, age, process) - at_due, at_due - typical


@jit
def _fill(inputs, scale, x, last, age):  # type: ignore[no-untyped-def]
    for row in range(inputs.shape[0]):
        x[row], last[row], age[row] = history_of(inputs[row], scale)


def histories(
    inputs: npt.NDArray[np.int16],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """`history_of` each row of ``inputs`` (int16[N, features]), float64[N] each."""
    x, last, age = (np.empty(len(inputs)) for _ in range(3))
    _fill(inputs, float(INPUT_SCALE), x, last, age)
    return x, last, age


class ProcessTerm(NamedTuple):
    """``weight`` times the log-odds of no order, as a part of the log-odds of churn.

    ``process``: float64[5], see `log_odds`. ``typical``: the log-odds of a typical customer, silent for
    ``typical_silence`` days. ``is_alone``: nothing else says anything, so customers without an order have no risk.
    """

    weight: float
    process: npt.NDArray[np.float64]
    typical: float
    typical_silence: float
    is_alone: bool

    def part(self, inputs: Sequence[float] | npt.NDArray[np.float64], scale: float) -> float:
        """The part in the log-odds of churn; NaN: unknown."""
        x, last, age = history_of(np.asarray(inputs, np.float64), scale)
        if x < 0:
            return math.nan if self.is_alone else self.weight * self.typical
        return float(self.weight * log_odds(x, last, age, self.process))

    def silence_and_habit(self, inputs: npt.NDArray[np.float64], scale: float) -> tuple[float, float]:
        """The parts of the silence and of the habit; with ``weight`` times ``typical`` they add up to `part`."""
        silence, habit = silence_and_habit(inputs, scale, self.process, self.typical, self.typical_silence)
        return float(self.weight * silence), float(self.weight * habit)
