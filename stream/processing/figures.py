"""Figures of a probabilistic classifier from arrays of labels and scores.

AUC: Mann-Whitney statistic, ties count half. Average precision: sum of precision over the steps of recall (as
scikit-learn's). ECE: expected calibration error over equal bins of probability.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata  # type: ignore[import-untyped]  # SciPy ships no types

__all__ = ["Bin", "auc", "average_precision", "brier", "ece", "log_loss", "reliability"]

_LEAST = 1e-12

Labels = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float64]


class Bin(NamedTuple):
    """One bin of a reliability table: predictions within ``[low, high)``."""

    low: float
    high: float
    rows: int
    mean_risk: float
    churned: float


def auc(churned: Labels, scores: Scores) -> float:
    """Probability that a churned row scores above another; NaN when one of the classes is empty.

    >>> auc(np.array([True, False]), np.array([0.9, 0.1]))
    1.0
    """
    positives = int(churned.sum())
    negatives = len(churned) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    ranks = rankdata(scores)[churned].sum() - positives * (positives + 1) / 2
    return float(ranks / (positives * negatives))


def average_precision(churned: Labels, scores: Scores) -> float:
    """Area under precision over recall, by steps; rows of equal score count as one step."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(churned[order])
    last_of_score = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    found = hits[last_of_score]
    precision = found / (last_of_score + 1)
    return float((np.diff(found, prepend=0) * precision).sum() / max(int(hits[-1]), 1))


def log_loss(churned: Labels, risks: Scores) -> float:
    """Mean negative log-likelihood in nats; risks are kept 1e-12 away from 0 and 1."""
    bounded = np.clip(risks, _LEAST, 1.0 - _LEAST)
    return float(-np.where(churned, np.log(bounded), np.log1p(-bounded)).mean())


def brier(churned: Labels, risks: Scores) -> float:
    """Mean squared difference of risk and outcome."""
    return float(((risks - churned) ** 2).mean())


def reliability(churned: Labels, risks: Scores, bins: int = 10) -> list[Bin]:
    """Mean risk beside the share that churned, in equal bins of risk; empty bins are left out."""
    of = np.minimum((risks * bins).astype(np.int64), bins - 1)
    table = []
    for k in range(bins):
        rows = of == k
        if rows.any():
            table.append(
                Bin(k / bins, (k + 1) / bins, int(rows.sum()), float(risks[rows].mean()), float(churned[rows].mean()))
            )
    return table


def ece(churned: Labels, risks: Scores, bins: int = 15) -> float:
    """Mean distance of mean risk and share that churned over the bins of `reliability`, weighted by rows."""
    gaps = [row.rows * abs(row.mean_risk - row.churned) for row in reliability(churned, risks, bins)]
    return sum(gaps) / len(risks)
