"""Unpacking whole batches gives the same records as aiokafka's own iterator."""

import resource
import struct
from typing import NamedTuple

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, PartitionRecords  # type: ignore[import-untyped]
from aiokafka.errors import CorruptRecordException  # type: ignore[import-untyped]
from aiokafka.record.default_records import DefaultRecordBatchBuilder  # type: ignore[import-untyped]
from aiokafka.record.memory_records import MemoryRecords  # type: ignore[import-untyped]
from aiokafka.record.util import calc_crc32c  # type: ignore[import-untyped]
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from stream.agents.transport.inflate import MAX_UNPACKED_BYTES
from stream.agents.transport.unpack import UnpackedRecords
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.rejections import Defect

TP0 = TP("events.click", 0)
ABORT, COMMIT = struct.pack(">hh", 0, 0), struct.pack(">hh", 0, 1)
_CONTROL_BIT, _CRC_AT, _ATTRIBUTES_AT, _BASE_OFFSET_AT = 0x20, 17, 21, 0


def batch(
    base: int,
    offsets: list[int],
    producer: int | None = None,
    marker: bytes | None = None,
    *,
    codec: int = 0,
    fill: int = 0,
) -> bytes:
    """An encoded batch at offset ``base``: records at relative ``offsets``, or the control record ``marker``."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codec,
        is_transactional=producer is not None,
        producer_id=-1 if producer is None else producer,
        producer_epoch=0,
        base_sequence=0,
        batch_size=1 << 30,
    )
    if marker is not None:
        builder.append(0, timestamp=1, key=marker, value=b"", headers=[])
    for offset in offsets:
        builder.append(
            offset, timestamp=1000 + base, key=b"k%d" % offset, value=b"v%d" % (base + offset) + b"x" * fill, headers=[]
        )
    encoded = bytearray(builder.build())
    struct.pack_into(">q", encoded, _BASE_OFFSET_AT, base)
    if marker is not None:
        (attributes,) = struct.unpack_from(">h", encoded, _ATTRIBUTES_AT)
        struct.pack_into(">h", encoded, _ATTRIBUTES_AT, attributes | _CONTROL_BIT)
    return bytes(encoded)


def fetched(
    encoded: bytes, start: int, *, aborted: list[tuple[int, int]], committed: bool, crc: bool
) -> PartitionRecords:
    isolation = READ_COMMITTED if committed else READ_UNCOMMITTED
    return PartitionRecords(TP0, MemoryRecords(encoded), aborted, start, None, None, crc, isolation)


@st.composite
def logs(draw: st.DrawFn) -> tuple[bytes, list[tuple[int, int]], int]:
    """Batches with gaps, in aborted, committed and no transactions; the aborted transactions; the end offset."""
    encoded, aborted, at = b"", [], 0
    for _ in range(draw(st.integers(1, 6))):
        kept = sorted(draw(st.sets(st.integers(0, 9), min_size=1)))
        outcome = draw(st.sampled_from([None, ABORT, COMMIT]))
        producer = None if outcome is None else draw(st.integers(1, 2))
        encoded += batch(at, kept, producer)
        if outcome is not None and producer is not None:
            if outcome == ABORT:
                aborted.append((producer, at))
            encoded += batch(at + 10, [], producer, outcome)
        at += 11
    return encoded, aborted, at


@given(logs(), st.data(), st.booleans())
def test_batches_give_what_single_records_give(
    log: tuple[bytes, list[tuple[int, int]], int], data: st.DataObject, committed: bool
) -> None:
    encoded, aborted, end = log
    start = data.draw(st.integers(0, end))
    expected = fetched(encoded, start, aborted=aborted, committed=committed, crc=False)
    one_by_one = [(r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in expected]
    unpacked = UnpackedRecords(fetched(encoded, start, aborted=aborted, committed=committed, crc=False))
    assert [(r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in unpacked] == one_by_one
    assert unpacked.next_fetch_offset == expected.next_fetch_offset


def test_records_before_a_damaged_batch_are_not_lost() -> None:
    damaged = bytearray(batch(10, [0, 1]))
    damaged[-1] ^= 0xFF
    encoded = batch(0, [0, 1, 2]) + bytes(damaged)
    unpacked = UnpackedRecords(fetched(encoded, 0, aborted=[], committed=True, crc=True))
    assert [record.offset for record in unpacked] == [0, 1, 2]
    assert unpacked.next_fetch_offset == 3


def test_a_damaged_batch_is_an_error_and_the_position_stays() -> None:
    damaged = bytearray(batch(10, [0, 1]))
    damaged[-1] ^= 0xFF
    unpacked = UnpackedRecords(fetched(bytes(damaged), 10, aborted=[], committed=True, crc=True))
    with pytest.raises(CorruptRecordException, match="after offset 10"):
        iter(unpacked)
    assert unpacked.next_fetch_offset == 10


#: By the numbers of Kafka's protocol.
CODECS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


def taken(encoded: bytes) -> list[tuple[int, bytes]]:
    return [(r.offset, r.value) for r in UnpackedRecords(fetched(encoded, 0, aborted=[], committed=True, crc=True))]


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_compressed_batches_give_what_plain_ones_give(codec: int) -> None:
    plain = batch(0, [0, 1, 2], fill=5000) + batch(3, [0], fill=5000)
    packed = batch(0, [0, 1, 2], codec=codec, fill=5000) + batch(3, [0], codec=codec, fill=5000)
    assert len(packed) < len(plain) / 3
    assert taken(packed) == taken(plain)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_a_batch_that_would_fill_the_memory_becomes_one_record_that_is_too_large(codec: int) -> None:
    bomb = batch(1, [0, 1], codec=codec, fill=MAX_UNPACKED_BYTES)
    encoded = batch(0, [0]) + bomb + batch(3, [0])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (_, first), (offset, value), (_, last) = taken(encoded)
    assert (first, offset, last) == (b"v0", 2, b"v3")
    assert value.startswith(b"the records at offsets 1 to 2 cannot be unpacked")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 3 * MAX_UNPACKED_BYTES / 1024
    key, stamp = b"", 1_900_000_000_000
    decoded = Decoder().decode(EventType.CLICK, [RawRecord(key, value, stamp)])
    assert [bad.reason for bad in decoded.rejections] == [Defect.TOO_LARGE]


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_a_batch_whose_records_are_damaged_becomes_one_record(codec: int) -> None:
    packed = bytearray(batch(0, [0, 1], codec=codec, fill=5000))
    packed[80:] = b"\xff" * (len(packed) - 80)
    struct.pack_into(">I", packed, _CRC_AT, calc_crc32c(bytes(packed[21:])))
    found = taken(bytes(packed) + batch(2, [0]))
    assert found[-1] == (2, b"v2")
    assert [offset for offset, value in found[:-1] if value.startswith(b"the records at offsets 0 to 1")] == [1]


class RawRecord(NamedTuple):
    key: bytes
    value: bytes
    timestamp: int
    offset: int = 0
    headers: tuple[()] = ()
