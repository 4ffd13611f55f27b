"""Record batches, version 2, from records that are published: https://kafka.apache.org/documentation/#recordbatch."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka.record.default_records import DefaultRecordBatchBuilder  # type: ignore[import-untyped]
from aiokafka.record.util import calc_crc32c  # type: ignore[import-untyped]

from stream.errors import PublishError
from stream.processing.state import Outgoing

__all__ = ["MAX_BATCH_BYTES", "ProducerId", "PublishedBatch", "batches_of"]

#: By default, brokers refuse a batch of more.
MAX_BATCH_BYTES: Final = 1_048_588
#: A batch with several records has at most so many bytes before it is compressed.
_BATCH_BYTES: Final = 1_000_000
_MAGIC: Final = 2
#: It takes less CPU time than aiokafka's LZ4, which tries its best.
_SNAPPY: Final = 2
_NOBODY: Final = -1
#: Where the checksum is, and what it is over; producerId, producerEpoch and baseSequence.
_CRC: Final = struct.Struct(">I")
_CRC_AT, _CRC_FROM = 17, 21
_SENDER: Final = struct.Struct(">qhi")
_SENDER_AT: Final = 43


@dataclass(frozen=True, slots=True)
class ProducerId:
    """Who a broker takes for the same producer, so that it takes no batch twice."""

    id: int
    epoch: int


@dataclass(frozen=True, slots=True)
class PublishedBatch:
    """``count`` records for one partition. ``body``: the batch, of no producer."""

    count: int
    body: bytes

    def sent_by(self, producer: ProducerId, sequence: int) -> bytes:
        """The batch; ``sequence``: how many records ``producer`` has sent to the partition before."""
        sent = bytearray(self.body)
        _SENDER.pack_into(sent, _SENDER_AT, producer.id, producer.epoch, sequence)
        _CRC.pack_into(sent, _CRC_AT, calc_crc32c(memoryview(sent)[_CRC_FROM:]))
        return bytes(sent)


def batches_of(records: Sequence[Outgoing], at_ms: int) -> list[PublishedBatch]:
    """Batches of records for one partition, in their order. Raises `PublishError` for one that is too large."""
    batches: list[PublishedBatch] = []
    begin = 0
    while begin < len(records):
        builder = DefaultRecordBatchBuilder(
            _MAGIC,
            _SNAPPY,
            is_transactional=0,
            producer_id=_NOBODY,
            producer_epoch=_NOBODY,
            base_sequence=_NOBODY,
            batch_size=_BATCH_BYTES,
        )
        append, end = builder.append, begin
        # None: the batch is full; it takes any record as the first
        while end < len(records) and append(end - begin, at_ms, (one := records[end]).key, one.value, one.headers):
            end += 1
        body = bytes(builder.build())
        if len(body) > MAX_BATCH_BYTES:
            raise PublishError(
                f"record {end} of {len(records)} for {records[begin].topic} was refused: it makes a batch of "
                f"{len(body):,} bytes, and {MAX_BATCH_BYTES:,} are allowed"
            )
        batches.append(PublishedBatch(end - begin, body))
        begin = end
    return batches
