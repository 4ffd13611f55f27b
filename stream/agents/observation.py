"""What a step adds to the metrics."""

from __future__ import annotations

from stream import metrics
from stream.catalogue.events import KERNEL_TYPES
from stream.processing.align import Taken
from stream.processing.step_outcome import StepOutcome

__all__ = ["observe_outcome", "observe_step"]

_TYPES = KERNEL_TYPES


def observe_outcome(outcome: StepOutcome) -> None:
    """Count what a stored outcome did."""
    for source, count in outcome.applied.items():
        metrics.EVENTS.labels(_TYPES[source].value, "applied").inc(count)
    for source, count in outcome.duplicates.items():
        metrics.EVENTS.labels(_TYPES[source].value, "duplicate").inc(count)
    for source, reason in outcome.rejected:
        metrics.EVENTS.labels(_TYPES[source].value, "dead_letter").inc()
        metrics.DEAD_LETTERS.labels(reason.value).inc()
    for source, count in outcome.forwarded.items():
        metrics.EVENTS.labels(_TYPES[source].value, "forwarded").inc(count)
    for kind, count in outcome.fired.items():
        metrics.TIMERS_FIRED.labels(kind).inc(count)
    for of_alerts, count in outcome.alerts.items():
        metrics.ALERTS.labels(*of_alerts).inc(count)
    for cause, risk in outcome.raised_risks:
        metrics.ALERT_RISK.labels(cause).observe(risk)
    for held_back_by, count in outcome.suppressed.items():
        metrics.ALERTS_SUPPRESSED.labels(held_back_by).inc(count)
    metrics.SEGMENT_CHANGES.inc(outcome.segment_changes)
    for stage, count in outcome.stage_changes.items():
        metrics.STAGE_CHANGES.labels(stage).inc(count)


def observe_step(taken: Taken, documents: int, now_ms: int) -> None:
    """The size of a stored step, and how long its events have taken since they happened and were appended."""
    metrics.BATCHES.inc()
    metrics.BATCH_EVENTS.observe(taken.records_in)
    metrics.BATCH_CUSTOMERS.observe(documents)
    metrics.EVENT_TO_SCORE.observe((now_ms - taken.events["time"]) / 1000)
    metrics.INGEST_TO_SCORE.observe((now_ms - taken.events["appended"]) / 1000)
