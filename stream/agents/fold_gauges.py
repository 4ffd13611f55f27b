"""Metrics of the steps of projections."""

from __future__ import annotations

from stream import metrics
from stream.projections.fold_outcome import Outcome

__all__ = ["show_step"]


def show_step(projection: str, outcome: Outcome) -> None:
    """Count what a stored step of a projection did."""
    counts = {"folded": outcome.folded, "skipped": outcome.skipped, "dead_letter": len(outcome.rejected)}
    for what, count in counts.items():
        metrics.PROJECTION_RECORDS.labels(projection, what).inc(count)
    for alert in outcome.alerts:
        metrics.ALERTS.labels(alert.kind.name.lower(), alert.cause, alert.severity).inc()
    for reason in outcome.rejected:
        metrics.DEAD_LETTERS.labels(reason.value).inc()
