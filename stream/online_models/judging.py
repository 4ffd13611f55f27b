"""What a run of labels makes of the figures of the contenders, as one compiled loop.

The same arithmetic as `Tally.record`, `Lead.record` and `Lead.share`, in the same order, so the same digits: a day of
labels costs one call, where each label would cost a dozen.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from stream.compiling import jit_at_once
from stream.online_models import tally as tallies
from stream.online_models.lead import GROWTH, MIN_DEVIATIONS, MIN_LABELS, Lead
from stream.online_models.scorecard import CALIBRATION_BINS
from stream.online_models.tally import Tally

__all__ = ["judge"]

Floats = npt.NDArray[np.float64]

_RESCALE_AT: Final = 2.0**400
_BINS: Final = tallies.BINS
_LOGIT_LIMIT: Final = tallies.LOGIT_LIMIT
_MIN_RISK: Final = tallies.MIN_RISK
_LEAD: Final = Lead.__struct_fields__
_SUMS: Final = ("weight", "examples", "log_loss", "brier")
_HISTOGRAMS: Final = ("churned", "stayed", "bin_churned", "bin_risk")


def judge(
    risks: Floats,
    churned: Floats,
    max_loss: float,
    margin: float,
    champion: int,
    recent: Sequence[Tally],
    leads: Sequence[Lead],
) -> tuple[int, Floats]:
    """Record labels, in their order, until a challenger leads by ``margin``; how many, and the excess of each.

    ``risks``: float64[contenders, labels], as predicted. ``churned``: 0 or 1. ``recent``, ``leads``: of the contenders,
    changed in place. The excess, float64[contenders, labels], is the loss less the one expected, at most ``max_loss``.
    """
    sums = np.array([[getattr(tally, name) for name in _SUMS] for tally in recent])
    histograms = [np.array([getattr(tally, name) for tally in recent]) for name in _HISTOGRAMS]
    gone, stayed, bin_gone, bin_risk = histograms
    lead_sums = np.array([[getattr(lead, name) for name in _LEAD] for lead in leads])
    excess = np.empty_like(risks)
    count = _judge(
        risks, churned, max_loss, margin, champion, sums, gone, stayed, bin_gone, bin_risk, lead_sums, excess
    )
    for k, (tally, lead) in enumerate(zip(recent, leads, strict=True)):
        for name, value in zip(_SUMS, sums[k].tolist(), strict=True):
            setattr(tally, name, value)
        for name, found in zip(_HISTOGRAMS, histograms, strict=True):
            setattr(tally, name, found[k].tolist())
        for name, value in zip(_LEAD, lead_sums[k].tolist(), strict=True):
            setattr(lead, name, value)
    return int(count), excess[:, :count]


@jit_at_once
def _judge(  # type: ignore[no-untyped-def]
    risks, churned, max_loss, margin, champion, sums, gone, stayed, bin_gone, bin_risk, leads, excess
):
    contenders, labels = risks.shape
    losses = np.empty(contenders)
    for k in range(labels):
        for c in range(contenders):
            risk = risks[c, k]
            losses[c] = -math.log(max(risk if churned[k] else 1.0 - risk, _MIN_RISK))
            bounded = min(max(risk, _MIN_RISK), 1.0 - _MIN_RISK)
            expected = -bounded * math.log(bounded) - (1.0 - bounded) * math.log1p(-bounded)
            excess[c, k] = min(losses[c] - expected, max_loss)
            _record(risk, losses[c], churned[k], sums[c], gone[c], stayed[c], bin_gone[c], bin_risk[c])
        is_clear = False
        for c in range(contenders):
            if c != champion:
                _lead(leads[c], losses[champion], losses[c])
                is_clear |= _share(leads[c]) >= margin
        if is_clear:
            return k + 1
    return labels


@jit_at_once
def _record(risk, loss, churned, sums, gone, stayed, bin_gone, bin_risk):  # type: ignore[no-untyped-def]
    sums[0] = weight = sums[0] * GROWTH
    sums[1] += weight
    sums[2] += weight * loss
    off = risk - churned
    sums[3] += weight * (off * off)
    calibration_bin = min(int(risk * CALIBRATION_BINS), CALIBRATION_BINS - 1)
    bin_risk[calibration_bin] += weight * risk
    bounded = min(max(risk, _MIN_RISK), 1.0 - _MIN_RISK)
    logit = math.log(bounded / (1.0 - bounded))
    rank_bin = min(max(int((logit + _LOGIT_LIMIT) * _BINS / (2.0 * _LOGIT_LIMIT)), 0), _BINS - 1)
    if churned:
        bin_gone[calibration_bin] += weight
        gone[rank_bin] += weight
    else:
        stayed[rank_bin] += weight
    if weight > _RESCALE_AT:
        for of in (sums, gone, stayed, bin_gone, bin_risk):
            of[:] = of / _RESCALE_AT


@jit_at_once
def _lead(lead, champion_loss, loss):  # type: ignore[no-untyped-def]
    lead[0] = weight = lead[0] * GROWTH
    difference = champion_loss - loss
    lead[1] += weight
    lead[2] += weight * weight
    lead[3] += weight * difference
    lead[4] += weight * difference * difference
    lead[5] += weight * champion_loss
    if weight > _RESCALE_AT:
        lead /= _RESCALE_AT
        lead[2] /= _RESCALE_AT


@jit_at_once
def _share(lead):  # type: ignore[no-untyped-def]
    weight, labels, squares, difference, difference_squared, champion_loss = lead
    if labels < MIN_LABELS * weight:
        return 0.0
    mean = difference / labels
    variance = max(difference_squared / labels - mean * mean, 0.0)
    error = math.sqrt(variance * squares) / labels
    if mean < MIN_DEVIATIONS * error or champion_loss <= 0.0:
        return 0.0
    return difference / champion_loss
