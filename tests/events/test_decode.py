"""Every record gives one event or one rejection, and the reason is the right one."""

import json

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from stream.events.columns import EVENT, UNKNOWN_AMOUNT
from stream.events.decode import Decoder
from stream.events.id_hashes import hash_event_ids, hash_ids
from stream.events.kinds import KIND_OF, EventKind, EventType
from stream.events.model import EARLIEST_MS, LATEST_MS
from stream.events.rejections import MAX_DETAIL_CHARS, Defect
from stream.settings import Settings
from tests.events.decoding import (
    CLICK,
    COMMON,
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

AT_MS = 1_717_158_600_250


def test_an_event_becomes_a_row_of_columns() -> None:
    decoded = Decoder().decode(EventType.PURCHASE, [record(PURCHASE)])
    assert decoded.customer_ids == ["c-1"]
    assert decoded.rejections == []
    assert decoded.events.dtype == EVENT
    (row,) = decoded.events
    assert row["time"] == AT_MS
    assert row["amount"] == 125_000
    assert row["event_id"] == xxhash.xxh3_64_intdigest(b"e-1") % 2**48
    assert row["order_id"] == xxhash.xxh3_64_intdigest(b"o-1") % 2**48
    assert row["record"] == 0
    assert row["kind"] == EventKind.ORDER_COMPLETED


def test_an_empty_batch_gives_nothing() -> None:
    for event_type in EventType:
        decoded = Decoder().decode(event_type, [])
        assert (decoded.customer_ids, len(decoded.events), decoded.rejections) == ([], 0, [])


@pytest.mark.parametrize(("event_type", "name"), list(KIND_OF))
def test_every_name_of_the_contract_has_its_kind(event_type: EventType, name: str) -> None:
    decoded = decode_one(changed(event_type, name=name), event_type)
    assert decoded.events["kind"].tolist() == [KIND_OF[event_type, name]]


def test_only_an_open_can_be_a_machine_open() -> None:
    kinds = {
        (name, machine): decode_one(changed(EventType.EMAIL, name=name, machine_open=machine), EventType.EMAIL).events[
            "kind"
        ][0]
        for name in ("opened", "clicked")
        for machine in (True, False, None)
    }
    assert kinds.pop(("opened", True)) == EventKind.EMAIL_MACHINE_OPENED
    assert all(kind == KIND_OF[EventType.EMAIL, name] for (name, _), kind in kinds.items())


def test_rows_and_rejections_keep_the_order_of_the_records() -> None:
    good = [record(CLICK | {"event_id": f"e-{i}", "customer_id": f"c-{i}"}) for i in range(6)]
    good[1] = good[4] = RecordOfProducer(None, b"{}")
    decoded = Decoder().decode(EventType.CLICK, good)
    assert decoded.events["record"].tolist() == [0, 2, 3, 5]
    assert decoded.customer_ids == ["c-0", "c-2", "c-3", "c-5"]
    assert [rejection.record for rejection in decoded.rejections] == [1, 4]


@pytest.mark.parametrize(
    ("written", "at_ms"),
    [
        ("2024-05-31T12:30:00.250Z", AT_MS),
        ("2024-05-31T14:30:00.250+02:00", AT_MS),
        ("2024-05-31 12:30:00.2500004z", AT_MS),
        (AT_MS / 1000, AT_MS),
        (1_717_158_600, 1_717_158_600_000),
        (EARLIEST_MS / 1000, EARLIEST_MS),
        ((NOW_MS + 300_000) / 1000, NOW_MS + 300_000),
    ],
)
def test_event_time_is_rfc_3339_or_epoch_seconds(written: str | float, at_ms: int) -> None:
    assert decode_one(changed(occurred_at=written)).events["time"].tolist() == [at_ms]


def test_an_event_lies_at_most_the_skew_after_its_own_record() -> None:
    appended_at_ms = [AT_MS, AT_MS - 300_000, AT_MS - 300_001, NOW_MS, AT_MS - 3_600_000]
    records = [record(CLICK)._replace(timestamp=at_ms) for at_ms in appended_at_ms]
    decoded = Decoder().decode(EventType.CLICK, records)
    assert decoded.events["record"].tolist() == [0, 1, 3]
    assert [bad.reason for bad in decoded.rejections] == [Defect.TIMESTAMP_OUT_OF_RANGE] * 2
    assert "and 2024-05-31T12:30:00.249Z;" in decoded.rejections[0].detail


def test_an_event_of_1997_is_accepted_and_the_earliest_year_is_a_setting() -> None:
    of_1997 = CLICK | {"occurred_at": "1997-01-01T00:00:00Z"}
    assert len(Decoder().decode(EventType.CLICK, [record(of_1997)]).events) == 1
    (rejection,) = Decoder.of(Settings(earliest_year=2000)).decode(EventType.CLICK, [record(of_1997)]).rejections
    assert rejection.reason is Defect.TIMESTAMP_OUT_OF_RANGE
    assert rejection.detail.startswith("expected occurred_at between 2000-01-01T00:00:00.000Z and ")
    assert len(Decoder.of(Settings(earliest_year=1970)).decode(EventType.CLICK, [record(of_1997)]).events) == 1


@pytest.mark.parametrize("unit", [1000, 1_000_000, 1_000_000_000])
def test_a_time_in_a_finer_unit_is_refused_and_named(unit: int) -> None:
    (rejection,) = decode_one(changed(occurred_at=1_717_158_600 * unit)).rejections
    assert rejection.reason is Defect.TIMESTAMP_OUT_OF_RANGE
    assert "milliseconds? Send seconds or RFC 3339" in rejection.detail


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from([0.0, AT_MS / 1000, LATEST_MS / 1000 + 301, 1e17]))
def test_whatever_time_a_record_has_no_event_lies_beyond_the_range(timestamp: int, occurred_at: float) -> None:
    late = record(CLICK | {"occurred_at": occurred_at})._replace(timestamp=timestamp)
    decoded = Decoder().decode(EventType.CLICK, [late])
    assert decoded.events["time"].tolist() in ([], [AT_MS])
    assert {bad.reason for bad in decoded.rejections} <= {Defect.TIMESTAMP_OUT_OF_RANGE}


@given(st.integers(EARLIEST_MS, NOW_MS))
def test_every_millisecond_survives_as_epoch_seconds(at_ms: int) -> None:
    assert decode_one(changed(occurred_at=at_ms / 1000)).events["time"].tolist() == [at_ms]


@pytest.mark.parametrize("currency", [None, "EUR", "JPY"])
@pytest.mark.parametrize("name", ["completed", "refunded"])
def test_an_order_or_a_refund_may_leave_its_amount_out(name: str, currency: str | None) -> None:
    value = changed(EventType.PURCHASE, name=name, amount=None, currency=currency)
    for decoder in (Decoder(), Decoder(rates={"EUR": 1.0})):
        decoded = decoder.decode(EventType.PURCHASE, [RecordOfProducer(b"c-1", value)])
        assert decoded.rejections == []
        assert decoded.events["amount"].tolist() == [UNKNOWN_AMOUNT]


def test_an_event_id_counts_per_type() -> None:
    hashes = {event_type: hash_event_ids(event_type, ["17", "e-1"]).tolist() for event_type in EventType}
    assert len({number for pair in hashes.values() for number in pair}) == 2 * len(EventType)
    # profiles that were stored before ids counted per type know those of purchases
    assert hashes[EventType.PURCHASE] == hash_ids(["17", "e-1"]).tolist()
    for event_type in EventType:
        value = json.dumps(VALID[event_type] | {"event_id": "17"}).encode()
        assert decode_one(value, event_type).events["event_id"].tolist() == hashes[event_type][:1]


def test_a_cancelled_order_needs_its_id_but_no_amount() -> None:
    cancelled = COMMON | {"name": "cancelled", "order_id": "o-1"}
    decoded = decode_one(json.dumps(cancelled).encode(), EventType.PURCHASE)
    assert decoded.events["kind"].tolist() == [EventKind.ORDER_CANCELLED]
    assert decoded.events["amount"].tolist() == [0]
    assert decoded.events["order_id"].tolist() == hash_ids(["o-1"]).tolist()
    del cancelled["order_id"]
    assert reason_of(json.dumps(cancelled).encode(), EventType.PURCHASE) == Defect.MISSING_FIELD


def test_ids_of_any_script_are_hashed_by_their_utf8_bytes() -> None:
    name = "Zoë\U0001f600"
    for ascii_only in (True, False):
        value = json.dumps(CLICK | {"customer_id": name, "event_id": name}, ensure_ascii=ascii_only).encode()
        decoded = decode_one(value, key=name.encode())
        assert decoded.customer_ids == [name]
        assert decoded.events["event_id"].tolist() == hash_event_ids(EventType.CLICK, [name]).tolist()


def test_unknown_fields_are_ignored_whatever_is_in_them() -> None:
    for text in (b'"x":1e999', b'"x":18446744073709551616', b'"x":' + b"9" * 5000, b'"x":"\\u0000"'):
        assert reason_of(spliced(text)) is None


def test_the_last_of_duplicate_keys_counts() -> None:
    decoded = decode_one(spliced(b'"event_id":"e-2"'))
    assert decoded.events["event_id"].tolist() == hash_event_ids(EventType.CLICK, ["e-2"]).tolist()
    assert reason_of(spliced(b'"customer_id":"c-2"')) == Defect.KEY_MISMATCH


def test_the_hash_zero_is_kept_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xxhash, "xxh3_64_digest", lambda _: b"\xff\xff" + bytes(6))
    assert hash_ids(["any"]).tolist() == [1]


@given(st.lists(st.text(max_size=8)))
def test_hashes_are_48_bits_and_never_zero(ids: list[str]) -> None:
    hashes = hash_ids(ids)
    assert hashes.dtype == np.int64
    assert ((hashes >= 1) & (hashes < 2**48)).all()


damaged = st.builds(
    lambda event, at, junk, cut: json.dumps(event).encode()[:at] + junk + json.dumps(event).encode()[at + cut :],
    st.sampled_from(list(VALID.values())),
    st.integers(0, 160),
    st.binary(max_size=6),
    st.integers(0, 6),
)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


mutated = st.builds(
    lambda event, field, value: json.dumps(event | {field: value}).encode(),
    st.sampled_from(list(VALID.values())),
    st.sampled_from(sorted({field for event in VALID.values() for field in event} | {"items", "x"})),
    json_values,
)


bodies = st.one_of(st.none(), st.binary(max_size=200), damaged, mutated)


@given(
    st.sampled_from(EventType),
    st.lists(st.tuples(st.none() | st.binary(max_size=4) | st.just(b"c-1"), bodies), max_size=5),
)
def test_any_bytes_give_one_event_or_one_rejection_each(
    event_type: EventType, pairs: list[tuple[bytes | None, bytes | None]]
) -> None:
    decoded = Decoder().decode(event_type, [RecordOfProducer(*pair) for pair in pairs])
    rejected = [rejection.record for rejection in decoded.rejections]
    assert sorted(rejected + decoded.events["record"].tolist()) == list(range(len(pairs)))
    assert len(decoded.customer_ids) == len(decoded.events)
    for rejection in decoded.rejections:
        assert rejection.reason is not Defect.PROCESSING_FAILED
        assert len(rejection.detail) <= MAX_DETAIL_CHARS
        assert rejection.detail.isprintable()
    assert (decoded.events["time"] >= EARLIEST_MS).all()
    assert (decoded.events["amount"] >= UNKNOWN_AMOUNT).all()


good = st.builds(lambda event: json.dumps(event).encode(), st.sampled_from(list(VALID.values())))


bomb = st.builds(lambda depth: b'{"x":' * depth + b"1" + b"}" * depth, st.integers(1, 40))


@given(st.sampled_from(EventType), st.lists(st.one_of(good, good, good, bodies, bomb), max_size=12))
def test_a_batch_is_decoded_as_its_records_are_alone(event_type: EventType, values: list[bytes | None]) -> None:
    together = Decoder().decode(event_type, [RecordOfProducer(b"c-1", value) for value in values])
    alone = [decode_one(value, event_type) for value in values]
    assert together.customer_ids == [customer for one in alone for customer in one.customer_ids]
    for column in ("time", "kind", "amount", "event_id", "order_id"):
        assert together.events[column].tolist() == [x for one in alone for x in one.events[column].tolist()]
    assert together.rejections == [
        rejection._replace(record=position) for position, one in enumerate(alone) for rejection in one.rejections
    ]
