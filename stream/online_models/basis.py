"""The basis of the churn model: its inputs, and the products of the strongest ones.

A logistic regression on the inputs alone gives each an effect independent of the others. That is wrong: a
month of silence means something else for a weekly customer than for a customer who orders twice a year. Squares and
products of the eight inputs that describe an ordering habit let one curved surface express that. With
second-order learning (`stream.online_models.second_order`) they cost nothing in the cold start, because weights without
evidence stay at their prior, zero.

Counts over the whole history grow while a log is young: the model would score values that no label has shown it, and
mistake age for loyalty. So `AGEING` inputs are left out, and the most important one, the days with an order, is taken
`RELATIVE` to the customers of its time (`stream.online_models.level`).

One more term is no input but what the purchase process makes of them: its log-odds of no order in the horizon
(`stream.features.order_process`). No quadratic function of the inputs comes close to it.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from stream.features.registry import COLUMN, FEATURE_NAMES, FEATURES, INPUT_SCALE
from stream.online_models.inputs import MISSING
from stream.online_models.kalman import complete_run, complete_terms

__all__ = [
    "AGEING",
    "BASIS",
    "CENTRE",
    "CURVED",
    "CURVED_COLUMNS",
    "LINEAR",
    "ODDS_TERM",
    "PAIRS",
    "PAIR_NAMES",
    "RELATIVE",
    "SIMPLE_TERMS",
    "TERMS",
    "Quadratic",
    "expand",
    "expand_run",
    "unfold",
]

Floats = npt.NDArray[np.float64]

#: Inputs that are no terms: they grow with the age of the log, and others say the same without.
AGEING: Final = ("purchases_total", "tenure")
#: The column of the input that is taken less its level.
RELATIVE: Final = COLUMN["purchase_days"]
#: int64[linear]: the columns of the inputs that are terms as they are.
LINEAR: Final = np.array([COLUMN[name] for name in FEATURE_NAMES if name not in AGEING], np.int64)

#: Inputs whose squares and products are in the basis.
CURVED: Final = (
    "days_since_purchase",
    "purchases_90d",
    "purchases_28d",
    "purchase_gap",
    "silence_ratio",
    "order_value",
    "spend_90d",
    "purchase_interval",
)
#: int64[curved]: their columns.
CURVED_COLUMNS: Final = np.array([COLUMN[name] for name in CURVED], np.int64)

#: int64[pairs, 2]: the columns of each product, the first not after the second in `CURVED`.
PAIRS: Final = np.array([(a, b) for i, a in enumerate(CURVED_COLUMNS) for b in CURVED_COLUMNS[: i + 1]], np.int64)

#: Products are of inputs less this, which is within what logarithms of days, counts and money take. A product of
#: inputs that are all far from zero would hardly differ from their sum.
CENTRE: Final = 2.5

#: Log-odds beyond these are certainty.
_MAX_LOGIT: Final = 500.0

#: The term of the log-odds of the purchase process, after the inputs and before the products.
ODDS_TERM: Final = len(LINEAR)
#: Number of terms.
BASIS: Final = ODDS_TERM + 1 + len(PAIRS)

_TERM: Final = {int(column): term for term, column in enumerate(LINEAR)}
_PAIR_TERMS: Final = np.array([[_TERM[int(a)], _TERM[int(b)]] for a, b in PAIRS], np.int64)
#: Names of the terms: that of the input, or those of both factors in the order of the alphabet.
TERMS: Final = (
    *(FEATURE_NAMES[column] for column in LINEAR),
    "purchase_process",
    *("*".join(sorted((FEATURE_NAMES[a], FEATURE_NAMES[b]))) for a, b in PAIRS),
)
#: Names of the `PAIRS`.
PAIR_NAMES: Final = TERMS[ODDS_TERM + 1 :]
#: int64[simple]: the terms of a simple model: recency, frequency, money, and the purchase process.
SIMPLE_TERMS: Final = np.array(
    [
        *(_TERM[COLUMN[name]] for name in ("days_since_purchase", "purchase_days", "order_value", "spend_90d")),
        ODDS_TERM,
    ],
    np.int64,
)


class Quadratic:
    """``logit = intercept + weights . z + sum_p curvature[p] * z[PAIRS[p, 0]] * z[PAIRS[p, 1]]``,
    ``z = (x - means) / scales``.

    Arrays float64[features], ``curvature`` float64[pairs]; x = inputs / INPUT_SCALE. ``intercept`` is the log-odds of a
    typical customer.

    ``odds_weight`` times the log-odds of the purchase process, less ``odds_mean``, are to be added: the form is of the
    inputs alone, so it is that of a customer whose log-odds are the mean.
    """

    __slots__ = ("curvature", "intercept", "means", "odds_mean", "odds_weight", "scales", "weights")

    def __init__(
        self,
        weights: Floats,
        curvature: Floats,
        means: Floats,
        scales: Floats,
        intercept: float,
        odds_weight: float = 0.0,
        odds_mean: float = 0.0,
    ) -> None:
        self.weights = weights
        self.curvature = curvature
        self.means = means
        self.scales = scales
        self.intercept = intercept
        self.odds_weight = odds_weight
        self.odds_mean = odds_mean

    def logit(self, inputs: npt.ArrayLike) -> float:
        """Log-odds of churn for quantised inputs (int16[features])."""
        quantised = np.asarray(inputs, np.float64)
        z = np.where(quantised == MISSING, 0.0, (quantised / INPUT_SCALE - self.means) / self.scales)
        first, second = PAIRS[:, 0], PAIRS[:, 1]
        return self.intercept + float(self.weights @ z + self.curvature @ (z[first] * z[second]))

    def risk(self, inputs: npt.ArrayLike) -> float:
        """Probability of churn for quantised inputs (int16[features])."""
        return 1.0 / (1.0 + math.exp(-min(max(self.logit(inputs), -_MAX_LOGIT), _MAX_LOGIT)))

    def per_input(self) -> tuple[Floats, Floats]:
        """``weights`` float64[features] and ``curvature`` float64[pairs] for ``x - means`` in the place of z."""
        return self.weights / self.scales, self.curvature / (self.scales[PAIRS[:, 0]] * self.scales[PAIRS[:, 1]])

    def calibrated(self, slope: float, shift: float) -> "Quadratic":
        """The same with ``slope * logit + shift`` as its logit."""
        return Quadratic(
            slope * self.weights,
            slope * self.curvature,
            self.means,
            self.scales,
            slope * self.intercept + shift,
            slope * self.odds_weight,
            self.odds_mean,
        )


def expand(inputs: npt.ArrayLike, level: float = 0.0, odds: float = math.nan) -> Floats:
    """The terms, float64[BASIS], of quantised inputs (int16[features]); ``level`` is that of the `RELATIVE` one.

    ``odds``: the log-odds of the purchase process, NaN where they are not known. Terms of an input that is `MISSING`
    are NaN.
    """
    terms = np.empty(BASIS)
    terms[ODDS_TERM] = odds
    terms[: len(LINEAR)] = np.asarray(inputs)[LINEAR]
    terms[: len(LINEAR)] /= INPUT_SCALE
    complete_terms(terms, _PAIR_TERMS, CENTRE, MISSING / INPUT_SCALE, _TERM[RELATIVE], level)
    return terms


def expand_run(inputs: npt.NDArray[np.int16], levels: Floats, odds: Floats) -> Floats:
    """`expand` for each of N labels: float64[N, BASIS] of int16[N, features]; ``levels``, ``odds``: float64[N]."""
    terms = np.empty((len(inputs), BASIS))
    terms[:, ODDS_TERM] = odds
    terms[:, : len(LINEAR)] = inputs[:, LINEAR]
    terms[:, : len(LINEAR)] /= INPUT_SCALE
    complete_run(terms, _PAIR_TERMS, CENTRE, MISSING / INPUT_SCALE, _TERM[RELATIVE], levels)
    return terms


def unfold(weights: Floats, means: Floats, scales: Floats, intercept: float, level: float = 0.0) -> Quadratic:
    """A linear function of the standardised terms as a quadratic one of the standardised inputs."""
    count = len(LINEAR)
    first, second = PAIRS[:, 0], PAIRS[:, 1]
    x_means, x_scales = np.zeros(len(FEATURES)), np.ones(len(FEATURES))
    x_means[LINEAR], x_scales[LINEAR] = means[:count], scales[:count]
    x_means[RELATIVE] += level
    a, b = x_means[first] - CENTRE, x_means[second] - CENTRE
    per_product = weights[ODDS_TERM + 1 :] / scales[ODDS_TERM + 1 :]
    linear = np.zeros(len(FEATURES))
    linear[LINEAR] = weights[:count]
    np.add.at(linear, first, per_product * b * x_scales[first])
    np.add.at(linear, second, per_product * a * x_scales[second])
    return Quadratic(
        weights=linear,
        curvature=per_product * x_scales[first] * x_scales[second],
        means=x_means,
        scales=x_scales,
        # exactly rounded: a dot product of BLAS has other last digits on another processor
        intercept=intercept + math.fsum(per_product * (a * b - means[ODDS_TERM + 1 :])),
        odds_weight=float(weights[ODDS_TERM] / scales[ODDS_TERM]),
        odds_mean=float(means[ODDS_TERM]),
    )
