"""A record batch, version 2: https://kafka.apache.org/documentation/#recordbatch."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import KafkaError  # type: ignore[import-untyped]
from aiokafka.record.default_records import (  # type: ignore[import-untyped]
    DefaultRecordBatch,
    DefaultRecordBatchBuilder,
)
from aiokafka.record.util import calc_crc32c  # type: ignore[import-untyped]

__all__ = ["BatchError", "StoredBatch", "batches_of", "kept_of", "records_of", "stamped"]

#: baseOffset, batchLength, partitionLeaderEpoch, magic, crc, attributes, lastOffsetDelta, baseTimestamp, maxTimestamp,
#: producerId, producerEpoch, baseSequence, records
_HEADER = struct.Struct(">qiibIhiqqqhii")
_CRC_AT, _CRC_FROM = 17, 21
_ATTRIBUTES_AT, _MAX_TIMESTAMP_AT = 21, 35
_DELTA_AT, _LENGTH_FROM = 23, 12
_CODEC, _NO_LIMIT = 0x07, 1 << 30
_MAGIC = 2
_APPEND_TIME, _TRANSACTIONAL, _CONTROL = 0x08, 0x10, 0x20


class BatchError(ValueError):
    """No whole batch of version 2, a wrong checksum, a transaction, or what cannot be unpacked."""


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """One batch as it was sent. ``producer_id`` is -1 for a producer that is not idempotent; times are in ms."""

    body: bytes
    count: int
    max_timestamp: int
    producer_id: int
    epoch: int
    sequence: int


def batches_of(records: bytes) -> Iterator[StoredBatch]:
    """The batches of a produce request. Raises `BatchError`; until then whole and sound ones are yielded."""
    at = 0
    while at < len(records):
        if len(records) - at < _HEADER.size:
            raise BatchError("it ends within a header")
        (_, length, _, magic, crc, attributes, delta, _, newest, producer, epoch, sequence, _) = _HEADER.unpack_from(
            records, at
        )
        end = at + _LENGTH_FROM + length
        if magic != _MAGIC:
            raise BatchError(f"message format {magic} instead of {_MAGIC}")
        if length < _HEADER.size - _LENGTH_FROM or end > len(records) or delta < 0:
            raise BatchError("it is incomplete")
        if attributes & (_TRANSACTIONAL | _CONTROL):
            raise BatchError("transactions are not supported")
        body = records[at:end]
        if calc_crc32c(body[_CRC_FROM:]) != crc:
            raise BatchError("its checksum is wrong")
        yield StoredBatch(body, delta + 1, newest, producer, epoch, sequence)
        at = end


def stamped(batch: StoredBatch, base_offset: int, append_time_ms: int | None) -> bytes:
    """The batch at its place in the log; with ``append_time_ms`` that is the time of all its records."""
    body = bytearray(batch.body)
    struct.pack_into(">q", body, 0, base_offset)
    struct.pack_into(">i", body, 12, 0)  # the leader epoch: there is one leader only, ever
    if append_time_ms is not None:
        (attributes,) = struct.unpack_from(">h", body, _ATTRIBUTES_AT)
        struct.pack_into(">h", body, _ATTRIBUTES_AT, attributes | _APPEND_TIME)
        struct.pack_into(">q", body, _MAX_TIMESTAMP_AT, append_time_ms)
        struct.pack_into(">I", body, _CRC_AT, calc_crc32c(bytes(body[_CRC_FROM:])))
    return bytes(body)


def records_of(body: bytes) -> list[tuple[int, bytes | None, bytes | None]]:
    """Offset, key and value of each record of a batch. Raises `BatchError`."""
    return [(record.offset, record.key, record.value) for record in _read(body)]


def kept_of(body: bytes, stays: Callable[[int, bytes | None, bytes | None], bool]) -> bytes | None:
    """A batch with those of its records alone that ``stays`` wants by offset, key and value; None for none of them.

    They keep their offsets, and the batch its last one: who has read it goes on behind that. Raises `BatchError`.
    """
    records = _read(body)
    kept = [record for record in records if stays(record.offset, record.key, record.value)]
    if len(kept) == len(records):
        return body
    if not kept:
        return None
    base, _, epoch_of_leader, _, _, attributes, delta, _, newest, producer, epoch, sequence, _ = _HEADER.unpack_from(
        body
    )
    builder = DefaultRecordBatchBuilder(_MAGIC, attributes & _CODEC, False, producer, epoch, sequence, _NO_LIMIT)
    for record in kept:
        builder.append(record.offset - base, record.timestamp, record.key, record.value, [*record.headers])
    made = bytearray(builder.build())
    struct.pack_into(">q", made, 0, base)
    struct.pack_into(">i", made, 12, epoch_of_leader)
    struct.pack_into(">h", made, _ATTRIBUTES_AT, attributes)
    struct.pack_into(">i", made, _DELTA_AT, delta)
    struct.pack_into(">q", made, _MAX_TIMESTAMP_AT, newest)
    struct.pack_into(">I", made, _CRC_AT, calc_crc32c(bytes(made[_CRC_FROM:])))
    return bytes(made)


def _read(body: bytes) -> list[Any]:
    try:
        return [*DefaultRecordBatch(body)]
    except (KafkaError, ValueError, RuntimeError, struct.error) as error:
        raise BatchError(f"it cannot be unpacked: {error}") from error
