"""The task that publishes the outbox of a partition."""

from __future__ import annotations

import asyncio

from stream.agents.outbox import Outbox

__all__ = ["Publishing"]


class Publishing:
    """Runs an `Outbox` between claims."""

    def __init__(self, outbox: Outbox, partition: int) -> None:
        self._outbox = outbox
        self._partition = partition
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Publish from now on."""
        self._task = asyncio.create_task(self._outbox.run(), name=f"outbox-{self._partition}")

    def check(self) -> None:
        """Raise what has ended it: only an error that no code expected does, and nothing would be published."""
        if self._task is not None and self._task.done():
            self._task.result()

    async def stop(self) -> None:
        """Publish nothing more; what is left stays in the outbox."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
