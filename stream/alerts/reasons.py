"""Why a customer's risk is what it is, what changed, and what would help: in numbers that add up and plain English.

With ``z = (inputs - means) / scales`` and ``logit = intercept + weights . z`` and products ``weight * z[a] * z[b]``,
the part of feature j, compared with a typical customer whose every input is the mean, is ``weights[j] z[j]`` and half
of each product that it is in (all of its square). The parts add up to ``logit - intercept`` exactly. They are the
Shapley values of the score against the typical customer: a product of two is shared equally by symmetry.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from stream.alerts.contract import Change, Reason, Remedy
from stream.alerts.sentences import Values, change_sentence, sentence
from stream.errors import SnapshotError
from stream.features.registry import FEATURE_NAMES, FEATURES

__all__ = ["TOP_CHANGES", "TOP_REASONS", "Explanation", "Score", "changes", "explain", "remedy"]

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

    def __post_init__(self) -> None:
        lengths = {"weights": len(self.weights), "means": len(self.means), "scales": len(self.scales)}
        if any(length != len(FEATURE_NAMES) for length in lengths.values()):
            raise SnapshotError(
                f"expected {len(FEATURE_NAMES)} numbers each, got {lengths}; train a model for these features"
            )

    def deviations(self, inputs: Sequence[float]) -> list[float]:
        """The standardised inputs: 0 is the typical customer. Raises SnapshotError for another number of inputs."""
        if len(inputs) != len(FEATURE_NAMES):
            raise SnapshotError(f"expected {len(FEATURE_NAMES)} inputs, got {len(inputs)}")
        rows = zip(inputs, self.means, self.scales, strict=True)
        return [float(x - mean) / float(scale) if scale else 0.0 for x, mean, scale in rows]

    def contributions(self, deviations: Sequence[float]) -> list[float]:
        """The part of each feature in the logit."""
        parts = [float(weight) * z for weight, z in zip(self.weights, deviations, strict=True)]
        for a, b, weight in self.products:
            half = 0.5 * float(weight) * deviations[a] * deviations[b]
            parts[a] += half
            parts[b] += half
        return parts


class Explanation(NamedTuple):
    """``baseline + sum of the reasons' contributions + rest == logit``, up to rounding of floats."""

    logit: float
    baseline: float
    reasons: tuple[Reason, ...]
    rest: float


def explain(
    inputs: Sequence[float], score: Score, values: Values, *, top: int = TOP_REASONS, raising: bool = True
) -> Explanation:
    """Explain the score of `inputs` by at most `top` reasons.

    The reasons that go in the direction asked for come first, each direction by absolute contribution; features that
    contribute nothing are not listed. `values` are the feature values that `inputs` were made from; None is "not known
    yet". `raising`: explain why the risk is high; False: why it is low, as for an alert that was cleared.
    """
    deviations = score.deviations(inputs)
    contributions = score.contributions(deviations)
    ranked = sorted(
        (column for column, part in enumerate(contributions) if part),
        key=lambda column: ((contributions[column] > 0) != raising, -abs(contributions[column])),
    )
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
        for column in ranked[:top]
    )
    return Explanation(
        logit=math.fsum((score.intercept, *contributions)),
        baseline=float(score.intercept),
        reasons=reasons,
        rest=math.fsum(contributions[column] for column in ranked[top:]),
    )


def changes(
    before: Sequence[float], now: Sequence[float], score: Score, *, top: int = TOP_CHANGES
) -> tuple[Change, ...]:
    """What raised the score from inputs `before` to `now` most, at most `top` features, largest first.

    Both are scored with the present model, so the contributions of all features add up to the difference of the logits.
    """
    earlier = score.contributions(score.deviations(before))
    later = score.contributions(score.deviations(now))
    rises = [b - a for a, b in zip(earlier, later, strict=True)]
    ranked = sorted((c for c, rise in enumerate(rises) if rise > 0.0 and before[c] != now[c]), key=lambda c: -rises[c])
    return tuple(
        Change(
            feature=FEATURE_NAMES[column],
            contribution=rises[column],
            sentence=change_sentence(
                FEATURE_NAMES[column], FEATURES[column].value_of(before[column]), FEATURES[column].value_of(now[column])
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
