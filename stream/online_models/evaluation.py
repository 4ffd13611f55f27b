"""Prequential evaluation: the risk that was given at the landmark against the label that matured.

The risk is never computed again: at maturity the model has learned from labels of the meantime. Beside it
stand baselines on exactly the same examples. They predict *at maturity*, before they learn the label, so they
have seen one horizon more of labels than the risk had: a small advantage to the baselines.
"""

import math

from msgspec import Struct

from stream.features.registry import COLUMN, INPUT_SCALE
from stream.online_models.example import Label
from stream.online_models.inputs import NEUTRAL, lacks
from stream.online_models.scaler_state import SCALE_FLOOR
from stream.online_models.schedule import learning_rate
from stream.online_models.scorecard import RANK_BINS, Figures, Scorecard, ScoredLabel

__all__ = ["Evaluation", "EvaluationReport", "RecencyBaseline"]

_RECENCY = COLUMN["days_since_purchase"]

#: Inputs of recency per rank bin: 1/128 of a unit of log1p(days); the last bin is 11,600 days and more.
_RECENCY_BIN = 8
#: Rank bins are even in log-odds within +-12, where a risk is 6e-6.
_LOGIT_LIMIT = 12.0
_LOGIT_BINS_PER_UNIT = RANK_BINS / (2.0 * _LOGIT_LIMIT)
#: A risk of exactly 0 or 1 that was wrong costs log(1e9) = 20.7 nats, not infinity.
_MIN_RISK = 1e-9


class EvaluationReport(Struct, frozen=True, kw_only=True):
    """Figures over the whole history, and over recent examples; weights halve in ``half_life_examples``."""

    half_life_examples: float
    whole: Figures
    recent: Figures


class RecencyBaseline(Struct, kw_only=True):
    """Online logistic regression on one input, log1p(days since the last order). It is stored unchanged."""

    steps: int = 0
    mean: float = 0.0
    variance: float = 0.0
    weight: float = 0.0
    intercept: float = 0.0

    def predict_then_learn(self, recency: float, *, churned: bool) -> float:
        """The probability of churn from the labels so far, then one step of gradient descent on this one."""
        risk = self._risk(recency)
        rate = learning_rate(self.steps)
        self.steps += 1
        before = self.mean
        self.mean += (recency - before) / self.steps
        self.variance += ((recency - before) * (recency - self.mean) - self.variance) / self.steps
        z = self._standardised(recency)
        step = rate * (self._risk(recency) - churned)
        self.weight -= step * z
        self.intercept -= step
        return risk

    def _standardised(self, recency: float) -> float:
        return (recency - self.mean) / max(math.sqrt(self.variance), SCALE_FLOOR)

    def _risk(self, recency: float) -> float:
        logit = self.intercept + self.weight * self._standardised(recency)
        return 1.0 / (1.0 + math.exp(-min(max(logit, -30.0), 30.0)))


class Evaluation(Struct, kw_only=True):
    """All that has been evaluated; a plain value that can be stored.

    ``labels`` and ``churned`` count every label, scored or not; the scorecards only those whose landmark was
    scored.
    """

    half_life_examples: float
    labels: int = 0
    churned: int = 0
    baseline: RecencyBaseline
    whole: Scorecard
    recent: Scorecard

    @classmethod
    def with_half_life(cls, half_life_examples: float) -> "Evaluation":
        return cls(
            half_life_examples=half_life_examples,
            baseline=RecencyBaseline(),
            whole=Scorecard.empty(),
            recent=Scorecard.empty(),
        )

    def record(self, label: Label) -> None:
        """Evaluate the risk given, if one was, and let the baselines learn the label."""
        churned = label.churned
        recency = NEUTRAL[_RECENCY] if lacks(label.x, (_RECENCY,)) else label.x[_RECENCY]
        recency_risk = self.baseline.predict_then_learn(recency / INPUT_SCALE, churned=churned)
        base_rate = (self.churned + 1) / (self.labels + 2)
        self.labels += 1
        self.churned += churned
        if label.risk is None:
            return
        outcome = ScoredLabel(
            churned=churned,
            risk=label.risk,
            risk_bin=_risk_bin(label.risk),
            recency_bin=min(max(recency, 0) // _RECENCY_BIN, RANK_BINS - 1),
            log_loss=_log_loss(label.risk, churned=churned),
            recency_log_loss=_log_loss(recency_risk, churned=churned),
            base_rate_log_loss=_log_loss(base_rate, churned=churned),
        )
        self.whole.record(outcome)
        self.recent.record(outcome, 2.0 ** (1.0 / self.half_life_examples))

    def report(self) -> EvaluationReport:
        return EvaluationReport(
            half_life_examples=self.half_life_examples,
            whole=self.whole.figures(),
            recent=self.recent.figures(),
        )


def _risk_bin(risk: float) -> int:
    bounded = min(max(risk, _MIN_RISK), 1.0 - _MIN_RISK)
    logit = math.log(bounded / (1.0 - bounded))
    return min(max(int((logit + _LOGIT_LIMIT) * _LOGIT_BINS_PER_UNIT), 0), RANK_BINS - 1)


def _log_loss(risk: float, *, churned: bool) -> float:
    return -math.log(max(risk if churned else 1.0 - risk, _MIN_RISK))
