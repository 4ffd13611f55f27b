"""What a partition worker needs of the transport: fetched batches, and inputs that can be held and rewound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from stream.events.record import Record

__all__ = ["Batch", "EventBatch", "Inputs"]


class Batch(Protocol):
    """A fetched batch of records of one topic partition."""

    @property
    def records(self) -> Sequence[Record]: ...
    @property
    def is_current(self) -> bool: ...
    def ack(self) -> object: ...


class EventBatch(Batch, Protocol):
    """One of events or examples, which may wait for long."""

    def keep(self, records: Sequence[Record]) -> None:
        """Hold the same records in another form, or none of them, when only `ack` is left to be called."""
        ...


class Inputs(Protocol):
    """The transport as one partition index sees it; ``source`` is the position of the topic."""

    def at_end(self, source: int) -> bool:
        """Whether everything that is in the log of this input has been received."""
        ...

    def lag(self, source: int) -> int | None:
        """Records of the log of this input that have not been received; None while its end is unknown."""
        ...

    def hold(self, source: int) -> None:
        """Stop fetching this input for now."""
        ...

    def release(self, source: int) -> None:
        """Fetch this input again."""
        ...

    async def rewind(self, offsets: Mapping[str, int]) -> None:
        """Go back to these offsets by topic, without one to the beginning; older batches are not current any more."""
        ...
