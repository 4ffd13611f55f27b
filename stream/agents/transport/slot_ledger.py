"""Which offsets are safe to commit, and which batches are still worth processing. Pure: no broker, no clock.

A *lease* begins whenever a partition is positioned (assignment, rewind) and ends when it is positioned anew
or revoked. Within a lease, what is fetched becomes *slots*, in fetch order::

      opened at 100       350               500             900
           |    slot a     |     slot b      |    slot c     |
           +---------------+-----------------+---------------+
             done            not done          done            committable: 350

Slots cover the log without holes, also where compaction or transaction markers leave offsets that have no
record. So *committable* is exact, whatever the order of the acks, and a hole is noticed instead of skipped.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from faust.types import TP

from stream.errors import StreamError

__all__ = ["Slot", "SlotLedger"]


@dataclass(slots=True, eq=False)
class Slot:
    """The offsets ``[start, end)`` of a partition, by identity: after a rewind the same ones come again."""

    tp: TP
    lease: int
    start: int
    end: int
    received: bool = False
    done: bool = False


@dataclass(slots=True)
class _Lease:
    number: int
    fetched_to: int
    received_to: int
    done_to: int
    unreceived: deque[Slot] = field(default_factory=deque)
    undone: deque[Slot] = field(default_factory=deque)


class SlotLedger:
    """The slots of all assigned partitions. Those of an ended lease are forgotten: acks do nothing to them.

    >>> ledger, tp = SlotLedger(), TP("events.click", 0)
    >>> lease = ledger.open(tp, at=100)
    >>> first = ledger.append(tp, lease, 100, 350)
    >>> second = ledger.append(tp, lease, 350, 900)
    >>> ledger.ack(second), ledger.committable(tp)
    (True, 100)
    >>> ledger.ack(first), ledger.committable(tp)
    (True, 900)
    """

    def __init__(self) -> None:
        self._numbers = count(1)
        self._leases: dict[TP, _Lease] = {}

    def __iter__(self) -> Iterator[TP]:
        return iter(tuple(self._leases))

    def __contains__(self, tp: object) -> bool:
        return tp in self._leases

    def open(self, tp: TP, at: int) -> int:
        """Begin a lease at offset ``at`` and end the one before. Returns its number, never used again."""
        number = next(self._numbers)
        self._leases[tp] = _Lease(number, at, at, at)
        return number

    def close(self, tp: TP) -> None:
        """End the lease of a revoked partition, if there is one."""
        self._leases.pop(tp, None)

    def lease(self, tp: TP) -> int | None:
        """The number of the lease that is open, ``None`` if the partition is not ours."""
        lease = self._leases.get(tp)
        return None if lease is None else lease.number

    def is_current(self, slot: Slot) -> bool:
        """Whether the lease of the slot is still open."""
        return self.lease(slot.tp) == slot.lease

    def append(self, tp: TP, lease: int, start: int, end: int) -> Slot:
        """Add the slot ``[start, end)``, fetched under ``lease``.

        Raises `StreamError` if that lease is not open, or if ``start`` is not where the slot before ended.
        """
        current = self._leases.get(tp)
        if current is None or current.number != lease:
            raise StreamError(f"{tp}: expected records of the open lease, got lease {lease}: drop them")
        if start != current.fetched_to or end <= start:
            raise StreamError(
                f"{tp}: expected records from offset {current.fetched_to} on, got [{start}, {end}); "
                "restart the worker, which positions the partition again"
            )
        current.fetched_to = end
        slot = Slot(tp, lease, start, end)
        current.unreceived.append(slot)
        current.undone.append(slot)
        return slot

    def receive(self, slot: Slot) -> bool:
        """Note that the consumer of the slot has it. Returns whether the lease is open."""
        lease = self._open_lease(slot)
        if lease is None:
            return False
        slot.received = True
        while lease.unreceived and lease.unreceived[0].received:
            lease.received_to = lease.unreceived.popleft().end
        return True

    def ack(self, slot: Slot) -> bool:
        """Mark the slot done. Returns whether that was news: not twice, and not after the lease ended."""
        lease = self._open_lease(slot)
        if lease is None or slot.done:
            return False
        slot.done = True
        while lease.undone and lease.undone[0].done:
            lease.done_to = lease.undone.popleft().end
        self.receive(slot)
        return True

    def committable(self, tp: TP) -> int | None:
        """The end of the longest done prefix, ``None`` if the partition is not ours.

        With nothing done it is where the lease was opened: what is before that was done earlier.
        """
        lease = self._leases.get(tp)
        return None if lease is None else lease.done_to

    def fetched_to(self, tp: TP) -> int | None:
        """The offset after the last slot, ``None`` if the partition is not ours."""
        lease = self._leases.get(tp)
        return None if lease is None else lease.fetched_to

    def received_to(self, tp: TP) -> int | None:
        """The first offset that the consumer has not received, ``None`` if the partition is not ours."""
        lease = self._leases.get(tp)
        return None if lease is None else lease.received_to

    def unreceived(self, tp: TP) -> int:
        """How many slots wait to be received."""
        lease = self._leases.get(tp)
        return 0 if lease is None else len(lease.unreceived)

    def _open_lease(self, slot: Slot) -> _Lease | None:
        lease = self._leases.get(slot.tp)
        return lease if lease is not None and lease.number == slot.lease else None
