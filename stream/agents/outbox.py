"""Publishing what a partition has stored in its outbox, in order, again and again until the broker has it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import accumulate, islice, repeat

from stream import metrics
from stream.agents.publisher import Publisher
from stream.agents.retrying import Retrying
from stream.clock import Clock, SystemClock
from stream.errors import PublishError
from stream.processing.state import Outgoing

__all__ = ["Outbox"]

_LOG = logging.getLogger(__name__)

_CHUNK = 4000


class Outbox:
    """The worker's view of the outbox list in Redis: what is stored, not yet confirmed, and confirmed but not trimmed.

    The order of records is kept; a record may be sent twice (its id tells), never lost: it leaves Redis with the step
    after the broker's confirmation.
    """

    def __init__(self, publisher: Publisher, clock: Clock | None = None) -> None:
        self._publisher = publisher
        self._clock = clock or SystemClock()
        # (position after the last record added, when): how old the oldest record is
        self._added_at_ms: deque[tuple[int, int]] = deque()
        self._added_up_to = 0
        self._waiting: deque[Outgoing | None] = deque()
        # position after the last record of each entry that is not confirmed as a whole
        self._entries: deque[int] = deque()
        self._added = asyncio.Event()
        self._shrunk = asyncio.Event()
        #: Entries of the list all of whose records the broker has confirmed, and that are not trimmed.
        self.confirmed = 0

    @property
    def entries(self) -> int:
        """Entries of the list in Redis."""
        return len(self._entries) + self.confirmed

    @property
    def depth(self) -> int:
        """Stored records that the broker has not confirmed."""
        return len(self._waiting)

    @property
    def oldest_at_ms(self) -> int | None:
        """When the oldest record that the broker has not confirmed was added, None when there is none."""
        return self._added_at_ms[0][1] if self._added_at_ms else None

    def add(self, records: Iterable[Outgoing | None], counts: Iterable[int] | None = None) -> None:
        """Append records that a committed step has stored; None: one that is stored with nothing to publish.

        ``counts``: how many records the entries of the list have that hold them; None: each has one.
        """
        before = len(self._waiting)
        self._waiting.extend(records)
        if added := len(self._waiting) - before:
            ends = accumulate(repeat(1, added) if counts is None else counts, initial=self._added_up_to)
            self._entries.extend(islice(ends, 1, None))
            self._added_up_to += added
            self._added_at_ms.append((self._added_up_to, self._clock.now_ms()))
        if self._waiting:
            self._added.set()

    def reset(self, records: Iterable[Outgoing | None], counts: Iterable[int] | None = None) -> None:
        """Begin anew with what Redis holds; as `add`."""
        self._waiting.clear()
        self._entries.clear()
        self._added_at_ms.clear()
        self.confirmed = 0
        self.add(records, counts)

    def trimmed(self, count: int) -> None:
        """A committed step has removed ``count`` confirmed entries from Redis."""
        self.confirmed -= count

    async def below(self, limit: int) -> None:
        """Wait until fewer than ``limit`` records are unconfirmed: back-pressure while the broker is away."""
        while len(self._waiting) >= limit:
            self._shrunk.clear()
            await self._shrunk.wait()

    async def run(self) -> None:
        """Publish until cancelled. One outbox has one run at a time."""
        retrying = Retrying()
        while True:
            if not self._waiting:
                self._added.clear()
                await self._added.wait()
            chunk = [*islice(self._waiting, _CHUNK)]
            try:
                with metrics.STEP.labels("publish").time():
                    await self._publisher.publish([record for record in chunk if record is not None])
            except PublishError as error:
                metrics.PUBLISH_FAILURES.inc()
                retry_s = retrying.wait_s()
                _LOG.warning("%s; retrying in %.1f s", error, retry_s)
                await asyncio.sleep(retry_s)
                continue
            retrying.succeeded()
            self._confirm(chunk)

    def _confirm(self, chunk: Sequence[Outgoing | None]) -> None:
        now_ms = self._clock.now_ms()
        for record in chunk:
            self._waiting.popleft()
            if record is not None and record.appended_at_ms is not None:
                metrics.INGEST_TO_ALERT.observe(max(now_ms - record.appended_at_ms, 0) / 1000)
        position = self._added_up_to - len(self._waiting)
        while self._added_at_ms and self._added_at_ms[0][0] <= position:
            self._added_at_ms.popleft()
        while self._entries and self._entries[0] <= position:
            self._entries.popleft()
            self.confirmed += 1
        self._shrunk.set()
