"""Batches as brokers and clients read them."""

from random import Random

import pytest
from aiokafka.record.memory_records import MemoryRecords  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from stream.agents.record_batches import MAX_BATCH_BYTES, ProducerId, batches_of
from stream.broker.record_batch import batches_of as batches_sent
from stream.errors import PublishError
from stream.processing.state import Outgoing

AT_MS = 1_700_000_000_123

TEXTS = st.one_of(
    st.none(),
    st.binary(max_size=200),
    st.sampled_from([63, 64, 8191, 8192]).map(bytes),  # where the encoded length grows
)
HEADERS = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=9)), max_size=3)
RECORDS = st.lists(st.builds(Outgoing, st.just("topic"), TEXTS, TEXTS, HEADERS), min_size=1, max_size=80)


def read_back(records: list[Outgoing]) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for batch in batches_of(records, AT_MS):
        stored = MemoryRecords(batch.sent_by(ProducerId(7, 1), 3))
        while stored.has_next():
            one = stored.next_batch()
            assert one.validate_crc()
            assert one.producer_id == 7
            found += [(r.key, r.value, list(r.headers), r.timestamp) for r in one]
    return found


@given(RECORDS)
def test_what_is_put_into_batches_is_read_back(records: list[Outgoing]) -> None:
    assert read_back(records) == [(r.key, r.value, r.headers, AT_MS) for r in records]


def test_records_of_any_size_are_parted_into_batches_that_brokers_take() -> None:
    sizes = [10, 600_000, 600_000, 5, MAX_BATCH_BYTES - 2000, 7, *[100_000] * 25]
    noise = Random(1)
    records = [Outgoing("topic", b"k", noise.randbytes(size), []) for size in sizes]
    assert [len(value) for _, value, *_ in read_back(records) if isinstance(value, bytes)] == sizes
    assert all(len(batch.body) <= MAX_BATCH_BYTES for batch in batches_of(records, AT_MS))
    assert sum(batch.count for batch in batches_of(records, AT_MS)) == len(sizes)


def test_a_batch_says_who_sent_it_and_what_was_sent_before() -> None:
    (batch,) = batches_of([Outgoing("topic", b"k", b"v", [])] * 5, AT_MS)
    (stored,) = batches_sent(batch.sent_by(ProducerId(70, 2), 41))
    assert (stored.count, stored.max_timestamp) == (5, AT_MS)
    assert (stored.producer_id, stored.epoch, stored.sequence) == (70, 2, 41)


def test_a_record_that_no_broker_takes_is_named() -> None:
    noise = Random(1)
    records = [Outgoing("topic", b"k", noise.randbytes(size), []) for size in (1, 2, MAX_BATCH_BYTES, 3)]
    with pytest.raises(
        PublishError,
        match=r"record 3 of 4 for topic was refused: it makes a batch of 1,04[89],[0-9]+ bytes, and 1,048,588",
    ):
        batches_of(records, AT_MS)
