"""Records of an outbox come back as they were stored, alone or in groups."""

import cramjam
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import SystematicError
from stream.processing.state import Outgoing
from stream.storage.outbox_records import StoredDocument, decode_entries, encode_groups, encode_record

TEXTS = st.none() | st.binary(max_size=20)
HEADERS = st.lists(st.tuples(st.text(max_size=5), TEXTS), max_size=2)
WHOLE = st.builds(Outgoing, st.text(max_size=5), TEXTS, TEXTS, HEADERS, st.none() | st.integers(0, 2**53))
RECORDS = st.lists(WHOLE | st.builds(StoredDocument, st.text(max_size=5), st.binary(max_size=20)), max_size=30)


@given(RECORDS)
def test_records_are_read_back_from_their_entries(records: list[Outgoing | StoredDocument]) -> None:
    assert [one for record in records for one in decode_entries(encode_record(record))] == records


@given(RECORDS, st.integers(0, 120))
def test_records_are_read_back_from_groups(records: list[Outgoing | StoredDocument], times: int) -> None:
    many = records * times
    entries, counts = encode_groups(many)
    read = list(map(decode_entries, entries))
    assert list(map(len, read)) == counts
    assert [one for found in read for one in found] == many
    assert sum(counts) == len(many)


def test_many_records_are_few_entries() -> None:
    entries, counts = encode_groups([StoredDocument("customers", b"%d" % k) for k in range(4_321)])
    assert len(entries) == len(counts) < 10


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"\x93",
        msgspec.msgpack.encode((1, 1, b"no snappy")),
        msgspec.msgpack.encode((1, 1, b"\xff\xff\xff\xff\x0f")),  # four gigabytes
        msgspec.msgpack.encode((1, 2, bytes(cramjam.snappy.compress_raw(b"\x90")))),  # two records that are not there
        msgspec.msgpack.encode((1, 1, bytes(cramjam.snappy.compress_raw(b"\x91\xc0")))),  # no record
        encode_groups([StoredDocument("customers", b"ada")])[0][0][:-1],
    ],
)
def test_garbage_is_refused(entry: bytes) -> None:
    with pytest.raises(SystematicError, match="cannot be read"):
        decode_entries(entry)
