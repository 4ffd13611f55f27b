"""Tables that no system has written: what the columns are, whose orders they are, and what their amounts are."""

from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from stream.errors import ImportFileError
from stream.imports.import_fields import Piece
from stream.imports.issues import Why
from tests.imports.shop import Imported, imported, rows, table


def columns(result: Imported) -> dict[str, str]:
    return {str(field): column for field, column in result.sources[0].mapping.columns.items()}


def test_a_book_of_invoices_with_titles_months_sums_and_two_kinds_of_dates(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for cells in (
        ["Teeladen Müller - Rechnungsausgangsbuch"],
        ["Stand: 30.11.2025"],
        [],
        ["Rechnungsdatum", "Rechnungs-Nr.", "Kunde", "Ort", "Netto", "USt. 19 %", "Brutto"],
        ["Oktober 2025"],
        [45931, "RE-1", "Ann Ode", "Hull", 100, 19, 119],
        ["02.10.2025", "RE-2", "Bo Lund", "York", 1000, 190, "1.190,00 €"],
        ["Summe", None, None, None, None, None, 1309],
        [],
        ["November 2025"],
        [datetime(2025, 11, 3), "RE-3", "Ann  Ode", "Hull", 10, 1.9, 11.9],  # noqa: DTZ001 - as spreadsheets have it
        [date(2025, 11, 4), "GS-3", "Ann Ode", "Hull", -5, -0.95, -5.95],
        ["Summe", None, None, None, None, None, 5.95],
        ["Gesamtsumme", None, None, None, None, None, 1314.95],
    ):
        sheet.append(cells)
    sheet.merge_cells("A1:G1")
    sheet.merge_cells("A5:G5")
    book.save(tmp_path / "book.xlsx")
    result = imported(tmp_path / "book.xlsx")
    assert columns(result) == {
        "order_id": "Rechnungs-Nr.",
        "date": "Rechnungsdatum",
        "amount": "Brutto",
        "customer": "Kunde",
        "city": "Ort",
    }
    assert [(event["order_id"], event["occurred_at"][:10], event["amount"]) for event in result.events] == [
        ("RE-1", "2025-10-01", 119.0),
        ("RE-2", "2025-10-02", 1190.0),
        ("RE-3", "2025-11-03", 11.9),
        ("GS-3", "2025-11-04", 5.95),
    ]
    assert [event["name"] for event in result.events] == ["completed"] * 3 + ["refunded"]
    assert len({event["customer_id"] for event in result.events}) == 2
    assert len(result.why(Why.TOTALS)) == 5
    assert not result.why(Why.BAD_DATE)


def test_several_columns_of_amounts_without_a_name_that_tells_are_asked_about(tmp_path: Path) -> None:
    lines = [f"2025-0{k}-01,ann@example.com,1{k}.50,2{k}.50" for k in range(1, 6)]
    with pytest.raises(ImportFileError, match=r"what the customer paid.*several columns of amounts: 'Alpha', 'Beta'"):
        imported(table(tmp_path / "a.csv", rows("Date,Email,Alpha,Beta", lines)))


@pytest.mark.parametrize("total", ["119.00", "123.90", "100.00"])
def test_prices_and_pieces_tell_that_each_row_has_the_total_of_its_order(tmp_path: Path, total: str) -> None:
    lines = [
        line
        for k in range(1, 9)
        for line in (
            f"{k},2025-0{k}-01,ann@example.com,Mug,2,20.00,{total}",
            f"{k},2025-0{k}-01,ann@example.com,Pot,1,60.00,{total}",
        )
    ]
    result = imported(table(tmp_path / "a.csv", rows("Order,Date,Email,Item,Qty,Price,Total", lines)))
    assert [event["amount"] for event in result.events] == [float(total)] * 8


def test_prices_and_pieces_tell_that_each_row_has_a_part_of_the_total(tmp_path: Path) -> None:
    lines = [f"{k},2025-0{k}-01,ann@example.com,{what},2,20.00,40.00" for k in range(1, 9) for what in ("Mug", "Pot")]
    result = imported(table(tmp_path / "a.csv", rows("Order,Date,Email,Item,Qty,Price,Total", lines)))
    assert [event["amount"] for event in result.events] == [80.0] * 8


def test_amounts_on_which_prices_and_pieces_do_not_agree_are_asked_about(tmp_path: Path) -> None:
    lines = [
        f"{k},2025-0{k}-01,ann@example.com,{what},1,{40 if k % 2 else 20}.00,40.00"
        for k in range(1, 9)
        for what in ("Mug", "Pot")
    ]
    with pytest.raises(ImportFileError, match="--line-items"):
        imported(table(tmp_path / "a.csv", rows("Order,Date,Email,Item,Qty,Price,Total", lines)))


def test_who_stands_at_the_till_is_not_the_customer(tmp_path: Path) -> None:
    people = ("Ann Ode", "Bo Lund", "Cy Dent", "Di Moss", "Ed Park", "Flo Quinn", "Gus Hill")
    lines = [f"{k},2025-01-{k + 1:02},{'Tim' if k % 2 else 'Tom'},{who},1{k}.50" for k, who in enumerate(people)]
    result = imported(table(tmp_path / "a.csv", rows("Receipt,Date,User,Customer name,Total", lines)))
    assert columns(result)["customer"] == "Customer name"
    assert result.summary.customers == len(people)


def test_a_telephone_number_tells_customers_apart_however_it_is_written(tmp_path: Path) -> None:
    cells = ["+49 151 2345678", "0151/2345678", "004915 12345678", "0151 2345679"]
    lines = [f"0{k + 1}.02.2025;{cell};1{k},50 EUR" for k, cell in enumerate(cells)]
    result = imported(table(tmp_path / "a.csv", rows("Datum;Telefon;Betrag", lines)))
    ids = [event["customer_id"] for event in result.events]
    assert len({*ids[:3]}) == 1
    assert ids[3] != ids[0]
    assert not any("2345678" in str(event) for event in result.events)
    assert {contact.called for contact in result.contacts.values()} == {cells[2], cells[3]}


def test_a_name_is_the_same_with_two_blanks_and_with_accents_of_either_form(tmp_path: Path) -> None:
    cells = ["Zoë Ode", "  zoë   ode", "ZOE\u0308 ODE"]
    lines = [f"2025-02-0{k + 1},{cell},1{k}.50" for k, cell in enumerate(cells)]
    result = imported(table(tmp_path / "a.csv", rows("date,customer,paid", lines)))
    assert result.summary.customers == 1


def test_a_name_with_a_number_is_shown_and_a_code_is_its_own_name(tmp_path: Path) -> None:
    lines = [f"2025-02-0{k + 1},{cell},1{k}.50" for k, cell in enumerate(("J. Doe 12", "K-17", "sunny_knits"))]
    result = imported(table(tmp_path / "a.csv", rows("date,customer,paid", lines)))
    assert [contact.name for contact in result.contacts.values()] == ["J. Doe 12", "sunny_knits"]
    assert "K-17" in {event["customer_id"] for event in result.events}


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Order Refunded Amount", Piece.REFUNDED),
        ("Erstattungsbetrag (brutto)", Piece.REFUNDED),
        ("Montant du remboursement", Piece.REFUNDED),
        ("Fulfillment Status", Piece.STATUS),
        ("Versandstatus", Piece.STATUS),
        ("Qty refunded", None),
        ("Refund date", Piece.REFUNDED_AT),
    ],
)
def test_what_became_of_an_order_is_found_in_columns_of_many_names(
    tmp_path: Path, header: str, field: Piece | None
) -> None:
    cell = {Piece.STATUS: "cancelled", Piece.REFUNDED_AT: "2025-03-01"}.get(field or Piece.NAME, "4.50")
    lines = [f"{k},2025-02-0{k},c{k}@example.com,1{k}.50,{cell if k == 3 else ''}" for k in range(1, 6)]
    found = columns(imported(table(tmp_path / "a.csv", rows(f"Order,Date,Email,Total,{header}", lines))))
    assert [name for name, column in found.items() if column == header] == ([str(field)] if field else [])


def test_names_and_addresses_are_found_beside_words_for_whose_they_are(tmp_path: Path) -> None:
    header = (
        "Bestellnummer;Bestelldatum;Vorname (Rechnungsadresse);Nachname (Rechnungsadresse);Stadt (Rechnungsadresse)"
        ";Telefon (Rechnungsadresse);Stadt (Lieferadresse);E-Mail (Rechnungsadresse);Gesamtsumme der Bestellung"
    )
    line = "1;02.03.2025;Ann;Ode;Hull;+49 151 2345678;York;ann@example.com;12,50 €"
    result = imported(table(tmp_path / "a.csv", rows(header, [line])))
    (contact,) = result.contacts.values()
    assert (contact.name, contact.phone, contact.address) == ("Ann Ode", "+49 151 2345678", "Hull")


def test_an_invoice_and_its_payment_are_one_order(tmp_path: Path) -> None:
    kinds = ("Invoice", "Payment", "Sales Receipt", "Estimate", "Credit Memo")
    lines = [
        f"2025-02-0{k + 1},{kind},{k},Ann Ode,{'-4' if 'Memo' in kind else '10'}.50" for k, kind in enumerate(kinds)
    ]
    result = imported(table(tmp_path / "a.csv", rows("Date,Transaction Type,Num,Customer,Amount", lines)))
    assert [(event["order_id"], event["name"], event["amount"]) for event in result.events] == [
        ("0", "completed", 10.5),
        ("2", "completed", 10.5),
        ("4", "refunded", 4.5),
    ]
    assert result.why(Why.NO_ORDER) == [3, 5]
