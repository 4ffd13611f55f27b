"""The picture of an evaluation: reliability, AUC over time, lift. Needs matplotlib, the extra ``plots``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from stream.errors import SettingsError
from stream.processing import figures
from stream.processing.rolling_origin import Rows

__all__ = ["plot"]

#: Weeks with fewer rows of either class than this have no AUC worth a point.
_MIN_OF_A_CLASS = 20
#: Bins with fewer rows have no share worth a point.
_MIN_OF_A_BIN = 20
_RISK, _RECENCY, _FREQUENCY = "#1b6ca8", "#c8553d", "#6a994e"


def plot(rows: Rows, path: Path, title: str) -> None:
    """Write the picture to ``path``; its suffix is the format. Raises SettingsError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise SettingsError(
            "--plot needs matplotlib, which is not installed: pip install 'customer-stream[plots]'"
        ) from error
    figure = Figure(figsize=(13.5, 4.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    _reliability(left, rows)
    _auc_over_time(middle, rows)
    _lift(right, rows)
    figure.suptitle(title)
    try:
        figure.savefig(path, dpi=130)
    except (OSError, ValueError) as error:
        raise SettingsError(f"--plot {path}: the picture cannot be written: {error}") from error


def _reliability(axes: Any, rows: Rows) -> None:
    bins = figures.reliability(rows.churned, rows.risk, bins=15)
    table = [row for row in bins if row.rows >= _MIN_OF_A_BIN]
    count = np.array([row.rows for row in table])
    churned = np.array([row.churned for row in table])
    # half a 95 % interval of the share, as if the rows were independent
    error = 1.96 * np.sqrt(churned * (1.0 - churned) / count)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.errorbar([row.mean_risk for row in table], churned, error, fmt="o", color=_RISK, markersize=4, capsize=2)
    share = [row.rows / len(rows.risk) for row in bins]
    axes.bar([row.low for row in bins], share, 1 / 15, align="edge", color=_RISK, alpha=0.15)
    axes.set(
        title=f"Reliability (ECE {figures.ece(rows.churned, rows.risk):.3f})",
        xlabel="risk given",
        ylabel="share that churned; bars: share of the rows",
        xlim=(0, 1),
        ylim=(0, 1),
    )


def _auc_over_time(axes: Any, rows: Rows) -> None:
    scores = (
        ("risk", rows.risk, _RISK),
        ("recency alone", rows.recency_days, _RECENCY),
        ("frequency alone", -rows.orders, _FREQUENCY),
    )
    weeks = [
        week
        for week in np.unique(rows.week)
        if min(np.bincount(rows.churned[rows.week == week], minlength=2)) >= _MIN_OF_A_CLASS
    ]
    for name, score, color in scores:
        found = [figures.auc(rows.churned[rows.week == week], score[rows.week == week]) for week in weeks]
        axes.plot(weeks, found, marker="o", markersize=3, label=name, color=color)
    axes.set(title=f"AUC by week (pooled {figures.auc(rows.churned, rows.risk):.3f})", xlabel="week of the cut")
    axes.margins(y=0.3)
    axes.legend(frameon=False, loc="lower center", ncols=3, fontsize="small")


def _lift(axes: Any, rows: Rows) -> None:
    """Of those who churned, how many are found among the share of customers with the highest score."""
    at = np.linspace(0.0, 1.0, 201)
    share = np.arange(1, len(rows.churned) + 1) / len(rows.churned)
    scores = (("risk", rows.risk, _RISK), ("recency alone", rows.recency_days, _RECENCY))
    for name, score, color in scores:
        hits = np.cumsum(rows.churned[np.argsort(-score, kind="stable")])
        axes.plot(at, np.interp(at, share, hits / max(hits[-1], 1), left=0.0), label=name, color=color)
    best = np.minimum(at / max(rows.churned.mean(), 1e-9), 1.0)
    axes.plot(at, best, color="0.7", linewidth=1, label="perfect")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle=":", label="chance")
    axes.set(title="Lift", xlabel="share of customers, highest risk first", ylabel="share of churn among them")
    axes.set(xlim=(0, 1), ylim=(0, 1.01))
    axes.legend(frameon=False, loc="lower right")
