"""Standardised inputs of the value model, as compiled loops: they run two or three times a label."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from stream.compiling import jit_at_once
from stream.features.registry import INPUT_SCALE
from stream.online_models.inputs import MISSING
from stream.online_models.scaler_state import SCALE_FLOOR, ScalerState, state_of

__all__ = ["MAX_BELOW", "MAX_DEVIATIONS", "POOLING_ORDERS", "ValueScales"]

Floats = npt.NDArray[np.float64]

#: The mean value of a customer's orders is shrunk to the shop's, on the log scale, as if so many orders of the shop's
#: value had been seen as well: one huge order says half of what it would say.
POOLING_ORDERS: Final = 1.0
#: Orders smaller by more deviations than this count as so small: a trifle bought once tells little of the next order.
MAX_BELOW: Final = 2.0
#: Inputs beyond so many deviations count as that many, when learning and when scoring: exp(b) stays finite.
MAX_DEVIATIONS: Final = 6.0
#: Values of an input before those beyond `MAX_DEVIATIONS` are cut before the scales learn them.
_SETTLED: Final = 500


class ValueScales:
    """Running means and deviations, with a floor, of the inputs in ``columns``; see `scaler_state`.

    ``order_value``: the axis, a position in ``columns``, that `POOLING_ORDERS` is about.
    """

    def __init__(self, columns: Sequence[int], order_value: int) -> None:
        self._columns = list(columns)
        self._order_value = order_value
        self._counts = np.zeros(len(columns), np.int64)
        self._means = np.zeros(len(columns))
        self._variances = np.zeros(len(columns))

    def learn(self, inputs: Sequence[int]) -> None:
        """Learn the inputs (int16[features]) of a customer, but for those that are missing."""
        _learn(self._chosen(inputs), self._counts, self._means, self._variances)

    def standardised(self, inputs: Sequence[int], orders: float) -> Floats:
        """float64[columns] of a customer of so many ``orders``; NaN where the input is missing."""
        z = self._chosen(inputs)
        _standardise(z, self._means, self._variances, self._order_value, orders)
        return z

    def _chosen(self, inputs: Sequence[int]) -> Floats:
        return np.array([inputs[column] for column in self._columns], np.float64)

    def affine(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Means and scales: a standardised input is ``(x - mean) / scale``."""
        scales = np.maximum(np.sqrt(self._variances), SCALE_FLOOR)
        return tuple(self._means.tolist()), tuple(scales.tolist())

    def state(self) -> ScalerState:
        """The statistics of the columns."""
        columns = (self._counts.tolist(), self._means.tolist(), self._variances.tolist())
        return state_of(list(zip(*columns, strict=True)))

    def resume(self, state: ScalerState) -> None:
        """Go on from the statistics of the same columns."""
        self._counts[:] = state.counts or state.count
        self._means[:] = state.means
        self._variances[:] = state.variances


@jit_at_once
def _learn(x, counts, means, variances):  # type: ignore[no-untyped-def]
    for j in range(x.shape[0]):
        if x[j] == MISSING:
            continue
        value = x[j] / INPUT_SCALE
        if counts[j] >= _SETTLED:
            reach = MAX_DEVIATIONS * max(np.sqrt(variances[j]), SCALE_FLOOR)
            value = min(max(value, means[j] - reach), means[j] + reach)
        counts[j] += 1
        before = means[j]
        means[j] += (value - before) / counts[j]
        variances[j] += ((value - before) * (value - means[j]) - variances[j]) / counts[j]


@jit_at_once
def _standardise(z, means, variances, order_value, orders):  # type: ignore[no-untyped-def]
    for j in range(z.shape[0]):
        if z[j] == MISSING:
            z[j] = np.nan
            continue
        deviations = (z[j] / INPUT_SCALE - means[j]) / max(np.sqrt(variances[j]), SCALE_FLOOR)
        z[j] = min(max(deviations, -MAX_DEVIATIONS), MAX_DEVIATIONS)
        if j == order_value:
            z[j] = max(z[j], -MAX_BELOW) * orders / (orders + POOLING_ORDERS)
