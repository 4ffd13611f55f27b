"""What another policy would have brought, from the decisions that were logged with their propensities.

All estimates are of the mean reward of a decision, with intervals of the normal approximation. Decisions must be
independent, and every arm that the other policy would choose must have had a propensity above zero.

Horvitz, D. G., Thompson, D. J. (1952), JASA 47, 663-685 (`inverse_propensity`); Swaminathan, A., Joachims, T. (2015),
The self-normalized estimator for counterfactual learning, NIPS 28 (`self_normalised`); Dudik, M., Langford, J., Li, L.
(2011), Doubly robust policy evaluation and learning, ICML (`doubly_robust`).
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from stream.alerts.intervals import CONFIDENCE, Interval

__all__ = ["doubly_robust", "inverse_propensity", "self_normalised"]

_UNKNOWN = Interval(None, None, None)


def inverse_propensity(
    rewards: npt.ArrayLike, propensities: npt.ArrayLike, target: npt.ArrayLike, confidence: float = CONFIDENCE
) -> Interval:
    """``mean of w_i r_i`` with ``w_i = target_i / propensity_i``, of the arm chosen in decision *i*. (n,) each.

    Raises ValueError for a propensity of zero, or other shapes.

    >>> inverse_propensity([1.0, 0.0, 1.0, 0.0], [0.5] * 4, [1.0, 1.0, 0.0, 0.0]).estimate
    0.5
    """
    reward, weight = _weighted(rewards, propensities, target)
    return _mean(weight * reward, confidence)


def self_normalised(
    rewards: npt.ArrayLike, propensities: npt.ArrayLike, target: npt.ArrayLike, confidence: float = CONFIDENCE
) -> Interval:
    """``sum w_i r_i / sum w_i``: little bias for less variance. The interval is that of a ratio (delta method).

    Raises as `inverse_propensity`; unknown where no weight is above zero.

    >>> self_normalised([1.0, 0.0, 1.0, 0.0], [0.5] * 4, [1.0, 1.0, 0.0, 0.0]).estimate
    0.5
    """
    reward, weight = _weighted(rewards, propensities, target)
    total = math.fsum(weight)
    if not total:
        return _UNKNOWN
    estimate = math.fsum(weight * reward) / total
    error = math.sqrt(math.fsum(weight**2 * (reward - estimate) ** 2)) / total
    return _around(estimate, error, confidence) if len(reward) > 1 else Interval(estimate, None, None)


def doubly_robust(
    rewards: npt.ArrayLike,
    propensities: npt.ArrayLike,
    target: npt.ArrayLike,
    expected_of_chosen: npt.ArrayLike,
    expected_of_target: npt.ArrayLike,
    confidence: float = CONFIDENCE,
) -> Interval:
    """``mean of q(target_i) + w_i (r_i - q(chosen_i))``: unbiased if the propensities or the model *q* are right.

    ``expected_of_chosen``: what the model expects of the arm that was chosen; ``expected_of_target``: of what the other
    policy would do, the mean over its arms. The model must not have learned from the decision itself. Raises as
    `inverse_propensity`.

    >>> doubly_robust([1.0, 0.0], [0.5, 0.5], [1.0, 0.0], [1.0, 0.0], [1.0, 1.0]).estimate
    1.0
    """
    reward, weight = _weighted(rewards, propensities, target)
    chosen, of_target = np.asarray(expected_of_chosen, np.float64), np.asarray(expected_of_target, np.float64)
    if chosen.shape != reward.shape or of_target.shape != reward.shape:
        raise ValueError(f"expected {reward.shape} of each, got {chosen.shape} and {of_target.shape}")
    return _mean(of_target + weight * (reward - chosen), confidence)


def _weighted(
    rewards: npt.ArrayLike, propensities: npt.ArrayLike, target: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    reward, logged, wanted = (np.asarray(one, np.float64) for one in (rewards, propensities, target))
    if not reward.shape == logged.shape == wanted.shape or reward.ndim != 1:
        raise ValueError(f"expected (n,) of each, got {reward.shape}, {logged.shape} and {wanted.shape}")
    if np.any(logged <= 0.0):
        raise ValueError("a decision that was made has a propensity above zero")
    return reward, wanted / logged


def _mean(terms: npt.NDArray[np.float64], confidence: float) -> Interval:
    if not len(terms):
        return _UNKNOWN
    estimate = math.fsum(terms) / len(terms)
    if len(terms) == 1:
        return Interval(estimate, None, None)
    variance = math.fsum((terms - estimate) ** 2) / (len(terms) - 1)
    return _around(estimate, math.sqrt(variance / len(terms)), confidence)


def _around(estimate: float, error: float, confidence: float) -> Interval:
    margin = NormalDist().inv_cdf(0.5 + confidence / 2) * error
    return Interval(estimate, estimate - margin, estimate + margin)
