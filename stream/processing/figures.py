"""Figures of a probabilistic classifier from arrays of labels and scores.

AUC: Mann-Whitney statistic, ties count half. Average precision: sum of precision over the steps of recall (as
scikit-learn's). ECE: expected calibration error over equal bins of probability.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata  # type: ignore[import-untyped]  # SciPy ships no types

__all__ = ["Bin", "Flagged", "auc", "average_precision", "brier", "ece", "flagged", "log_loss", "reliability"]

_MIN_RISK = 1e-12

Labels = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float64]


class Bin(NamedTuple):
    """One bin of a reliability table: predictions within ``[low, high)``."""

    low: float
    high: float
    rows: int
    mean_risk: float
    churned: float


class Flagged(NamedTuple):
    """What became of the rows whose risk reached a level, and of the others.

    ``hits``: flagged, and churned; ``false_alarms``: flagged, and came back; ``missed``: churned without being flagged;
    ``left_alone``: neither. A ratio of nothing is None.

    >>> Flagged(hits=3, false_alarms=1, missed=3, left_alone=13).precision
    0.75
    """

    hits: int
    false_alarms: int
    missed: int
    left_alone: int

    @property
    def precision(self) -> float | None:
        """Of the flagged, the share that churned."""
        return _share(self.hits, self.hits + self.false_alarms)

    @property
    def recall(self) -> float | None:
        """Of those who churned, the share that was flagged."""
        return _share(self.hits, self.hits + self.missed)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        return _share(2 * self.hits, 2 * self.hits + self.false_alarms + self.missed)


def flagged(churned: Labels, risks: Scores, level: float) -> Flagged:
    """Count the rows by whether their risk is at least ``level``, and by what became of them."""
    reached = risks >= level
    hits, false_alarms = int((reached & churned).sum()), int((reached & ~churned).sum())
    missed = int(churned.sum()) - hits
    return Flagged(hits, false_alarms, missed, len(churned) - hits - false_alarms - missed)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


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
    bounded = np.clip(risks, _MIN_RISK, 1.0 - _MIN_RISK)
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
