"""What an agent receives: records of one partition that were fetched together."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from faust.types import TP

from stream.agents.transport.slot_ledger import Slot
from stream.events.record import Record

if TYPE_CHECKING:
    from stream.agents.transport.flow import BatchFlow

__all__ = ["FetchedRecord", "RecordBatch"]


class FetchedRecord(Protocol):
    """A Kafka record, as aiokafka decodes it."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...  # milliseconds since the epoch
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class RecordBatch:
    """Records of one partition in offset order, at least one.

    `ack` is the only way to mark it done. Faust's own acks (``event.ack()``, the end of an agent's loop body,
    an exception in it) do nothing to a batch, so a batch that failed is never committed.
    """

    __slots__ = ("_flow", "_slot", "records")

    def __init__(self, records: Sequence[Record], slot: Slot, flow: "BatchFlow") -> None:
        self.records = records
        self._slot = slot
        self._flow = flow

    @property
    def tp(self) -> TP:
        return self._slot.tp

    @property
    def first_offset(self) -> int:
        """Offset of the first record."""
        return self.records[0].offset

    @property
    def last_offset(self) -> int:
        """Offset of the last record."""
        return self.records[-1].offset

    @property
    def start_offset(self) -> int:
        """Where the batch before it in this lease ended, or the lease began; the first record may come later."""
        return self._slot.start

    @property
    def next_offset(self) -> int:
        """Where the log goes on after this batch, beyond offsets without a record: the offset to store."""
        return self._slot.end

    @property
    def lease(self) -> int:
        """Number of the lease they were fetched under; every assignment and rewind begins a new one."""
        return self._slot.lease

    @property
    def is_current(self) -> bool:
        """Whether the lease is open. If not, drop the batch: its records come again, here or elsewhere."""
        return self._flow.ledger.is_current(self._slot)

    def receive(self) -> bool:
        """Note that the agent has the batch, so that fetching goes on. Returns `is_current`.

        Raises `StreamError` if a batch before it in this lease has not come: it would be skipped.
        """
        return self._flow.receive_next(self._slot)

    def keep(self, records: Sequence[Record]) -> None:
        """Hold the same records in another form, or none of them, when only `ack` is left to be called."""
        self.records = records

    def ack(self) -> bool:
        """Mark it done, from any task of the event loop. Returns whether it counts (once, in time)."""
        return self._flow.ack(self._slot)

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __repr__(self) -> str:
        return (
            f"<RecordBatch {self.tp.topic}/{self.tp.partition} [{self.start_offset}, {self.next_offset}) "
            f"lease={self.lease}>"
        )
