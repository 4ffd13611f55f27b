"""How ``stream evaluate`` shows its figures."""

from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from stream.processing import figures
from stream.processing.rolling_origin import Rows

__all__ = ["show_figures", "show_level"]

_LEVEL_COLUMNS = ("week", "customers", "flagged", "did not come back", "lost", "were flagged", "F1")


def show_figures(console: Console, rows: Rows, result: dict[str, Any]) -> None:
    """The pooled figures beside the baselines, and the reliability table."""
    table = Table(box=None, pad_edge=False)
    for name in ("", "AUC", "avg. precision", "log loss", "Brier", "ECE"):
        table.add_column(name, justify="left" if not name else "right")
    keys = ("auc", "average_precision", "log_loss", "brier", "ece")
    table.add_row("risk", *(f"{result[key]:.4f}" for key in keys))
    for name, baseline in result["baselines"].items():
        cells = (f"{baseline[key]:.4f}" if key in baseline else "-" for key in keys)
        table.add_row(f"{name.replace('_', ' ')} alone", *cells)
    console.print(
        f"{result['rows']:,} rows of {len(np.unique(rows.week))} weeks, {result['base_rate']:.1%} churned; "
        f"{result['seconds']:.1f} s"
    )
    console.print(table)
    bins = Table(box=None, pad_edge=False, title="reliability", title_justify="left")
    for name in ("risk", "rows", "mean risk", "churned"):
        bins.add_column(name, justify="right")
    for row in figures.reliability(rows.churned, rows.risk):
        bins.add_row(f"{row.low:.1f}-{row.high:.1f}", f"{row.rows:,}", f"{row.mean_risk:.3f}", f"{row.churned:.3f}")
    console.print(bins)


def show_level(console: Console, level: dict[str, Any]) -> None:
    """Week by week: who was flagged at the alert level, and who was lost."""
    title = f"flagged: risk of {level['raise_at']:.0%} or more; lost: no order within the horizon"
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for name in _LEVEL_COLUMNS:
        table.add_column(name, justify="right")
    for week in level["weeks"]:
        table.add_row(f"{week['week']}", *_cells(week))
    table.add_row("all", *_cells(level), style="bold")
    console.print(table)


def _cells(of: dict[str, Any]) -> tuple[str, ...]:
    reached, lost = of["hits"] + of["false_alarms"], of["hits"] + of["missed"]
    return (
        f"{reached + of['missed'] + of['left_alone']:,}",
        f"{reached:,}",
        _of(of["hits"], of["precision"]),
        f"{lost:,}",
        _of(of["hits"], of["recall"]),
        "-" if of["f1"] is None else f"{of['f1']:.2f}",
    )


def _of(count: int, share: float | None) -> str:
    return "-" if share is None else f"{count:,} ({share:.0%})"
