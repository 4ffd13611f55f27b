"""What owners hand in whose rows are no plain orders: tests, states of an order, cancelled lines, headers again."""

from pathlib import Path

import pytest

from stream.errors import ImportFileError
from stream.imports.issues import IssueSeverity, Why
from tests.imports.shop import imported, rows, table

STATES = "order id,date,email,status,total"
PEOPLE = ("ann", "bo", "cy")


def states(*told: tuple[str, str]) -> str:
    """Three orders, each told once for each (date, status)."""
    return rows(
        STATES, [f"{k},{day},{one}@b.example,{status},10.00" for k, one in enumerate(PEOPLE) for day, status in told]
    )


@pytest.mark.parametrize(
    ("told", "orders", "paid_back"),
    [
        ((("2024-03-01", "Unpaid"), ("2024-03-01", "Paid"), ("2024-03-02", "Shipped")), 3, 0.0),
        ((("2024-03-01", "Unpaid"), ("2024-03-02", "Paid"), ("2024-03-09", "Refunded")), 3, 30.0),
        ((("2024-03-09", "Failed"), ("2024-03-01", "Pending"), ("2024-03-01", "Unpaid")), 0, 0.0),
        ((("2024-03-01", "Paid"), ("2024-03-01", "Unpaid")), 3, 0.0),
    ],
)
def test_of_an_order_that_is_told_with_each_state_the_newest_counts(
    tmp_path: Path, told: tuple[tuple[str, str], ...], orders: int, paid_back: float
) -> None:
    result = imported(table(tmp_path / "a.csv", states(*told)), line_items="first")
    assert (result.summary.orders, result.money(), result.paid_back()) == (orders, 10.0 * orders, paid_back)


def test_lines_that_were_cancelled_or_returned_cost_no_other_line_of_their_order(tmp_path: Path) -> None:
    lines = ["1,2024-03-01,ann@b.example,Shipped,10.00", "1,2024-03-01,ann@b.example,Cancelled,4.00"]
    lines += ["2,2024-03-02,bo@b.example,Shipped,10.00", "2,2024-03-02,bo@b.example,Returned,3.00"]
    lines += ["3,2024-03-03,cy@b.example,Cancelled,5.00", "3,2024-03-03,cy@b.example,Cancelled,2.00"]
    result = imported(table(tmp_path / "a.csv", rows(STATES, lines)))
    assert (result.summary.orders, result.summary.cancelled) == (2, 1)
    assert (result.money(), result.paid_back()) == (23.0, 3.0)
    assert result.why(Why.LINE_GONE) == [3]


@pytest.mark.parametrize(
    ("name", "yes", "no"), [("Test", "true", "false"), ("Testbestellung", "Ja", "Nein"), ("测试", "是", "否")]
)
def test_a_column_may_say_that_an_order_is_a_test(tmp_path: Path, name: str, yes: str, no: str) -> None:
    lines = [f"{k},2024-03-0{k + 1},c{k}@b.example,10.00,{yes if k == 1 else no}" for k in range(4)]
    result = imported(table(tmp_path / "a.csv", rows(f"order id,date,email,total,{name}", lines)))
    assert (result.summary.orders, result.why(Why.UNPAID)) == (3, [3])


def test_orders_of_shopifys_gateway_for_tests_are_none(tmp_path: Path) -> None:
    header = "Name,Email,Financial Status,Created at,Total,Currency,Lineitem name,Payment Method"
    lines = ["#1,a@b.example,paid,2024-03-01 10:00:00 +0100,5.00,EUR,Mug,Shopify Payments"]
    lines += ["#2,b@b.example,paid,2024-03-02 10:00:00 +0100,7.00,EUR,Mug,bogus"]
    result = imported(table(tmp_path / "a.csv", rows(header, lines)))
    assert (result.money(), result.why(Why.UNPAID)) == (5.0, [3])


def test_headers_among_the_rows_and_a_total_in_any_column_are_no_orders(tmp_path: Path) -> None:
    header = "Rechnung;Datum;E-Mail;Betrag;Währung"
    parts = [rows(header, [f"R-{k};0{k}.03.2024;k{k}@b.example;1.234,50 €;EUR"]) for k in (1, 2, 3)]
    path = table(tmp_path / "a.csv", "\n\n".join(parts) + ";;Summe;3.703,50 €;\n")
    result = imported(path)
    assert (result.summary.orders, result.money()) == (3, 3703.5)
    assert [(issue.why, issue.severity) for issue in result.issues] == [(Why.TOTALS, IssueSeverity.LEFT_OUT)]


@pytest.mark.parametrize(
    ("header", "amount", "currency"),
    [
        ("Total (JPY)", '"1,519"', ""),
        ("Total", '"¥1,519"', ""),
        ("Total", '"1.519"', "JPY"),
        ("Total,Currency", '"1,519",JPY', ""),
        ("合計金額", '"1,519円"', ""),
    ],
)
def test_amounts_of_currencies_without_cents_have_thousands(
    tmp_path: Path, header: str, amount: str, currency: str
) -> None:
    lines = [f"{k},2024-03-0{k},c{k}@b.example,{amount}" for k in (1, 2)]
    result = imported(table(tmp_path / "a.csv", rows(f"Order,Date,Email,{header}", lines)), currency=currency)
    assert (result.money(), {event["currency"] for event in result.events}) == (3038.0, {"JPY"})


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "euc_jp"])
def test_a_japanese_export_is_read_in_its_encodings_and_its_currency(tmp_path: Path, encoding: str) -> None:
    lines = [f'{k},2024/03/0{k},山田太郎,k{k}@b.example,"12,{k}00"' for k in range(1, 6)]
    path = table(tmp_path / "a.csv", rows("注文番号,注文日,お客様名,メールアドレス,合計金額", lines), encoding)
    result = imported(path)
    assert (result.money(), {event["currency"] for event in result.events}) == (61_500.0, {"JPY"})
    assert any("taken as yen" in note for note in result.sources[0].reading.notes)


def test_a_currency_with_cents_beside_them_still_leaves_the_question(tmp_path: Path) -> None:
    lines = ['1,2024-03-01,a@b.example,"1,519",JPY', '2,2024-03-02,b@b.example,"1,519",USD']
    with pytest.raises(ImportFileError, match="--decimal point or --decimal comma"):
        imported(table(tmp_path / "a.csv", rows("Order,Date,Email,Total,Currency", lines)))


def test_amounts_that_cannot_be_read_are_never_passed_over_as_orders_of_no_value(tmp_path: Path) -> None:
    lines = [f"{k},2024-03-0{k},c{k}@b.example,{'9.00' if k == 1 else 'abc'}" for k in range(1, 9)]
    with pytest.raises(ImportFileError, match=r"what the customer paid.*Most cells of 'total' are no amounts.*'abc'"):
        imported(table(tmp_path / "a.csv", rows("order id,date,email,total", lines)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"%PDF-1.4\n%\xe2\xe3", "is a PDF document; have the shop system export CSV"),
        (b"\xef\xbb\xbf <html><table><tr><td>Order</td></tr></table>", "is a web page or XML.*save it as .xlsx or CSV"),
        (b'<?xml version="1.0"?><Workbook>', "is a web page or XML"),
        (b'[{"id": 1, "total": "12.00"}]', "is JSON, not a table"),
        (b"\xd0\xcf\x11\xe0 no book", "cannot be read as a spreadsheet: it is damaged, or has a password"),
    ],
)
def test_a_file_that_is_no_table_is_named_with_what_to_do(tmp_path: Path, content: bytes, message: str) -> None:
    (path := tmp_path / "orders.xls").write_bytes(content)
    with pytest.raises(ImportFileError, match=message):
        imported(path)


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("a.txt", "is an archive; unpack it"),
        ("xl/workbook.xml", "it is damaged"),
        ("word/document.xml", "is a text doc"),
    ],
)
def test_an_archive_is_told_by_what_is_in_it(tmp_path: Path, member: str, message: str) -> None:
    import zipfile

    with zipfile.ZipFile(path := tmp_path / "orders.csv", "w") as file:
        file.writestr(member, "x")
    with pytest.raises(ImportFileError, match=message):
        imported(path)


@pytest.mark.parametrize("when", ["Nov 30, 2024 02:10:00 PM PST", "2024-11-30 14:10 PST", "30.11.2024 23:10 CET"])
def test_zones_that_are_named_behind_the_time_count(tmp_path: Path, when: str) -> None:
    text = rows("Order\tDate\tEmail\tTotal", [f"1\t{when}\ta@b.example\t9.50"])
    (event,) = imported(table(tmp_path / "a.csv", text)).events
    assert event["occurred_at"] == "2024-11-30T22:10:00Z"
