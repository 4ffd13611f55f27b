"""What scorers load of the value model, and what it expects of customers."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from stream.features.registry import COLUMN, INPUT_SCALE
from stream.online_models.inputs import MISSING
from stream.online_models.log_bounds import MAX_ETA, MIN_ETA
from stream.online_models.value_correction import AMOUNTS, CHANCES, MEANS, corrected
from stream.online_models.value_scales import MAX_BELOW, MAX_DEVIATIONS, POOLING_ORDERS

__all__ = ["ORDER_VALUE", "Expected", "ValueSnapshot"]

Floats = npt.NDArray[np.float64]

ORDER_VALUE = "order_value"
_ORDERS = COLUMN["purchases_total"]


class Expected(NamedTuple):
    """Of N customers over one horizon: float64[N] each. ``spend_if_back``: if the customer does buy."""

    orders: Floats
    spend: Floats
    spend_if_back: Floats


class ValueSnapshot(Struct, frozen=True, kw_only=True):
    """What scorers load; see the module.

    ``*_factors``: corrections at the middles of the bins, from the least up: of the chance to buy, of what a buyer
    brings (``*_mean_*``), and of what is expected after those. None in a snapshot of an earlier version of the program.
    """

    version: int
    columns: tuple[int, ...]
    features: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    orders_weights: tuple[float, ...]
    orders_intercept: float
    orders_factors: tuple[float, ...]
    spend_weights: tuple[float, ...]
    spend_intercept: float
    spend_factors: tuple[float, ...]
    chance_factors: tuple[float, ...] = ()
    orders_mean_factors: tuple[float, ...] = ()
    spend_mean_factors: tuple[float, ...] = ()

    @property
    def usual_order_value(self) -> float:
        """The shop's, the geometric mean over its customers; in the base currency."""
        mean = dict(zip(self.features, self.means, strict=True)).get(ORDER_VALUE, 0.0)
        return float(np.expm1(min(max(mean, 0.0), MAX_ETA)))

    def expect(self, inputs: npt.NDArray[np.int16], risk: Floats) -> Expected:
        """``inputs`` int16[N, features], ``risk`` float64[N] in 0..1."""
        # row by row, not a matrix product: what comes out must not depend on who else is in the batch
        chosen = inputs[:, list(self.columns)]
        z = (chosen / INPUT_SCALE - np.array(self.means)) / np.array(self.scales)
        np.clip(z, -MAX_DEVIATIONS, MAX_DEVIATIONS, out=z)
        z[chosen == MISSING] = 0.0
        if ORDER_VALUE in self.features:
            axis = self.features.index(ORDER_VALUE)
            z[:, axis] = _shrunk(z[:, axis], np.maximum(np.expm1(inputs[:, _ORDERS] / INPUT_SCALE), 0.0))
        stays = 1.0 - risk
        chance = corrected(CHANCES, self.chance_factors, stays)
        orders = corrected(MEANS, self.orders_mean_factors, _mean(z, self.orders_weights, self.orders_intercept))
        spend = corrected(MEANS, self.spend_mean_factors, _mean(z, self.spend_weights, self.spend_intercept))
        expected_orders = corrected(AMOUNTS, self.orders_factors, chance * orders)
        expected_spend = corrected(AMOUNTS, self.spend_factors, chance * spend)
        return Expected(
            # who comes orders once at least
            orders=np.maximum(expected_orders, stays),
            spend=expected_spend,
            spend_if_back=np.where(chance > 0.0, expected_spend / np.where(chance > 0.0, chance, 1.0), spend),
        )


def _mean(z: Floats, weights: Sequence[float], intercept: float) -> Floats:
    eta = intercept + (z * np.array(weights)).sum(axis=1)
    return np.asarray(np.exp(np.clip(eta, MIN_ETA, MAX_ETA)), np.float64)


def _shrunk(order_value: Any, orders: Any) -> Any:
    """A standardised mean value of orders, by their number shrunk to the shop's."""
    return np.maximum(order_value, -MAX_BELOW) * orders / (orders + POOLING_ORDERS)
