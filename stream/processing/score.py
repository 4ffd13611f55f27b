"""Scoring a profile at a stated time, inside the kernel."""

from __future__ import annotations

import math

import numpy as np

from stream.compiling import jit
from stream.features import vector
from stream.features.order_process import history_of, log_odds, silence_and_habit
from stream.features.registry import COLUMN, FEATURES, INPUT_SCALE, SILENCE
from stream.online_models.basis import CURVED_COLUMNS, PAIRS

__all__ = [
    "NO_LOGIT",
    "contributions",
    "largest",
    "logit_of",
    "nearest_segment",
    "raw_logit_of",
    "risk_at",
    "risk_of",
]

_INPUTS = len(FEATURES)
_CURVED = CURVED_COLUMNS.copy()
_FIRST, _SECOND = PAIRS[:, 0].copy(), PAIRS[:, 1].copy()

#: Direction in which a feature is a reason for leaving: 1 where it is high, -1 where it is low, 0 for none.
_LEAVING = np.array([feature.leaving for feature in FEATURES], np.float64)
_RECENCY, _RATIO = SILENCE
_ORDER_DAYS = COLUMN["purchase_days"]
_SCALE = float(INPUT_SCALE)
#: The logit that stands for "no model was ready".
NO_LOGIT = -32_768
_LOGIT_LIMIT = 32_767

#: A customer changes segment only to a centroid that is this much nearer (share of the distance), so that a
#: customer between two does not flip at every score.
SEGMENT_MARGIN = 0.25


@jit
def _deviate(inputs, model):  # type: ignore[no-untyped-def]
    """Fill ``model.deviations``."""
    for j in range(_INPUTS):
        model.deviations[j] = inputs[j] / INPUT_SCALE - model.typical[j]


@jit
def _process_logit(inputs, model):  # type: ignore[no-untyped-def]
    """What the purchase process gives, NaN where nothing is known of customers without an order."""
    x, last, age = history_of(inputs, _SCALE)
    if x >= 0:
        return log_odds(x, last, age, model.process)
    return model.process_typical if model.learned else np.nan


@jit
def logit_of(inputs, model):  # type: ignore[no-untyped-def]
    """Calibrated log-odds of churn for model inputs (int16[features]); NaN: nothing is known."""
    _deviate(inputs, model)
    d = model.deviations
    # the same additions in the same order on every machine, but in chains that need not wait for each other
    even = model.bias
    odd = 0.0
    for j in range(0, _INPUTS - 1, 2):
        even += model.weights[j] * d[j]
        odd += model.weights[j + 1] * d[j + 1]
    if _INPUTS % 2 == 1:
        even += model.weights[_INPUTS - 1] * d[_INPUTS - 1]
    curved = 0.0
    k = 0
    for i in range(_CURVED.shape[0]):
        slope = 0.0
        for other in range(i + 1):
            slope += model.curvature[k] * d[_CURVED[other]]
            k += 1
        curved += slope * d[_CURVED[i]]
    if model.process_weight != 0.0:
        return even + odd + curved + model.process_weight * _process_logit(inputs, model)
    return even + odd + curved


@jit
def raw_logit_of(inputs, model):  # type: ignore[no-untyped-def]
    """Log-odds before calibration, in units of 1/INPUT_SCALE; NO_LOGIT when there is no model."""
    if not model.ready:
        return NO_LOGIT
    logit = logit_of(inputs, model)
    if math.isnan(logit):
        return NO_LOGIT
    raw = round((logit - model.shift) / model.slope * INPUT_SCALE)
    return np.int64(min(max(raw, -_LOGIT_LIMIT), _LOGIT_LIMIT))


@jit
def contributions(inputs, model, out):  # type: ignore[no-untyped-def]
    """Write the part in the logit of each input that is a reason to ``out`` (float64[features]), 0 for the others.

    See `stream.alerts.reasons`, which says what is a reason.
    """
    _deviate(inputs, model)
    d = model.deviations
    for j in range(_INPUTS):
        out[j] = model.weights[j] * d[j]
    for k in range(_FIRST.shape[0]):
        half = 0.5 * model.curvature[k] * d[_FIRST[k]] * d[_SECOND[k]]
        out[_FIRST[k]] += half
        out[_SECOND[k]] += half
    if model.process_weight != 0.0:
        of_silence, of_habit = silence_and_habit(
            inputs, _SCALE, model.process, model.process_typical, model.typical_silence
        )
        out[_RECENCY] += model.process_weight * of_silence
        out[_ORDER_DAYS] += model.process_weight * of_habit
    out[_RECENCY] += out[_RATIO]
    out[_RATIO] = 0.0
    recency = inputs[_RECENCY] / INPUT_SCALE - model.typical[_RECENCY]
    ratio = inputs[_RATIO] / INPUT_SCALE - model.typical[_RATIO]
    silence = max(recency, ratio) if out[_RECENCY] > 0.0 else min(recency, ratio)
    for j in range(_INPUTS):
        level = silence if j == _RECENCY else inputs[j] / INPUT_SCALE - model.typical[j]
        if out[j] * _LEAVING[j] * level <= 0.0:
            out[j] = 0.0


@jit
def largest(parts, ranks):  # type: ignore[no-untyped-def]
    """Fill ``ranks`` with the positions of the largest parts that are not 0, largest first; return their number."""
    count = 0
    room = ranks.shape[0]
    for j in range(_INPUTS):
        size = abs(parts[j])
        if size == 0.0 or (count == room and size <= abs(parts[ranks[count - 1]])):
            continue
        k = min(count, room - 1)
        while k > 0 and size > abs(parts[ranks[k - 1]]):
            ranks[k] = ranks[k - 1]
            k -= 1
        ranks[k] = j
        count = min(count + 1, room)
    return count


@jit
def risk_of(inputs, model):  # type: ignore[no-untyped-def]
    """Probability of churn for model inputs (int16[features]); NaN: nothing is known."""
    z = logit_of(inputs, model)
    if z >= 0.0:
        return 1.0 / (1.0 + math.exp(-z))
    e = math.exp(z)
    return e / (1.0 + e)


@jit
def risk_at(p, now, model, value, inputs):  # type: ignore[no-untyped-def]
    """Risk of ``p`` at ``now`` if nothing happens until then; fills ``value`` and ``inputs``."""
    vector.values(p, now, value)
    vector.quantise(value, inputs)
    return risk_of(inputs, model)


@jit
def nearest_segment(inputs, model, current):  # type: ignore[no-untyped-def]
    """Nearest centroid, staying with ``current`` (-1: none) unless another is clearly nearer."""
    best = -1
    best_distance = np.inf
    current_distance = np.inf
    for k in range(model.clusters):
        distance = 0.0
        for d in range(model.axes):
            x = inputs[model.columns[d]] / INPUT_SCALE
            delta = (x - model.means[d]) / model.scales[d] - model.centroids[k, d]
            distance += delta * delta
        if distance < best_distance:
            best = k
            best_distance = distance
        if k == current:
            current_distance = distance
    if current >= 0 and math.sqrt(best_distance) > (1.0 - SEGMENT_MARGIN) * math.sqrt(current_distance):
        return current
    return best
