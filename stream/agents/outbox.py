"""Publishing what a partition has stored in its outbox, in order, again and again until the broker has it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable

from stream import metrics
from stream.agents.publisher import Publisher
from stream.errors import PublishError
from stream.processing.state import Outgoing

__all__ = ["Outbox"]

_LOG = logging.getLogger(__name__)

_CHUNK = 2000
_FIRST_RETRY_S, _LAST_RETRY_S = 0.1, 5.0


class Outbox:
    """The worker's view of the outbox list in Redis: what is stored, not yet confirmed, and confirmed but not trimmed.

    The order of records is kept; a record may be sent twice (its id tells), never lost: it leaves Redis with the step
    after the broker's confirmation.
    """

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._waiting: deque[Outgoing] = deque()
        self._added = asyncio.Event()
        self._shrunk = asyncio.Event()
        self.confirmed = 0

    @property
    def depth(self) -> int:
        """Stored records that the broker has not confirmed."""
        return len(self._waiting)

    def add(self, records: Iterable[Outgoing]) -> None:
        """Append records that a committed step has stored."""
        self._waiting.extend(records)
        if self._waiting:
            self._added.set()

    def reset(self, records: Iterable[Outgoing]) -> None:
        """Begin anew with what Redis holds."""
        self._waiting.clear()
        self.confirmed = 0
        self.add(records)

    def trimmed(self, count: int) -> None:
        """A committed step has removed ``count`` confirmed records from Redis."""
        self.confirmed -= count

    async def below(self, limit: int) -> None:
        """Wait until fewer than ``limit`` records are unconfirmed: back-pressure while the broker is away."""
        while len(self._waiting) >= limit:
            self._shrunk.clear()
            await self._shrunk.wait()

    async def run(self) -> None:
        """Publish until cancelled. One outbox has one run at a time."""
        retry_s = _FIRST_RETRY_S
        while True:
            if not self._waiting:
                self._added.clear()
                await self._added.wait()
            chunk = [self._waiting[k] for k in range(min(_CHUNK, len(self._waiting)))]
            try:
                with metrics.STEP.labels("publish").time():
                    await self._publisher.publish(chunk)
            except PublishError as error:
                _LOG.warning("%s; retrying in %.1f s", error, retry_s)
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, _LAST_RETRY_S)
                continue
            retry_s = _FIRST_RETRY_S
            for _ in chunk:
                self._waiting.popleft()
            self.confirmed += len(chunk)
            self._shrunk.set()
