"""What takes long to make, and may be some seconds old."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Recent"]

T = TypeVar("T")


class Recent(Generic[T]):
    """Makes something in a thread, at most once in ``every_s`` seconds and not twice at a time.

    ``get`` raises what ``make`` raises; the next one tries again.
    """

    def __init__(self, make: Callable[[], T], every_s: float, monotonic: Callable[[], float]) -> None:
        self._make = make
        self._every_s = every_s
        self._monotonic = monotonic
        self._making = asyncio.Lock()
        self._made: tuple[float, T] | None = None

    async def get(self) -> T:
        """The last one, or a new one if that is too old."""
        async with self._making:
            now_s = self._monotonic()
            if self._made is None or now_s - self._made[0] > self._every_s:
                self._made = (now_s, await asyncio.to_thread(self._make))
            return self._made[1]
