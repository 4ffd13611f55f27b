"""Calibration of a classifier of many categories, learned from its own predictions on texts not learned yet."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from stream.texts import confidence_kernel as kernel

__all__ = ["Confidence"]

Floats = npt.NDArray[np.float64]

#: Labels before which probabilities stay as they are.
_MIN_LABELS: Final = 20
#: A label's weight after so many others is 1/e.
_TEMPERATURE_MEMORY, _LINE_MEMORY = 100.0, 1000.0
#: What the prior, no change, weighs; in labels of the largest information, a quarter.
_PRIOR_INFORMATION: Final = 20.0
_MAX_LOG_TEMPERATURE: Final = 3.0
_MIN_SLOPE, _MAX_SLOPE = 0.2, 3.0
_MIN_LOGIT, _MAX_LOGIT = -5.0, 8.0
_EPSILON: Final = 1e-9


class Confidence(Struct):
    """Two steps, each learned by Newton's method with forgetting.

    1. All scores are multiplied by ``exp(log_sharpness)`` (temperature scaling: Guo et al., ICML 2017).
    2. The log-odds ``u`` of the most probable category become ``shift + slope u`` (Platt scaling of its probability).
       The other probabilities keep their proportions, and the category stays the most probable one.
    """

    labels: int = 0
    log_sharpness: float = 0.0
    curvature: float = 1.0
    shift: float = 0.0
    slope: float = 1.0
    information_shift: float = _PRIOR_INFORMATION
    information_both: float = 0.0
    information_slope: float = _PRIOR_INFORMATION

    def probabilities(self, scores: Floats) -> Floats:
        """Calibrated probabilities, float64[categories], of the scores of a model."""
        p = scores.copy()
        is_learned = self.labels >= _MIN_LABELS
        line = (self.shift, self.slope) if is_learned else (0.0, 1.0)
        kernel.calibrate(p, math.exp(self.log_sharpness), *line)
        return p

    def learn(self, scores: Floats, label: int) -> None:
        """Learn how sure to be of ``scores`` that a model gave to a text before it learned its ``label``."""
        self.labels += 1
        top, confidence, mean, spread, own = kernel.sharpen(scores, math.exp(self.log_sharpness), label)
        self._learn_line(confidence, is_right=top == label)
        self.curvature = self.curvature * (1.0 - 1.0 / _TEMPERATURE_MEMORY) + max(spread, 0.0)
        if self.labels >= _MIN_LABELS and self.curvature > _EPSILON:
            moved = self.log_sharpness - (mean - own) / self.curvature
            self.log_sharpness = min(max(moved, -_MAX_LOG_TEMPERATURE), _MAX_LOG_TEMPERATURE)

    def _learn_line(self, confidence: float, *, is_right: bool) -> None:
        u = _logit(min(max(confidence, _EPSILON), 1.0 - _EPSILON))
        u = min(max(u, _MIN_LOGIT), _MAX_LOGIT)
        expected = _sigmoid(self.shift + self.slope * u)
        residual, information = (1.0 if is_right else 0.0) - expected, expected * (1.0 - expected)
        kept = 1.0 - 1.0 / _LINE_MEMORY
        self.information_shift = self.information_shift * kept + information
        self.information_both = self.information_both * kept + information * u
        self.information_slope = self.information_slope * kept + information * u * u
        determinant = self.information_shift * self.information_slope - self.information_both**2 + _EPSILON
        self.shift += residual * (self.information_slope - self.information_both * u) / determinant
        moved = self.slope + residual * (self.information_shift * u - self.information_both) / determinant
        self.slope = min(max(moved, _MIN_SLOPE), _MAX_SLOPE)


def _logit(probability: float) -> float:
    return math.log(probability / (1.0 - probability))


def _sigmoid(logit: float) -> float:
    if logit >= 0.0:
        return 1.0 / (1.0 + math.exp(-logit))
    e = math.exp(logit)
    return e / (1.0 + e)
