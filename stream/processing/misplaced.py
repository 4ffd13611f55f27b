"""Events of customers who belong to another partition: found, and sent where they belong.

A client with another partitioner than Java's (CRC32 is the default of librdkafka) puts customers elsewhere. Where the
same customer also sends through a right client, two partitions would each keep half of them. So the owner of the wrong
partition applies nothing: it publishes the record again, under its key, and the right partition takes it in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from stream.compiling import jit
from stream.events.joined_ids import joined_ids
from stream.events.rejections import Defect, Rejection
from stream.processing.align import Taken
from stream.processing.json_text import fragments
from stream.processing.state import Outgoing

__all__ = ["FORWARDED_FROM", "PartitionPlacement", "partitions_of_keys"]

#: Header of a record that was sent on: the number of the partition in which it lay.
FORWARDED_FROM: Final = "stream.forwarded_from"

_MASK = 0xFFFFFFFF
_SEED = 0x9747B28C
_M = 0x5BD1E995


@jit
def _partitions_of(raw, starts, partitions, out):  # type: ignore[no-untyped-def]
    """`stream.events.partitioner.partition_of` of each key of ``raw``; kept to the low 32 bits."""
    for row in range(out.shape[0]):
        begin = starts[row]
        length = starts[row + 1] - begin
        h = (_SEED ^ length) & _MASK
        body = length & ~3
        for at in range(begin, begin + body, 4):
            k = np.int64(0)
            for j in range(4):
                k |= np.int64(raw[at + j]) << (8 * j)
            k = (k * _M) & _MASK
            k = ((k ^ (k >> 24)) * _M) & _MASK
            h = ((h * _M) & _MASK) ^ k
        if length > body:
            k = np.int64(0)
            for j in range(length - body):
                k |= np.int64(raw[begin + body + j]) << (8 * j)
            h = ((h ^ k) * _M) & _MASK
        h = ((h ^ (h >> 13)) * _M) & _MASK
        h ^= h >> 15
        out[row] = (h & 0x7FFFFFFF) % partitions


def partitions_of_keys(keys: Sequence[bytes], partitions: int) -> list[int]:
    """The partition, of ``partitions``, of each key, as `stream.events.partitioner.partition_of` gives it.

    >>> partitions_of_keys([b"foobar", b""], 12)
    [6, 9]
    """
    found = np.empty(len(keys), np.int64)
    _partitions_of(*fragments(keys), partitions, found)
    numbers: list[int] = found.tolist()
    return numbers


def _partitions(customers: Sequence[str], partitions: int) -> npt.NDArray[np.int64]:
    found = np.empty(len(customers), np.int64)
    _partitions_of(*joined_ids(customers), partitions, found)
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class PartitionPlacement:
    """One partition of ``partitions``. ``forward``: send misplaced events on; False: they become dead letters."""

    partition: int
    partitions: int
    forward: bool = True

    def misplaced(self, customers: Sequence[str]) -> list[str]:
        """Those of ``customers`` who belong to another partition."""
        if not customers:
            return []
        elsewhere = np.flatnonzero(_partitions(customers, self.partitions) != self.partition)
        return [customers[row] for row in elsewhere.tolist()]

    def sort_out(self, taken: Taken, customers: Sequence[str]) -> Taken:
        """``taken`` with the events of ``customers``, who belong elsewhere, in ``forwarded`` or among the rejections.

        A record that was sent on once is never sent on again: then topics and settings differ in their partitions.
        """
        if not customers:
            return taken
        elsewhere = set(customers)
        kept, forwarded, rejections = [], list(taken.forwarded), list(taken.rejections)
        for position, customer in enumerate(taken.customer_ids):
            if customer not in elsewhere:
                kept.append(position)
                continue
            source, record = int(taken.sources[position]), taken.records[position]
            if self.forward and all(name != FORWARDED_FROM for name, _ in record.headers or ()):
                forwarded.append((source, record))
            else:
                rejections.append((source, record, Rejection(0, Defect.WRONG_PARTITION, self._why(customer))))
        return dataclasses.replace(taken.only(np.array(kept, np.int64)), rejections=rejections, forwarded=forwarded)

    def forwarding(self, record: Any, topic: str) -> Outgoing:
        """The forwarded record: unchanged, with its origin in a header."""
        headers = [*(record.headers or ()), (FORWARDED_FROM, str(self.partition).encode())]
        return Outgoing(topic, record.key, record.value, headers)

    def _why(self, customer: str) -> str:
        (right,) = _partitions([customer], self.partitions).tolist()
        return (
            f"customer {customer[:64]!r} belongs to partition {right} of {self.partitions}, not {self.partition}: "
            "let the producer use Java's partitioner (murmur2)"
        )
