"""The run of a demo: publish, watch, and know when everything has been done."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from stream.cli.alert_feed import AlertFeed
from stream.cli.paced_feed import PacedFeed
from stream.cli.result import DemoResult, figures_of
from stream.cli.side_feed import SideFeed
from stream.cli.standing import SegmentSizes, stand
from stream.errors import LocalServerError
from stream.local.stack import LocalStack
from stream.local.workers import WorkerProcesses
from stream.online_models.snapshot import ModelSnapshot, decode_snapshot
from stream.processing.learned import has_learned
from stream.storage.overview import Overview, PartitionTotals

__all__ = ["DemoProgress", "DemoRun"]

#: Nothing has moved for so long although there is work: the demo has failed.
PATIENCE_S = 60.0
#: Without compiled code in the cache a worker takes a minute to start; two on a busy machine take longer.
READY_TIMEOUT_S = 300.0
LOOK_INTERVAL_S = 0.25
TICK_S = 0.05
_SPEED_WINDOW_S = 3.0
#: The customers are counted again at the earliest after so many times what it took the last time.
_STANDING_PAUSE = 25.0


@dataclass(frozen=True, slots=True)
class DemoProgress:
    """What is known at one look. ``expected``: events in the log as far as that is known, for the bar."""

    elapsed_s: float
    expected: int | None
    published: int
    per_s: float
    totals: PartitionTotals
    snapshot: ModelSnapshot | None
    standing: SegmentSizes

    @property
    def lag(self) -> int:
        """Published events that are not taken in."""
        return self.published - self.totals.counters.events_in


class DemoRun:
    """Drives a feed through a running stack and looks at what comes out."""

    def __init__(
        self,
        stack: LocalStack,
        workers: WorkerProcesses,
        overview: Overview,
        alerts: AlertFeed,
        feed: PacedFeed,
        expected: int | None,
        side: SideFeed | None = None,
    ) -> None:
        self._stack = stack
        self._workers = workers
        self._overview = overview
        self._feed = feed
        self._side = side
        self._expected = expected
        self.alerts = alerts
        self._encoded: bytes | None = None
        self._snapshot: ModelSnapshot | None = None
        self.standing = SegmentSizes(0, {})
        self._count_again_at = 0.0
        self._began = time.monotonic()
        self._speeds: deque[tuple[float, int]] = deque([(0.0, 0)])
        self._moved_at = self._began
        self._figures: tuple[object, ...] = ()
        self._taken_in_s: float | None = None

    def wait_until_ready(self) -> Iterator[float]:
        """Wait until the workers own everything; yields the seconds waited so far."""
        began = time.monotonic()
        while not self._workers.own_everything(self._overview.totals(), self._overview.trainer()):
            self.check()
            waited_s = time.monotonic() - began
            if waited_s > READY_TIMEOUT_S:
                raise LocalServerError(f"the workers own nothing after {waited_s:.0f} s; {self._workers.log_tails()}")
            yield waited_s
            time.sleep(TICK_S)

    def check(self) -> None:
        """Raise `LocalServerError` if a process has died."""
        self._workers.check()
        self._stack.check()

    def progress(self) -> Iterator[DemoProgress]:
        """Publish and watch until everything has been done; the last one yielded is the end of it."""
        self._began = self._moved_at = time.monotonic()
        while True:
            look_at = time.monotonic() + LOOK_INTERVAL_S
            while (left_s := look_at - time.monotonic()) > 0:
                self._feed.advance(time.monotonic() - self._began, min(left_s, TICK_S))
                if self._side is not None:
                    self._side.advance(self._feed.at_ms)
            self.check()
            self.alerts.take()
            now, offset, settled = self._look()
            yield now
            if settled:
                return
            self._require_movement(now, offset)

    def result(self, last: DemoProgress) -> DemoResult:
        """Figures of the whole run, from a fresh count of the customers."""
        self.standing = standing = stand(self._overview.documents())
        taken_in_s = self._taken_in_s or last.elapsed_s
        return DemoResult(
            **figures_of(last.totals.counters, last.snapshot, standing, last.totals.stream_time_ms),
            produced=last.published,
            alerts_published=self.alerts.published,
            workers=len(self._workers.pids),
            duration_s=round(last.elapsed_s, 2),
            events_per_s=round(last.totals.counters.events_in / taken_in_s, 1),
        )

    def _look(self) -> tuple[DemoProgress, int, bool]:
        """What is to be seen, the trainer's offset, and whether all is done.

        In this order the conclusion holds: all events are in, so no timer becomes due any more; none is due, so no
        record is added to an outbox; they are empty, so every alert and training example is on its topic.
        """
        totals = self._overview.totals()
        counters = totals.counters
        elapsed_s = time.monotonic() - self._began
        taken_in = self._feed.done and counters.events_in >= self._feed.confirmed
        if taken_in and self._taken_in_s is None:
            self._taken_in_s = elapsed_s
        offset = self._overview.trainer().offset
        self._load_snapshot()
        settled = (
            taken_in
            and totals.due == 0
            and totals.outbox == 0
            and has_learned(counters, offset, self._snapshot)
            and (self._snapshot is None or not self._snapshot.churn.ready or totals.never_rescored == 0)
            and self.alerts.published >= counters.alerts_raised + counters.alerts_cleared
            and (self._side is None or self._side.folded)
        )
        self._count_customers(elapsed_s)
        return self._seen(totals, elapsed_s), offset, settled

    def _seen(self, totals: PartitionTotals, elapsed_s: float) -> DemoProgress:
        self._speeds.append((elapsed_s, totals.counters.events_in))
        while self._speeds[0][0] < elapsed_s - _SPEED_WINDOW_S:
            self._speeds.popleft()
        (from_s, from_events), (to_s, to_events) = self._speeds[0], self._speeds[-1]
        if self._taken_in_s is not None:  # from here on it is the speed of the whole
            from_s, from_events, to_s = 0.0, 0, self._taken_in_s
        return DemoProgress(
            elapsed_s=elapsed_s,
            expected=self._feed.queued if self._feed.finished else self._expected,
            published=self._feed.confirmed,
            per_s=(to_events - from_events) / max(to_s - from_s, TICK_S),
            totals=totals,
            snapshot=self._snapshot,
            standing=self.standing,
        )

    def _load_snapshot(self) -> None:
        encoded = self._overview.snapshot()
        if encoded is not None and encoded != self._encoded:
            self._encoded, self._snapshot = encoded, decode_snapshot(encoded)

    def _count_customers(self, elapsed_s: float) -> None:
        if elapsed_s < self._count_again_at:
            return
        began = time.monotonic()
        self.standing = stand(self._overview.documents())
        self._count_again_at = elapsed_s + max(2.0, _STANDING_PAUSE * (time.monotonic() - began))

    def _require_movement(self, now: DemoProgress, offset: int) -> None:
        totals = now.totals
        figures = (now.published, totals.counters, totals.due, totals.outbox, offset, self.alerts.published)
        if figures != self._figures or (self._feed.waits and now.lag == 0):
            self._figures = figures
            self._moved_at = time.monotonic()
        elif time.monotonic() - self._moved_at > PATIENCE_S:
            counters = totals.counters
            raise LocalServerError(
                f"nothing has moved for {PATIENCE_S:.0f} s: {counters.events_in:,} of {now.published:,} published"
                f" events are taken in, {totals.due:,} timers are due, {totals.outbox:,} records wait to be published,"
                f" the trainer is at {offset:,} of {counters.landmarks + counters.labels:,} examples,"
                f" {self.alerts.published:,} of {counters.alerts_raised + counters.alerts_cleared:,} alerts have come;"
                f" {self._workers.log_tails()}"
            )
