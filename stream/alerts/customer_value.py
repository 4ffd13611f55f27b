"""What a customer is worth: what is at stake when they leave, and what they will bring while they stay."""

import numpy as np
import numpy.typing as npt

from stream.features.habit import SHOP_GAP_DAYS

__all__ = ["kept_share", "lifetime_value", "present_value", "usual_spend", "value_at_risk"]

Floats = npt.NDArray[np.float64]

_DAYS_A_YEAR = 365.0
#: A customer who keeps at least this share of the value of their orders is an ordinary one.
_USUALLY_KEPT = 0.5


def usual_spend(
    spend: npt.ArrayLike, tenure_days: npt.ArrayLike, horizon_days: float, shop_gap_days: float = SHOP_GAP_DAYS
) -> Floats:
    """Spend over a horizon at the customer's rate so far; what is expected before the value model knows better.

    ``spend`` is the whole net spend over ``tenure_days``. One usual gap of the shop, ``shop_gap_days``, counts as if
    it had passed without an order as well, so a first order does not count as one a day. A negative spend counts as 0.
    Elementwise.

    >>> usual_spend(spend=[790.0, 60.0], tenure_days=[365.0, 0.0], horizon_days=28.0, shop_gap_days=30.0)
    array([56., 56.])
    """
    rate = np.asarray(spend, np.float64) / (np.asarray(tenure_days, np.float64) + shop_gap_days)
    return np.asarray(np.maximum(rate * horizon_days, 0.0), np.float64)


def kept_share(net_spend: npt.ArrayLike, order_spend: npt.ArrayLike) -> Floats:
    """By how much less is expected of who sends back much: 0 where everything came back, 1 up to half of it.

    Ordinary returns are in what the value model has learned; who keeps less than half of what they order is another
    kind of customer. Elementwise; 1 where nothing is known of the orders' value.

    >>> kept_share([0.0, 10.0, 25.0, 60.0, 0.0], [100.0, 100.0, 100.0, 100.0, 0.0])
    array([0. , 0.2, 0.5, 1. , 1. ])
    """
    ordered = np.asarray(order_spend, np.float64)
    known = ordered > 0.0
    share = np.asarray(net_spend, np.float64) / np.where(known, ordered, 1.0) / _USUALLY_KEPT
    return np.where(known, np.clip(share, 0.0, 1.0), 1.0)


def value_at_risk(risk: npt.ArrayLike, spend_if_back: npt.ArrayLike) -> Floats:
    """Spend of the next horizon that is lost if the customer leaves, times the risk that they do; rounded to cents.

    ``spend_if_back``: what the customer spends over the horizon if they do buy. Elementwise.

    >>> value_at_risk(risk=[0.5], spend_if_back=[56.0])
    array([28.])
    """
    lost = np.asarray(risk, np.float64) * np.asarray(spend_if_back, np.float64)
    return np.asarray(np.round(lost, 2), np.float64)


def present_value(chances: npt.ArrayLike, spend: float, discount_rate: float, first_at: float = 1.0) -> float:
    """``sum_t chances[t] spend / (1 + discount_rate) ** (first_at + t)``, rounded to cents.

    ``chances[t]``: that the customer is still there in period *t* (from 0), in which they spend ``spend``. It lies
    ``first_at + t`` periods from now; ``discount_rate`` is for a period. `lifetime_value` is the limit of this sum
    where the chance to stay is the same in every period, with the money in the middle of each.

    >>> present_value([0.8, 0.6, 0.5], 100.0, 0.1)
    159.88
    """
    stays = np.asarray(chances, np.float64)
    at = first_at + np.arange(len(stays))
    return round(float((stays * spend / (1.0 + discount_rate) ** at).sum()), 2)


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
