"""Packed records are the records that came."""

from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.packed_records import PackedRecords
from stream.events.record import Record
from stream.processing.picked_records import PickedRecords, headers_of

NOW_MS = 1_900_000_000_000
GOOD = '{"event_id":"e%d","customer_id":"%s","occurred_at":1890000000.5,"name":"page_viewed"}'


class Raw(NamedTuple):
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


@st.composite
def records(draw: st.DrawFn) -> list[Raw]:
    """Good ones, and some that no decoder accepts, with gaps in their offsets; few have headers."""
    found: list[Raw] = []
    offset = 0
    for number in range(draw(st.integers(1, 8))):
        offset += draw(st.integers(1, 3))
        customer = draw(st.sampled_from(["a", "ö", "c-3"]))
        value = (GOOD % (number, customer)).encode() + b" " * draw(st.integers(0, 3))
        key = customer.encode()
        bad = draw(st.sampled_from(["", "", "no value", "no key", "not JSON"]))
        headers = draw(st.sampled_from([[], [], [("h", b"1"), ("none", None)]]))
        found.append(
            Raw(
                offset,
                NOW_MS + number,
                None if bad == "no key" else key,
                {"no value": None, "not JSON": b"{"}.get(bad, value),
                headers,
            )
        )
    return found


def packed(came: list[Raw]) -> PackedRecords:
    decoded = Decoder().decode(EventType.CLICK, came)
    return PackedRecords(came, np.array([record.offset for record in came]), decoded._replace(contents=[]))


def test_records_that_a_decoder_accepts_are_packed() -> None:
    came = [Raw(number, NOW_MS, b"a", (GOOD % (number, "a")).encode(), []) for number in range(3)]
    assert not Decoder().decode(EventType.CLICK, came).rejections
    kept = packed(came)
    del came[:]
    assert [record.value for record in kept] == [(GOOD % (number, "a")).encode() for number in range(3)]


def shown(record: Record) -> tuple[object, ...]:
    return record.offset, record.timestamp, record.key, record.value, [*record.headers]


@given(records())
def test_each_packed_record_is_the_one_that_came(came: list[Raw]) -> None:
    kept = packed(came)
    assert [shown(record) for record in kept] == [shown(record) for record in came]
    assert shown(kept[-1]) == shown(came[-1])
    assert [shown(record) for record in kept[1:3]] == [shown(record) for record in came[1:3]]
    assert [[*headers] for headers in kept.headers] == [record.headers for record in came]


@given(records(), records(), st.data())
def test_picked_records_are_those_at_the_places_of_the_batches_end_to_end(
    first: list[Raw], second: list[Raw], data: st.DataObject
) -> None:
    came = first + second
    order = data.draw(st.permutations(range(len(came))))
    picked = PickedRecords([packed(first), second], np.array(order))
    assert [shown(record) for record in picked] == [shown(came[at]) for at in order]
    fewer = PickedRecords([picked], np.arange(1, len(picked)))
    assert [shown(record) for record in fewer] == [shown(came[at]) for at in order[1:]]
    assert [[*headers] for headers in headers_of(fewer)] == [came[at].headers for at in order[1:]]
