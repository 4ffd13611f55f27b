"""The log-odds of churn as snapshots state them, part by part, without the product's scoring.

What was learned is the sum of `stream.online_models.snapshot.ChurnSnapshot`. The purchase process is MBG/NBD: E. P.
Batislam, M. Denizel, A. Filiztekin, "Empirical validation and comparison of models for customer base analysis" (2007).
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.features.registry import FEATURE_NAMES, INPUT_SCALE
from stream.online_models.basis import PAIRS
from stream.online_models.horizon import FIRST_HORIZON_DAYS
from stream.online_models.purchases_snapshot import PurchasesSnapshot
from stream.online_models.snapshot import ModelSnapshot

__all__ = ["Scored", "scored"]

#: No risk is nearer to 0 or 1 than this.
_MIN_RISK = 1e-5

Floats = npt.NDArray[np.float64]


class Scored(NamedTuple):
    """``baseline`` and ``parts`` add up to the log-odds; ``levels``: how far each input is above a typical one."""

    baseline: float
    parts: dict[str, float]
    levels: dict[str, float]


class _Weights(NamedTuple):
    """Of the two opinions: ``learned`` of what labels taught, ``process`` of the purchase process."""

    learned: float
    process: float
    intercept: float


def scored(inputs: Floats, snapshot: ModelSnapshot) -> Scored:
    """Score float64[features], not quantised yet."""
    x = np.rint(inputs * INPUT_SCALE) / INPUT_SCALE
    churn, purchases = snapshot.churn, snapshot.purchases()
    weights = _weights(snapshot, purchases)
    typical = np.array(churn.means)
    if weights.learned == 0.0 and purchases is not None:
        typical = _typical_inputs(purchases)
    parts = dict(zip(FEATURE_NAMES, (weights.learned * _learned(x, snapshot)).tolist(), strict=True))
    baseline = weights.intercept
    if weights.process and purchases is not None:
        silence, habit, level = _told_by_orders(dict(zip(FEATURE_NAMES, x.tolist(), strict=True)), snapshot, purchases)
        parts["days_since_purchase"] += weights.process * silence
        parts["purchase_days"] += weights.process * habit
        baseline += weights.process * level
    return Scored(baseline, parts, dict(zip(FEATURE_NAMES, (x - typical).tolist(), strict=True)))


def _weights(snapshot: ModelSnapshot, purchases: PurchasesSnapshot | None) -> _Weights:
    churn = snapshot.churn
    if purchases is None:
        return _Weights(1.0, 0.0, churn.intercept)
    if not churn.ready:
        return _Weights(0.0, 1.0, 0.0)
    # the calibration is one of the mean, so its shift stays whole; its slope is in what was learned already
    # the process has a share that falls with labels, and of what is left what they believe of it
    learned = (1.0 - churn.process_share) * (1.0 - churn.process_hedge)
    share = 1.0 - learned
    uncalibrated = churn.intercept - churn.odds_weight * churn.odds_mean - churn.shift
    return _Weights(learned, share * churn.slope + learned * churn.odds_weight, learned * uncalibrated + churn.shift)


def _learned(x: Floats, snapshot: ModelSnapshot) -> Floats:
    """What each feature adds: half of each product that it is in."""
    churn = snapshot.churn
    z = (x - np.array(churn.means)) / np.array(churn.scales)
    parts: Floats = np.array(churn.weights) * z
    for (a, b), weight in zip(PAIRS.tolist(), churn.curvature, strict=True):
        parts[a] += 0.5 * weight * z[a] * z[b]
        parts[b] += 0.5 * weight * z[a] * z[b]
    return parts


def _told_by_orders(
    x: Mapping[str, float], snapshot: ModelSnapshot, purchases: PurchasesSnapshot
) -> tuple[float, float, float]:
    """What the silence and the habit add to the log-odds of a typical customer, and those log-odds."""
    rhythm, typical = snapshot.rhythm, purchases.typical
    horizon = FIRST_HORIZON_DAYS if rhythm is None else rhythm.schedule[-1].days
    level = _log_odds(typical.x, typical.last, typical.age, purchases, horizon)
    days = round(math.expm1(x["purchase_days"]))
    if days == 0:
        return 0.0, 0.0, level
    orders = round(math.expm1(x["purchases_total"]))
    last = math.expm1(x["purchase_gap"]) * max(orders - 1, 0) if days > 1 else 0.0
    own_gap = last / (days - 1) if days > 1 else typical.age - typical.last
    when_due = _log_odds(days - 1, last, last + own_gap, purchases, horizon)
    now = _log_odds(days - 1, last, last + math.expm1(x["days_since_purchase"]), purchases, horizon)
    return now - when_due, when_due - level, level


def _log_odds(repeats: float, last: float, age: float, purchases: PurchasesSnapshot, horizon: float) -> float:
    """Log-odds of no order within the horizon, by the chance to be a customer still and to order then."""
    r, alpha, a, b = (getattr(purchases.process, name) for name in ("r", "alpha", "a", "b"))
    stays = 1.0 / (1.0 + a / (b + repeats) * ((alpha + age) / (alpha + last)) ** (r + repeats))
    orders = 1.0 - ((alpha + age) / (alpha + age + horizon)) ** (r + repeats)
    comes = min(max(stays * orders, _MIN_RISK), 1.0 - _MIN_RISK)
    return math.log((1.0 - comes) / comes)


def _typical_inputs(purchases: PurchasesSnapshot) -> Floats:
    typical = purchases.typical
    silence = typical.age - typical.last
    gap = typical.last / typical.x if typical.x > 0.0 else math.inf
    known = {
        "purchase_days": math.log1p(typical.x + 1.0),
        "days_since_purchase": math.log1p(silence),
        "silence_ratio": math.log1p(silence / max(gap, 1.0)),
    }
    return np.array([known.get(name, 0.0) for name in FEATURE_NAMES])
