"""Files as people have them: encodings, separators, decimal signs, dates, copies, totals, spreadsheets."""

from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from stream.errors import ImportFileError
from stream.imports.issues import IssueSeverity, Why
from tests.imports.shop import HEADER, LINES, imported, rows, table

GERMAN = (
    "Bestellnummer;Bestelldatum;Kunde;E-Mail;Gesamtbetrag;Währung;Status\n"
    "A-1;31.01.2024 09:15;Müller, Jörg;joerg@example.de;1.249,50 €;EUR;bezahlt\n"
    "A-2;01.02.2024 10:00;Özil;oezil@example.de;19,90 €;EUR;storniert\n"
    "A-3;02.02.2024 10:00;Müller, Jörg;Joerg@Example.de;7,00 €;EUR;bezahlt\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_any_encoding_gives_the_same_orders(tmp_path: Path, encoding: str) -> None:
    # without a sign of the euro: cp1252 and its relatives would have it elsewhere
    result = imported(table(tmp_path / "a.csv", GERMAN.replace(" €", ""), encoding))
    assert (result.summary.orders, result.summary.customers, result.summary.cancelled) == (2, 1, 1)
    assert dict(result.summary.ordered) == {"EUR": 12_565_000}
    assert {contact.name for contact in result.contacts.values()} == {"Müller, Jörg", "Özil"}


def test_amounts_carry_their_currency_with_them(tmp_path: Path) -> None:
    text = GERMAN.replace(";Währung", "").replace(";EUR", "")
    result = imported(table(tmp_path / "a.csv", text))
    assert dict(result.summary.ordered) == {"EUR": 12_565_000}
    assert not any("currency" in note for note in result.sources[0].reading.notes)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_separator_and_end_of_line(tmp_path: Path, delimiter: str, end: str) -> None:
    text = rows(HEADER, LINES).replace(",", delimiter).replace("\n", end)
    assert imported(table(tmp_path / "a.csv", text)).money() == 1274.90


def test_excel_names_its_separator_in_the_first_line(tmp_path: Path) -> None:
    text = "sep=;\n" + rows(HEADER, LINES).replace(",", ";")
    result = imported(table(tmp_path / "a.csv", text))
    assert result.money() == 1274.90
    assert result.sources[0].table.header_line == 2


def test_a_title_above_the_header_blank_lines_and_totals_below_are_no_orders(tmp_path: Path) -> None:
    text = "My shop - orders of 2024\n\n" + rows(
        HEADER, [LINES[0], "", ",,,", *LINES[1:], "Total,,,1274.90", ",,,1274.90"]
    )
    result = imported(table(tmp_path / "a.csv", text))
    assert (result.summary.orders, result.money()) == (3, 1274.90)
    assert result.why(Why.TOTALS) == [9, 10]
    assert result.summary.rows_of(IssueSeverity.REFUSED) == 0


def test_line_breaks_and_separators_in_quotes_do_not_shift_the_lines(tmp_path: Path) -> None:
    lines = ['1001,2024-03-01,ann@example.com,19.90,"two\nlines, and a ""quote"""', "1002,yesterday,bo@example.com,5,"]
    result = imported(table(tmp_path / "a.csv", rows(f"{HEADER},Note", lines)))
    assert result.summary.orders == 1
    assert result.why(Why.BAD_DATE) == [4]


def test_a_quote_that_is_never_closed_costs_the_lines_it_swallows_and_says_so(tmp_path: Path) -> None:
    lines = [LINES[0], '1002,2024-03-05 11:30,bo@example.com,"5.00', LINES[2]]
    result = imported(table(tmp_path / "a.csv", rows(HEADER, lines)))
    assert result.summary.orders == 1
    (issue,) = [issue for issue in result.issues if issue.why is Why.BROKEN]
    assert issue.line == 3
    assert "lines 3 to" in issue.detail


def test_a_row_with_a_cell_too_many_is_refused_and_its_neighbours_are_not(tmp_path: Path) -> None:
    lines = [LINES[0], "1002,2024-03-05,bo@example.com,1,250.00", LINES[2]]
    result = imported(table(tmp_path / "a.csv", rows(HEADER, lines)))
    assert result.summary.orders == 2
    assert result.why(Why.BROKEN) == [3]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1.299,00", "19,90"], 1318.90),
        (["1,299.00", "19.90"], 1318.90),
        (["1 299,00", "19,90"], 1318.90),
        (["1'299.00", "19.90"], 1318.90),
        (["€1.299", "€ 19,90"], 1318.90),
        (["1299", "19"], 1318.0),
        (["$1,299.00", "US $19.90"], 1318.90),
    ],
)
def test_decimal_signs_are_those_of_the_whole_column(tmp_path: Path, cells: list[str], expected: float) -> None:
    lines = [f"{n};2024-03-0{n + 1};a{n}@example.com;{cell}" for n, cell in enumerate(cells)]
    result = imported(table(tmp_path / "a.csv", rows(HEADER.replace(",", ";"), lines)))
    assert result.money() == expected


def test_an_amount_that_may_be_thousands_or_decimals_is_a_question(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", rows(HEADER.replace(",", ";"), ["1;2024-03-01;ann@example.com;1,299"]))
    with pytest.raises(ImportFileError, match="--decimal point or --decimal comma"):
        imported(path)
    assert imported(path, decimal=".").money() == 1299.0
    assert imported(path, decimal=",").money() == 1.299


def test_an_invalid_number_is_no_amount(tmp_path: Path) -> None:
    lines = [LINES[0], "1002,2024-03-05,bo@example.com,1_299", "1003,2024-03-05,bo@example.com,nan", *LINES[2:]]
    result = imported(table(tmp_path / "a.csv", rows(HEADER, lines)))
    assert result.why(Why.BAD_AMOUNT) == [3, 4]


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (["05/03/2024", "31/03/2024"], "2024-03-05"),
        (["03/05/2024", "03/31/2024"], "2024-03-05"),
        (["5.3.24", "31.3.24"], "2024-03-05"),
        (["Mar 5, 2024", "Mar 31, 2024"], "2024-03-05"),
        (["5. März 2024", "31. März 2024"], "2024-03-05"),
        (["5 mars 2024", "31 mars 2024"], "2024-03-05"),
        (["5 de marzo de 2024", "31 de marzo de 2024"], "2024-03-05"),
        (["Mar-05-24", "Mar-31-24"], "2024-03-05"),
        (["2024/03/05", "2024/03/31"], "2024-03-05"),
        (["20240305", "20240331"], "2024-03-05"),
        (["1709596800", "1711843200"], "2024-03-05"),
        (["1709596800000", "1711843200000"], "2024-03-05"),
    ],
)
def test_dates_are_read_in_the_way_of_the_whole_column(tmp_path: Path, dates: list[str], expected: str) -> None:
    lines = [f'{n},"{day}",a{n}@example.com,1.00' for n, day in enumerate(dates)]
    result = imported(table(tmp_path / "a.csv", rows(HEADER, lines)))
    assert [event["occurred_at"][:10] for event in result.events] == [expected, "2024-03-31"]


def test_ambiguous_dates_are_a_question(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", rows(HEADER, ["1,05/03/2024,ann@example.com,1.00"]))
    with pytest.raises(ImportFileError, match="--dates dmy or --dates mdy"):
        imported(path)
    assert imported(path, dates="dmy").events[0]["occurred_at"] == "2024-03-05T00:00:00Z"
    assert imported(path, dates="mdy").events[0]["occurred_at"] == "2024-05-03T00:00:00Z"


def test_the_order_of_the_rows_tells_day_from_month(tmp_path: Path) -> None:
    days = ["01/09/2024", "05/09/2024", "11/09/2024", "02/10/2024", "08/10/2024"]
    lines = [f"{n},{day},a{n}@example.com,1.00" for n, day in enumerate(days)]
    result = imported(table(tmp_path / "a.csv", rows(HEADER, reversed_(lines))))
    assert result.events[0]["occurred_at"] == "2024-09-01T00:00:00Z"
    assert any("The day comes first" in note for note in result.sources[0].reading.notes)


def reversed_(lines: list[str]) -> list[str]:
    return lines[::-1]


def test_local_times_are_those_of_the_zone_and_offsets_win(tmp_path: Path) -> None:
    from stream.imports.days import zone_of

    lines = ["1,2024-07-01 10:00,ann@example.com,1.00", "2,2024-07-01 10:00:00 +0000,bo@example.com,1.00"]
    result = imported(table(tmp_path / "a.csv", rows(HEADER, lines)), zone=zone_of("Europe/Berlin"))
    assert [event["occurred_at"] for event in result.events] == ["2024-07-01T08:00:00Z", "2024-07-01T10:00:00Z"]


def test_a_year_that_is_mistyped_costs_its_own_row_only(tmp_path: Path) -> None:
    lines = [LINES[0], "1002,2062-03-05 11:30,bo@example.com,5.00", LINES[2]]
    result = imported(table(tmp_path / "a.csv", rows(HEADER, lines)))
    (issue,) = [issue for issue in result.issues if issue.why is Why.WRONG_DATE]
    assert (issue.line, issue.detail, issue.severity) == (3, "order 1002: 2062-03-05", IssueSeverity.REFUSED)
    assert result.summary.orders == 2


@pytest.mark.parametrize("content", [b"", b"\n\n\n", b"\xef\xbb\xbf", b"just one line of text", b"\0\1\2\3" * 300])
def test_a_file_without_a_table_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(ImportFileError, match=str(path)):
        imported(path)


def test_a_broken_gzip_file_a_missing_file_and_an_archive_are_named(tmp_path: Path) -> None:
    import gzip
    import zipfile

    packed = gzip.compress(rows(HEADER, LINES * 50).encode())
    whole, cut, archive = tmp_path / "a.csv.gz", tmp_path / "b.csv.gz", tmp_path / "c.zip"
    whole.write_bytes(packed)
    cut.write_bytes(packed[:60])
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.csv", "x")
    assert imported(whole, line_items="first").summary.orders == 3
    for path in (cut, archive, tmp_path / "none.csv", tmp_path):
        with pytest.raises(ImportFileError, match=str(path)):
            imported(path)


def test_a_log_of_events_is_sent_to_the_command_for_logs(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "ts,customer_id,type,subtype,ref_id,amount\n2024-03-01,c-1,purchase,order,1,2\n")
    with pytest.raises(ImportFileError, match="stream produce"):
        imported(path)


def workbook(path: Path, lines: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Orders"
    for line in lines:
        sheet.append(line)
    book.create_sheet("Notes").append(["nothing here"])
    book.save(path)
    return path


def test_a_spreadsheet_with_a_title_and_dates_as_numbers(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx",
        [
            ["Orders of my shop"],
            [],
            ["Order number", "Order date", "Customer email", "Total"],
            [1001, 45352.5, "ann@example.com", 19.9],
            [1002, datetime(2024, 3, 5, 11, 30), "bo@example.com", 5],  # noqa: DTZ001 - a spreadsheet knows no zones
            [1003, date(2024, 4, 1), "ann@example.com", "1.250,00 €"],
            ["Total", None, None, 1274.9],
        ],
    )
    result = imported(path)
    assert [event["occurred_at"] for event in result.events] == [
        "2024-03-01T12:00:00Z",
        "2024-03-05T11:30:00Z",
        "2024-04-01T00:00:00Z",
    ]
    assert [event["order_id"] for event in result.events] == ["1001", "1002", "1003"]
    assert sum(result.summary.ordered.values()) == 12_749_000
    assert result.why(Why.TOTALS) == [7]


def test_a_sheet_can_be_named(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx", [["Order number", "Date", "Email", "Total"], [1, date(2024, 3, 1), "a@b.example", 2]]
    )
    assert imported(path, sheet="Orders").summary.orders == 1
    with pytest.raises(ImportFileError, match="'Orders', 'Notes'"):
        imported(path, sheet="Sales")
