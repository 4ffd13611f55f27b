"""What scored customers are worth: the value model where there is one, their own past where not."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.alerts.value import lifetime_value, usual_spend, value_at_risk
from stream.features.registry import DAY_MS
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer

__all__ = ["Worth", "worth_of"]

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

    The value model knows only customers with an order; ``at_risk`` of others, and before there is one, comes from the
    rate of the past.
    """
    horizon_days = rules.horizon_ms / DAY_MS
    usual = usual_spend(net_spend, tenure_days, horizon_days)
    unknown = np.full(len(risk), np.nan)
    model = None if scorer.snapshot is None else scorer.snapshot.value
    if model is None:
        return Worth(unknown, unknown, value_at_risk(risk, usual), unknown)
    expected = model.expect(inputs, risk)
    spend = np.where(has_ordered, expected.spend, np.nan)
    return Worth(
        orders=np.where(has_ordered, expected.orders, np.nan),
        spend=np.asarray(np.round(spend, 2), np.float64),
        at_risk=value_at_risk(risk, np.where(has_ordered, expected.spend_if_back, usual)),
        lifetime=lifetime_value(risk, spend, horizon_days, rules.discount_rate),
    )
