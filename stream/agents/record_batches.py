"""Record batches, version 2, from records that are published: https://kafka.apache.org/documentation/#recordbatch.

A batch is made as a whole: the parts of its records are looked up, put in turns and joined. A client that takes one
record after the other allocates, locks and counts for each, at five times the CPU time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from aiokafka.codec import lz4_encode  # type: ignore[import-untyped]
from aiokafka.record.util import calc_crc32c  # type: ignore[import-untyped]

from stream.errors import PublishError
from stream.processing.state import Outgoing

__all__ = ["MAX_RECORD_BYTES", "ProducerId", "PublishedBatch", "batches_of"]

#: A longer record is refused. Brokers refuse a batch of more than that and its header, by default.
MAX_RECORD_BYTES: Final = 1_048_576
#: About so many bytes in a batch, before they are compressed.
_BATCH_BYTES: Final = 1_000_000
#: Bytes of a record beside key, value and headers, at most: lengths, attributes, time, position.
_FRAME_BYTES: Final = 24

#: What comes before the checksum, and what it is over: attributes, lastOffsetDelta, baseTimestamp, maxTimestamp,
#: producerId, producerEpoch, baseSequence, records.
_PREFIX: Final = struct.Struct(">qiibI")
_HEADER: Final = struct.Struct(">hiqqqhii")
_MAGIC: Final = 2
_LZ4: Final = 3
#: The length counts from the leader's epoch on.
_COUNTED: Final = 9
#: The fastest; brokers take whatever the level.
_LEVEL: Final = 1

#: Where the length of an encoded number grows.
_LONGER_FROM: Final = np.array([1 << 6, 1 << 13, 1 << 20, 1 << 27])
#: Attributes, and how much later than the batch: not.
_SAME_TIME: Final = b"\0\0"
_PARTS: Final = 8
_NULL: Final = -1
#: Marks a byte of a number that others follow; each has seven bits.
_MORE: Final = 0x80


@dataclass(frozen=True, slots=True)
class ProducerId:
    """Who a broker takes for the same producer, so that it takes no batch twice."""

    id: int
    epoch: int


@dataclass(frozen=True, slots=True)
class PublishedBatch:
    """``count`` records for one partition, of the time ``at_ms``. ``attributes``: how ``records`` is compressed."""

    count: int
    at_ms: int
    attributes: int
    records: bytes

    def sent_by(self, producer: ProducerId, sequence: int) -> bytes:
        """The whole batch; ``sequence``: how many records ``producer`` has sent to the partition before."""
        header = _HEADER.pack(
            self.attributes,
            self.count - 1,
            self.at_ms,
            self.at_ms,
            producer.id,
            producer.epoch,
            sequence,
            self.count,
        )
        checked = header + self.records
        return _PREFIX.pack(0, len(checked) + _COUNTED, -1, _MAGIC, calc_crc32c(checked)) + checked


def batches_of(records: Sequence[Outgoing], at_ms: int) -> list[PublishedBatch]:
    """Batches of records for one partition, in their order. Raises `PublishError` for one that is too large."""
    keys = [record.key for record in records]
    values = [record.value for record in records]
    headers = _encoded_headers([record.headers for record in records])
    sizes = [_lengths(keys), _lengths(values), _lengths(headers)]
    total = np.maximum(sizes[0], 0) + np.maximum(sizes[1], 0) + sizes[2]
    if (total > MAX_RECORD_BYTES).any():
        position = int(np.argmax(total > MAX_RECORD_BYTES))
        raise PublishError(
            f"record {position + 1} of {len(records)} for {records[position].topic} was refused: it has "
            f"{total[position]:,} bytes, and {MAX_RECORD_BYTES:,} are allowed"
        )
    batches = []
    for begin, end in _parted(total + _FRAME_BYTES):
        part = slice(begin, end)
        text = _text((keys[part], values[part], headers[part]), tuple(size[part] for size in sizes))
        packed = lz4_encode(text, level=_LEVEL)
        is_smaller = len(packed) < len(text)
        batches.append(
            PublishedBatch(end - begin, at_ms, _LZ4 if is_smaller else 0, packed if is_smaller else text),
        )
    return batches


def _parted(sizes: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Where batches begin and end, so that none has more than `_BATCH_BYTES`, but for a single record."""
    ends = np.cumsum(sizes)
    bounds = [0]
    while bounds[-1] < len(sizes):
        before = int(ends[bounds[-1] - 1]) if bounds[-1] else 0
        fits = int(np.searchsorted(ends, before + _BATCH_BYTES, side="right"))
        bounds.append(max(fits, bounds[-1] + 1))
    return pairwise(bounds)


def _text(
    columns: tuple[Sequence[bytes | None], Sequence[bytes | None], Sequence[bytes]],
    sizes: tuple[npt.NDArray[np.int64], ...],
) -> bytes:
    """Records end to end: length, attributes and time, position, key, value, headers."""
    keys, values, headers = columns
    of_key, of_value, of_headers = sizes
    count = len(keys)
    positions = np.arange(count)
    length = len(_SAME_TIME) + _encoded_size(positions) + _encoded_size(of_key) + _encoded_size(of_value) + of_headers
    length += np.maximum(of_key, 0) + np.maximum(of_value, 0)
    parts: list[bytes | None] = [_SAME_TIME] * (_PARTS * count)
    parts[0::_PARTS] = _numbers(length)
    parts[2::_PARTS] = _numbers(positions)
    parts[3::_PARTS] = _numbers(of_key)
    parts[4::_PARTS] = keys
    parts[5::_PARTS] = _numbers(of_value)
    parts[6::_PARTS] = values
    parts[7::_PARTS] = headers
    if min(of_key.min(), of_value.min()) == _NULL:
        parts = [part or b"" for part in parts]
    return b"".join(parts)  # type: ignore[arg-type]  # no None is left


def _encoded_headers(headers: Sequence[Sequence[tuple[str, bytes | None]]]) -> list[bytes]:
    """The headers of each record; most records share theirs, which are encoded once."""
    known: dict[int, bytes] = {}
    for position, one in zip(map(id, headers), headers, strict=True):
        if position not in known:
            known[position] = _headers(one)
    return list(map(known.__getitem__, map(id, headers)))


def _headers(headers: Sequence[tuple[str, bytes | None]]) -> bytes:
    parts = [_number(len(headers))]
    for name, value in headers:
        encoded = name.encode()
        parts += [_number(len(encoded)), encoded, _number(_NULL if value is None else len(value)), value or b""]
    return b"".join(parts)


def _lengths(texts: Sequence[bytes | None]) -> npt.NDArray[np.int64]:
    """The length of each, -1 of None."""
    try:
        return np.fromiter(map(len, texts), np.int64, len(texts))  # type: ignore[arg-type]  # None raises
    except TypeError:
        return np.fromiter((_NULL if text is None else len(text) for text in texts), np.int64, len(texts))


def _encoded_size(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many bytes each number takes, from -1 on."""
    return np.searchsorted(_LONGER_FROM, numbers, side="right") + 1


def _numbers(numbers: npt.NDArray[np.int64]) -> Iterable[bytes]:
    if len(numbers) and numbers.min() >= 0 and numbers.max() < len(_ENCODED):
        return map(_ENCODED.__getitem__, numbers.tolist())
    return map(_number, numbers.tolist())


def _number(value: int) -> bytes:
    """A number as Kafka's records have it: zigzag, then seven bits a byte, the lowest first."""
    rest = (value << 1) ^ (value >> 63)
    encoded = bytearray()
    while rest >= _MORE:
        encoded.append(rest % _MORE | _MORE)
        rest //= _MORE
    encoded.append(rest)
    return bytes(encoded)


_ENCODED: Final = [_number(value) for value in range(8192)]
