"""Why a customer's risk is what it is, what changed, and what would help: in numbers that add up and plain English.

With ``z = (inputs - means) / scales`` and ``logit = intercept + weights . z`` and products ``weight * z[a] * z[b]``,
the part of feature j, compared with a typical customer whose every input is the mean, is ``weights[j] z[j]`` and half
of each product that it is in (all of its square). The parts add up to ``logit - intercept`` exactly. They are the
Shapley values of the score against the typical customer: a product of two is shared equally by symmetry.

The purchase process (`stream.features.order_process`) has two parts: that of the silence, compared with the customer's
own mean gap, goes to the days since the last order, that of the habit to the days with an order. They add up as well.

Not every part is a reason. Each feature declares the direction in which it can be one (`stream.features.registry`): a
long silence can, a short one cannot. A part that goes against it, or of a feature that is none, is in the rest; so is a
part that changes the odds by less than 5 %. The two inputs of silence are told as one, by the sentence that names the
habit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from stream.alerts.alert_records import Change, Reason, Remedy
from stream.alerts.sentences import change_sentence, sentence
from stream.catalogue.declaring import Money, Values
from stream.catalogue.wording import plain_money
from stream.errors import SnapshotError
from stream.features.order_process import ProcessTerm
from stream.features.registry import COLUMN, FEATURE_NAMES, FEATURES, SILENCE

__all__ = ["MIN_PART", "TOP_CHANGES", "TOP_REASONS", "Explanation", "Score", "changes", "explain", "remedy"]

Floats = npt.NDArray[np.float64]

TOP_REASONS: Final = 5
TOP_CHANGES: Final = 3
#: A part below this is no reason: it changes the odds of churn by less than 5 %.
MIN_PART: Final = math.log(1.05)

_LEAVING: Final = np.array([feature.leaving for feature in FEATURES], np.float64)
_RECENCY, _RATIO = SILENCE
_ORDER_DAYS: Final = COLUMN["purchase_days"]


@dataclass(frozen=True, slots=True)
class Score:
    """The score as a function of the inputs; see the module.

    ``weights``, ``means``, ``scales``: one number for each feature, in the order of `FEATURE_NAMES`. A feature of scale
    0 has never varied: it contributes nothing. ``intercept``: the log-odds of a typical customer. ``products``: two
    columns, and the weight of the product of their standardised inputs. ``process``: what the purchase process adds.
    Raises SnapshotError when it is for another number of features.
    """

    weights: Sequence[float]
    means: Sequence[float]
    scales: Sequence[float]
    intercept: float
    products: Sequence[tuple[int, int, float]] = ()
    process: ProcessTerm | None = None
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

    @property
    def baseline(self) -> float:
        """The log-odds of a typical customer, the purchase process included."""
        process = 0.0 if self.process is None else self.process.weight * self.process.typical
        return float(self.intercept) + process

    def deviations(self, inputs: npt.ArrayLike) -> Floats:
        """The standardised inputs: 0 is the typical customer. Raises SnapshotError for another number of inputs."""
        x = np.asarray(inputs, np.float64)
        if len(x) != len(FEATURE_NAMES):
            raise SnapshotError(f"expected {len(FEATURE_NAMES)} inputs, got {len(x)}")
        return (x - self.means) * self._per_unit

    def contributions(self, deviations: Floats) -> Floats:
        """The part of each feature in the logit, the purchase process left out."""
        return deviations * (self.weights + self._shared @ deviations)

    def parts(self, inputs: npt.ArrayLike) -> Floats:
        """The part of each feature in the logit; with `baseline` they add up to it."""
        found = self.contributions(self.deviations(inputs))
        if self.process is not None:
            silence, habit = self.process.silence_and_habit(np.asarray(inputs, np.float64), 1.0)
            found[_RECENCY] += silence
            found[_ORDER_DAYS] += habit
        return found


class Explanation(NamedTuple):
    """``baseline + sum of the reasons' contributions + rest == logit``, up to rounding of floats."""

    logit: float
    baseline: float
    reasons: tuple[Reason, ...]
    rest: float


def explain(
    inputs: npt.ArrayLike,
    score: Score,
    values: Values,
    *,
    top: int = TOP_REASONS,
    raising: bool = True,
    money: Money = plain_money,
) -> Explanation:
    """Explain the score of `inputs` by at most `top` reasons.

    The silence comes first if it is a reason for what is asked. Then come those that go in the direction asked for, by
    absolute contribution, then the others. `values` are the feature values that `inputs` were made from, and the habit
    (`sentences.HABIT`); None is "not known yet". `raising`: explain why the risk is high; False: why it is low, as for
    an alert that was cleared. ``money`` writes the amounts in sentences.
    """
    parts = score.parts(inputs)
    told, levels = _reasons(parts, score.deviations(inputs))
    # the last key is the first to sort by: the direction, the silence, then the size, then the order of the features
    is_silence = np.arange(len(told)) == _RECENCY
    ranked = [
        column
        for column in np.lexsort((-np.abs(told), ~is_silence, (told > 0) != raising)).tolist()
        if told[column] != 0.0
    ][:top]
    reasons = tuple(
        Reason(
            feature=FEATURE_NAMES[column],
            value=_readable(values.get(FEATURE_NAMES[column])),
            contribution=float(told[column]),
            sentence=sentence(FEATURE_NAMES[column], values, is_high=bool(levels[column] > 0), money=money),
        )
        for column in ranked
    )
    contributions = parts.tolist()
    return Explanation(
        logit=math.fsum((score.baseline, *contributions)),
        baseline=score.baseline,
        reasons=reasons,
        rest=math.fsum((*contributions, *(-reason.contribution for reason in reasons))),
    )


def _reasons(parts: Floats, deviations: Floats) -> tuple[Floats, Floats]:
    """The parts that are reasons, 0 for the others, and how far each feature is above what is typical."""
    told, levels = parts.copy(), deviations.copy()
    told[_RECENCY] += told[_RATIO]
    told[_RATIO] = 0.0
    silence = deviations[list(SILENCE)]
    levels[_RECENCY] = silence.max() if told[_RECENCY] > 0.0 else silence.min()
    told[(told * _LEAVING * levels <= 0.0) | (np.abs(told) < MIN_PART)] = 0.0
    return told, levels


def changes(
    before: npt.ArrayLike, now: npt.ArrayLike, score: Score, *, top: int = TOP_CHANGES, money: Money = plain_money
) -> tuple[Change, ...]:
    """What raised the score from inputs `before` to `now` most, at most `top` features, largest first.

    Both are scored with the present model. Only what moved the way it does when customers leave is told, and by
    `MIN_PART` at least. ``money`` writes the amounts in sentences.
    """
    old, new = np.asarray(before, np.float64), np.asarray(now, np.float64)
    rises = score.parts(new) - score.parts(old)
    # only what moved the way it moves when customers leave
    believed = (rises >= MIN_PART) & ((new - old) * _LEAVING > 0.0)
    ranked = sorted(np.flatnonzero(believed).tolist(), key=lambda c: -rises[c])
    return tuple(
        Change(
            feature=FEATURE_NAMES[column],
            contribution=float(rises[column]),
            sentence=change_sentence(
                FEATURE_NAMES[column],
                FEATURES[column].value_of(float(old[column])),
                FEATURES[column].value_of(float(new[column])),
                money,
            ),
        )
        for column in ranked[:top]
    )


def remedy(risk: float, risk_after_order: float) -> Remedy:
    """What an order would do: it clears any alert, and in most cases lowers ``risk`` to ``risk_after_order``.

    The learned score may be higher after an order, but no text should call an order bad news.
    """
    before, after = _percent(risk), _percent(risk_after_order)
    lowers = f", and lowers the risk from {before} to {after}" if risk_after_order < risk and before != after else ""
    return Remedy(risk_after_order=risk_after_order, clears=True, sentence=f"An order today clears the alert{lowers}.")


def _percent(risk: float) -> str:
    return f"{100 * risk:.0f} %"


def _readable(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
