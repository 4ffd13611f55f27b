"""Orders that are told twice, in lines, or in part."""

from pathlib import Path

import pytest

from stream.errors import ImportFileError
from stream.imports.issues import Why
from tests.imports.shop import HEADER, LINES, imported, rows, table


def test_the_same_row_twice_counts_once(tmp_path: Path) -> None:
    many = [f"{n},2024-03-01,a{n}@example.com,1.00" for n in range(40)]
    result = imported(table(tmp_path / "a.csv", rows(HEADER, [*many, many[7]])))
    assert (result.summary.orders, result.why(Why.SAME_ROW)) == (40, [42])


def test_two_files_that_overlap_count_once(tmp_path: Path) -> None:
    first = table(tmp_path / "a.csv", rows(HEADER, LINES[:2]))
    second = table(tmp_path / "b.csv", rows(HEADER, LINES[1:]))
    result = imported(first, second)
    assert (result.summary.orders, result.money()) == (3, 1274.90)
    assert [(issue.table, issue.line) for issue in result.issues if issue.why is Why.SAME_ROW] == [(1, 2)]


def test_an_order_that_differs_between_files_is_as_the_later_file_has_it(tmp_path: Path) -> None:
    first = table(tmp_path / "a.csv", rows(HEADER, LINES))
    second = table(tmp_path / "b.csv", rows(HEADER, [LINES[0].replace("19.90", "9.90")]))
    result = imported(first, second)
    assert result.money() == 1264.90
    assert [(issue.table, issue.line) for issue in result.issues if issue.why is Why.OTHER_FILE] == [(0, 2)]


ITEMS = "Order number,Order date,Customer email,Total"


def test_lines_of_one_order_are_one_order_when_their_amounts_tell(tmp_path: Path) -> None:
    lines = [
        "1,2024-03-01,ann@example.com,10.00",
        "1,2024-03-01,ann@example.com,5.00",
        "2,2024-03-02,bo@example.com,1.00",
    ]
    result = imported(table(tmp_path / "a.csv", rows(ITEMS, lines)))
    assert (result.summary.orders, result.money()) == (2, 16.0)


def test_lines_of_one_order_with_the_same_amount_are_a_question(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", rows(ITEMS, ["1,2024-03-01,ann@example.com,20.00"] * 3))
    with pytest.raises(ImportFileError, match="--line-items sum"):
        imported(path)
    assert imported(path, line_items="sum").money() == 60.0
    first = imported(path, line_items="first")
    assert (first.summary.orders, first.money()) == (1, 20.0)


def test_price_and_quantity_make_the_amount_where_there_is_no_other(tmp_path: Path) -> None:
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    lines = [
        "536365,85123A,HOLDER,6,12/1/2010 8:26,2.55,17850.0,United Kingdom",
        "536365,71053,LANTERN,6,12/1/2010 8:26,3.39,17850.0,United Kingdom",
        "C536379,D,Discount,-1,12/1/2010 9:41,27.50,14527,United Kingdom",
        "536414,22139,,56,12/31/2010 11:52,0,,United Kingdom",
    ]
    result = imported(table(tmp_path / "a.csv", rows(header, lines)))
    (order,) = result.named("completed")
    assert order["amount"] == 35.64
    assert order["customer_id"] == "17850"
    assert [(item["product_id"], item["quantity"], item["price"]) for item in order["items"]] == [
        ("85123A", 6.0, 2.55),
        ("71053", 6.0, 3.39),
    ]
    (refund,) = result.named("refunded")
    assert (refund["amount"], refund["customer_id"]) == (27.5, "14527")
    assert result.why(Why.NO_CUSTOMER) == [5]


def test_a_discount_line_lessens_its_order_and_is_no_refund(tmp_path: Path) -> None:
    lines = [
        "1,2024-03-01,ann@example.com,10.00",
        "1,2024-03-01,ann@example.com,-2.00",
        "1,2024-03-01,ann@example.com,4",
    ]
    result = imported(table(tmp_path / "a.csv", rows(ITEMS, lines)))
    assert (result.money(), result.paid_back()) == (12.0, 0.0)


def test_a_line_that_cannot_be_read_costs_its_order_not_a_part_of_its_total(tmp_path: Path) -> None:
    lines = [
        "1,2024-03-01,ann@example.com,10.00",
        "1,2024-03-01,ann@example.com,ten",
        *(f"2,2024-03-02,bo@example.com,{amount}" for amount in ("1.00", "2.00", "3.00", "4.00", "5.00", "6.00")),
    ]
    result = imported(table(tmp_path / "a.csv", rows(ITEMS, lines)))
    assert (result.summary.orders, result.money()) == (1, 21.0)
    assert (result.why(Why.BAD_AMOUNT), result.why(Why.OTHER_LINE)) == ([3], [2])


def test_an_order_refunded_twice_and_over_never_falls_below_nothing(tmp_path: Path) -> None:
    lines = [
        "1,2024-03-01,ann@example.com,50.00",
        "1,2024-03-05,ann@example.com,-30.00",
        "1,2024-03-05,ann@example.com,-30.00",
        "1,2024-03-09,ann@example.com,-40.00",
    ]
    result = imported(table(tmp_path / "a.csv", rows(ITEMS, lines)))
    assert (result.money(), result.paid_back()) == (50.0, 50.0)
    assert [event["amount"] for event in result.named("refunded")] == [30.0, 20.0]
    assert (result.why(Why.SAME_ROW), len(result.why(Why.REFUND_OVER_ORDER))) == ([4], 1)


def test_orders_without_a_number_are_told_apart_by_their_content(tmp_path: Path) -> None:
    lines = ["2024-03-01,ann@example.com,10.00", "2024-03-01,ann@example.com,11.00", "2024-03-01,bo@example.com,10.00"]
    path = table(tmp_path / "a.csv", rows("Date,Email,Amount", lines))
    result = imported(path)
    assert (result.summary.orders, result.money()) == (3, 31.0)
    assert result.events == imported(path).events


def test_an_order_without_an_amount_is_said(tmp_path: Path) -> None:
    lines = ["1,2024-03-01,ann@example.com,", "2,2024-03-02,ann@example.com,12.50"]
    result = imported(table(tmp_path / "a.csv", rows(ITEMS, lines)))
    assert result.why(Why.NO_AMOUNT) == [2]
    assert (result.summary.orders, result.money()) == (2, 12.5)
    assert [event.get("amount") for event in result.events] == [None, 12.5]


def test_several_currencies_are_counted_apart(tmp_path: Path) -> None:
    lines = [
        "1,2024-03-01,ann@example.com,10.00,eur",
        "2,2024-03-01,bo@example.com,10.00,USD",
        "3,2024-03-01,c@example.com,1,XX",
    ]
    result = imported(
        table(tmp_path / "a.csv", rows(f"{ITEMS},Currency", [*lines, *["4,2024-03-01,d@example.com,1.50,"]]))
    )
    assert dict(result.summary.ordered) == {"EUR": 100_000, "USD": 115_000}
    assert result.why(Why.BAD_CURRENCY) == [4]
