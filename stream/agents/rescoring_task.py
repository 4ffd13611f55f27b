"""Looking at all customers of a partition again, some at a time."""

from __future__ import annotations

from typing import Final

from stream.agents.pace import Rest, is_present
from stream.agents.worker_options import WorkerOptions
from stream.processing.rescoring import Circumstances, is_due, rescored
from stream.processing.scorer import Scorer
from stream.processing.state import PartitionState, Rescored
from stream.storage.partition_store import PartitionStore

__all__ = ["Rescoring"]

#: A partition in the present, which may never be at rest, looks at all customers this often at most.
_AT_MOST_EVERY_S: Final = 60.0
_KEYS_AT_ONCE: Final = 1000


class Rescoring:
    """Decides when, and goes through the customers. A worker that dies in between leaves it to the next to begin again.

    That changes nothing: who was looked at as of the same time with the same model is passed over, and the state of the
    partition says that it is done only in the write of the last of them.
    """

    def __init__(self, store: PartitionStore, options: WorkerOptions) -> None:
        self._store = store
        self._options = options
        self._cursor: int | None = None
        self._answers = 0
        self._seen = 0
        self._ended_at_s: float | None = None

    def reset(self) -> None:
        """Forget what is under way: the partition goes back to what is stored."""
        self._cursor = None

    @property
    def is_under_way(self) -> bool:
        """Whether some customers are still to be looked at."""
        return self._cursor is not None

    def is_asked_for(self, state: PartitionState) -> bool:
        """Whether somebody has asked for what is under way: an import, or an operator. Then all documents are told."""
        return self._answers > state.rescored.asked

    def is_next(self, state: PartitionState, scorer: Scorer, rest: Rest, now_s: float, now_ms: int) -> bool:
        """Begin, if it is time to; return whether it is under way, and no partition of the worker is behind.

        Events that wait come first: a partition at its end would take half of the time of one that catches up.
        """
        if self._cursor is None and rest.is_idle:
            options, asked = self._options, self._options.asked()
            since_s = now_s - self._ended_at_s if self._ended_at_s is not None else _AT_MOST_EVERY_S
            is_settled = min(rest.idle_s(now_s), rest.same_model_s(now_s)) >= options.rest_s or (
                is_present(state, now_ms) and since_s >= _AT_MOST_EVERY_S
            )
            now = Circumstances(asked, options.rescore == "auto", is_settled, options.period_ms)
            if is_due(state, scorer, now):
                self._cursor, self._answers, self._seen = 0, asked, 0
        return self.is_under_way and not self._options.is_behind()

    async def customers(self, now_s: float) -> list[str]:
        """The next customers to look at, possibly none; with the last of them it is not under way any more."""
        cursor, found = await self._store.customers(self._cursor or 0, _KEYS_AT_ONCE)
        self._cursor = cursor or None
        self._seen += len(found)
        if self._cursor is None:
            self._ended_at_s = now_s
        return found

    def done(self, state: PartitionState, scorer: Scorer) -> Rescored:
        """What to note with the last customers."""
        return rescored(state, scorer, self._answers, self._seen)
