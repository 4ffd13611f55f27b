"""The loop of a task that owns a partition: turns, back-pressure, recovery after a failure, and a hand-over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from stream.agents.input_protocols import Inputs
from stream.agents.outbox import Outbox
from stream.agents.publishing import Publishing
from stream.agents.recovery import Recovery
from stream.agents.waiting import pause, wait_until_set
from stream.agents.worker_options import WorkerOptions
from stream.errors import CodecError, StorageError, SystematicError

__all__ = ["Stepping"]

_MORE_MEMORY = "give the worker more, or set cache_mb or batch_max_records lower"
#: How long to wait for the broker before the loop looks again whether it is to stop.
_BACK_PRESSURE_S = 1.0


class Stepping:
    """Turns of one task, until it is told to stop.

    ``what``: names the partition in logs. ``claim``: takes it over and returns the stored offsets by topic. Whoever
    brings work sets ``wake``.
    """

    def __init__(
        self,
        what: str,
        partition: int,
        outbox: Outbox,
        inputs: Inputs,
        claim: Callable[[], Awaitable[Mapping[str, int]]],
        options: WorkerOptions,
    ) -> None:
        self._what = what
        self._outbox = outbox
        self._outbox_limit = options.outbox_limit
        self._publishing = Publishing(outbox, partition)
        self._signs = 0
        self.is_stopping = False
        self.wake = asyncio.Event()
        self._recovery = Recovery(
            what,
            claim,
            inputs,
            self._publishing,
            fenced_wait_s=options.fenced_wait_s,
            wake=self.wake,
            is_stopping=lambda: self.is_stopping,
        )

    @property
    def signs(self) -> int:
        """Moves with every step, and whenever a server is why there is none."""
        return self._signs + self._recovery.attempts

    @property
    def is_recovering(self) -> bool:
        """Whether a failure has led back to what is stored, and the way there is not done yet."""
        return self._recovery.is_under_way

    def stepped(self) -> None:
        """A step was stored: the next failure is a first one."""
        self._recovery.succeeded()
        self._signs += 1

    def waited(self) -> None:
        """There was no step, because a server or another process is not as far as it has to be."""
        self._signs += 1

    async def held_back(self) -> bool:
        """Whether too much waits for the broker (back-pressure); then wait for a while until it is less."""
        if self._outbox.depth < self._outbox_limit:
            return False
        self.waited()
        await self._publishing.below(self._outbox_limit, _BACK_PRESSURE_S)
        return True

    async def idle(self, timeout_s: float) -> bool:
        """Wait until there may be work, but not longer than ``timeout_s``; return whether there may be."""
        # a stop may have come since the turn began, and waiting forgets what woke it before
        return self.is_stopping or await wait_until_set(self.wake, timeout_s)

    async def pause(self, seconds: float) -> None:
        """Wait, also while work comes; a stop ends it."""
        await pause(seconds, self.wake, lambda: self.is_stopping)

    def stop(self, *, lost: bool) -> None:
        """End `run` after the step that is under way; of a partition that is ``lost`` nothing more is published."""
        if lost:
            self._publishing.lose()
        self.is_stopping = True
        self.wake.set()

    async def run(
        self,
        turn: Callable[[], Awaitable[None]],
        commit_nothing: Callable[[], Awaitable[None]],
        verify: Callable[[], Awaitable[None]],
    ) -> None:
        """Run ``turn`` until `stop`, then publish what is left. ``commit_nothing`` trims the outbox.

        ``verify`` raises `StorageError` where the store does not have the token of this worker. Raises
        `SystematicError` for what the same turn would meet again: bytes that no program wrote, or no memory.
        """
        self._publishing.start()
        try:
            while not self.is_stopping:
                try:
                    self._publishing.check()
                    await turn()
                except CodecError as error:
                    await self._recovery.run(await _lost_with_its_token(verify, error))
                except MemoryError as error:
                    raise SystematicError(f"no memory for a step: {_MORE_MEMORY}") from error
                except StorageError as error:
                    await self._recovery.run(error)
            await self._publishing.hand_over(commit_nothing, self._what)
        finally:
            await self._publishing.stop()


async def _lost_with_its_token(verify: Callable[[], Awaitable[None]], error: CodecError) -> StorageError:
    """Why bytes that belong together were not all there: a store that loses them loses the token as well.

    Raises `SystematicError` where it still has the token of this worker.
    """
    try:
        await verify()
    except StorageError as lost:
        return lost
    raise SystematicError(f"stored bytes cannot be read: {error}") from error
