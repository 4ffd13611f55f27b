"""Which offer to make: linear Thompson sampling whose propensities are known exactly.

Thompson sampling draws the gains of all offers from what is believed of them, and makes the offer with the largest, or
none if all are below zero. Thompson, W. R. (1933), Biometrika 25, 285-294; Agrawal, S., Goyal, N. (2013), Thompson
sampling for contextual bandits with linear payoffs, ICML. Here the propensity of an arm is its share among 2,048 draws
that are always the same evenly spread points, and one number from a hash of the decision draws the arm by these
propensities. So a decision is a function of what is known, and its propensity is exact.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special  # type: ignore[import-untyped]

from stream.offering.uplift import NOTHING, WHOLE, Context, Uplifts

__all__ = ["Choice", "choose", "drawn", "thompson_shares", "with_hold_out"]

Floats = npt.NDArray[np.float64]

_DRAWS: Final = 2048


class Choice(NamedTuple):
    """``propensities``: of each arm, NOTHING first, in 1/WHOLE, which they add up to. ``gains``: expected, of each
    offer.
    """

    propensities: dict[str, int]
    gains: dict[str, float]


def choose(uplifts: Uplifts, costs: Mapping[str, float], context: Context, value: float, exploration: float) -> Choice:
    """What Thompson sampling does with a customer, of whom an order is worth ``value``.

    The gain of an offer is its uplift times ``value``, less its cost (money). ``costs``: of the offers that the
    customer may have, which ``uplifts`` knows. ``exploration``: share of decisions that is spread evenly over all arms.
    """
    names = [*costs]
    places = [uplifts.offers.index(name) for name in names]
    mean, covariance = uplifts.at(context)
    means = value * mean[places] - np.array([*costs.values()])
    shares = thompson_shares(means, value**2 * covariance[np.ix_(places, places)])
    shares = (1.0 - exploration) * shares + exploration / len(shares)
    return Choice(
        dict(zip([NOTHING, *names], _whole(shares), strict=True)), dict(zip(names, means.tolist(), strict=True))
    )


def thompson_shares(mean: npt.ArrayLike, covariance: npt.ArrayLike) -> Floats:
    """How often nothing is best, then each offer, whose gains are N(mean (K,), covariance (K, K)).

    >>> thompson_shares([0.0], [[1.0]]).tolist()
    [0.5, 0.5]
    """
    means = np.asarray(mean, np.float64)
    scales, directions = np.linalg.eigh(np.asarray(covariance, np.float64).reshape(len(means), len(means)))
    root = directions * np.sqrt(np.maximum(scales, 0.0))
    gains = np.zeros((len(means) + 1, _DRAWS))
    gains[1:] = means[:, None] + root @ _points(len(means))
    return np.asarray(np.bincount(gains.argmax(axis=0), minlength=len(gains)) / _DRAWS, np.float64)


@cache
def _points(dimension: int) -> Floats:
    """Draws (dimension, 2048) of independent standard normal numbers, evenly spread.

    Each coordinate is the fraction of a multiple of a power of ``1 / g``, where ``g ** (dimension + 1) = g + 1``: the
    additive recurrence of Roberts, M. (2018), The unreasonable effectiveness of quasirandom sequences.
    """
    root = 2.0
    for _ in range(64):
        root = (1.0 + root) ** (1.0 / (dimension + 1))
    steps = root ** -np.arange(1.0, dimension + 1.0)
    places = np.arange(_DRAWS) + 0.5
    return np.asarray(special.ndtri((steps[:, None] * places) % 1.0), np.float64)


def with_hold_out(propensities: Mapping[str, int], share: float) -> dict[str, int]:
    """Propensities of what is done, where a ``share`` of customers is held out after the draw and gets nothing.

    >>> with_hold_out({"nothing": 400_000, "call": 600_000}, 0.1)
    {'nothing': 460000, 'call': 540000}
    """
    kept = {arm: round(of_arm * (1.0 - share)) for arm, of_arm in propensities.items() if arm != NOTHING}
    return {NOTHING: WHOLE - sum(kept.values()), **kept}


def drawn(propensities: Mapping[str, int], seed: str) -> str:
    """The arm that a hash of ``seed`` draws, each as often as its propensity says.

    >>> drawn({"nothing": 0, "call": 1_000_000}, "any")
    'call'
    """
    place = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]) * WHOLE >> 64
    for arm, of_arm in propensities.items():
        if place < of_arm:
            return arm
        place -= of_arm
    raise ValueError(f"propensities add up to {sum(propensities.values())}, not to {WHOLE}")


def _whole(shares: Floats) -> list[int]:
    """Shares in 1/WHOLE that add up exactly: the largest remainders are rounded up."""
    parts = shares * WHOLE
    whole = np.floor(parts).astype(np.int64)
    missing = WHOLE - int(whole.sum())
    for arm in np.argsort(whole - parts, kind="stable")[:missing]:
        whole[arm] += 1
    return [int(of_arm) for of_arm in whole]
