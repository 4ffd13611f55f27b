"""When all customers of a partition are to be looked at again, due or not.

Customers are scored by their events and by their timers. That leaves some out: all whose history came before there was
a model, those who had been retired by then, and everybody for a while when a model has learned much more since. So the
owner of a partition looks at all of its customers

* for the first time as soon as a model is ready, and once more whenever it has learned a twentieth more labels,
* when stream time has gone on by a landmark period since the last time: after a backfill, and once a week,
* when it is asked to.

Not while a history is still coming in: the inputs must be at their end, and either nothing new has come for a while,
neither an event nor a model, or the partition lives in the present.
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
    """Whether a partition whose inputs are at their end is to look at all of its customers."""
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
    """What to note when all customers have been looked at as of the stream time of ``state``."""
    return Rescored(asked, state.stream_time_ms, _labels(scorer), customers)
