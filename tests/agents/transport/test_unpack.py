"""Unpacking whole batches gives the same records as aiokafka's own iterator."""

import asyncio
import gc
import resource
import struct
import weakref
from functools import partial
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from aiokafka.consumer.fetcher import (  # type: ignore[import-untyped]
    READ_COMMITTED,
    READ_UNCOMMITTED,
    FetchError,
    FetchResult,
    PartitionRecords,
)
from aiokafka.consumer.fetcher import Fetcher as AiokafkaFetcher
from aiokafka.errors import CorruptRecordException, OffsetOutOfRangeError  # type: ignore[import-untyped]
from aiokafka.record.default_records import DefaultRecordBatchBuilder  # type: ignore[import-untyped]
from aiokafka.record.memory_records import MemoryRecords  # type: ignore[import-untyped]
from aiokafka.record.util import calc_crc32c  # type: ignore[import-untyped]
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from stream.agents.transport.inflate import MAX_UNPACKED_BYTES
from stream.agents.transport.unpack import UnpackedRecords, take_unpacked
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.rejections import Defect

TP0, TP1, TP2 = (TP("events.click", partition) for partition in range(3))
_ALL = 1 << 30
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
    unpacked = UnpackedRecords(fetched(encoded, start, aborted=aborted, committed=committed, crc=False), _ALL)
    assert [(r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in unpacked] == one_by_one
    assert unpacked.next_fetch_offset == expected.next_fetch_offset


@given(logs(), st.integers(1, 8), st.booleans())
def test_pieces_give_what_the_whole_gives_and_each_ends_where_the_next_begins(
    log: tuple[bytes, list[tuple[int, int]], int], piece: int, committed: bool
) -> None:
    encoded, aborted, _ = log
    whole = UnpackedRecords(fetched(encoded, 0, aborted=aborted, committed=committed, crc=False), _ALL)
    expected = [record.offset for record in whole]
    unpacked = UnpackedRecords(fetched(encoded, 0, aborted=aborted, committed=committed, crc=False), piece)
    found: list[int] = []
    while taken := [record.offset for record in unpacked]:
        assert len(taken) == min(piece, len(expected) - len(found))
        found += taken
        assert unpacked.next_fetch_offset <= min([*expected[len(found) :], whole.next_fetch_offset])
    assert found == expected
    assert unpacked.next_fetch_offset == whole.next_fetch_offset


def test_what_was_taken_is_freed_without_a_look_for_garbage() -> None:
    records = fetched(batch(0, [0, 1, 2]), 0, aborted=[], committed=True, crc=True)
    left = weakref.ref(records)
    unpacked = UnpackedRecords(records, _ALL)
    gc.disable()
    try:
        del records
        assert len([*unpacked]) == 3
        del unpacked
        assert left() is None
    finally:
        gc.enable()


class Fetcher:
    """As aiokafka's, with answers of brokers that came; `Fetcher.fetched_records` is its own."""

    def __init__(self, answers: dict[TP, FetchResult | FetchError]) -> None:
        self._records = dict(answers)
        self._subscriptions = SimpleNamespace(reassignment_in_progress=False, is_assigned=lambda _: True)
        self._wait_consume_future = None

    def _notify(self, future: None) -> None:
        pass

    fetched_records = AiokafkaFetcher.fetched_records


def answer(tp: TP, encoded: bytes, states: dict[TP, SimpleNamespace]) -> FetchResult:
    position = SimpleNamespace(paused=False, position=0)
    position.consumed_to = partial(setattr, position, "position")
    states[tp] = position
    assignment = SimpleNamespace(active=True, state_value=states.get)
    records = fetched(encoded, 0, aborted=[], committed=True, crc=True)
    return FetchResult(tp, assignment=assignment, partition_records=records, backoff=0)


def test_each_wanted_partition_gives_a_piece_and_the_rest_stays_packed() -> None:
    states: dict[TP, SimpleNamespace] = {}
    encoded = batch(0, [0, 1, 2]) + batch(3, [0, 1]) + batch(5, [0])
    fetcher = Fetcher({tp: answer(tp, encoded, states) for tp in (TP0, TP1, TP2)})

    def take(*wanted: TP) -> dict[TP, list[int]]:
        taken = asyncio.run(take_unpacked(fetcher, wanted, 2))
        return {tp: [record.offset for record in records] for tp, records in taken.items()}

    assert take(TP0, TP1) == {TP0: [0, 1], TP1: [0, 1]}
    assert take(TP0) == {TP0: [2, 3]}
    assert (states[TP0].position, states[TP1].position, states[TP2].position) == (4, 2, 0)
    assert take(TP0, TP2) == {TP0: [4, 5], TP2: [0, 1]}
    assert take(TP0, TP2) == {TP2: [2, 3]}
    assert set(fetcher._records) == {TP1, TP2}


def test_an_error_of_one_partition_is_raised_before_records_of_others_are_taken() -> None:
    states: dict[TP, SimpleNamespace] = {}
    error = OffsetOutOfRangeError({TP1: 7})
    fetcher = Fetcher({TP0: answer(TP0, batch(0, [0]), states), TP1: FetchError(error=error, backoff=0)})
    with pytest.raises(OffsetOutOfRangeError):
        asyncio.run(take_unpacked(fetcher, (TP0, TP1), 2))
    assert states[TP0].position == 0
    taken = asyncio.run(take_unpacked(fetcher, (TP0, TP1), 2))
    assert [record.offset for record in taken[TP0]] == [0]


def damaged(base: int) -> bytes:
    """A batch of two records whose checksum is wrong."""
    encoded = bytearray(batch(base, [0, 1]))
    encoded[-1] ^= 0xFF
    return bytes(encoded)


def test_records_of_others_are_not_lost_by_a_damaged_batch_which_is_told_next() -> None:
    states: dict[TP, SimpleNamespace] = {}
    answers = {TP0: batch(0, [0, 1]), TP1: damaged(0) + batch(2, [0]), TP2: batch(0, [0])}
    fetcher = Fetcher({tp: answer(tp, encoded, states) for tp, encoded in answers.items()})
    taken = asyncio.run(take_unpacked(fetcher, (TP0, TP1, TP2), 2))
    assert {tp: [record.offset for record in records] for tp, records in taken.items()} == {TP0: [0, 1]}
    with pytest.raises(CorruptRecordException, match="wrong CRC"):
        asyncio.run(take_unpacked(fetcher, (TP0, TP1, TP2), 2))
    assert [states[tp].position for tp in (TP0, TP1, TP2)] == [2, 0, 0]


def test_nothing_behind_a_damaged_batch_is_given_before_it_is_fetched_again() -> None:
    states: dict[TP, SimpleNamespace] = {}
    fetcher = Fetcher({TP0: answer(TP0, damaged(0) + batch(2, [0]), states)})
    with pytest.raises(CorruptRecordException, match="wrong CRC"):
        asyncio.run(take_unpacked(fetcher, (TP0,), 2))
    assert asyncio.run(take_unpacked(fetcher, (TP0,), 2)) == {}
    assert states[TP0].position == 0
    assert not fetcher._records  # so it is asked for again


def test_records_before_a_damaged_batch_are_not_lost() -> None:
    encoded = batch(0, [0, 1, 2]) + damaged(10)
    unpacked = UnpackedRecords(fetched(encoded, 0, aborted=[], committed=True, crc=True), _ALL)
    assert [record.offset for record in unpacked] == [0, 1, 2]
    assert unpacked.next_fetch_offset == 3


def test_a_damaged_batch_is_an_error_and_the_position_stays() -> None:
    damaged = bytearray(batch(10, [0, 1]))
    damaged[-1] ^= 0xFF
    unpacked = UnpackedRecords(fetched(bytes(damaged), 10, aborted=[], committed=True, crc=True), _ALL)
    with pytest.raises(CorruptRecordException, match="after offset 10"):
        iter(unpacked)
    assert unpacked.next_fetch_offset == 10


#: By the numbers of Kafka's protocol.
CODECS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


def taken(encoded: bytes) -> list[tuple[int, bytes]]:
    unpacked = UnpackedRecords(fetched(encoded, 0, aborted=[], committed=True, crc=True), _ALL)
    return [(r.offset, r.value) for r in unpacked]


@pytest.mark.parametrize("fill", [5000, 500_000])
@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_compressed_batches_give_what_plain_ones_give(codec: int, fill: int) -> None:
    plain = batch(0, [0, 1, 2], fill=fill) + batch(3, [0], fill=fill)
    packed = batch(0, [0, 1, 2], codec=codec, fill=fill) + batch(3, [0], codec=codec, fill=fill)
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
