"""Records of a fetch response, a compressed batch at a time.

aiokafka hands out one Python object for each record, made by a generator, at a third of what a worker spends on an
event. The records that its C code unpacks offer all that is needed, so here they are taken as they are.

A batch that cannot be unpacked, because it is damaged or because it would fill the memory, must not end the worker: it
would be read again for ever. One record that is too large stands for it, which becomes a dead letter.
"""

# ruff: noqa: SLF001  # the rules about transactions are those of aiokafka's own iterator, which is private

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from aiokafka.consumer.fetcher import (  # type: ignore[import-untyped]
    READ_COMMITTED,
    Fetcher,
    FetchResult,
    PartitionRecords,
)
from aiokafka.errors import CorruptRecordException  # type: ignore[import-untyped]

from stream.agents.transport.inflate import UnpackError, limit_unpacking

__all__ = ["UnpackedRecords", "unpack_in_batches"]


_LOG = logging.getLogger(__name__)

#: Longer than any value that is parsed.
_PADDING: Final = b" " * 70_000

limit_unpacking()


class _StandIn(NamedTuple):
    """Looks like a record of aiokafka."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes
    value: bytes
    headers: tuple[()] = ()
    checksum: None = None


def _stand_in(batch: Any, error: UnpackError) -> _StandIn:
    first, last = batch.base_offset, batch.next_offset - 1
    _LOG.error("the records at offsets %d to %d are left out: %s", first, last, error)
    value = f"the records at offsets {first} to {last} cannot be unpacked: {error}".encode() + _PADDING
    return _StandIn(last, batch.max_timestamp, batch.timestamp_type or 0, b"", value)


class UnpackedRecords:
    """Takes the place of a ``PartitionRecords`` that nothing was read from yet; iterate once."""

    def __init__(self, records: PartitionRecords) -> None:
        self._records = records
        #: Where the log goes on after what was iterated.
        self.next_fetch_offset: int = records.next_fetch_offset

    def __iter__(self) -> Iterator[Any]:
        taken: list[Any] = []
        source = self._records._records
        while source.has_next():
            batch = source.next_batch()
            if self._records._check_crcs and not batch.validate_crc():
                if taken:  # what is before it is sound; the damaged batch is fetched again, alone
                    break
                raise CorruptRecordException(f"{self._records._tp}: wrong CRC after offset {self.next_fetch_offset}")
            if not self._is_visible(batch):
                self.next_fetch_offset = batch.next_offset
                continue
            try:
                unpacked = list(batch)
            except UnpackError as error:
                unpacked = [_stand_in(batch, error)]
            if unpacked and unpacked[0].offset < self.next_fetch_offset:
                # the broker sends whole batches, also when the position is in the middle of one
                unpacked = [record for record in unpacked if record.offset >= self.next_fetch_offset]
            taken += unpacked
            # the end of the batch, not of its last record: compaction may have removed that one
            self.next_fetch_offset = batch.next_offset
        return iter(taken)

    def _is_visible(self, batch: Any) -> bool:
        """Whether a batch has records for us: no control batch, not of an aborted transaction."""
        records = self._records
        if records._isolation_level == READ_COMMITTED and batch.producer_id is not None:
            records._consume_aborted_up_to(batch.base_offset)
            if batch.is_control_batch and records._contains_abort_marker(batch):
                records._aborted_producers.discard(batch.producer_id)
            if batch.is_transactional and batch.producer_id in records._aborted_producers:
                return False
        return not batch.is_control_batch


def unpack_in_batches(fetcher: Fetcher) -> None:
    """Let what has arrived at ``fetcher``, and was not read from, be unpacked in batches."""
    for result in fetcher._records.values():
        if type(result) is FetchResult and type(result._partition_records) is PartitionRecords:
            result._partition_records = UnpackedRecords(result._partition_records)
