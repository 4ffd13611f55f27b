"""Publishing at a pace, in between other work."""

import math
import time
from collections.abc import Iterator
from itertools import islice

from stream.cli.produce import EventProducer
from stream.events.log_event import LogEvent

__all__ = ["PacedFeed"]

#: Events read and queued before the clock is looked at again.
_CHUNK = 500


class PacedFeed:
    """Publishes ``events`` at ``rate`` a second (0: as fast as possible), a little at every call of `advance`."""

    def __init__(self, producer: EventProducer, events: Iterator[LogEvent], rate: float) -> None:
        self._producer = producer
        self._events = events
        self._rate = rate
        self.queued = 0
        self.finished = False

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
        while not self.finished and self.queued < due and time.monotonic() < until:
            chunk = list(islice(self._events, math.ceil(min(_CHUNK, due - self.queued))))
            self.finished = not chunk
            self._producer.publish(chunk)
            self.queued += len(chunk)
        self._producer.serve(max(until - time.monotonic(), 0.0))
