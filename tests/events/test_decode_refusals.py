"""The refused records of a batch, and the reasons."""

import json
import logging
import sys
from typing import Any

import pytest

from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.rejections import Defect
from tests.events.decoding import (
    CLICK,
    NOW_MS,
    PURCHASE,
    VALID,
    RecordOfProducer,
    changed,
    decode_one,
    reason_of,
    record,
    spliced,
)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Defect.NULL_VALUE),
        (b"", Defect.MALFORMED_JSON),
        (b"{", Defect.MALFORMED_JSON),
        (b"\xef\xbb\xbf{}", Defect.MALFORMED_JSON),
        (json.dumps(CLICK).encode() + b" x", Defect.MALFORMED_JSON),
        (spliced(b'"x":NaN'), Defect.MALFORMED_JSON),
        (spliced(b'"x":"\\q"'), Defect.MALFORMED_JSON),
        (spliced(b'"x":"a\x00b"'), Defect.MALFORMED_JSON),
        (b"[]", Defect.WRONG_TYPE),
        (b"null", Defect.WRONG_TYPE),
        (changed(event_id=5), Defect.WRONG_TYPE),
        (changed(event_id=None), Defect.WRONG_TYPE),
        (changed(occurred_at=True), Defect.WRONG_TYPE),
        (changed(name=3), Defect.WRONG_TYPE),
        (changed(url=3), Defect.WRONG_TYPE),
        (changed(channel=["web"]), Defect.WRONG_TYPE),
        (b"{}", Defect.MISSING_FIELD),
        (changed(event_id=""), Defect.WRONG_LENGTH),
        (changed(event_id="x" * 101), Defect.WRONG_LENGTH),
        (changed(customer_id=""), Defect.WRONG_LENGTH),
        (changed(name="viewed"), Defect.UNKNOWN_NAME),
        (changed(name="opened"), Defect.UNKNOWN_NAME),
        (changed(customer_id="c-2"), Defect.KEY_MISMATCH),
        (changed(event_id="a\x00b"), Defect.CONTROL_CHARACTER),
        (changed(event_id="a\r\nX-Header: b"), Defect.CONTROL_CHARACTER),
        (changed(occurred_at="yesterday"), Defect.BAD_TIMESTAMP),
        (changed(occurred_at="2024-05-31T12:30:00"), Defect.BAD_TIMESTAMP),
        (changed(occurred_at="2024-02-30T12:30:00Z"), Defect.BAD_TIMESTAMP),
        (changed(occurred_at="1989-12-31T23:59:59.999Z"), Defect.TIMESTAMP_OUT_OF_RANGE),
        (changed(occurred_at="0001-01-01T00:00:00+14:00"), Defect.TIMESTAMP_OUT_OF_RANGE),
        (changed(occurred_at="9999-12-31T23:59:59-14:00"), Defect.TIMESTAMP_OUT_OF_RANGE),
        (changed(occurred_at=(NOW_MS + 300_001) / 1000), Defect.TIMESTAMP_OUT_OF_RANGE),
        (changed(occurred_at=NOW_MS), Defect.TIMESTAMP_OUT_OF_RANGE),
        (changed(occurred_at=2**64), Defect.TIMESTAMP_OUT_OF_RANGE),
        (changed(occurred_at=1e306), Defect.TIMESTAMP_OUT_OF_RANGE),
        (spliced(b'"occurred_at":1e999'), Defect.TIMESTAMP_OUT_OF_RANGE),
        (spliced(b'"occurred_at":' + b"9" * 5000), Defect.TIMESTAMP_OUT_OF_RANGE),
        (b'{"x":"' + b"x" * 65_536 + b'"}', Defect.TOO_LARGE),
    ],
)
def test_a_bad_record_is_rejected_for_its_reason(value: bytes | None, reason: Defect) -> None:
    assert reason_of(value) == reason


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"amount": -0.01}, Defect.BAD_AMOUNT),
        ({"amount": 1e9 + 1}, Defect.BAD_AMOUNT),
        ({"amount": 2**64}, Defect.BAD_AMOUNT),
        ({"amount": float("nan")}, Defect.BAD_AMOUNT),
        ({"amount": float("-inf")}, Defect.BAD_AMOUNT),
        ({"amount": True}, Defect.WRONG_TYPE),
        ({"amount": "12.50"}, Defect.WRONG_TYPE),
        ({"currency": None}, Defect.MISSING_FIELD),
        ({"name": "refunded", "currency": None}, Defect.MISSING_FIELD),
        ({"amount": None, "currency": "eur"}, Defect.UNKNOWN_CURRENCY),
        ({"order_id": ""}, Defect.WRONG_LENGTH),
        ({"order_id": "o\t1"}, Defect.CONTROL_CHARACTER),
        ({"currency": "eur"}, Defect.UNKNOWN_CURRENCY),
        ({"currency": ""}, Defect.UNKNOWN_CURRENCY),
        ({"currency": "EURO"}, Defect.UNKNOWN_CURRENCY),
        ({"currency": "EU\u0420"}, Defect.UNKNOWN_CURRENCY),
        ({"items": [{"product_id": 1}]}, Defect.WRONG_TYPE),
        ({"items": [{}]}, Defect.MISSING_FIELD),
    ],
)
def test_a_bad_order_is_rejected_for_its_reason(fields: dict[str, Any], reason: Defect) -> None:
    assert reason_of(changed(EventType.PURCHASE, **fields), EventType.PURCHASE) == reason


def test_an_amount_beyond_all_floats_is_a_bad_amount() -> None:
    assert reason_of(spliced(b'"amount":1e999', EventType.PURCHASE), EventType.PURCHASE) == Defect.BAD_AMOUNT


@pytest.mark.parametrize("field", ["event_id", "customer_id", "occurred_at", "name"])
@pytest.mark.parametrize("event_type", list(EventType))
def test_each_common_field_is_required(event_type: EventType, field: str) -> None:
    event = {name: value for name, value in VALID[event_type].items() if name != field}
    decoded = decode_one(json.dumps(event).encode(), event_type)
    assert [(r.reason, field in r.detail) for r in decoded.rejections] == [(Defect.MISSING_FIELD, True)]


def test_a_record_without_key_is_rejected_before_its_value_is_read() -> None:
    assert reason_of(b"\xff", key=None) == Defect.NULL_KEY


def test_a_key_that_is_not_utf8_is_a_mismatch() -> None:
    assert reason_of(json.dumps(CLICK).encode(), key=b"\xffc-1") == Defect.KEY_MISMATCH


@pytest.mark.parametrize("place", [b'"event_id":"%b"', b'"x":"%b"', b'"%b":1', b'"x":[{"y":"%b"}]'])
def test_bad_utf8_is_rejected_in_known_and_in_unknown_fields(place: bytes) -> None:
    for text in (b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"):
        assert reason_of(spliced(place.replace(b"%b", text))) == Defect.BAD_UTF8


@pytest.mark.parametrize("place", [b'"event_id":"%b"', b'"x":"%b"', b'"%b":1', b'"x":[{"y":"%b"}]'])
def test_half_a_surrogate_pair_is_rejected_in_known_and_in_unknown_fields(place: bytes) -> None:
    for text in (rb"\ud800", rb"\uDFFFabc", rb"\ud83d\u0041", rb"\ude00\ud83d", rb"\\\ud83d", rb"\ud83d\n"):
        assert reason_of(spliced(place.replace(b"%b", text))) == Defect.LONE_SURROGATE
    for text in (rb"\ud83d\ude00", rb"\\ud800", rb"\\\\ud800", rb"\u00e9", rb"\\\ud83d\uDE00"):
        assert reason_of(spliced(place.replace(b"%b", text))) is None


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_is_limited_in_unknown_fields_as_well(opening: str, closing: str) -> None:
    def nested(levels: int) -> bytes:
        return spliced(f'"x":{opening * levels}1{closing * levels}'.encode())

    assert reason_of(nested(31)) is None
    assert reason_of(nested(32)) == Defect.TOO_DEEP
    assert reason_of(nested(10_000)) == Defect.TOO_DEEP


def test_a_nesting_bomb_that_never_closes_is_too_deep() -> None:
    assert reason_of(b"[" * 60_000) == Defect.TOO_DEEP


def test_the_verdict_does_not_depend_on_the_depth_of_the_callers_stack() -> None:
    value = spliced(b'"x":' + b"[" * 31 + b"]" * 31)

    def from_depth(frames: int) -> Defect | None:
        return reason_of(value) if frames == 0 else from_depth(frames - 1)

    spare = sys.getrecursionlimit() - 300
    assert [from_depth(frames) for frames in (0, spare // 2, spare)] == [None, None, None]


def test_an_order_of_many_items_is_not_deep() -> None:
    items = [{"product_id": f"p{i}", "quantity": 1, "price": 1.5, "category": "a}[{"} for i in range(300)]
    for separators in ((",", ":"), (", ", ": ")):
        value = json.dumps(PURCHASE | {"items": items}, separators=separators).encode()
        assert reason_of(value, EventType.PURCHASE) is None


def test_an_unexpected_failure_rejects_the_record_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(RecordOfProducer):
        @property
        def value(self) -> bytes:
            raise RuntimeError("lost\nbuffer")

    records = [record(CLICK), Broken(b"c-1", b""), record(CLICK)]
    with caplog.at_level(logging.ERROR):
        decoded = Decoder().decode(EventType.CLICK, records)
    assert decoded.events["record"].tolist() == [0, 2]
    (rejection,) = decoded.rejections
    assert rejection == (1, Defect.PROCESSING_FAILED, "RuntimeError: lost?buffer")
    assert caplog.records[0].exc_info is not None
