"""The way back to what is stored, after a write that was refused or whose outcome is unknown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from stream import metrics
from stream.agents.input_protocols import Inputs
from stream.agents.publishing import Publishing
from stream.agents.retrying import Retrying
from stream.agents.waiting import pause
from stream.errors import FencedError, RebuildError, StorageError

__all__ = ["Recovery"]

_LOG = logging.getLogger(__name__)


class Recovery:
    """Claims anew, forgets everything in flight, and reads the log again from what is stored.

    ``what``: names the partition in logs. ``claim``: takes it over and returns the stored offsets by topic.
    ``fenced_wait_s``: how long a worker that was superseded waits for its revocation before it claims again.
    ``wake`` is set when ``is_stopping`` may have become true.
    """

    def __init__(
        self,
        what: str,
        claim: Callable[[], Awaitable[Mapping[str, int]]],
        inputs: Inputs,
        publishing: Publishing,
        *,
        fenced_wait_s: float,
        wake: asyncio.Event,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._what = what
        self._claim = claim
        self._inputs = inputs
        self._publishing = publishing
        self._fenced_wait_s = fenced_wait_s
        self._wake = wake
        self._is_stopping = is_stopping
        self._retrying = Retrying(0.05, at_once=True)
        #: Whether a failure has led back to what is stored, and the way there is not done yet.
        self.is_under_way = False
        #: Moves with every attempt: the store is why nothing is processed.
        self.attempts = 0

    def succeeded(self) -> None:
        """A step was stored: the next failure is a first one."""
        self._retrying.succeeded()

    async def run(self, error: StorageError) -> None:
        """Go back; returns when the partition is claimed, or when the worker is to stop."""
        metrics.COMMIT_REJECTED.labels(_reason(error)).inc()
        self.is_under_way = True
        self.attempts += 1
        _LOG.warning("%s returns to the stored state: %s", self._what, error)
        superseded = isinstance(error, FencedError) and error.superseded
        await self._publishing.stop()
        if superseded:
            # within a session timeout the group tells who the owner is; claiming at once would only fence that one
            await pause(self._fenced_wait_s, self._wake, self._is_stopping)
        # claims may succeed where no step does: then too there is no loop without a pause
        await pause(self._retrying.wait_s(), self._wake, self._is_stopping)
        while not self._is_stopping():
            try:
                offsets = await self._claim()
            except StorageError as failure:
                self.attempts += 1
                retry_s = self._retrying.wait_s()
                _LOG.warning("%s; retrying in %.1f s", failure, retry_s)
                await pause(retry_s, self._wake, self._is_stopping)
            else:
                await self._inputs.rewind(offsets)
                self.is_under_way = False
                self._publishing.start()
                return


def _reason(error: StorageError) -> str:
    """What an operator asked for is no sign of two owners."""
    if isinstance(error, RebuildError):
        return "rebuild"
    return "fenced" if isinstance(error, FencedError) else "storage"
