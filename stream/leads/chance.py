"""The chance that a lead orders within the horizon: logistic regression on signs, from counts, with a prior.

    log-odds = intercept + one effect for the level of each sign

Each effect has a normal prior around what `SIGNS` expects; the intercept has a Beta prior, as if `PRIOR_LEADS` leads at
the reference, `PRIOR_ORDERS` of whom ordered, had been seen. So there is an answer before the first label, and labels
take over as they come. The estimate is the maximum of the posterior, by Newton's method; how sure it is follows from
the curvature there (Laplace), and the probability given is the mean over that uncertainty (D. MacKay, The evidence
framework applied to classification networks, 1992, eq. 12).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from river import base

from stream.leads.signs import SIGNS

__all__ = ["PRIOR_LEADS", "PRIOR_ORDERS", "ChanceModel", "LeadChance", "signs_of"]

Floats = npt.NDArray[np.float64]

PRIOR_LEADS: Final = 20.0
PRIOR_ORDERS: Final = 1.0
#: Variance of an effect around what is expected of it.
_VARIANCE: Final = 0.25

_SIZES: Final = tuple(len(sign.levels) for sign in SIGNS)
#: Where the effects of each sign begin; the intercept is the first.
_BEGINS: Final = tuple(1 + sum(_SIZES[:position]) for position in range(len(_SIZES)))
_WIDTH: Final = 1 + sum(_SIZES)
_EXPECTED: Final = np.array([0.0, *(effect for sign in SIGNS for _, effect in sign.levels)])
_PRECISION: Final = np.array([0.0, *([1.0 / _VARIANCE] * (_WIDTH - 1))])

_MAX_STEPS, _TOLERANCE = 50, 1e-10
#: Deviations of a normal distribution within which 95 % are.
_DEVIATIONS: Final = 1.959963984540054


class _Fitted(NamedTuple):
    """The estimate float64[W], its covariance float64[W, W], the mean effect of each sign over the leads learned."""

    weights: Floats
    covariance: Floats
    typical: tuple[float, ...]


class LeadChance(NamedTuple):
    """``chance`` in [0, 1] with its 95 % interval; ``parts``: log-odds of each sign against a typical lead."""

    chance: float
    low: float
    high: float
    parts: tuple[float, ...]


def signs_of(cell: str) -> dict[Hashable, int]:
    """The levels in a cell by the names of the signs.

    >>> signs_of("42101")
    {'visits': 4, 'cart': 2, 'mail': 1, 'talk': 0, 'known': 1}
    """
    return {sign.name: int(level) for sign, level in zip(SIGNS, cell, strict=True)}


class ChanceModel(base.Classifier):
    """An estimator of River: it learns one lead, or ``w`` that are alike, at a time, and forgets by weight.

    What it has learned are sums, so the order of the examples does not matter.

    Examples
    --------
    >>> model = ChanceModel()
    >>> lead = signs_of("00103")
    >>> round(model.predict_proba_one(lead)[True], 3)
    0.041
    >>> model.learn_one(lead, True, w=40)
    >>> round(model.predict_proba_one(lead)[True], 1)
    0.9
    """

    def __init__(self) -> None:
        self.counts: dict[str, list[float]] = {}
        self._fitted: _Fitted | None = None

    def learn_one(self, x: Mapping[Any, Any], y: Any, w: float = 1.0) -> None:
        """Learn that ``w`` leads of signs ``x`` ordered (``y``) or did not."""
        self.learn(_cell(x), w, w if y else 0.0)

    def learn(self, cell: str, leads: float, orders: float) -> None:
        """Learn that of ``leads`` leads ``orders`` ordered."""
        sums = self.counts.setdefault(cell, [0.0, 0.0])
        sums[0] += leads
        sums[1] += orders
        self._fitted = None

    def forget(self, factor: float) -> None:
        """Let all that was learned weigh ``factor`` times as much."""
        for sums in self.counts.values():
            sums[0] *= factor
            sums[1] *= factor
        self._fitted = None

    def predict_proba_one(self, x: Mapping[Any, Any], **_: Any) -> dict[Any, float]:
        """The probabilities of no order (False) and of one (True)."""
        chance = float(self.chances([_cell(x)])[0])
        return {False: 1.0 - chance, True: chance}

    def chances(self, cells: Sequence[str]) -> Floats:
        """The chances float64[N] of leads of N cells."""
        logits, variances = self._logits(cells)
        return _sigmoids(logits / np.sqrt(1.0 + math.pi * variances / 8.0))

    def judge(self, cell: str) -> LeadChance:
        """The chance of leads of a cell, how sure that is, and which signs it is from."""
        logits, variances = self._logits([cell])
        reach = _DEVIATIONS * np.sqrt(variances)
        fitted = self._fit()
        parts = tuple(
            float(fitted.weights[begin + int(level)]) - mean
            for begin, level, mean in zip(_BEGINS, cell, fitted.typical, strict=True)
        )
        low, high = _sigmoids(logits - reach), _sigmoids(logits + reach)
        return LeadChance(float(self.chances([cell])[0]), float(low[0]), float(high[0]), parts)

    def _logits(self, cells: Sequence[str]) -> tuple[Floats, Floats]:
        """Mean and variance of the log-odds, float64[N] each."""
        fitted, rows = self._fit(), _rows(cells)
        return rows @ fitted.weights, np.einsum("nw,wv,nv->n", rows, fitted.covariance, rows)

    def _fit(self) -> _Fitted:
        if self._fitted is None:
            cells = sorted(self.counts)
            rows = np.vstack([_REFERENCE, _rows(cells)])
            leads = np.array([PRIOR_LEADS, *(self.counts[cell][0] for cell in cells)])
            orders = np.array([PRIOR_ORDERS, *(self.counts[cell][1] for cell in cells)])
            weights, covariance = _maximum(rows, leads, orders)
            self._fitted = _Fitted(weights, covariance, _typical(weights, leads[1:] @ rows[1:]))
        return self._fitted


def _typical(weights: Floats, leads: Floats) -> tuple[float, ...]:
    """The mean effect of each sign over ``leads`` float64[W] of each level; without any, over the levels."""
    means = []
    for begin, size in zip(_BEGINS, _SIZES, strict=True):
        of_sign = leads[begin : begin + size]
        shares = of_sign / of_sign.sum() if of_sign.any() else np.full(size, 1.0 / size)
        means.append(float(shares @ weights[begin : begin + size]))
    return tuple(means)


def _maximum(rows: Floats, leads: Floats, orders: Floats) -> tuple[Floats, Floats]:
    """Newton's method with halved steps: the objective is strictly concave."""
    weights = _EXPECTED.copy()
    weights[0] = math.log(PRIOR_ORDERS / (PRIOR_LEADS - PRIOR_ORDERS))
    value = _objective(weights, rows, leads, orders)
    for _ in range(_MAX_STEPS):
        p = _sigmoids(rows @ weights)
        gradient = rows.T @ (orders - leads * p) - _PRECISION * (weights - _EXPECTED)
        curvature = _curvature(rows, leads, p)
        step = np.linalg.solve(curvature, gradient)
        moved, gained = weights + step, _objective(weights + step, rows, leads, orders)
        while gained < value and float(np.abs(step).max()) > _TOLERANCE:
            step /= 2.0
            moved, gained = weights + step, _objective(weights + step, rows, leads, orders)
        weights, value = moved, gained
        if float(np.abs(step).max()) < _TOLERANCE:
            break
    return weights, np.asarray(np.linalg.inv(_curvature(rows, leads, _sigmoids(rows @ weights))), np.float64)


def _curvature(rows: Floats, leads: Floats, p: Floats) -> Floats:
    found: Floats = rows.T @ (rows * (leads * p * (1.0 - p))[:, None]) + np.diag(_PRECISION)
    return found


def _objective(weights: Floats, rows: Floats, leads: Floats, orders: Floats) -> float:
    logits = rows @ weights
    log_likelihood = orders @ logits - leads @ np.logaddexp(0.0, logits)
    away = weights - _EXPECTED
    return float(log_likelihood - 0.5 * (_PRECISION @ (away * away)))


def _cell(x: Mapping[Any, Any]) -> str:
    return "".join(str(x[sign.name]) for sign in SIGNS)


def _rows(cells: Sequence[str]) -> Floats:
    """The intercept and a one for the level of each sign, float64[N, W]."""
    rows = np.zeros((len(cells), _WIDTH))
    if cells:
        levels = np.array([[int(level) for level in cell] for cell in cells])
        rows[:, 0] = 1.0
        np.put_along_axis(rows, levels + np.array(_BEGINS), 1.0, axis=1)
    return rows


#: The intercept alone.
_REFERENCE: Final = np.eye(1, _WIDTH)[0]


def _sigmoids(logits: Floats) -> Floats:
    found: Floats = 0.5 * (1.0 + np.tanh(0.5 * logits))
    return found
