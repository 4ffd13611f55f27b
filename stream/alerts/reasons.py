"""Why a customer's risk is what it is, what changed, and what would help: in numbers that add up and plain English.

With ``z = (inputs - means) / scales`` and ``logit = intercept + weights . z`` and products ``weight * z[a] * z[b]``,
the part of feature j, compared with a typical customer whose every input is the mean, is ``weights[j] z[j]`` and half
of each product that it is in (all of its square). The parts add up to ``logit - intercept`` exactly. They are the
Shapley values of the score against the typical customer: a product of two is shared equally by symmetry.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from stream.alerts.contract import Change, Reason, Remedy
from stream.alerts.sentences import Values, change_sentence, sentence
from stream.errors import SnapshotError
from stream.features.registry import FEATURE_NAMES, FEATURES

__all__ = ["TOP_CHANGES", "TOP_REASONS", "Explanation", "Score", "changes", "explain", "remedy"]

Floats = npt.NDArray[np.float64]

TOP_REASONS: Final = 5
TOP_CHANGES: Final = 3


@dataclass(frozen=True, slots=True)
class Score:
    """The score as a function of the inputs; see the module.

    ``weights``, ``means``, ``scales``: one number for each feature, in the order of `FEATURE_NAMES`. A feature of scale
    0 has never varied: it contributes nothing. ``intercept``: the log-odds of a typical customer. ``products``: two
    columns, and the weight of the product of their standardised inputs. Raises SnapshotError when it is for another
    number of features.
    """

    weights: Sequence[float]
    means: Sequence[float]
    scales: Sequence[float]
    intercept: float
    products: Sequence[tuple[int, int, float]] = ()
    _per_unit: Floats = field(init=False, repr=False, compare=False)
    _shared: Floats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lengths = {"weights": len(self.weights), "means": len(self.means), "scales": len(self.scales)}
        if any(length != len(FEATURE_NAMES) for length in lengths.values()):
            raise SnapshotError(
                f"expected {len(FEATURE_NAMES)} numbers each, got {lengths}; train a model for these features"
            )
        scales = np.asarray(self.scales, np.float64)
        object.__setattr__(self, "_per_unit", np.divide(1.0, scales, out=np.zeros_like(scales), where=scales != 0.0))
        shared = np.zeros((len(FEATURE_NAMES), len(FEATURE_NAMES)))
        for a, b, weight in self.products:
            shared[a, b] += 0.5 * weight
            shared[b, a] += 0.5 * weight
        object.__setattr__(self, "_shared", shared)

    def deviations(self, inputs: npt.ArrayLike) -> Floats:
        """The standardised inputs: 0 is the typical customer. Raises SnapshotError for another number of inputs."""
        x = np.asarray(inputs, np.float64)
        if len(x) != len(FEATURE_NAMES):
            raise SnapshotError(f"expected {len(FEATURE_NAMES)} inputs, got {len(x)}")
        return (x - self.means) * self._per_unit

    def contributions(self, deviations: Floats) -> Floats:
        """The part of each feature in the logit."""
        return deviations * (self.weights + self._shared @ deviations)


class Explanation(NamedTuple):
    """``baseline + sum of the reasons' contributions + rest == logit``, up to rounding of floats."""

    logit: float
    baseline: float
    reasons: tuple[Reason, ...]
    rest: float


def explain(
    inputs: npt.ArrayLike, score: Score, values: Values, *, top: int = TOP_REASONS, raising: bool = True
) -> Explanation:
    """Explain the score of `inputs` by at most `top` reasons.

    The reasons that go in the direction asked for come first, each direction by absolute contribution; features that
    contribute nothing are not listed. `values` are the feature values that `inputs` were made from; None is "not known
    yet". `raising`: explain why the risk is high; False: why it is low, as for an alert that was cleared.
    """
    deviations = score.deviations(inputs)
    parts = score.contributions(deviations)
    contributions = parts.tolist()
    # the last key is the first to sort by: the direction, then the size, then the order of the features
    ranked = [
        column for column in np.lexsort((-np.abs(parts), (parts > 0) != raising)).tolist() if contributions[column]
    ]
    reasons = tuple(
        Reason(
            feature=FEATURE_NAMES[column],
            value=_readable(values.get(FEATURE_NAMES[column])),
            contribution=contributions[column],
            sentence=sentence(
                FEATURE_NAMES[column],
                values,
                is_high=bool(deviations[column] > 0),
                raises=contributions[column] > 0,
            ),
        )
        for column in ranked[:top]
    )
    return Explanation(
        logit=math.fsum((score.intercept, *contributions)),
        baseline=float(score.intercept),
        reasons=reasons,
        rest=math.fsum(contributions[column] for column in ranked[top:]),
    )


def changes(before: npt.ArrayLike, now: npt.ArrayLike, score: Score, *, top: int = TOP_CHANGES) -> tuple[Change, ...]:
    """What raised the score from inputs `before` to `now` most, at most `top` features, largest first.

    Both are scored with the present model, so the contributions of all features add up to the difference of the logits.
    """
    old, new = np.asarray(before, np.float64), np.asarray(now, np.float64)
    earlier = score.contributions(score.deviations(old))
    later = score.contributions(score.deviations(new))
    rises = (later - earlier).tolist()
    ranked = sorted((c for c, rise in enumerate(rises) if rise > 0.0 and old[c] != new[c]), key=lambda c: -rises[c])
    return tuple(
        Change(
            feature=FEATURE_NAMES[column],
            contribution=rises[column],
            sentence=change_sentence(
                FEATURE_NAMES[column],
                FEATURES[column].value_of(float(old[column])),
                FEATURES[column].value_of(float(new[column])),
            ),
        )
        for column in ranked[:top]
    )


def remedy(risk_after_order: float, clear_at: float) -> Remedy:
    """What would clear the alert: an order, if the risk after one is below `clear_at`."""
    clears = risk_after_order < clear_at
    outcome = (
        "which clears the alert" if clears else f"which is not below the {_percent(clear_at)} that clear the alert yet"
    )
    return Remedy(
        risk_after_order=risk_after_order,
        clears=clears,
        sentence=f"An order today would bring the risk to {_percent(risk_after_order)}, {outcome}.",
    )


def _percent(risk: float) -> str:
    return f"{100 * risk:.0f} %"


def _readable(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
