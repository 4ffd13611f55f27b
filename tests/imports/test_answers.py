"""Columns that answer yes or no, and lists of customers that look like orders."""

from pathlib import Path

import pytest

from stream.errors import ImportFileError
from tests.imports.shop import imported, rows, table

HEADER = "Order,Date,Email,Total"


def lines(cells: list[str]) -> list[str]:
    return [f"{k},2025-03-0{k + 1},{k}@example.com,1{k}.50,{cell}" for k, cell in enumerate(cells)]


@pytest.mark.parametrize("name", ["Cancelled", "Storniert", "Annulée", "Zrušeno", "취소여부"])
@pytest.mark.parametrize(
    "cells", [["yes", "no", "no"], ["ja", "nein", "nein"], ["1", "0", "0"], ["x", "", ""], ["J", "N", "N"]]
)
def test_a_column_that_says_whether_an_order_was_cancelled(tmp_path: Path, name: str, cells: list[str]) -> None:
    result = imported(table(tmp_path / "a.csv", rows(f"{HEADER},{name}", lines(cells))))
    assert [event["order_id"] for event in result.named("cancelled")] == ["0"]
    assert result.money() == 24.0


@pytest.mark.parametrize("name", ["Refunded?", "Erstattet", "Remboursé", "Refunded"])
@pytest.mark.parametrize("cells", [["yes", "no", "no"], ["TRUE", "FALSE", "FALSE"], ["1", "0", "0"], ["x", "", ""]])
def test_a_column_that_says_whether_all_was_paid_back(tmp_path: Path, name: str, cells: list[str]) -> None:
    result = imported(table(tmp_path / "a.csv", rows(f"{HEADER},{name}", lines(cells))))
    assert [(event["order_id"], event["amount"]) for event in result.named("refunded")] == [("0", 10.5)]


def test_amounts_in_such_a_column_are_amounts(tmp_path: Path) -> None:
    result = imported(table(tmp_path / "a.csv", rows(f"{HEADER},Refunded", lines(["1.00", "0", "2"]))))
    assert [(event["order_id"], event["amount"]) for event in result.named("refunded")] == [("0", 1.0), ("2", 2.0)]


def test_days_in_such_columns_are_when_it_happened(tmp_path: Path) -> None:
    refunded = imported(table(tmp_path / "a.csv", rows(f"{HEADER},Refunded", lines(["", "2025-04-01", ""]))))
    (refund,) = refunded.named("refunded")
    assert (refund["order_id"], refund["amount"], refund["occurred_at"]) == ("1", 11.5, "2025-04-01T00:00:00Z")
    cancelled = imported(table(tmp_path / "b.csv", rows(f"{HEADER},Cancelled", lines(["", "2025-04-01", ""]))))
    (one,) = cancelled.named("cancelled")
    assert (one["order_id"], one["occurred_at"]) == ("1", "2025-04-01T00:00:00Z")


@pytest.mark.parametrize(
    ("header", "rest"),
    [
        (
            "Customer ID,Email,First Name,Registration date,Total spent,Orders count",
            "{k},{k}@example.com,Ann,2025-01-0{k},12{k}.50,3",
        ),
        ("E-Mail,Vorname,Nachname,Angemeldet am", "{k}@example.com,Ann,Ode,2025-01-0{k}"),
        ("Kundennummer,Name,Gesamtumsatz,Kunde seit", "{k},Ann {k},12{k}.50,2025-01-0{k}"),
    ],
)
def test_what_customers_have_spent_so_far_is_no_order(tmp_path: Path, header: str, rest: str) -> None:
    result = imported(table(tmp_path / "a.csv", rows(header, [rest.format(k=k) for k in range(1, 6)])))
    assert result.sources[0].mapping.content == "customers"
    assert (result.events, len(result.contacts)) == ([], 5)


def test_rows_that_may_be_customers_or_orders_are_asked_about(tmp_path: Path) -> None:
    people = [f"{k}@example.com,Ann {k},030 12345{k},2025-01-0{k}" for k in range(1, 6)]
    with pytest.raises(ImportFileError, match=r'content = "customers" or "orders": --mapping'):
        imported(table(tmp_path / "a.csv", rows("Email,Name,Phone,Created At", people)))
    # somebody came twice: these are orders
    twice = imported(table(tmp_path / "b.csv", rows("Email,Name,Phone,Created At", [*people, people[0][:-1] + "9"])))
    assert twice.summary.orders == 6


def test_credit_notes_and_cancellations_beside_invoices_are_paid_back(tmp_path: Path) -> None:
    text = (
        "Belegnr;Datum;Kunde;Belegart;Betrag\n1;01.03.2025;Ann;Rechnung;€10,00\n2;02.03.2025;Bo;Rechnung;€20,00\n"
        "3;15.03.2025;Ann;Gutschrift;€5,00\n4;16.03.2025;Bo;Storno;€20,00\n"
    )
    result = imported(table(tmp_path / "a.csv", text))
    assert [(event["order_id"], event["amount"]) for event in result.named("completed")] == [("1", 10.0), ("2", 20.0)]
    assert [(event["order_id"], event["amount"]) for event in result.named("refunded")] == [("3", 5.0), ("4", 20.0)]


def test_a_list_of_refunds_alone_has_no_orders(tmp_path: Path) -> None:
    text = rows("Order ID,Refund date,Email,Refund amount", ["1001,2025-03-05,ann@x.org,5.00"])
    with pytest.raises(ImportFileError, match="no column looks like the date of the order"):
        imported(table(tmp_path / "a.csv", text))


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("Order,Date,Customer,Total", "1.00001E+11,2025-03-30,12345,5.00"),
        ("Order,Date,Customer,Total", "1,2025-03-30,4.91512E+11,5.00"),
        ("Bestellung;Datum;Telefon;Summe", "1;2025-03-30;4,91512E+11;€5,00"),
    ],
)
def test_numbers_that_a_spreadsheet_has_rounded_are_never_one_order_or_customer(
    tmp_path: Path, header: str, line: str
) -> None:
    with pytest.raises(ImportFileError, match=r"rounded the numbers in '.*' \(such as .*E\+11\)"):
        imported(table(tmp_path / "a.csv", rows(header, [line])))
