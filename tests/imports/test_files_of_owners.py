"""What owners of small shops hand in: cells as spreadsheets leave them, rows that are no orders, other languages."""

from pathlib import Path

import pytest

from stream.errors import ImportFileError
from stream.imports.issues import IssueSeverity, Why
from tests.imports.shop import HEADER, LINES, Imported, imported, rows, table

DOLLARS = "The amounts name no currency; taken as US dollars. Another one: --currency EUR"


def orders(result: Imported) -> list[tuple[str, str, float | None, str | None]]:
    """Number, day, amount and currency of the orders."""
    return [
        (e["order_id"], e["occurred_at"][:10], e.get("amount"), e.get("currency")) for e in result.named("completed")
    ]


def notes(result: Imported) -> tuple[str, ...]:
    return result.sources[0].reading.notes


CHINESE = (
    "订单编号,下单时间,买家昵称,实付金额,订单状态\n"
    "1001,2025-02-03 10:00:00,张三,¥100.50,交易成功\n"
    "1002,2025年2月4日 10:00,李四,20.00,交易关闭\n"
    "1003,2025/2/5 10:00,李四,￥30.00,已退款\n"
    "1004,2025-02-06 10:00:00,王五,40元,已取消\n"
    "1005,2025-02-07 10:00:00,王五,50.00,退款关闭\n"
    "1006,2025-02-07 10:00:00,王五,60.00,等待买家付款\n"
    "1007,2025-02-08 10:00:00,匿名买家,70.00,交易成功\n"
    "合计,,,370.50,\n"
)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16"])
def test_a_chinese_export_is_read_with_its_states_and_its_currency(tmp_path: Path, encoding: str) -> None:
    result = imported(table(tmp_path / "a.csv", CHINESE, encoding))
    assert [(number, amount, currency) for number, _, amount, currency in orders(result)] == [
        ("1001", 100.5, "CNY"),
        ("1002", 20.0, "CNY"),
        ("1003", 30.0, "CNY"),
        ("1004", 40.0, "CNY"),
        ("1005", 50.0, "CNY"),
    ]
    assert [event["order_id"] for event in result.named("cancelled")] == ["1002", "1004"]
    assert [(event["order_id"], event["amount"]) for event in result.named("refunded")] == [("1003", 30.0)]
    assert {contact.name for contact in result.contacts.values()} == {"张三", "李四", "王五"}
    assert (result.why(Why.UNPAID), result.why(Why.NO_CUSTOMER), result.why(Why.TOTALS)) == ([7], [8], [9])
    assert any("Chinese yuan" in note for note in notes(result))


@pytest.mark.parametrize(
    ("header", "cell", "currency"),
    [
        ("Total CHF", "1'234.50", "CHF"),
        ("Betrag (€)", "1.234,50", "EUR"),
        ("Total", "1.234,50 €", "EUR"),
        ("Total", "CHF 1'234.50", "CHF"),
        ("Total", "1,234.50円", "JPY"),
        ("Total GBP", "€1,234.50", "EUR"),
        ("TOTAL ALL", "1,234.50", "USD"),
    ],
)
def test_the_currency_is_in_the_cell_or_in_the_name_of_the_column(
    tmp_path: Path, header: str, cell: str, currency: str
) -> None:
    text = f"Order ID;Date;Email;{header}\n1;2025-02-03;ann@example.com;{cell}\n"
    result = imported(table(tmp_path / "a.csv", text))
    assert orders(result) == [("1", "2025-02-03", 1234.5, currency)]
    assert (DOLLARS in notes(result)) == (currency == "USD")


@pytest.mark.parametrize(("cell", "amount"), [("12.\u2013", 12), ("12,-", 12), ("CHF 12.--", 12), ("12.5-", None)])
def test_a_dash_in_place_of_cents_is_none(tmp_path: Path, cell: str, amount: int | None) -> None:
    text = f"Order ID;Date;Email;Total\n1;2025-02-03;ann@example.com;{cell}\n"
    assert [order[2] for order in orders(imported(table(tmp_path / "a.csv", text)))] == ([amount] if amount else [])


def test_dates_with_points_begin_with_the_day_and_it_is_said(tmp_path: Path) -> None:
    lines = [f"{number},0{number}.02.2025,ann@example.com,5.00" for number in (3, 1, 2)]
    result = imported(table(tmp_path / "a.csv", rows(HEADER, lines)))
    assert [day for _, day, _, _ in orders(result)] == ["2025-02-01", "2025-02-02", "2025-02-03"]
    assert "Dates with points begin with the day (03.02.2025). Otherwise: --dates mdy" in notes(result)
    other = imported(table(tmp_path / "a.csv", rows(HEADER, lines)), dates="mdy")
    assert [day for _, day, _, _ in orders(other)] == ["2025-01-02", "2025-02-02", "2025-03-02"]


def test_numbers_of_days_are_dates_where_the_column_is_called_so(tmp_path: Path) -> None:
    lines = ["45000,45000,ann@example.com,20.50", "45001,45001.5,bo@example.com,30.50"]
    result = imported(table(tmp_path / "a.csv", rows(HEADER, lines)))
    assert [event["occurred_at"] for event in result.events] == ["2023-03-15T00:00:00Z", "2023-03-16T12:00:00Z"]
    assert "Dates such as 45000 are numbers of days, as Excel counts them." in notes(result)
    # a number that is no date stays none
    lines = ["1,12,ann@example.com,20.50", "2,13,bo@example.com,30.50"]
    with pytest.raises(ImportFileError, match="no column looks like the date"):
        imported(table(tmp_path / "a.csv", rows(HEADER, lines)))


def test_a_second_column_of_the_same_name_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    text = "Order ID,Date,Email,Total,Total,Note,Note\n1,2025-02-03,ann@example.com,5,6,x,y\n"
    result = imported(table(tmp_path / "a.csv", text))
    assert orders(result) == [("1", "2025-02-03", 5.0, "USD")]
    assert notes(result) == (DOLLARS, "Several columns are called 'Total'; the first of them is read.")


def test_numbers_that_a_spreadsheet_keeps_as_text_keep_their_zeros(tmp_path: Path) -> None:
    text = (
        "Order ID,Date,Customer number,Total\n"
        "'0001,2025-02-03,'007,20.00\n"
        '="0002",2025-02-03,="008",20.00\n'
        '"=""0003""",2025-02-03,009,20.00\n'
    )
    result = imported(table(tmp_path / "a.csv", text))
    found = {event["order_id"]: event["customer_id"] for event in result.events}
    assert found == {"0001": "007", "0002": "008", "0003": "009"}


def test_totals_are_left_out_also_with_a_date(tmp_path: Path) -> None:
    lines = [*LINES, "Grand Total,,,1274.90", "Summe,2024-04-30,,1274.90"]
    result = imported(table(tmp_path / "a.csv", rows(HEADER, lines)))
    assert (result.money(), result.why(Why.TOTALS)) == (1274.90, [5, 6])
    text = "Customer,Date,Total\nAnn,2024-03-01,5.00\nTotal,2024-03-31,5.00\n"
    assert imported(table(tmp_path / "b.csv", text)).why(Why.TOTALS) == [3]
    # a customer may be called so
    text = "Customer,Order ID,Date,Total\nAnn,1,2024-03-01,5.00\nTotal,2,2024-03-31,5.00\n"
    assert imported(table(tmp_path / "c.csv", text)).summary.orders == 2


@pytest.mark.parametrize("status", ["test", "Test order", "Testbestellung", "测试"])
def test_a_test_is_no_order(tmp_path: Path, status: str) -> None:
    lines = [f"{LINES[0]},paid", f"{LINES[1]},{status}", f"{LINES[2]},contested"]
    result = imported(table(tmp_path / "a.csv", rows(f"{HEADER},Status", lines)))
    assert (result.summary.orders, result.why(Why.UNPAID)) == (2, [3])
    assert result.summary.rows_of(IssueSeverity.REFUSED) == 0


@pytest.mark.parametrize("guest", ["Guest", "GAST", "Gastbestellung", "Walk-in customer", "游客", "0", "N/A"])
def test_a_guest_is_nobody_and_never_one_customer_of_many_orders(tmp_path: Path, guest: str) -> None:
    lines = [f"1,2025-02-03,{guest},ann@example.com,5", f"2,2025-02-04,{guest},,7", f"3,2025-02-05,{guest},,7"]
    result = imported(table(tmp_path / "a.csv", rows("Order ID,Date,Customer,Email,Total", lines)))
    assert (result.summary.customers, result.why(Why.NO_CUSTOMER)) == (1, [3, 4])
    assert [contact.name for contact in result.contacts.values()] == [""]


def test_names_of_columns_without_rows_are_an_empty_export(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="no rows below them"):
        imported(table(tmp_path / "a.csv", f"{HEADER}\n"))


def test_a_name_is_shown_in_one_line_of_bounded_length_in_its_own_direction(tmp_path: Path) -> None:
    names = ["\u202eevil\u202c", "Ann\x1b[2J\x07 Ode", "\u05d3\u05d5\u05d3", "x" * 10_000, "<b>Bo</b>"]
    lines = [f"{k},2025-02-03,{k}@example.com,5,{name}" for k, name in enumerate(names)]
    result = imported(table(tmp_path / "a.csv", rows("Order ID,Date,Email,Total,Name", lines)))
    found = {contact.email[0]: contact.name for contact in result.contacts.values()}
    assert found == {"0": "evil", "1": "Ann [2J Ode", "2": names[2], "3": "x" * 120, "4": names[4]}


def test_dates_that_cannot_be_read_are_named_with_their_column(tmp_path: Path) -> None:
    lines = [f"{k},{'3rd of sometime ' * 9}x,ann@example.com,5" for k in range(9)]
    with pytest.raises(ImportFileError, match=r"Most cells of 'Order date' are no dates .*, such as '3rd of some"):
        imported(table(tmp_path / "a.csv", rows(HEADER, lines)))


def test_amounts_without_a_sign_are_in_the_currency_of_the_others(tmp_path: Path) -> None:
    lines = ["1;2025-01-02;c1;12,50 €", "2;2025-01-03;c2;1.250,00", "3;2025-01-04;c2;3,00 €"]
    result = imported(table(tmp_path / "a.csv", rows("Order;Date;Customer;Total", lines)))
    assert {currency for *_, currency in orders(result)} == {"EUR"}
    assert "Some amounts name no currency; taken as EUR, as the others are. Another one: --currency USD" in notes(
        result
    )
    dollars = ["1;2025-01-02;c1;$12.50", "2;2025-01-03;c2;A$12.50"]
    other = imported(table(tmp_path / "b.csv", rows("Order;Date;Customer;Total", dollars)))
    assert [currency for *_, currency in orders(other)] == ["USD", "AUD"]


@pytest.mark.parametrize(
    ("clock", "is_said"), [("14:30", True), ("14:30 PDT", False), ("14:30 CET", False), ("", False)]
)
def test_times_without_a_zone_are_mentioned_also_in_a_column_of_their_own(
    tmp_path: Path, clock: str, is_said: bool
) -> None:
    said = "Times without an offset are taken as UTC. Another zone: --timezone Europe/Berlin"
    apart = imported(
        table(tmp_path / "a.csv", rows("Order,Date,Time,Customer,Total", [f"1,2025-01-02,{clock},c1,€5.00"]))
    )
    assert (said in notes(apart)) == is_said
    one = imported(table(tmp_path / "b.csv", rows("Order,Date,Customer,Total", [f"1,2025-01-02 {clock},c1,€5.00"])))
    assert (said in notes(one)) == is_said
