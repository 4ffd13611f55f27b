"""The calibration of a classifier, compiled.

All compiled functions that calibrate are in this file: Numba compiles a function anew when its own file has changed.
They are no part of the core's kernel. ``scores`` float64[C] are those of C categories.
"""

from typing import Final

import numpy as np

from stream.compiling import jit_at_once

__all__ = ["calibrate", "sharpen"]

_EPSILON: Final = 1e-9


@jit_at_once
def _softmax(scores, sharpness):  # type: ignore[no-untyped-def]
    """Scores become probabilities; returns the position of the largest."""
    top = scores.argmax()
    most, total = scores[top], 0.0
    for c in range(scores.shape[0]):
        scores[c] = np.exp((scores[c] - most) * sharpness)
        total += scores[c]
    for c in range(scores.shape[0]):
        scores[c] /= total
    return top


@jit_at_once
def calibrate(scores, sharpness, shift, slope):  # type: ignore[no-untyped-def]
    """Scores become probabilities: a softmax of ``sharpness`` times them, then Platt scaling of the largest.

    Its log-odds u become ``shift + slope u``, the others keep their proportions, and it stays the largest.
    """
    top = _softmax(scores, sharpness)
    if scores.shape[0] == 1 or (shift == 0.0 and slope == 1.0):
        return
    confidence = min(max(scores[top], _EPSILON), 1.0 - _EPSILON)
    logit = shift + slope * np.log(confidence / (1.0 - confidence))
    wanted = 1.0 / (1.0 + np.exp(-logit))
    scores[top] = 0.0
    rest, second = scores.sum(), scores.max()
    if rest <= 0.0:
        scores[top] = 1.0
        return
    wanted = min(max(wanted, second / (rest + second)), 1.0 - _EPSILON)
    for c in range(scores.shape[0]):
        scores[c] *= (1.0 - wanted) / rest
    scores[top] = wanted


@jit_at_once
def sharpen(scores, sharpness, label):  # type: ignore[no-untyped-def]
    """What calibration learns from, of the scores times ``sharpness`` less the largest.

    Returns the position of the largest and its softmax, mean and variance of the scores by their softmax, and the
    score of ``label``.
    """
    p = scores.copy()
    top = _softmax(p, sharpness)
    mean, square = 0.0, 0.0
    for c in range(scores.shape[0]):
        z = (scores[c] - scores[top]) * sharpness
        mean += p[c] * z
        square += p[c] * z * z
    return top, p[top], mean, square - mean * mean, (scores[label] - scores[top]) * sharpness
