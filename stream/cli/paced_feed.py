"""Publishing at a pace, in between other work."""

import math
import time
from collections.abc import Iterator

from stream.cli.produce import EventProducer
from stream.events.log_event import LogEvent
from stream.features.registry import DAY_MS

__all__ = ["LiveFeed", "PacedFeed"]

#: Events read and queued before the clock is looked at again.
_CHUNK = 500


class PacedFeed:
    """Publishes ``events`` at a pace, a little at every call of `advance`.

    At most ``rate`` events a second, and ``days_per_s`` days of event time a second (0: no such limit): a small log
    would be over before a model has learned from its beginning.
    """

    def __init__(
        self, producer: EventProducer, events: Iterator[LogEvent], rate: float, days_per_s: float = 0.0
    ) -> None:
        self._producer = producer
        self._events = events
        self._rate = rate
        self._ms_per_s = days_per_s * DAY_MS
        self._next = next(events, None)
        self._began_ms = self._next.at_ms if self._next is not None else 0
        self.queued = 0

    @property
    def finished(self) -> bool:
        """Whether all events have been handed over."""
        return self._next is None

    @property
    def at_ms(self) -> float:
        """What has occurred before has been handed over; infinity if that is all."""
        return math.inf if self._next is None else self._next.at_ms

    @property
    def confirmed(self) -> int:
        """Events that the broker has."""
        return self._producer.confirmed

    @property
    def waits(self) -> bool:
        """Whether it is for the pace alone that nothing is published."""
        return not self.finished and self.confirmed == self.queued

    @property
    def done(self) -> bool:
        return self.finished and self.confirmed == self.queued

    def advance(self, elapsed_s: float, budget_s: float) -> None:
        """Publish what is due ``elapsed_s`` after the start, for ``budget_s`` at most, and wait for the rest of it."""
        until = time.monotonic() + budget_s
        due = math.inf if self._rate == 0 else self._rate * elapsed_s
        due_ms = math.inf if self._ms_per_s == 0 else self._began_ms + self._ms_per_s * elapsed_s
        while self.queued < due and time.monotonic() < until:
            chunk = list(self._take(math.ceil(min(_CHUNK, due - self.queued)), due_ms))
            if not chunk:
                break
            self._producer.publish(chunk)
            self.queued += len(chunk)
        self._producer.serve(max(until - time.monotonic(), 0.0))

    def _take(self, max_events: int, due_ms: float) -> Iterator[LogEvent]:
        for _ in range(max_events):
            if self._next is None or self._next.at_ms > due_ms:
                return
            yield self._next
            self._next = next(self._events, None)


class LiveFeed:
    """Publishes ``events``, in time order, each when its time has come."""

    def __init__(self, producer: EventProducer, events: Iterator[LogEvent]) -> None:
        self._producer = producer
        self._events = events
        self._next = next(events, None)

    def advance(self, now_ms: float) -> None:
        """Publish what has occurred by ``now_ms``."""
        while self._next is not None and self._next.at_ms <= now_ms:
            self._producer.publish([self._next])
            self._next = next(self._events, None)
        self._producer.serve(0.0)
