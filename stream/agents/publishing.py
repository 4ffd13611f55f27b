"""The task that publishes the outbox of a partition."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from stream.agents.outbox import Outbox
from stream.errors import StorageError

__all__ = ["Publishing"]

_LOG = logging.getLogger(__name__)

#: How long a worker that stops waits for the broker to confirm its outbox.
_HAND_OVER_S = 2.0


class Publishing:
    """Runs an `Outbox` between claims."""

    def __init__(self, outbox: Outbox, partition: int) -> None:
        self._outbox = outbox
        self._partition = partition
        self._task: asyncio.Task[None] | None = None
        self._is_lost = False

    def start(self) -> None:
        """Publish from now on."""
        self._task = asyncio.create_task(self._outbox.run(), name=f"outbox-{self._partition}")

    def check(self) -> None:
        """Raise what has ended it: only an error that no code expected does, and nothing would be published."""
        if self._task is not None and self._task.done() and not self._is_lost:
            self._task.result()

    async def below(self, limit: int, timeout_s: float) -> None:
        """Wait, but not longer than ``timeout_s``, until fewer than ``limit`` records are unconfirmed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._outbox.below(limit)

    async def hand_over(self, trim: Callable[[], Awaitable[None]], whose: str) -> None:
        """Publish and ``trim`` what is left before a stop; whatever is not trimmed the next owner sends again."""
        if self._is_lost:
            return
        await self.below(1, _HAND_OVER_S)
        if self._outbox.confirmed:
            try:
                await trim()
            except StorageError as error:
                _LOG.info("the outbox of %s is left untrimmed: %s", whose, error)

    def lose(self) -> None:
        """Publish nothing more, at once: another worker may have published newer records already."""
        self._is_lost = True
        if self._task is not None:
            self._task.cancel()

    async def stop(self) -> None:
        """Publish nothing more; what is left stays in the outbox."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
