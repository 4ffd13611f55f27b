"""Asking, before something is learned, whether those of whom it is learned agree to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from stream import metrics
from stream.clock import Clock
from stream.consent.consented import Consented
from stream.online_models.example import Example
from stream.projections.folding import FoldingPartition
from stream.projections.protocol import Asking

__all__ = ["LOOK_S", "AgreedExamples", "Agreeing", "Patience"]

_LOG = logging.getLogger(__name__)

#: How often it is looked whether what customers have said has been read (s).
LOOK_S: Final = 0.1
#: A projection is some tenths of a second behind while events flow: that is not worth a line.
_LONG_S: Final = 2.0


class Patience:
    """Tells that ``who`` must wait, and logs it once if it takes long. ``unread``: see `WorkerOptions`."""

    def __init__(self, who: str, unread: Callable[[], Awaitable[str]]) -> None:
        self._who = who
        self._unread = unread
        self._since_s: float | None = None
        self._is_said = False

    async def must_wait(self) -> bool:
        """Whether what customers have said has not been read yet. Raises `StorageError` when it cannot be known."""
        why, now_s = await self._unread(), asyncio.get_running_loop().time()
        if not why:
            if self._is_said:
                _LOG.info("%s goes on: what customers have said has been read", self._who)
            self._since_s, self._is_said = None, False
            return False
        self._since_s = now_s if self._since_s is None else self._since_s
        if not self._is_said and now_s - self._since_s >= _LONG_S:
            _LOG.info("%s waits, as it asks who agrees: %s", self._who, why)
            self._is_said = True
        return True


class Agreeing:
    """Leaves out of the steps of a partition what an `Asking` projection would learn of who does not agree now."""

    def __init__(
        self,
        partition: FoldingPartition,
        consents: Callable[[Sequence[str]], Awaitable[Consented]],
        unread: Callable[[], Awaitable[str]],
        clock: Clock,
    ) -> None:
        self._partition = partition
        self._consents = consents
        self._clock = clock
        self._patience = Patience(f"partition {partition.partition} of projection {partition.projection.name}", unread)

    async def must_wait(self) -> bool:
        """As `Patience.must_wait`; False of a projection that asks nobody."""
        return isinstance(self._partition.projection, Asking) and await self._patience.must_wait()

    async def left_out(self, missing: Sequence[str]) -> Sequence[str]:
        """The keys that the step needs, of ``missing`` those that `FoldingPartition.read` gave.

        Raises `StorageError` when it cannot be known who agrees.
        """
        projection = self._partition.projection
        if not isinstance(projection, Asking):
            return missing
        of = [projection.learned_from(message) for _, message in self._partition.messages]
        customers = [*dict.fromkeys(one for one in of if one is not None)]
        if not customers:
            return missing
        consented, now_ms = await self._consents(customers), self._clock.now_ms()
        refusing = {one for one in customers if not consented.may_score(one, now_ms)}
        if not refusing:
            return missing
        metrics.CONSENT_REFUSALS.labels("learning").inc(sum(one in refusing for one in of))
        return self._partition.leave_out(lambda message: projection.learned_from(message) in refusing)


class AgreedExamples:
    """Of examples those of customers who agree now that models learn from them, whenever the examples are of."""

    def __init__(
        self,
        consents: Callable[[Sequence[str]], Awaitable[Consented]],
        unread: Callable[[], Awaitable[str]],
        clock: Clock,
    ) -> None:
        self._consents = consents
        self._clock = clock
        self.must_wait = Patience("the trainer", unread).must_wait

    async def of(self, examples: Sequence[Example]) -> list[Example]:
        """Raises `StorageError` when it cannot be known who agrees."""
        if not examples:
            return []
        consented, now_ms = await self._consents([one.customer_id for one in examples]), self._clock.now_ms()
        agreed = [one for one in examples if consented.may_score(one.customer_id, now_ms)]
        metrics.CONSENT_REFUSALS.labels("learning").inc(len(examples) - len(agreed))
        return agreed
