"""Calibration of the risk on matured labels: what was said, against what came.

A model that learns from labels is at least one horizon behind: its risks can be too high or too steep for the
customers of today. `Calibration` learns ``sigmoid(slope * logit + shift)`` (Platt, 1999) from the logits *given at the
landmarks*, before calibration, by the same second-order update as the model's, with two weights. It believes little:
the prior is the identity with a deviation of 0.05, labels of overlapping horizons count once, and the logits of a young
model, whose errors were those of youth, hardly count.
"""

import math
from typing import Final

from msgspec import Struct

__all__ = ["Calibration"]

#: Variances of slope and shift around 1 and 0.
PRIOR_VARIANCE: Final = 0.003
FORGETTING: Final = 1e-3
#: A logit given by a model of this many labels counts a quarter.
MATURE_LABELS: Final = 20_000
_MIN_SLOPE, _MAX_SLOPE, _MAX_SHIFT = 0.5, 2.0, 2.0


class Calibration(Struct, kw_only=True):
    """``slope * logit + shift``; ``variance_*`` and ``covariance`` say how well they are known. Stored unchanged."""

    slope: float = 1.0
    shift: float = 0.0
    variance_slope: float = PRIOR_VARIANCE
    variance_shift: float = PRIOR_VARIANCE
    covariance: float = 0.0

    def learn_one(self, logit: float, *, churned: bool, labels: int, novelty: float) -> None:
        """Learn from a logit given, before calibration, by a model of ``labels`` labels, and what came of it.

        ``novelty`` is that of the label.
        """
        maturity = labels / (labels + MATURE_LABELS)
        weight = novelty * maturity * maturity
        risk = 1.0 / (1.0 + math.exp(-self.slope * logit - self.shift))
        information = weight * risk * (1.0 - risk)
        along_slope = self.variance_slope * logit + self.covariance
        along_shift = self.covariance * logit + self.variance_shift
        spread = 1.0 + information * (logit * along_slope + along_shift)
        step = weight * (churned - risk) / spread
        shrink = information / spread
        # bounds that no sane model meets: an alert at 70 % must never hang on a handful of odd labels
        self.slope = min(max(self.slope + step * along_slope, _MIN_SLOPE), _MAX_SLOPE)
        self.shift = min(max(self.shift + step * along_shift, -_MAX_SHIFT), _MAX_SHIFT)
        self.variance_slope = _towards_prior(self.variance_slope - shrink * along_slope * along_slope, PRIOR_VARIANCE)
        self.variance_shift = _towards_prior(self.variance_shift - shrink * along_shift * along_shift, PRIOR_VARIANCE)
        self.covariance = _towards_prior(self.covariance - shrink * along_slope * along_shift, 0.0)


def _towards_prior(value: float, prior: float) -> float:
    return value + FORGETTING * (prior - value)
