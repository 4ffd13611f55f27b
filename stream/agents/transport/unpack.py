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
from typing import Any, Final, NamedTuple, Protocol

from aiokafka.consumer.fetcher import (  # type: ignore[import-untyped]
    READ_COMMITTED,
    Fetcher,
    FetchError,
    FetchResult,
    PartitionRecords,
)
from aiokafka.errors import CorruptRecordException  # type: ignore[import-untyped]
from faust.types import TP

from stream.agents.transport.inflate import UnpackError, limit_unpacking

__all__ = ["UnpackedRecords", "Wanted", "take_unpacked"]


_LOG = logging.getLogger(__name__)

#: Longer than any value that is parsed.
_PADDING: Final = b" " * 70_000

limit_unpacking()


class Wanted(Protocol):
    """A live set of partitions: what is in it is asked anew whenever records arrive or the fetch loop is woken."""

    def __contains__(self, tp: TP, /) -> bool: ...


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
    """Takes the place of a ``PartitionRecords`` that nothing was read from yet.

    Each iteration gives the next ``piece`` records, fewer if there are no more. All that came at once take thirty times
    as much memory as their response, and a worker that catches up has a response of each partition.
    """

    def __init__(self, records: PartitionRecords, piece: int) -> None:
        # not started, and refers to the records, which refer to it: a megabyte would stay until garbage is looked for
        records._records_iterator = None
        self._records = records
        self._piece = piece
        #: Of the last batch, what the next iteration begins with, and where the log goes on after it.
        self._left: list[Any] = []
        self._end: int = records.next_fetch_offset
        #: Where the log goes on after what was iterated.
        self.next_fetch_offset: int = records.next_fetch_offset

    def __iter__(self) -> Iterator[Any]:
        taken, self._left = self._left, []
        source = self._records._records
        while len(taken) < self._piece and source.has_next():
            batch = source.next_batch()
            if self._records._check_crcs and not batch.validate_crc():
                if taken:  # what is before it is sound; the damaged batch is fetched again, alone
                    break
                raise CorruptRecordException(f"{self._records._tp}: wrong CRC after offset {self._end}")
            if not self._is_visible(batch):
                self._end = batch.next_offset
                continue
            try:
                unpacked = list(batch)
            except UnpackError as error:
                unpacked = [_stand_in(batch, error)]
            if unpacked and unpacked[0].offset < self._end:
                # the broker sends whole batches, also when the position is in the middle of one
                unpacked = [record for record in unpacked if record.offset >= self._end]
            taken += unpacked
            # the end of the batch, not of its last record: compaction may have removed that one
            self._end = batch.next_offset
        taken, self._left = taken[: self._piece], taken[self._piece :]
        self.next_fetch_offset = self._left[0].offset if self._left else self._end
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


async def take_unpacked(fetcher: Fetcher, wanted: Wanted, piece: int) -> dict[TP, list[Any]]:
    """Of what has arrived at ``fetcher`` for the ``wanted`` partitions, the next ``piece`` records of each.

    Raises what aiokafka found instead of records, and CorruptRecordException for a batch with a wrong checksum; then
    nothing was taken. If something was, the next call raises. It waits for an assignment that is under way.
    """
    taken: dict[TP, list[Any]] = {}
    if fetcher._subscriptions.reassignment_in_progress:
        # before looking: what arrives meanwhile must not be read in part by aiokafka's own iterator
        await fetcher._subscriptions.wait_for_assignment()
    for tp, result in sorted(fetcher._records.items(), key=lambda item: type(item[1]) is FetchResult):
        if fetcher._subscriptions.reassignment_in_progress:
            break
        if tp not in wanted:
            continue
        if type(result) is FetchResult and type(result._partition_records) is PartitionRecords:
            result._partition_records = UnpackedRecords(result._partition_records, piece)
        try:
            taken |= await fetcher.fetched_records((tp,), max_records=piece)
        except CorruptRecordException as error:
            # in place of what is left of the answer, which begins behind the damaged batch: that is fetched again
            fetcher._records[tp] = FetchError(error=error, backoff=0)
            if taken:
                break
            await fetcher.fetched_records((tp,))  # raises it, and lets the partition be fetched again
    return taken
