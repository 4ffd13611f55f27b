"""The shop's currency, where no setting names it: learned from orders, which may come after the start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from stream.errors import StreamError
from stream.reporting.writing import Writing

__all__ = ["LearnedCurrency"]

_LOG = logging.getLogger(__name__)

#: A request waits for so long (s); then its amounts have no currency yet.
_PATIENCE_S: Final = 1.0
#: It is looked for again after so long (s), and after so many times as long as the last look took.
_OFTENEST_S: Final = 5.0
_REST: Final = 20.0


class LearnedCurrency:
    """``look`` finds the currency of orders, in a thread; empty: there are none yet."""

    def __init__(self, writing: Writing, look: Callable[[], str], monotonic: Callable[[], float]) -> None:
        self.writing = writing
        self._look = look
        self._monotonic = monotonic
        self._next_s = -_OFTENEST_S
        self._looking: asyncio.Task[None] | None = None

    async def learn(self) -> Writing:
        """How figures are written now. Looks for the currency while it is not known, one look at a time."""
        if not self.writing.currency:
            if self._looking is None or self._looking.done():
                if self._monotonic() < self._next_s:
                    return self.writing
                self._looking = asyncio.create_task(self._find())
            await asyncio.wait({self._looking}, timeout=_PATIENCE_S)
        return self.writing

    async def close(self) -> None:
        """Wait for a look that is under way."""
        if self._looking is not None:
            await self._looking

    async def _find(self) -> None:
        began_s = self._monotonic()
        try:
            currency = await asyncio.to_thread(self._look)
        except StreamError as error:
            _LOG.warning("amounts are shown without a currency: %s", error)
            currency = ""
        now_s = self._monotonic()
        self._next_s = now_s + max(_OFTENEST_S, _REST * (now_s - began_s))
        if currency:
            self.writing = replace(self.writing, currency=currency)
