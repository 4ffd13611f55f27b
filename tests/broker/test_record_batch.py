"""Headers of record batches: what is refused, and what a stamp changes."""

import struct

import pytest
from aiokafka.record.default_records import (  # type: ignore[import-untyped]
    DefaultRecordBatch,
    DefaultRecordBatchBuilder,
)
from hypothesis import given
from hypothesis import strategies as st

from stream.broker.record_batch import BatchError, batches_of, stamped

RECORDS = st.lists(
    st.tuples(st.none() | st.binary(max_size=20), st.none() | st.binary(max_size=50)), min_size=1, max_size=9
)


def _batch(records: list[tuple[bytes | None, bytes | None]], producer: int = -1, sequence: int = -1) -> bytes:
    epoch = -1 if producer < 0 else 0
    builder = DefaultRecordBatchBuilder(2, 0, False, producer, epoch, sequence, 1 << 20)
    for number, (key, value) in enumerate(records):
        builder.append(number, 1_000 + number, key, value, [])
    return bytes(builder.build())


@given(RECORDS, st.integers(0, 2**40), st.none() | st.integers(0, 2**41))
def test_a_stamped_batch_is_sound_and_has_the_same_records(
    records: list[tuple[bytes | None, bytes | None]], base: int, time_ms: int | None
) -> None:
    (batch,) = batches_of(_batch(records, producer=7, sequence=3))
    assert (batch.count, batch.producer_id, batch.sequence) == (len(records), 7, 3)
    read = DefaultRecordBatch(stamped(batch, base, time_ms))
    assert read.validate_crc()
    found = [(record.offset, record.timestamp, record.key, record.value) for record in read]
    assert found == [
        (base + number, 1_000 + number if time_ms is None else time_ms, key, value)
        for number, (key, value) in enumerate(records)
    ]


@given(st.lists(RECORDS, max_size=4))
def test_consecutive_batches_are_told_apart(several: list[list[tuple[bytes | None, bytes | None]]]) -> None:
    found = [*batches_of(b"".join(map(_batch, several)))]
    assert [batch.body for batch in found] == [*map(_batch, several)]


@given(RECORDS, st.data())
def test_a_batch_that_is_cut_off_or_damaged_is_refused(
    records: list[tuple[bytes | None, bytes | None]], data: st.DataObject
) -> None:
    whole = _batch(records)
    with pytest.raises(BatchError):
        [*batches_of(whole[: data.draw(st.integers(1, len(whole) - 1))])]
    at = data.draw(
        st.integers(16, len(whole) - 1)
    )  # before it come the length and the offset, which the broker replaces
    damaged = bytearray(whole)
    damaged[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BatchError):
        [*batches_of(bytes(damaged))]


@pytest.mark.parametrize("bit", [0x10, 0x20])
def test_transactions_are_refused(bit: int) -> None:
    body = bytearray(_batch([(None, b"v")]))
    (attributes,) = struct.unpack_from(">h", body, 21)
    struct.pack_into(">h", body, 21, attributes | bit)
    with pytest.raises(BatchError, match="transactions"):
        [*batches_of(bytes(body))]
