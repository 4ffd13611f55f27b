"""What scored customers are worth: the value model where there is one, their own past where not."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.alerts.customer_value import kept_share, lifetime_value, usual_spend, value_at_risk
from stream.features.habit import SHOP_GAP_DAYS
from stream.features.registry import COLUMN, DAY_MS, INPUT_SCALE
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer

__all__ = ["Worth", "worth_of"]

_ORDERS, _ORDER_VALUE = COLUMN["purchases_total"], COLUMN["order_value"]

Floats = npt.NDArray[np.float64]


class Worth(NamedTuple):
    """Of N customers: float64[N] each, over the next horizon (``lifetime``: all to come). NaN: not known."""

    orders: Floats
    spend: Floats
    at_risk: Floats
    lifetime: Floats


def worth_of(
    scorer: Scorer,
    rules: Rules,
    *,
    inputs: npt.NDArray[np.int16],
    risk: Floats,
    net_spend: Floats,
    tenure_days: Floats,
    has_ordered: npt.NDArray[np.bool_],
) -> Worth:
    """``inputs`` int16[N, features]; the others are of length N; ``risk`` is NaN where nothing has scored.

    ``net_spend``: all orders less all refunds. Nothing is at stake where everything was sent back; the more of it was,
    the surer is that nothing will be kept, and the less is expected. The value model knows only customers with an
    order; ``at_risk`` of others, and before there is one, comes from the rate of the past.
    """
    horizon_days = rules.under(scorer.model).horizon_ms / DAY_MS
    rhythm = None if scorer.snapshot is None else scorer.snapshot.rhythm
    shop_gap_days = SHOP_GAP_DAYS if rhythm is None else rhythm.shop_gap_days
    usual = usual_spend(net_spend, tenure_days, horizon_days, shop_gap_days)
    unknown = np.full(len(risk), np.nan)
    model = None if scorer.snapshot is None else scorer.snapshot.value
    if model is None:
        return Worth(unknown, unknown, value_at_risk(risk, usual), unknown)
    expected = model.expect(inputs, risk)
    order_spend = _order_spend(inputs)
    # one returned order says little: the usual order of the shop counts as kept as well
    pooled = model.usual_order_value
    spend = np.where(has_ordered, kept_share(net_spend + pooled, order_spend + pooled) * expected.spend, np.nan)
    kept = kept_share(net_spend, order_spend)
    return Worth(
        orders=np.where(has_ordered, expected.orders, np.nan),
        spend=np.asarray(np.round(spend, 2), np.float64),
        at_risk=value_at_risk(risk, np.where(has_ordered, kept * expected.spend_if_back, usual)),
        lifetime=lifetime_value(risk, spend, horizon_days, rules.discount_rate),
    )


def _order_spend(inputs: npt.NDArray[np.int16]) -> Floats:
    """What all orders of each customer were worth before refunds, as exactly as the inputs tell."""
    orders = np.round(np.expm1(inputs[:, _ORDERS] / INPUT_SCALE))
    return np.asarray(orders * np.expm1(inputs[:, _ORDER_VALUE] / INPUT_SCALE), np.float64)
