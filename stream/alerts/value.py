"""What is at stake when a customer leaves."""

import numpy as np
import numpy.typing as npt

__all__ = ["value_at_risk"]


def value_at_risk(
    risk: npt.ArrayLike, spend: npt.ArrayLike, tenure_days: npt.ArrayLike, horizon_days: float
) -> npt.NDArray[np.float64]:
    """Spend that is expected over the horizon and would be lost: risk times the customer's mean rate of spending.

    ``spend`` is the whole net spend over ``tenure_days``; a tenure shorter than the horizon counts as one horizon, so
    that one order on the first day is not taken for a daily habit. Never negative, rounded to cents; elementwise.

    >>> value_at_risk(risk=[0.5], spend=[730.0], tenure_days=[365.0], horizon_days=28.0)
    array([28.])
    """
    rate = np.asarray(spend, np.float64) / np.maximum(np.asarray(tenure_days, np.float64), horizon_days)
    lost: npt.NDArray[np.float64] = np.asarray(risk, np.float64) * rate * horizon_days
    rounded: npt.NDArray[np.float64] = np.round(np.maximum(lost, 0.0), 2).astype(np.float64)
    return rounded
