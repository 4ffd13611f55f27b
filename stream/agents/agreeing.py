"""Asking, before a projection learns, whether those of whom it learns agree to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from stream import metrics
from stream.clock import Clock
from stream.consent.consented import Consented
from stream.projections.folding import FoldingPartition
from stream.projections.protocol import Asking

__all__ = ["Agreeing"]


class Agreeing:
    """Leaves out of the steps of a partition what an `Asking` projection would learn of who does not agree now."""

    def __init__(
        self, partition: FoldingPartition, consents: Callable[[Sequence[str]], Awaitable[Consented]], clock: Clock
    ) -> None:
        self._partition = partition
        self._consents = consents
        self._clock = clock

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
