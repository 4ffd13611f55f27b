"""Calibration of the risk on matured labels: what was said, against what came.

A model that learns from labels is at least one horizon behind: its risks can be too high or too steep for the
customers of today. `Calibration` learns ``sigmoid(slope * logit + shift)`` (Platt, 1999) from the logits *given at the
landmarks*, before calibration, by the same second-order update as the model's, with two weights. It believes little:
the prior is the identity with a deviation of 0.05, labels of overlapping horizons count once, and the logits of a young
model, whose errors were those of youth, hardly count.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from stream.compiling import jit_at_once

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

    def learn_run(
        self,
        logits: npt.NDArray[np.float64],
        churned: npt.NDArray[np.float64],
        labels: npt.NDArray[np.int64],
        novelty: npt.NDArray[np.float64],
    ) -> None:
        """`learn_one` for each of N labels, one after the other; ``churned`` is 0 or 1."""
        state = np.array([self.slope, self.shift, self.variance_slope, self.variance_shift, self.covariance])
        _learn_run(state, logits, churned, labels, novelty)
        self.slope, self.shift, self.variance_slope, self.variance_shift, self.covariance = state.tolist()


@jit_at_once
def _learn_run(state, logits, churned, all_labels, novelties):  # type: ignore[no-untyped-def]
    # the arithmetic of `Calibration.learn_one`, in its order
    slope, shift, variance_slope, variance_shift, covariance = state
    for k in range(len(logits)):
        logit = logits[k]
        maturity = all_labels[k] / (all_labels[k] + MATURE_LABELS)
        weight = novelties[k] * maturity * maturity
        risk = 1.0 / (1.0 + math.exp(-slope * logit - shift))
        information = weight * risk * (1.0 - risk)
        along_slope = variance_slope * logit + covariance
        along_shift = covariance * logit + variance_shift
        spread = 1.0 + information * (logit * along_slope + along_shift)
        step = weight * (churned[k] - risk) / spread
        shrink = information / spread
        slope = min(max(slope + step * along_slope, _MIN_SLOPE), _MAX_SLOPE)
        shift = min(max(shift + step * along_shift, -_MAX_SHIFT), _MAX_SHIFT)
        value = variance_slope - shrink * along_slope * along_slope
        variance_slope = value + FORGETTING * (PRIOR_VARIANCE - value)
        value = variance_shift - shrink * along_shift * along_shift
        variance_shift = value + FORGETTING * (PRIOR_VARIANCE - value)
        value = covariance - shrink * along_slope * along_shift
        covariance = value + FORGETTING * (0.0 - value)
    state[:] = slope, shift, variance_slope, variance_shift, covariance


def _towards_prior(value: float, prior: float) -> float:
    return value + FORGETTING * (prior - value)
