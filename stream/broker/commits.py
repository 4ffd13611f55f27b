"""Changes of the journal, off the event loop: those that come while the disk syncs share the next sync."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from stream.broker.journal import Journal

__all__ = ["Commits"]

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")


class Commits:
    """Use it from one event loop; the journal's thread is its own."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._thread = ThreadPoolExecutor(1, "journal")
        self._waiting: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []
        self._task: asyncio.Task[None] | None = None

    def submit(self, change: Callable[[], _T]) -> "asyncio.Future[_T]":
        """Make ``change`` within a transaction, after those submitted before it; done when it is on the disk.

        Raises ``sqlite3.Error`` when that fails; nothing of the transaction is kept then.
        """
        done: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, cast("asyncio.Future[Any]", done)))
        if self._task is None:
            self._task = asyncio.ensure_future(self._work())
        return done

    async def between(self, call: Callable[[], _T]) -> _T:
        """What ``call`` gives, in the journal's thread and in no transaction. Raises ``sqlite3.Error``."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def close(self) -> None:
        """Finish what was submitted."""
        if self._task is not None:
            await self._task
        self._thread.shutdown()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                taken, self._waiting = self._waiting, []
                await self._make(loop, taken)
        finally:
            self._task = None

    async def _make(
        self, loop: asyncio.AbstractEventLoop, taken: list[tuple[Callable[[], Any], asyncio.Future[Any]]]
    ) -> None:
        try:
            results = await loop.run_in_executor(self._thread, self._journal.together, [change for change, _ in taken])
        except sqlite3.Error as error:
            if len(taken) > 1:  # one of them may be the cause: each on its own
                for change in taken:
                    await self._make(loop, [change])
                return
            _LOG.error("a change of the log was refused: %s", error)
            _settle(taken[0][1], error=error)
        except Exception as error:
            for _, done in taken:
                _settle(done, error=error)
            raise
        else:
            for (_, done), result in zip(taken, results, strict=True):
                _settle(done, result)


def _settle(done: "asyncio.Future[Any]", result: object = None, error: Exception | None = None) -> None:
    if done.done():  # who asked has gone
        return
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(error)
