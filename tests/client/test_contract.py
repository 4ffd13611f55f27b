"""The client admits exactly what the workers accept."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from stream.client.event_contract import Draft, EventContract
from stream.client.event_record import EventRecord
from stream.events.decode import Decoder
from stream.events.kinds import TYPE_OF_NAME, EventType
from stream.events.placement import Placement, place
from stream.events.rejections import Defect, Rejection
from stream.settings import Settings

NOW_MS = 1_717_200_000_000
GOOD: dict[str, Any] = {"event_id": "e-1", "customer_id": "c-1", "occurred_at": 1_717_158_600, "name": "page_viewed"}
CONTRACT = EventContract(Settings())


def draft(**changes: object) -> Draft:
    return Draft(json.dumps({**GOOD, **changes}).encode())


def test_good_and_bad_drafts_keep_their_positions() -> None:
    drafts = [
        draft(name="opened", event_id="m-1"),
        draft(event_id=None),
        Draft(b"{"),
        draft(event_id="e-2"),
        draft(name="nothing"),
        Draft(draft(event_id="e-3").value, EventType.EMAIL),
        draft(type="email", name="replied", event_id="m-2"),
    ]
    admitted = CONTRACT.admit(drafts, NOW_MS)
    assert admitted.positions == [0, 3, 6]
    expected = EventRecord(EventType.CLICK, "e-2", "c-1", 1_717_158_600_000, drafts[3].value)
    assert admitted.records[1]._replace(content=None) == expected
    assert [record.event_type for record in admitted.records] == [EventType.EMAIL, EventType.CLICK, EventType.EMAIL]
    assert [(bad.record, bad.reason) for bad in admitted.rejections] == [
        (1, Defect.WRONG_TYPE),
        (2, Defect.MALFORMED_JSON),
        (4, Defect.UNKNOWN_NAME),
        (5, Defect.UNKNOWN_NAME),
    ]
    assert admitted.event_ids == ["m-1", "", "", "e-2", "", "e-3", "m-2"]


def test_nothing_gives_nothing() -> None:
    assert CONTRACT.admit([], NOW_MS) == ([], [], [], [], [])


def test_every_name_tells_its_type() -> None:
    for name, event_type in TYPE_OF_NAME.items():
        placed = place(msgspec.json.encode({"name": name}))
        assert isinstance(placed, Placement)
        assert placed.event_type is event_type


class _SentRecord:
    """The record as a worker will consume it."""

    timestamp = NOW_MS
    offset = 0
    headers = ()

    def __init__(self, record: EventRecord) -> None:
        self.key = record.customer_id.encode()
        self.value = record.value


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40).map(Draft),
            st.dictionaries(st.sampled_from([*GOOD, "type", "amount"]), json_values, max_size=3).map(
                lambda changes: draft(**changes)
            ),
        ),
        max_size=6,
    )
)
def test_each_draft_is_admitted_or_rejected_and_workers_accept_what_is_admitted(drafts: list[Draft]) -> None:
    admitted = CONTRACT.admit(drafts, NOW_MS)
    assert sorted([*admitted.positions, *(bad.record for bad in admitted.rejections)]) == list(range(len(drafts)))
    for record in admitted.records:
        decoded = Decoder().decode(record.event_type, [_SentRecord(record)])
        assert decoded.customer_ids == [record.customer_id]
        assert decoded.events["time"].tolist() == [record.at_ms]


@given(
    st.lists(
        st.one_of(
            st.dictionaries(st.sampled_from([*GOOD, "type", "identifiers"]), json_values, max_size=1).map(
                lambda changes: draft(**changes)
            ),
            st.sampled_from([*TYPE_OF_NAME]).map(lambda name: draft(name=name, type=TYPE_OF_NAME[name])),
            st.sampled_from([*EventType]).map(lambda event_type: Draft(draft().value, event_type)),
        ),
        max_size=4,
    )
)
def test_a_draft_is_admitted_as_it_is_alone_whatever_comes_with_it(drafts: list[Draft]) -> None:
    together = CONTRACT.admit(drafts, NOW_MS)
    alone = [CONTRACT.admit([one], NOW_MS) for one in drafts]
    assert together.records == [record for one in alone for record in one.records]
    assert together.amounts == [amount for one in alone for amount in one.amounts]
    assert together.event_ids == [event_id for one in alone for event_id in one.event_ids]
    assert [bad[1:] for bad in together.rejections] == [bad[1:] for one in alone for bad in one.rejections]


@given(st.binary(max_size=200))
def test_whatever_the_bytes_placing_them_never_fails(value: bytes) -> None:
    assert isinstance(place(value), Placement | Rejection)


def test_too_deep_nesting_is_rejected() -> None:
    deep = b"[" * 100_000
    rejected = place(deep, max_bytes=1_000_000)
    assert isinstance(rejected, Rejection)
    assert rejected.reason is Defect.TOO_DEEP
