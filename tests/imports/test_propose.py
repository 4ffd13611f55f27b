"""Mappings proposed for tables of unknown systems, and the file in which people change them."""

from pathlib import Path

import pytest

from stream.errors import ImportFileError
from stream.imports.import_fields import MEANINGS, SYNONYMS, Piece
from stream.imports.mapping import Mapping
from stream.imports.mapping_file import read_mapping, write_mapping
from stream.imports.names import compared
from stream.imports.propose import proposed
from stream.imports.table import open_table
from tests.imports.shop import imported, rows, table

LANGUAGES = {
    "Japanese": ("注文番号,注文日,会員番号,メールアドレス,合計金額,消費税,送料", ","),
    "German": ("Bestellnr.;Bestelldatum;Kundennummer;E-Mail-Adresse;Gesamtbetrag (€);MwSt.;Versandkosten", ";"),
    "French": ("N° de commande;Date de commande;N° client;Courriel;Montant total;TVA;Livraison", ";"),
    "Spanish": ("Número de pedido;Fecha del pedido;Nº cliente;Correo electrónico;Importe total;IVA;Envío", ";"),
    "Italian": ("Numero ordine;Data ordine;Codice cliente;Email;Totale ordine;IVA;Spedizione", ";"),
    "Dutch": ("Bestelnummer;Besteldatum;Klantnummer;E-mailadres;Totaalbedrag;BTW;Verzending", ";"),
    "Polish": ("Nr zamówienia;Data zamówienia;ID klienta;Adres e-mail;Wartość zamówienia;VAT;Dostawa", ";"),
    "Swedish": ("Ordernr;Orderdatum;Kundnummer;E-post;Totalbelopp;Moms;Frakt", ";"),
    "English": ("Order Ref,Purchased at,Client number,E-mail,Grand total (incl. VAT),VAT,Shipping", ","),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_columns_are_found_by_their_names_in_many_languages(tmp_path: Path, language: str) -> None:
    header, delimiter = LANGUAGES[language]
    lines = [
        ["17", "31.01.2024 10:00", "K-1", "ann@example.com", "119.00", "19.00", "4.90"],
        ["18", "01.02.2024 11:00", "K-2", "bo@example.com", "59.50", "9.50", "0.00"],
    ]
    path = table(tmp_path / "a.csv", "\n".join([header, *(delimiter.join(line) for line in lines)]))
    names = header.split(delimiter)
    columns = proposed(open_table(path)).columns
    expected = dict(zip((Piece.ORDER_ID, Piece.DATE, Piece.CUSTOMER, Piece.EMAIL, Piece.AMOUNT), names, strict=False))
    assert {field: columns.get(field) for field in expected} == expected
    assert imported(path).money() == 178.50


#: Orders, customers, cancelled orders, money ordered and paid back, counted by eye in these files of two orders each.
OTHERS = {
    "squarespace": (2, 2, 0, 50.00, 5.00),
    "wix": (2, 2, 0, 30.00, 5.00),
    "bigcommerce": (2, 2, 0, 32.00, 16.00),
    "magento": (2, 2, 0, 42.00, 26.00),
    "prestashop": (1, 1, 1, 16.00, 0.00),
}


@pytest.mark.parametrize("system", OTHERS)
def test_exports_of_other_systems_are_understood_by_their_names_and_contents(system: str) -> None:
    result = imported(Path(__file__).parent / "others" / f"{system}.csv")
    summary = result.summary
    found = (summary.orders, summary.customers, summary.cancelled, result.money(), result.paid_back())
    assert found == OTHERS[system]
    assert Piece.ORDER_ID in result.sources[0].mapping.columns


def test_contents_speak_where_names_do_not(tmp_path: Path) -> None:
    text = "a,b,c,d\nx1,2024-03-01,ann@example.com,10.50\nx2,2024-03-02,bo@example.com,11.25\n"
    columns = proposed(open_table(table(tmp_path / "a.csv", text))).columns
    assert (columns[Piece.DATE], columns[Piece.EMAIL], columns[Piece.AMOUNT]) == ("b", "c", "d")


def test_contents_overrule_a_name_that_cannot_be_true(tmp_path: Path) -> None:
    lines = ["late,2024-03-01,ann@example.com,yes,10.50", "late,2024-03-02,b@example.com,no,1.5"]
    text = rows("Date,When,Email,Total,Amount due", lines)
    columns = proposed(open_table(table(tmp_path / "a.csv", text))).columns
    assert (columns[Piece.DATE], columns[Piece.AMOUNT]) == ("When", "Amount due")


def test_a_list_of_customers_is_one(tmp_path: Path) -> None:
    text = (
        "Kundennummer;Vorname;Nachname;E-Mail;Newsletter\n17;Ann;Ode;ann@example.com;ja\n18;Bo;Ek;bo@example.com;nein\n"
    )
    result = imported(table(tmp_path / "a.csv", text))
    assert result.sources[0].mapping.content == "customers"
    assert {(contact.name, contact.marketing) for contact in result.contacts.values()} == {
        ("Ann Ode", "yes"),
        ("Bo Ek", "no"),
    }
    assert (result.events, result.issues) == ([], [])


def test_customers_known_by_name_only_are_told_apart_by_it(tmp_path: Path) -> None:
    lines = ["1,2024-03-01,Ann Ode,1.50", "2,2024-03-02,ann ode,2.50", "3,2024-03-03,Bo Ek,3.50"]
    text = rows("Order,Date,Customer name,Total", lines)
    result = imported(table(tmp_path / "a.csv", text))
    assert result.summary.customers == 2
    assert all(event["customer_id"].startswith("customer:") for event in result.events)


@pytest.mark.parametrize("missing", ["date", "customer"])
def test_missing_columns_are_named_with_those_of_the_file(tmp_path: Path, missing: str) -> None:
    text = {"date": "Order,Email,Total\n1,ann@example.com,1.50\n", "customer": "Order,Date,Total\n1,2024-01-01,1.50\n"}
    with pytest.raises(ImportFileError, match=rf"no column looks like the {missing}.*'Order'.*'Total'.*--mapping"):
        imported(table(tmp_path / "a.csv", text[missing]))


def test_a_mapping_that_was_written_is_read_as_it_was(tmp_path: Path) -> None:
    header = ["Order #", 'Total "net"', "Datum\tzeit", "Müller\\Söhne", ""]
    mapping = Mapping(
        title='till of "Ann\'s"',
        amounts="line",
        dates="dmy",
        decimal=",",
        currency="EUR",
        timezone="Europe/Berlin",
        columns={
            Piece.ORDER_ID: "Order #",
            Piece.AMOUNT: 'Total "net"',
            Piece.DATE: "Datum\tzeit",
            Piece.EMAIL: "Müller\\Söhne",
        },
    )
    path = tmp_path / "till.toml"
    write_mapping(path, mapping, header)
    assert read_mapping(path, header, "till.csv") == mapping
    text = path.read_text()
    assert all(f"{field} = " in text for field in Piece)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("system = ", "Invalid value"),
        ('titel = "x"', "titel"),
        ('[columns]\ndatum = "Date"', "datum"),
        ('[columns]\ndate = "When"', "has no such column; it has 'Date'"),
        ('amounts = "half"', "half"),
    ],
)
def test_a_mapping_that_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = table(tmp_path / "till.toml", text)
    with pytest.raises(ImportFileError, match=message) as raised:
        read_mapping(path, ["Date"], "till.csv")
    assert str(path) in str(raised.value)


def test_every_field_has_a_meaning_and_every_name_is_as_names_are_compared() -> None:
    assert {*MEANINGS} == {*Piece}
    wrong = [name for names in SYNONYMS.values() for name in names if compared(name) != name]
    assert wrong == []
