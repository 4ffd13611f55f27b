"""Rows of the CSV format become native events."""

import gzip
import json
import re
from collections import Counter
from datetime import UTC, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import EventLogError
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log import LogEvent, read_log
from stream.events.log_form import LogForm
from stream.events.log_report import MALFORMED_ROW
from stream.events.rejections import Defect
from tests.events.csv_reading import HEADER, ORDERS, orders_of, read, read_all

EXAMPLES = Path(__file__).parents[2] / "examples"


def native(row: str) -> dict[str, Any]:
    (event,) = read(row)
    assert event.customer_id == "17"
    value: dict[str, Any] = json.loads(event.value)
    assert value.pop("customer_id") == "17"
    del value["event_id"], value["occurred_at"]
    return value


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("purchase,basket,o1,9.5", {"name": "completed", "order_id": "o1", "amount": 9.5, "currency": "USD"}),
        ("purchase,order,o1,", {"name": "completed", "order_id": "o1"}),
        ("purchase,return,o1,", {"name": "refunded", "order_id": "o1"}),
        ("purchase,order,o1,0", {"name": "completed", "order_id": "o1", "amount": 0, "currency": "USD"}),
        ("purchase,completed,o1,9", {"name": "completed", "order_id": "o1", "amount": 9, "currency": "USD"}),
        ("purchase,return,o1,-9.5", {"name": "refunded", "order_id": "o1", "amount": 9.5, "currency": "USD"}),
        ("purchase,refund,o1,9.5", {"name": "refunded", "order_id": "o1", "amount": 9.5, "currency": "USD"}),
        ("purchase,refunded,o1,-2", {"name": "refunded", "order_id": "o1", "amount": 2, "currency": "USD"}),
        ("purchase,cancel,o1,", {"name": "cancelled", "order_id": "o1"}),
        ("purchase,cancelled,o1,", {"name": "cancelled", "order_id": "o1"}),
        ("click,coupon_redeem,campaign:1,", {"name": "coupon_redeemed"}),
        ("click,product_viewed,p1,", {"name": "product_viewed", "product_id": "p1"}),
        ("click,page_viewed,,", {"name": "page_viewed"}),
        ("email,sent,campaign:1,", {"name": "sent", "campaign_id": "campaign:1"}),
        ("email,opened,,3", {"name": "opened"}),
    ],
)
def test_each_kind_of_row_becomes_its_native_event(cells: str, expected: dict[str, Any]) -> None:
    assert native(f"2024-05-31 12:30:00,17,{cells},1") == expected


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("purchase,order,o1,-9.5", Defect.BAD_AMOUNT),
        ("purchase,cancel,,", Defect.MISSING_FIELD),
        ("purchase,gift,o1,9.5", Defect.UNKNOWN_NAME),
        ("click,hover,,", Defect.UNKNOWN_NAME),
        ("email,,,", Defect.UNKNOWN_NAME),
    ],
)
def test_bad_cells_pass_through_and_become_dead_letters(cells: str, reason: Defect) -> None:
    (event,) = read(f"2024-05-31 12:30:00,17,{cells},1")
    decoded = Decoder().decode(event.event_type, [_CsvRecord(event)])
    assert [rejection.reason for rejection in decoded.rejections] == [reason]


def test_columns_come_in_any_order_and_others_are_ignored() -> None:
    (event,) = read(
        "9.5,x,basket,o1,purchase,17,2024-05-31T12:30:00",
        header="amount,note,subtype,ref_id,type, customer_id,ts",
    )
    assert json.loads(event.value)["order_id"] == "o1"
    assert (event.customer_id, event.event_type) == ("17", EventType.PURCHASE)


@pytest.mark.parametrize(
    ("ts", "zone", "at_ms"),
    [
        ("2024-05-31 12:30:00", UTC, 1_717_158_600_000),
        ("2024-05-31T12:30:00.250", UTC, 1_717_158_600_250),
        ("2024-05-31 14:30:00", ZoneInfo("Europe/Berlin"), 1_717_158_600_000),
        ("2024-05-31 14:30:00", timezone(timedelta(hours=2)), 1_717_158_600_000),
        ("2024-05-31T12:30:00Z", ZoneInfo("Europe/Berlin"), 1_717_158_600_000),
        ("2024-05-31T07:30:00-05:00", ZoneInfo("Europe/Berlin"), 1_717_158_600_000),
        # 02:30 comes twice on the day the clocks go back: the first is meant.
        ("2023-10-29 02:30:00", ZoneInfo("Europe/Berlin"), 1_698_539_400_000),
    ],
)
def test_naive_times_are_local_and_offsets_are_kept(ts: str, zone: tzinfo, at_ms: int) -> None:
    (event,) = read(f"{ts},17,click,page_viewed,,,", zone=zone)
    assert event.at_ms == at_ms
    decoded = Decoder().decode(EventType.CLICK, [_CsvRecord(event)])
    assert decoded.events["time"].tolist() == [at_ms]


def test_event_ids_are_stable_and_exact_repeats_are_told_apart() -> None:
    rows = ["2024-05-31 12:30:00,17,click,page_viewed,,,"] * 3 + ["2024-05-31 12:30:01,17,click,page_viewed,,,"]
    ids = [json.loads(event.value)["event_id"] for event in read(*rows)]
    assert ids == [json.loads(event.value)["event_id"] for event in read(*rows)]
    assert len(set(ids)) == 4
    assert ids[1:3] == [f"{ids[0]}-2", f"{ids[0]}-3"]


@given(st.lists(st.text("ab", max_size=2), min_size=10, max_size=10))
def test_different_rows_have_different_event_ids(cells: list[str]) -> None:
    customer_a, subtype_a, ref_a, customer_b, subtype_b, ref_b, *_ = cells
    first, second = read(
        f"2024-05-31,{customer_a},click,{subtype_a},{ref_a},,",
        f"2024-05-31,{customer_b},click,{subtype_b},{ref_b},,",
    )
    ids = [json.loads(event.value)["event_id"] for event in (first, second)]
    same = (customer_a, subtype_a, ref_a) == (customer_b, subtype_b, ref_b)
    assert ids[0] != ids[1]
    assert ids[1].endswith("-2") == same


@pytest.mark.parametrize(
    ("row", "reason", "said"),
    [
        ("yesterday,17,click,page_viewed,,,", Defect.BAD_TIMESTAMP, "expected a time such as .* got 'yesterday'"),
        (",17,click,page_viewed,,,", Defect.BAD_TIMESTAMP, "expected a time"),
        ("0001-01-01T00:00:00+14:00,17,click,page_viewed,,,", Defect.BAD_TIMESTAMP, "is no time"),
        (
            "2024-05-31,17,visit,a,,,",
            Defect.UNKNOWN_NAME,
            "expected a type of click, email, purchase, feedback",
        ),
        ("2024-05-31,17,click", MALFORMED_ROW, "expected 7 cells, got 3"),
        ("2024-05-31,17,click,a,b,c,d,e", MALFORMED_ROW, "expected 7 cells, got 8"),
        ('2024-05-31,"17"7,click,a,b,c,d', MALFORMED_ROW, "',' expected after '\"'"),
        ("2024-05-31,\udcff,click,page_viewed,,,", Defect.BAD_UTF8, "the byte 0xff is no text"),
        ("2024-05-31,17,purchase,order,o1,nine,", Defect.BAD_AMOUNT, "the amount 'nine' is no number"),
        ("2024-05-31,17,purchase,order,o1,nan,", Defect.BAD_AMOUNT, "no number"),
        ("2024-05-31,17,purchase,order,o1,1_299,", Defect.BAD_AMOUNT, "the amount '1_299' is no number"),
        ("2024-05-31,17,purchase,return,o1,1e999,", Defect.BAD_AMOUNT, "no number"),
    ],
)
def test_a_row_that_cannot_be_read_is_rejected_with_its_line_and_the_others_are_read(
    row: str, reason: str, said: str
) -> None:
    good = "2024-05-31,17,click,page_viewed,,,"
    events, report = read_all("", good, row, good)
    assert [event.line for event in events] == [3, 5]
    assert report.counts == {reason: 1}
    assert report.read == 3
    assert report.first[reason].line == 4
    assert re.search(said, report.first[reason].detail)
    with pytest.raises(EventLogError, match=f"log.csv, line 4: .*{said}"):
        read_all("", good, row, good, strict=True)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["ts,customer_id,type"], "log.csv, line 1: expected the columns .* missing: subtype$"),
        (["", "name,price", "a,1"], "log.csv, line 2: expected the columns .* missing: ts, customer_id, type, subtype"),
        ([HEADER, '2024-05-31,"17,click,a,b,c,d', "a,b"], "log.csv, line 2: unexpected end of data.* never closed"),
        ([HEADER, '2024-05-31,"17,click,a,b,c,d', "a" * 140_000], "log.csv, line 2: field larger .* never closed"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(lines: list[str], message: str) -> None:
    with pytest.raises(EventLogError, match=message):
        read_all(*lines[1:], header=lines[0])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("before", [[], ["sep=DELIMITER"], ['"sep=DELIMITER"']])
def test_delimiters_are_told_from_the_header(delimiter: str, before: list[str]) -> None:
    lines = [*before, ORDERS.replace(",", delimiter), '2026-03-01,c,purchase,order,o-1,"19.90"'.replace(",", delimiter)]
    events, _ = read_all(*lines[1:], header=lines[0].replace("DELIMITER", delimiter))
    assert orders_of(events) == [("c", "o-1", 19.9, "USD")]
    assert events[0].line == len(lines)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        (
            "complete_journey",
            {EventType.PURCHASE: 155_848, EventType.EMAIL: 6_589, EventType.CLICK: 2_102},
        ),
        ("uci_online_retail", {EventType.PURCHASE: 22_190}),
    ],
)
def test_every_row_of_the_examples_is_an_event_of_its_own(name: str, counts: dict[EventType, int]) -> None:
    path = EXAMPLES / f"{name}_events.csv.gz"
    events = list(read_log(path, LogForm(currency="GBP")))
    assert Counter(event.event_type for event in events) == counts
    for event_type, count in counts.items():
        records = [_CsvRecord(event) for event in events if event.event_type is event_type]
        decoded = Decoder(rates={"GBP": 1.0}).decode(event_type, records)
        assert decoded.rejections == []
        assert decoded.events["time"].tolist() == [record.timestamp for record in records]
        assert len(set(decoded.events["event_id"].tolist())) == count
    with gzip.open(path, "rt") as lines:
        assert sum(1 for _ in lines) == len(events) + 1


class _CsvRecord:
    """The record that a producer would make of a log event."""

    def __init__(self, event: LogEvent) -> None:
        self.key = event.customer_id.encode()
        self.value = event.value
        self.timestamp = event.at_ms
        self.offset = 0
        self.headers = ()
