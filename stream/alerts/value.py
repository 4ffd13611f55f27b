"""What a customer is worth: what is at stake when they leave, and what they will bring while they stay."""

import numpy as np
import numpy.typing as npt

__all__ = ["lifetime_value", "usual_spend", "value_at_risk"]

Floats = npt.NDArray[np.float64]

_DAYS_A_YEAR = 365.0


def usual_spend(spend: npt.ArrayLike, tenure_days: npt.ArrayLike, horizon_days: float) -> Floats:
    """Spend over a horizon at the customer's mean rate so far; what is expected before the value model knows better.

    ``spend`` is the whole net spend over ``tenure_days``; a tenure shorter than the horizon counts as one horizon, so
    that one order on the first day is not taken for a daily habit. Never negative; elementwise.

    >>> usual_spend(spend=[730.0], tenure_days=[365.0], horizon_days=28.0)
    array([56.])
    """
    rate = np.asarray(spend, np.float64) / np.maximum(np.asarray(tenure_days, np.float64), horizon_days)
    return np.asarray(np.maximum(rate * horizon_days, 0.0), np.float64)


def value_at_risk(risk: npt.ArrayLike, spend_if_back: npt.ArrayLike) -> Floats:
    """Spend of the next horizon that is lost if the customer leaves, times the risk that they do; rounded to cents.

    ``spend_if_back``: what the customer spends over the horizon if they do buy. Elementwise.

    >>> value_at_risk(risk=[0.5], spend_if_back=[56.0])
    array([28.])
    """
    lost = np.asarray(risk, np.float64) * np.asarray(spend_if_back, np.float64)
    return np.asarray(np.round(lost, 2), np.float64)


def lifetime_value(
    risk: npt.ArrayLike, expected_spend: npt.ArrayLike, horizon_days: float, discount_rate: float
) -> Floats:
    """Present value of all that is to come: ``s sqrt(d) / (1 - (1 - r) d)``, rounded to cents; elementwise.

    ``s`` is the expected spend of the next horizon and ``r`` the risk of churn in it; ``d = (1 + discount_rate) **
    (-horizon_days / 365)``. A geometric series: the customer goes on as now with probability ``1 - r`` from horizon to
    horizon, is gone for good otherwise, and spends at the middle of each. Source of the form: Gupta and Lehmann,
    "Customers as assets" (2003).

    >>> lifetime_value([0.0, 0.5, 1.0], [100.0, 100.0, 100.0], horizon_days=365.0, discount_rate=0.1)
    array([1048.81,  174.8 ,   95.35])
    """
    discount = (1.0 + discount_rate) ** (-horizon_days / _DAYS_A_YEAR)
    stays = 1.0 - np.asarray(risk, np.float64)
    value = np.asarray(expected_spend, np.float64) * discount**0.5 / (1.0 - stays * discount)
    return np.asarray(np.round(value, 2), np.float64)
