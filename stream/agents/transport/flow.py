"""Which partitions may be fetched, and when something last happened. Pure: time and waking are passed in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from faust.types import TP

from stream.agents.transport.fetched_batch import FetchedRecord, RecordBatch
from stream.agents.transport.slot_ledger import Slot, SlotLedger
from stream.errors import StreamError

__all__ = ["BatchFlow", "LastActivity"]


@dataclass(frozen=True, slots=True)
class LastActivity:
    """When something last happened, in seconds of the monotonic clock."""

    #: The fetch loop turned, with or without records.
    polled_at_s: float
    #: A batch was acked.
    acked_at_s: float


class BatchFlow:
    """The ledger, the holds and the queue limit of one consumer.

    A partition is wanted while it is leased, not held, and has fewer than ``queued_batches`` batches that the
    agent has not received. Nothing ever waits for another partition.
    """

    def __init__(self, *, batch_max_records: int, queued_batches: int, monotonic: Callable[[], float]) -> None:
        self.ledger = SlotLedger()
        self._batch_max_records = batch_max_records
        self._queued_batches = queued_batches
        self._monotonic = monotonic
        self._held: set[TP] = set()
        self._polled_at_s = self._acked_at_s = monotonic()
        #: Called when a partition becomes wanted; the consumer wakes its fetch loop.
        self.wake: Callable[[], None] = lambda: None

    @property
    def progress(self) -> LastActivity:
        return LastActivity(self._polled_at_s, self._acked_at_s)

    def wants(self, tp: TP) -> bool:
        """Whether records of the partition may be fetched now. Safe to call from another thread."""
        return tp in self.ledger and tp not in self._held and self.ledger.unreceived(tp) < self._queued_batches

    def hold(self, tp: TP) -> None:
        """Fetch nothing of the partition until `release`; what was fetched already may still arrive."""
        self._held.add(tp)

    def release(self, tp: TP) -> None:
        """Fetch the partition again, at once."""
        self._held.discard(tp)
        self.wake()

    def is_held(self, tp: TP) -> bool:
        return tp in self._held

    def open(self, tp: TP, at: int) -> int:
        """Begin a lease at offset ``at``; forgets slots and hold of the partition. Returns its number."""
        self._held.discard(tp)
        return self.ledger.open(tp, at)

    def close(self, tp: TP) -> None:
        """End the lease of a revoked partition."""
        self._held.discard(tp)
        self.ledger.close(tp)

    def batches(self, tp: TP, lease: int, start: int, end: int, records: Sequence[FetchedRecord]) -> list[RecordBatch]:
        """Cut one fetch of the offsets ``[start, end)`` into batches and enter them in the ledger.

        Offsets after the last record (transaction markers, compacted records) belong to the last batch; a
        fetch without records is done at once. Raises `StreamError` as `SlotLedger.append` does.
        """
        slots = self._slots(tp, lease, start, end, records, self._batch_max_records)
        return [RecordBatch(part, slot, self) for part, slot in slots]

    def singles(
        self, tp: TP, lease: int, start: int, end: int, records: Sequence[FetchedRecord]
    ) -> list[tuple[FetchedRecord, Slot]]:
        """As `batches`, with a slot for each record; they count as received."""
        slots = self._slots(tp, lease, start, end, records, 1)
        for _, slot in slots:
            self.ledger.receive(slot)
        return [(part[0], slot) for part, slot in slots]

    def _slots(
        self, tp: TP, lease: int, start: int, end: int, records: Sequence[FetchedRecord], size: int
    ) -> list[tuple[Sequence[FetchedRecord], Slot]]:
        if not records:
            self.ledger.ack(self.ledger.append(tp, lease, start, end))
        parts = [records[first : first + size] for first in range(0, len(records), size)]
        slots = []
        for part in parts:
            part_end = end if part is parts[-1] else part[-1].offset + 1
            slots.append((part, self.ledger.append(tp, lease, start, part_end)))
            start = part_end
        return slots

    def polled(self) -> None:
        """Note that the fetch loop turned."""
        self._polled_at_s = self._monotonic()

    def receive_next(self, slot: Slot) -> bool:
        """See `RecordBatch.receive`."""
        is_current = self.receive(slot)
        received_to = self.ledger.received_to(slot.tp)
        if is_current and received_to is not None and received_to < slot.end:
            raise StreamError(
                f"{slot.tp}: expected the batch from offset {received_to} on, got [{slot.start}, {slot.end}); "
                "restart the worker, which positions the partition again"
            )
        return is_current

    def receive(self, slot: Slot) -> bool:
        """Note that a slot has been received. Returns whether its lease is open."""
        was_full = self.ledger.unreceived(slot.tp) >= self._queued_batches
        is_current = self.ledger.receive(slot)
        if was_full and self.wants(slot.tp):
            self.wake()
        return is_current

    def ack(self, slot: Slot) -> bool:
        """See `RecordBatch.ack`."""
        if not (self.receive(slot) and self.ledger.ack(slot)):
            return False
        self._acked_at_s = self._monotonic()
        return True
