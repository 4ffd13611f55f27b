"""What the partitions of all workers tell of the shop's newest event, read only when one that is at rest asks."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from stream.errors import StorageError

__all__ = ["ShopTimes"]

_LOG = logging.getLogger(__name__)

#: An answer is for those that ask for it, once a second each. Later it could be of a store that has lost all since.
_VALID_S: Final = 10.0
_LEAST_PERIOD_S: Final = 1.0


class ShopTimes:
    """The stored stream times of all partitions, looked up at most once every ``period_s``.

    ``read``: what Redis has; may raise `StorageError`.
    """

    def __init__(self, read: Callable[[], Awaitable[Sequence[int]]], period_s: float) -> None:
        self._read = read
        self._period_s = max(period_s, _LEAST_PERIOD_S)
        self._asked = asyncio.Event()
        self._times: Sequence[int] = ()
        self._read_at_s = -math.inf

    def newest(self) -> Sequence[int]:
        """The times (ms since the epoch), none while they are not known: then they are asked for."""
        if time.monotonic() - self._read_at_s <= _VALID_S:
            return self._times
        self._asked.set()
        return ()

    async def run(self) -> None:
        """Look whenever somebody has asked, for ever."""
        while True:
            await self._asked.wait()
            began_s = time.monotonic()
            try:
                self._times = await self._read()
                self._read_at_s = began_s
            except StorageError as error:
                _LOG.warning("whether the shop is open is asked again later: %s", error)
            self._asked.clear()
            await asyncio.sleep(self._period_s)
