"""The churn model: second-order logistic regression over a quadratic basis, calibrated, one label at a time.

Two regressions learn side by side: one over all terms, and a simple one over recency, frequency and money. The logit is
their weighted mean, and the weight of the simple one falls as labels come: what a model of many terms has not learned
yet, a model of few has. The mean is linear in the terms as well, so it costs nothing to score with.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from msgspec.structs import replace

from stream.errors import SnapshotError
from stream.online_models.basis import BASIS, ODDS_TERM, SIMPLE_TERMS, TERMS, Quadratic, expand, unfold
from stream.online_models.calibration import Calibration
from stream.online_models.first_layout import FIRST_SIMPLE_TERMS, FIRST_TERMS
from stream.online_models.kalman import sigmoid
from stream.online_models.second_order import SecondOrderRegression, SecondOrderState

__all__ = ["ChurnModel", "ChurnState"]

#: After so many labels, each counted by its novelty, the purchase process has half the say.
PROCESS_LABELS: Final = 300.0
#: A smaller share of the purchase process is none.
_MIN_PROCESS_SHARE: Final = 0.01

#: After so many labels, each counted by its novelty, the simple regression has half the say.
SIMPLE_LABELS: Final = 1_200.0

Floats = npt.NDArray[np.float64]

_SIMPLE_NAMES: Final = tuple(TERMS[term] for term in SIMPLE_TERMS)
#: The term of the purchase process among those of the simple regression.
_SIMPLE_ODDS_TERM: Final = _SIMPLE_NAMES.index(TERMS[ODDS_TERM])


class ChurnState(Struct, frozen=True, kw_only=True):
    """Everything the model has learned. ``news``: the labels, each counted by its novelty."""

    regression: SecondOrderState
    simple: SecondOrderState
    news: float
    calibration: Calibration


class ChurnModel:
    """`expand`, then two `SecondOrderRegression`; `Calibration` on top of what they gave.

    Inputs are the quantised ones (int16[features], units of 1/INPUT_SCALE), already checked by `problem_of`. ``level``
    is that of the customers at the time of the inputs, see `stream.online_models.level`. ``odds``: the log-odds that
    the purchase process gives for the horizon of the model, NaN where they are not known.
    ``pace``: how many times as fast as the default it goes on following change once much has been learned; the
    contenders of `stream.online_models.champion` differ in it.
    """

    def __init__(self, pace: float = 1.0) -> None:
        self._regression = SecondOrderRegression(BASIS, pace)
        self._simple = SecondOrderRegression(len(SIMPLE_TERMS), pace)
        self._news = 0.0
        self.calibration = Calibration()

    @property
    def labels_seen(self) -> int:
        return self._regression.labels

    @property
    def _simplicity(self) -> float:
        """The weight of the simple regression, 1 at first."""
        return SIMPLE_LABELS / (SIMPLE_LABELS + self._news)

    @property
    def process_share(self) -> float:
        """The weight of the purchase process in the risk, 1 at first; see `stream.online_models.purchase_process`."""
        share = PROCESS_LABELS / (PROCESS_LABELS + self._news)
        return share if share >= _MIN_PROCESS_SHARE else 0.0

    def learn_one(
        self,
        inputs: Sequence[int],
        *,
        churned: bool,
        level: float = 0.0,
        odds: float = math.nan,
        novelty: float = 1.0,
        power: float = 1.0,
    ) -> None:
        """Learn one label; the scales learn first, as in a River pipeline. ``novelty`` is that of the label.

        ``power``: the label's horizon over the model's, see `stream.online_models.kalman`.
        """
        self.predict_then_learn(expand(inputs, level, odds), churned=churned, novelty=novelty, power=power)

    def predict_then_learn(self, terms: Floats, *, churned: bool, novelty: float = 1.0, power: float = 1.0) -> float:
        """`predict_proba_one` for inputs that are expanded already, then `learn_one` of them."""
        logit = self._regression.predict_then_learn(
            terms,
            self._simple,
            terms[SIMPLE_TERMS],
            self._simplicity,
            churned=churned,
            novelty=novelty,
            power=power,
        )
        self._news += novelty
        return float(sigmoid(logit))

    def predict_then_learn_run(self, terms: Floats, *, churned: Floats, novelty: Floats, powers: Floats) -> Floats:
        """`predict_then_learn` for the labels of a run, one after the other; the probabilities of churn, float64[N].

        ``terms``: float64[N, BASIS]; the others are float64[N], ``churned`` 0 or 1.
        """
        news = np.add.accumulate(np.concatenate([[self._news], novelty]))
        self._news = float(news[-1])
        shares = SIMPLE_LABELS / (SIMPLE_LABELS + news[:-1])
        simple_terms = np.ascontiguousarray(terms[:, SIMPLE_TERMS])
        return self._regression.predict_then_learn_run(
            terms, self._simple, simple_terms, shares, churned=churned, novelty=novelty, powers=powers
        )

    def mark(self) -> tuple[Any, ...]:
        """What the regressions have learned, for `back_to`."""
        return self._news, self._regression.mark(), self._simple.mark()

    def back_to(self, mark: tuple[Any, ...]) -> None:
        """Forget what the regressions have learned since the `mark`."""
        self._news, regression, simple = mark
        self._regression.back_to(regression)
        self._simple.back_to(simple)

    def predict_proba_one(self, inputs: Sequence[int], level: float = 0.0, odds: float = math.nan) -> float:
        """The probability of churn before calibration; 0.5 before the first label."""
        terms = expand(inputs, level, odds)
        simplicity = self._simplicity
        simple = self._simple.logit(terms[SIMPLE_TERMS])
        return float(sigmoid((1.0 - simplicity) * self._regression.logit(terms) + simplicity * simple))

    def convert(self, scale: float, shift: float) -> None:
        """Go over to another horizon: every logit before calibration is ``scale`` times what it was, plus ``shift``."""
        self._regression.convert(scale, shift)
        self._simple.convert(scale, shift)
        # the purchase process gives its log-odds for the other horizon from now on
        self._regression.convert_input(ODDS_TERM, scale, shift)
        self._simple.convert_input(_SIMPLE_ODDS_TERM, scale, shift)

    def quadratic(self, level: float = 0.0) -> Quadratic:
        """The model before calibration as a function of the standardised inputs, for customers of ``level``."""
        regression, simple = self._regression, self._simple
        # both have seen the same values of the terms they share, so means and scales are the same
        weights = (1.0 - self._simplicity) * regression.weights
        weights[np.append(SIMPLE_TERMS, BASIS)] += self._simplicity * simple.weights
        return unfold(weights[:-1], regression.means, regression.scales, float(weights[-1]), level)

    def state(self) -> ChurnState:
        return ChurnState(
            regression=self._regression.state(TERMS),
            simple=self._simple.state(_SIMPLE_NAMES),
            news=self._news,
            calibration=replace(self.calibration),
        )

    @classmethod
    def from_state(cls, state: ChurnState, pace: float = 1.0) -> "ChurnModel":
        """Go on from ``state``, of other terms as well. Raises `SnapshotError` if it is damaged."""
        model = cls(pace)
        model._regression = SecondOrderRegression.from_state(state.regression, TERMS, pace, FIRST_TERMS)
        model._simple = SecondOrderRegression.from_state(state.simple, _SIMPLE_NAMES, pace, FIRST_SIMPLE_TERMS)
        # a term may be new to one of them only, and `quadratic` folds both over the same scales
        model._simple.share_scales(model._regression, SIMPLE_TERMS)
        if not 0.0 <= state.news <= state.regression.labels:
            raise SnapshotError(f"churn model: {state.news} news in {state.regression.labels} labels; it is damaged")
        model._news = state.news
        model.calibration = replace(state.calibration)
        return model
