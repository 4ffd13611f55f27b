"""What takes long to make, and may be some seconds old."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeVar

from stream.directory.database import DATABASE_ERRORS, why_unanswered
from stream.errors import StreamError

__all__ = ["Recent"]

_LOG = logging.getLogger(__name__)

T = TypeVar("T")

#: What is made anew is so old at least (s), and so many times as old as it took to make; at most the latter (s).
_OFTENEST_S: Final = 5.0
_REST: Final = 10.0
_RAREST_S: Final = 600.0
#: A failure that is older than this (s) says nothing of now: who asks gets what is made now.
_TOLD_S: Final = 60.0
#: What is older is not given to anybody (s).
_KEPT_S: Final = 3600.0


class _Made(NamedTuple, Generic[T]):
    """``took_s`` to make. ``renew_s``, ``kept_s``: from when on it is made anew, and not given to anybody."""

    took_s: float
    renew_s: float
    kept_s: float
    thing: T


class Recent(Generic[T]):
    """Makes something in a thread, not twice at a time.

    Who asks is given the last one at once; where that is old, it is made anew behind their back. Only the first one is
    waited for, and what is more than an hour old. ``get`` raises what ``make`` raises; the next one tries again.

    ``patience_s``: who asks waits for a new one if the last one took less, so that a small shop is shown what is now.
    """

    def __init__(self, make: Callable[[], T], monotonic: Callable[[], float], patience_s: float = 0.0) -> None:
        self._make = make
        self._patience_s = patience_s
        self._monotonic = monotonic
        self._making = asyncio.Lock()
        self._made: _Made[T] | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._failed_at_s = 0.0
        self._forgotten = 0

    async def get(self) -> T:
        """The last one, or a new one; never one that had to be forgotten while it was waited for."""
        while True:
            forgotten = self._forgotten
            made = await self._last_or_new()
            if forgotten == self._forgotten:
                return made.thing

    async def _last_or_new(self) -> _Made[T]:
        made, now_s = self._made, self._monotonic()
        if made is None or now_s > made.kept_s:
            async with self._making:
                if (made := self._made) is None or now_s > made.kept_s:
                    made = await self._new()
        elif now_s > made.renew_s:
            if self._renewing is None or self._renewing.done():
                self._renewing = asyncio.create_task(self._renew())
            if made.took_s < self._patience_s:
                await asyncio.wait({self._renewing}, timeout=self._patience_s)
                made = self._made or made
        return made

    async def last(self, patience_s: float = 0.0) -> T | None:
        """The last one; None: there is none yet, and making it begins now. Who asks waits for the first one for at most
        ``patience_s``.

        Raises once what the last ``make`` raised, if that was in the last minute.
        """
        if self._is_kept():
            return await self.get()
        if self._renewing is None or self._renewing.done():
            failure, self._failure = self._failure, None
            self._renewing = asyncio.create_task(self._renew())
            if failure is not None and self._monotonic() - self._failed_at_s <= _TOLD_S:
                raise failure
        if patience_s:
            await asyncio.wait({self._renewing}, timeout=patience_s)
            failure, self._failure = self._failure, None
            if failure is not None:
                raise failure
        return self._made.thing if self._made is not None and self._is_kept() else None

    def _is_kept(self) -> bool:
        return self._made is not None and self._monotonic() <= self._made.kept_s

    def forget(self) -> None:
        """Give nobody what was made, or is being made: it holds what must not be shown any more."""
        self._made = None
        self._forgotten += 1

    async def close(self) -> None:
        """Wait for what is being made."""
        if self._renewing is not None:
            await self._renewing

    async def _renew(self) -> None:
        async with self._making:
            try:
                await self._new()
            except (StreamError, *DATABASE_ERRORS) as error:
                _LOG.warning("%s", why_unanswered(error))
                # the next one who asks is told
                self._made, self._failure, self._failed_at_s = None, error, self._monotonic()

    async def _new(self) -> _Made[T]:
        began_s = self._monotonic()
        forgotten = self._forgotten
        thing = await asyncio.to_thread(self._make)
        took_s = self._monotonic() - began_s
        rest_s = min(max(_REST * took_s, _OFTENEST_S), _RAREST_S)
        self._failure = None
        made = _Made(took_s, began_s + rest_s, began_s + _KEPT_S, thing)
        if forgotten == self._forgotten:
            self._made = made
        return made
