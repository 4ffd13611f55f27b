"""Giving memory back to the system: what a worker needs to catch up it does not need from then on."""

from __future__ import annotations

import asyncio
import ctypes
import gc
from collections.abc import Callable
from typing import Final

from stream.garbage import look_rarely

__all__ = ["MemoryTrimming", "tune_allocator", "tune_garbage_collection"]

#: Parameters of mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
#: Larger pieces are pages of their own, which go back to the system when freed; the C library would raise this bound
#: with use. Below it lie the arrays of a step: as pages of their own they cost a step an eighth more, in page faults.
_OWN_PAGES_BYTES: Final = 16 << 20
#: So much may be free at the end of the heap: giving it back and asking for it again at each step costs page faults.
_FREE_BYTES: Final = 32 << 20

_LOOK_EVERY_S: Final = 1.0
#: Looks after which a worker that is never idle is trimmed as well.
_LOOKS_WHILE_BUSY: Final = 60


def tune_garbage_collection() -> None:
    """Records and rows are freed by their counts; looking for cycles among them every 700 objects finds none."""
    gc.freeze()
    look_rarely()
    gc.enable()


def tune_allocator() -> None:
    """Let large freed arrays go back to the system at once. Without effect where the C library is not that of GNU."""
    tune = _of_the_c_library("mallopt")
    if tune is not None:
        tune(_MMAP_THRESHOLD, _OWN_PAGES_BYTES)
        tune(_TRIM_THRESHOLD, _FREE_BYTES)


class MemoryTrimming:
    """Gives free memory back when a worker that was busy has had nothing to do for a second, else each minute.

    ``done``: a number that grows with the work that was done.
    """

    def __init__(self, done: Callable[[], float]) -> None:
        self._done = done
        self._trim = _of_the_c_library("malloc_trim")
        self._seen = self._trimmed = done()
        self._looks = 0

    async def run(self) -> None:
        """Look every second; for ever."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            if self.look():
                await asyncio.to_thread(self.trim)

    def look(self) -> bool:
        """Whether memory is to be given back now, for which something must have been done since the last time."""
        done = self._done()
        is_idle, self._seen = done == self._seen, done
        self._looks += 1
        if done == self._trimmed or (not is_idle and self._looks < _LOOKS_WHILE_BUSY):
            return False
        self._trimmed, self._looks = done, 0
        return True

    def trim(self) -> None:
        """Give back what is free. Takes some 50 ms, in which other threads may wait for memory."""
        if self._trim is not None:
            self._trim(0)


def _of_the_c_library(name: str) -> Callable[..., int] | None:
    function: Callable[..., int] | None = getattr(ctypes.CDLL(None), name, None)
    return function
