"""Rows of the CSV format become native events."""

import gzip
import json
import re
from collections import Counter
from contextlib import nullcontext
from datetime import UTC, timedelta, timezone, tzinfo
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import EventLogError
from stream.events.csv_log import read_csv
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log import LogEvent, read_log
from stream.events.log_form import LineItems, LogForm
from stream.events.log_report import MALFORMED_ROW, LogReport
from stream.events.parsing_times import DateOrder
from stream.events.rejections import Reason
from stream.events.times import rfc3339

HEADER = "ts,customer_id,type,subtype,ref_id,amount,quantity"
DEFAULT = LogForm()
Read = tuple[list[LogEvent], LogReport]
EXAMPLES = Path(__file__).parents[2] / "examples"


def read(*rows: str, header: str = HEADER, zone: tzinfo = UTC) -> list[LogEvent]:
    events, report = read_all(*rows, header=header, form=LogForm(timezone=zone))
    assert not report.counts
    return events


def read_all(*rows: str, header: str = HEADER, form: LogForm = DEFAULT, strict: bool = False) -> Read:
    """The events of a file, and what its reader says."""
    report = LogReport("log.csv", strict=strict)
    lines = [f"{line}\n" for line in (header, *rows)]
    return list(read_csv(lambda: nullcontext(lines), form, report)), report


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
        ("purchase,order,o1,-9.5", Reason.BAD_AMOUNT),
        ("purchase,cancel,,", Reason.MISSING_FIELD),
        ("purchase,gift,o1,9.5", Reason.UNKNOWN_NAME),
        ("click,hover,,", Reason.UNKNOWN_NAME),
        ("email,,,", Reason.UNKNOWN_NAME),
    ],
)
def test_bad_cells_pass_through_and_become_dead_letters(cells: str, reason: Reason) -> None:
    (event,) = read(f"2024-05-31 12:30:00,17,{cells},1")
    decoded = Decoder().decode(event.event_type, [_Record(event)])
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
    decoded = Decoder().decode(EventType.CLICK, [_Record(event)])
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
        ("yesterday,17,click,page_viewed,,,", Reason.BAD_TIMESTAMP, "expected a time such as .* got 'yesterday'"),
        (",17,click,page_viewed,,,", Reason.BAD_TIMESTAMP, "expected a time"),
        ("0001-01-01T00:00:00+14:00,17,click,page_viewed,,,", Reason.BAD_TIMESTAMP, "is no time"),
        ("2024-05-31,17,visit,a,,,", Reason.UNKNOWN_NAME, "expected a type of click, email, purchase; got 'visit'"),
        ("2024-05-31,17,click", MALFORMED_ROW, "expected 7 cells, got 3"),
        ("2024-05-31,17,click,a,b,c,d,e", MALFORMED_ROW, "expected 7 cells, got 8"),
        ('2024-05-31,"17"7,click,a,b,c,d', MALFORMED_ROW, "',' expected after '\"'"),
        ("2024-05-31,\udcff,click,page_viewed,,,", Reason.BAD_UTF8, "the byte 0xff is no text"),
        ("2024-05-31,17,purchase,order,o1,nine,", Reason.BAD_AMOUNT, "the amount 'nine' is no number"),
        ("2024-05-31,17,purchase,order,o1,nan,", Reason.BAD_AMOUNT, "no number"),
        ("2024-05-31,17,purchase,order,o1,1_299,", Reason.BAD_AMOUNT, "the amount '1_299' is no number"),
        ("2024-05-31,17,purchase,return,o1,1e999,", Reason.BAD_AMOUNT, "no number"),
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


ORDERS = "ts,customer_id,type,subtype,ref_id,amount"


def orders_of(events: list[LogEvent]) -> list[tuple[str, str, float | None, str | None]]:
    """Customer, order, amount and currency of the purchases."""
    found = [json.loads(event.value) for event in events]
    return [(one["customer_id"], one["order_id"], one.get("amount"), one.get("currency")) for one in found]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("before", [[], ["sep=DELIMITER"], ['"sep=DELIMITER"']])
def test_delimiters_are_told_from_the_header(delimiter: str, before: list[str]) -> None:
    lines = [*before, ORDERS.replace(",", delimiter), '2026-03-01,c,purchase,order,o-1,"19.90"'.replace(",", delimiter)]
    events, _ = read_all(*lines[1:], header=lines[0].replace("DELIMITER", delimiter))
    assert orders_of(events) == [("c", "o-1", 19.9, "USD")]
    assert events[0].line == len(lines)


def test_the_whole_column_tells_the_decimal_sign_and_the_order_of_dates() -> None:
    rows = ["05/06/2026 10:00;c;purchase;order;o-1;1.299", "31/05/2026 10:00;c;purchase;order;o-2;19,90"]
    events, report = read_all(*rows, header=ORDERS.replace(",", ";"))
    assert orders_of(events) == [("c", "o-1", 1299, "USD"), ("c", "o-2", 19.9, "USD")]
    assert [rfc3339(event.at_ms)[:10] for event in events] == ["2026-06-05", "2026-05-31"]
    assert report.notes == ["amounts have a decimal comma", "dates begin with the day"]


def test_what_is_in_doubt_is_asked_and_an_option_answers() -> None:
    row = "05/06/2026;c;purchase;order;o-1;1,299"
    header = ORDERS.replace(",", ";")
    with pytest.raises(EventLogError, match="the amount 1,299 can be read in two ways: say --decimal"):
        read_all(row, header=header)
    with pytest.raises(EventLogError, match="the date 05/06/2026 can be read in two ways: say --dates"):
        read_all(row, header=header, form=LogForm(decimal=","))
    events, report = read_all(row, header=header, form=LogForm(decimal=".", date_order=DateOrder.MONTH_FIRST))
    assert orders_of(events) == [("c", "o-1", 1299, "USD")]
    assert rfc3339(events[0].at_ms)[:10] == "2026-05-06"
    assert not report.counts


def test_each_row_has_its_own_currency_and_the_option_fills_in() -> None:
    rows = ["2026-03-01,c,purchase,order,o-1,1990,JPY", "2026-03-01,d,purchase,order,o-2,19.90, eur ",
            "2026-03-01,e,purchase,order,o-3,5,"]  # fmt: skip
    events, report = read_all(*rows, header=f"{ORDERS},currency", form=LogForm(currency="GBP"))
    assert orders_of(events) == [("c", "o-1", 1990, "JPY"), ("d", "o-2", 19.9, "EUR"), ("e", "o-3", 5, "GBP")]
    assert report.currencies == {"JPY": 1, "EUR": 1, "GBP": 1}


def test_orders_without_an_id_or_an_amount_are_orders_each_with_an_id_of_its_own() -> None:
    rows = ["2009-01-01,1,purchase,order,,", "2009-01-15,1,purchase,order,,", "2009-01-02,2,purchase,order,,12.50",
            "2009-01-02,2,purchase,order,,12.50", "2009-01-02,2,purchase,order,,7"]  # fmt: skip
    events, report = read_all(*rows, header=ORDERS)
    orders = orders_of(events)
    assert [(order[0], order[2]) for order in orders] == [("1", None), ("1", None), ("2", 12.5), ("2", 12.5), ("2", 7)]
    assert len({order[1] for order in orders}) == 5
    assert {event.value for event in events} == {event.value for event in read_all(*rows[::-1], header=ORDERS)[0]}
    assert report.notes == [
        "5 orders and refunds without an id: one is made from what they are",
        "2 orders without an amount: they count as orders of unknown amount",
    ]


def test_a_file_without_the_columns_of_ids_and_amounts_can_be_read() -> None:
    (event,) = read("2009-01-01,1,purchase,order", header="ts,customer_id,type,subtype")
    assert json.loads(event.value)["name"] == "completed"


def test_rows_of_different_amounts_are_the_items_of_one_order() -> None:
    rows = [f"2026-03-01 10:0{k}:00,c,purchase,order,o-1,{amount},p-{k}" for k, amount in enumerate((20, 15.5, 4.5))]
    other = "2026-03-01 10:01:00,c,purchase,order,o-2,7,p-9"
    events, report = read_all(rows[0], other, *rows[1:], header=f"{ORDERS},product_id")
    assert orders_of(events) == [("c", "o-2", 7, "USD"), ("c", "o-1", 40, "USD")]
    order = json.loads(events[1].value)
    assert order["items"] == [{"product_id": f"p-{k}", "price": price} for k, price in enumerate((20, 15.5, 4.5))]
    assert order["occurred_at"] == "2026-03-01T10:00:00Z"
    assert events[1].line == 2
    assert report.notes == ["1 orders have several rows: the rows are their items, added up"]


@pytest.mark.parametrize(("answer", "amount"), [(LineItems.SUM, 60), (LineItems.FIRST, 20)])
def test_rows_of_the_same_amount_are_asked_about(answer: LineItems, amount: float) -> None:
    rows = ["2026-03-01 10:00:00,c,purchase,order,o-1,20.00"] * 3
    with pytest.raises(EventLogError, match=r"line 2: this order has 3 rows of the same amount.*--line-items sum"):
        read_all(*rows, header=ORDERS)
    events, _ = read_all(*rows, header=ORDERS, form=LogForm(line_items=answer))
    assert orders_of(events) == [("c", "o-1", amount, "USD")]
    assert len(json.loads(events[0].value)["items"]) == 3


def test_an_amount_in_the_first_row_of_an_order_only_is_that_of_the_order() -> None:
    rows = ["2026-03-01,c,purchase,order,o-1,60", *["2026-03-01,c,purchase,order,o-1,"] * 2]
    assert orders_of(read(*rows, header=ORDERS)) == [("c", "o-1", 60, "USD")]


def test_a_rejected_row_of_an_order_does_not_hold_back_the_others() -> None:
    rows = [
        "2026-03-01,c,purchase,order,o-1,60",
        "2026-03-01,c,purchase,order,o-1,x",
        "2026-03-01,c,purchase,order,o-1,2",
    ]
    events, report = read_all(*rows, header=ORDERS)
    assert orders_of(events) == [("c", "o-1", 62, "USD")]
    assert report.counts == {Reason.BAD_AMOUNT: 1}


@given(
    st.lists(
        st.tuples(st.sampled_from("cd"), st.sampled_from(["o1", "o2", "o3"]), st.integers(1, 10_000)), max_size=12
    ),
    st.randoms(use_true_random=False),
)
def test_however_its_rows_are_mixed_an_order_is_one(rows: list[tuple[str, str, int]], random: Random) -> None:
    expected: dict[tuple[str, str], int] = {}
    for customer, order, cents in rows:
        expected[customer, order] = expected.get((customer, order), 0) + cents
    lines = [f"2026-03-01,{customer},purchase,order,{order},{cents / 100:.2f}" for customer, order, cents in rows]
    random.shuffle(lines)
    events, _ = read_all(*lines, header=ORDERS, form=LogForm(line_items=LineItems.SUM))
    found = {(customer, order): round((amount or 0) * 100) for customer, order, amount, _ in orders_of(events)}
    assert found == expected
    assert len(events) == len(expected)


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
        records = [_Record(event) for event in events if event.event_type is event_type]
        decoded = Decoder(rates={"GBP": 1.0}).decode(event_type, records)
        assert decoded.rejections == []
        assert decoded.events["time"].tolist() == [record.timestamp for record in records]
        assert len(set(decoded.events["event_id"].tolist())) == count
    with gzip.open(path, "rt") as lines:
        assert sum(1 for _ in lines) == len(events) + 1


class _Record:
    """The record that a producer would make of a log event."""

    def __init__(self, event: LogEvent) -> None:
        self.key = event.customer_id.encode()
        self.value = event.value
        self.timestamp = event.at_ms
        self.offset = 0
        self.headers = ()
