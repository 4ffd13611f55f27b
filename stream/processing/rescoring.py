"""When all customers of a partition are scored again, with or without a due timer.

Events and timers score customers. They miss some: those whose history came before the first model, those retired by
then, and for a while all customers when the model has learned much more. So the owner of a partition scores all of its
customers

* for the first time when a model is ready, and again whenever it has learned a twentieth more labels,
* when stream time has advanced by a landmark period since the last time: after a backfill, and once a week,
* when it is asked to.

It does not do so while a history is imported: the inputs must be at their end, and either neither an event nor a model
has come for a while, or the partition processes current events.
"""

from __future__ import annotations

from dataclasses import dataclass

from stream.processing.scorer import Scorer
from stream.processing.state import PartitionState, Rescored

__all__ = ["Circumstances", "is_due", "rescored"]

_GROWTH = 1.05


@dataclass(frozen=True, slots=True)
class Circumstances:
    """``asked``: the latest request. ``is_automatic``: whether it is done without one. ``is_settled``: see above.

    ``period_ms``: of landmarks.
    """

    asked: int
    is_automatic: bool
    is_settled: bool
    period_ms: int


def _labels(scorer: Scorer) -> int:
    return 0 if scorer.snapshot is None else scorer.snapshot.churn.labels_seen


def is_due(state: PartitionState, scorer: Scorer, now: Circumstances) -> bool:
    """Whether a partition whose inputs are at their end must score all of its customers."""
    if state.stream_time_ms is None or not scorer.model.ready:
        return False
    last = state.rescored
    if now.asked > last.asked:
        return True
    if not now.is_automatic or not now.is_settled:
        return False
    return (
        last.stream_time_ms is None
        or state.stream_time_ms >= last.stream_time_ms + now.period_ms
        or _labels(scorer) >= _GROWTH * max(last.labels, 1)
    )


def rescored(state: PartitionState, scorer: Scorer, asked: int, customers: int) -> Rescored:
    """The record that all customers have been scored as of the stream time of ``state``."""
    return Rescored(asked, state.stream_time_ms, _labels(scorer), customers)
