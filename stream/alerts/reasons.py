"""Why a customer's risk is what it is: the parts of a linear score, largest first, in plain English.

For ``logit = intercept + sum_j weights[j] * (inputs[j] - means[j]) / scales[j]`` the terms of the sum are the
exact contributions of the features compared with a typical customer, one whose every input is the mean. (For
a linear model these are also its Shapley values: Lundberg and Lee, 2017, corollary 1.)
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from stream.alerts.contract import Reason
from stream.alerts.sentences import Values, sentence
from stream.errors import SnapshotError
from stream.features.registry import FEATURE_NAMES

__all__ = ["TOP_REASONS", "Explanation", "explain"]

TOP_REASONS: Final = 5


class Explanation(NamedTuple):
    """``baseline + sum of the reasons' contributions + rest == logit``, up to rounding of floats."""

    logit: float
    baseline: float
    reasons: tuple[Reason, ...]
    rest: float


def explain(
    inputs: Sequence[float],
    weights: Sequence[float],
    means: Sequence[float],
    scales: Sequence[float],
    intercept: float,
    values: Values,
    *,
    top: int = TOP_REASONS,
    raising: bool = True,
) -> Explanation:
    """Explain the score of `inputs` by at most `top` reasons.

    The reasons that go in the direction asked for come first, each direction by absolute contribution;
    features that contribute nothing are not listed.

    Parameters
    ----------
    inputs, weights, means, scales
        One number for each feature, in the order of `FEATURE_NAMES`. A feature of scale 0 has never varied:
        it contributes nothing.
    intercept
        The log-odds of a typical customer.
    values
        The feature values that `inputs` were made from; None is "not known yet".
    raising
        Explain why the risk is high; False: why it is low, as for an alert that was cleared.

    Raises
    ------
    SnapshotError
        The model is for another number of features.
    """
    lengths = {"inputs": len(inputs), "weights": len(weights), "means": len(means), "scales": len(scales)}
    if any(length != len(FEATURE_NAMES) for length in lengths.values()):
        raise SnapshotError(
            f"expected {len(FEATURE_NAMES)} numbers each, got {lengths}; train a model for these features"
        )
    deviations = [
        float(x - mean) / float(scale) if scale else 0.0 for x, mean, scale in zip(inputs, means, scales, strict=True)
    ]
    contributions = [float(weight) * z for weight, z in zip(weights, deviations, strict=True)]
    ranked = sorted(
        (column for column, part in enumerate(contributions) if part),
        key=lambda column: ((contributions[column] > 0) != raising, -abs(contributions[column])),
    )
    listed = ranked[:top]
    reasons = tuple(
        Reason(
            feature=FEATURE_NAMES[column],
            value=_readable(values.get(FEATURE_NAMES[column])),
            contribution=contributions[column],
            sentence=sentence(
                FEATURE_NAMES[column],
                values,
                is_high=deviations[column] > 0,
                raises=contributions[column] > 0,
            ),
        )
        for column in listed
    )
    return Explanation(
        logit=math.fsum((intercept, *contributions)),
        baseline=float(intercept),
        reasons=reasons,
        rest=math.fsum(contributions[column] for column in ranked[top:]),
    )


def _readable(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
