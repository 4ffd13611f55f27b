"""Orders of a CSV log: lines of one order, currencies, and ambiguous cells."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import EventLogError
from stream.events.log_form import LineItems, LogForm
from stream.events.parsing_times import DateOrder
from stream.events.rejections import Defect
from stream.events.times import rfc3339
from tests.events.csv_reading import ORDERS, orders_of, read, read_all


def test_the_whole_column_tells_the_decimal_sign_and_the_order_of_dates() -> None:
    rows = ["05/06/2026 10:00;c;purchase;order;o-1;1.299", "31/05/2026 10:00;c;purchase;order;o-2;19,90"]
    events, report = read_all(*rows, header=ORDERS.replace(",", ";"))
    assert orders_of(events) == [("c", "o-1", 1299, "USD"), ("c", "o-2", 19.9, "USD")]
    assert [rfc3339(event.at_ms)[:10] for event in events] == ["2026-06-05", "2026-05-31"]
    assert report.notes == ["amounts have a decimal comma", "dates begin with the day"]


def test_ambiguous_cells_raise_a_question_that_an_option_answers() -> None:
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
        "5 orders and refunds without an id: an id is made from what is known",
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
    assert report.notes == ["1 order has several rows: the rows are its items, added up"]


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
    assert report.counts == {Defect.BAD_AMOUNT: 1}


@given(
    st.lists(
        st.tuples(st.sampled_from("cd"), st.sampled_from(["o1", "o2", "o3"]), st.integers(1, 10_000)), max_size=12
    ),
    st.randoms(use_true_random=False),
)
def test_the_rows_of_an_order_are_one_order_in_any_arrangement(
    rows: list[tuple[str, str, int]], random: Random
) -> None:
    expected: dict[tuple[str, str], int] = {}
    for customer, order, cents in rows:
        expected[customer, order] = expected.get((customer, order), 0) + cents
    lines = [f"2026-03-01,{customer},purchase,order,{order},{cents / 100:.2f}" for customer, order, cents in rows]
    random.shuffle(lines)
    events, _ = read_all(*lines, header=ORDERS, form=LogForm(line_items=LineItems.SUM))
    found = {(customer, order): round((amount or 0) * 100) for customer, order, amount, _ in orders_of(events)}
    assert found == expected
    assert len(events) == len(expected)


def test_sentences_about_orders_count_as_people_do() -> None:
    rows = [f"2026-03-01 10:00:00,c,purchase,order,o-{k},20.00" for k in (1, 1, 2, 2, 3, 3)]
    for orders, said in ((1, "amount: say"), (2, "amount, and so has 1 other order: say"),
                         (3, "amount, and so have 2 other orders: say")):  # fmt: skip
        with pytest.raises(EventLogError, match=said):
            read_all(*rows[: 2 * orders], header=ORDERS)
    _, report = read_all(*rows[:4], header=ORDERS, form=LogForm(line_items=LineItems.SUM))
    assert report.notes == ["2 orders have several rows: the rows are their items, added up"]
    _, report = read_all("2026-03-01,c,purchase,order,,", header=ORDERS)
    assert report.notes == [
        "1 order or refund without an id: an id is made from what is known",
        "1 order without an amount: it counts as an order of unknown amount",
    ]


def test_a_column_that_is_there_twice_is_no_guess() -> None:
    with pytest.raises(EventLogError, match="line 1: the column amount is there 2 times; which one counts"):
        read_all("2026-03-01,c,purchase,order,o-1,5,6", header=f"{ORDERS},Amount ")
    # a column that nothing is read from may be there as often as it likes
    assert len(read("2026-03-01,c,purchase,order,o-1,5,x,y", header=f"{ORDERS},note,note")) == 1


def test_dates_with_points_begin_with_the_day_unless_the_column_says_otherwise() -> None:
    events, report = read_all("03.02.2025;c;purchase;order;o-1;5", header=ORDERS.replace(",", ";"))
    assert (rfc3339(events[0].at_ms)[:10], report.notes) == ("2025-02-03", ["dates begin with the day"])
    rows = ["03.02.2025,c,purchase,order,o-1,5", "03.31.2025,c,purchase,order,o-2,5"]
    events, report = read_all(*rows, header=ORDERS)
    assert (rfc3339(events[0].at_ms)[:10], report.notes) == ("2025-03-02", ["dates begin with the month"])
