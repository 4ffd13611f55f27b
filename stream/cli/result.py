"""What a run over an event log came to, as figures for people and as flat JSON."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from stream.cli.standing import SegmentSizes
from stream.errors import EventLogError
from stream.events.times import rfc3339
from stream.online_models.snapshot import ModelSnapshot
from stream.processing.state import Counters

__all__ = ["DemoResult", "Prequential", "ReplayResult", "Result", "figure_text", "figures_of", "write_result"]


class Result(msgspec.Struct, kw_only=True, frozen=True):
    """Totals, prequential figures over the whole run (None: nothing scored has matured), segment sizes.

    ``baseline_*`` knows only the days since the last order; ``alerts_by_cause`` are those raised.
    """

    events_in: int
    applied: int
    duplicates: int
    dead_letters: int
    customers: int
    landmarks: int
    labels: int
    labels_learned: int
    labels_scored: int
    auc: float | None
    log_loss: float | None
    baseline_auc: float | None
    baseline_log_loss: float | None
    base_rate_log_loss: float | None
    alerts_raised: int
    alerts_cleared: int
    alerts_by_cause: dict[str, int]
    segment_changes: int
    segments: dict[str, int]
    stream_time: str | None

    def problems(self) -> Iterator[str]:
        """What does not add up, one sentence each."""
        parts = self.applied + self.duplicates + self.dead_letters
        if self.events_in != parts:
            yield f"{self.events_in:,} events in, but applied + duplicates + dead letters = {parts:,}"
        if self.labels_learned != self.labels:
            yield f"{self.labels:,} labels matured, but {self.labels_learned:,} were learned"
        if (raised := sum(self.alerts_by_cause.values())) != self.alerts_raised:
            yield f"{self.alerts_raised:,} alerts were raised, but {raised:,} by cause"
        if (counted := sum(self.segments.values())) != self.customers:
            yield f"{self.customers:,} customers were counted, but {counted:,} documents found"


class DemoResult(Result, kw_only=True, frozen=True):
    """... with what only a run over Kafka has.

    ``duration_s``: from the first event published until everything was learned. ``events_per_s``: until the last event
    was taken in.
    """

    produced: int
    alerts_published: int
    workers: int
    duration_s: float
    events_per_s: float

    def problems(self) -> Iterator[str]:
        """What does not add up, one sentence each."""
        yield from super().problems()
        if self.events_in != self.produced:
            yield f"{self.produced:,} events were published, but {self.events_in:,} taken in"
        if (stored := self.alerts_raised + self.alerts_cleared) != self.alerts_published:
            yield f"{stored:,} alerts were raised and cleared, but {self.alerts_published:,} are on the topic"


class Prequential(msgspec.Struct, kw_only=True, frozen=True):
    """The risks as they were given at landmarks, each before its label was learned.

    None: nothing scored has matured.
    """

    auc: float | None
    log_loss: float | None
    baseline_auc: float | None
    baseline_log_loss: float | None
    base_rate_log_loss: float | None


class ReplayResult(Result, kw_only=True, frozen=True):
    """... with what only a replay can look at: who came back after each week.

    The figures of the model are those of `stream evaluate`: every past buyer at each weekly cut, from when the model
    was ready to the last cut whose horizon the log covers (``weeks``; None: there is no such cut). ``prequential``
    has those of the risks that were given, as the demo and a running trainer tell them; customers who are retired get
    none. ``rejected``: events that were not used, by reason; those that came too late are among the dead letters.
    """

    weeks: list[int] | None
    rows: int
    prequential: Prequential
    rejected: dict[str, int]


def figures_of(
    counters: Counters, snapshot: ModelSnapshot | None, standing: SegmentSizes, stream_time_ms: int | None
) -> dict[str, Any]:
    """The fields of `Result`."""
    whole = None if snapshot is None else snapshot.churn.evaluation.whole
    return {
        "events_in": counters.events_in,
        "applied": counters.applied,
        "duplicates": counters.duplicates,
        "dead_letters": counters.dead_letters,
        "customers": counters.customers,
        "landmarks": counters.landmarks,
        "labels": counters.labels,
        "labels_learned": 0 if snapshot is None else snapshot.churn.labels_seen,
        "labels_scored": 0 if whole is None else round(whole.examples),
        "auc": None if whole is None else whole.auc,
        "log_loss": None if whole is None else whole.log_loss,
        "baseline_auc": None if whole is None else whole.recency_auc,
        "baseline_log_loss": None if whole is None else whole.recency_log_loss,
        "base_rate_log_loss": None if whole is None else whole.base_rate_log_loss,
        "alerts_raised": counters.alerts_raised,
        "alerts_cleared": counters.alerts_cleared,
        "alerts_by_cause": {
            "event": counters.raised_by_event,
            "silence": counters.raised_by_silence,
            "model": counters.raised_by_model,
        },
        "segment_changes": counters.segment_changes,
        "segments": standing.segments,
        "stream_time": None if stream_time_ms is None else rfc3339(stream_time_ms),
    }


def write_result(result: Result, path: Path) -> None:
    """Write ``result`` as JSON; the folder is created. Raises `EventLogError` when it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    except OSError as error:
        raise EventLogError(f"{path}: the summary cannot be written: {error}") from error


def figure_text(figure: float | None) -> str:
    """A figure of models as people read it.

    >>> figure_text(0.71236), figure_text(None)
    ('0.7124', '-')
    """
    return "-" if figure is None else f"{figure:.4f}"
