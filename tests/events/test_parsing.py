"""Numbers, dates, encodings and delimiters in people's files, and ambiguous ones."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import EventLogError
from stream.events.parsing_numbers import DOUBTFUL, DecimalSigns, decimal_sign_of, number
from stream.events.parsing_text import delimiter_of, encoding_of, required_encoding
from stream.events.parsing_times import DateOrder, DateOrders, epoch_seconds, instant_of, names_zone

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("cell", "decimal", "value"),
    [
        ("1299", ".", 1299),
        (" 12.50 ", ".", 12.5),
        (".5", ".", 0.5),
        ("5.", ".", 5),
        ("1e3", ".", 1000),
        ("+12", ".", 12),
        ("-12.5", ".", -12.5),
        ("\u221212.5", ".", -12.5),
        ("12.5-", ".", -12.5),
        ("(12.5)", ".", -12.5),
        ("1,299,000.25", ".", 1_299_000.25),
        ("12,34,567.00", ".", 1_234_567),  # as grouped in India
        ("1'299.00", ".", 1299),
        ("1\u00a0299,5", ",", 1299.5),
        ("1.299.000,25", ",", 1_299_000.25),
        ("19,90", ",", 19.9),
        ("-,5", ",", -0.5),
        ("1.299", ",", 1299),
    ],
)
def test_a_number_is_read_as_written(cell: str, decimal: str, value: float) -> None:
    assert number(cell, decimal) == value


@pytest.mark.parametrize(
    "cell",
    ["1_299", "", " ", "-", ".", "()", "nan", "inf", "-Infinity", "1e999", "0x10", "12,50", "1,2,3", "1.2.3", "1 2",
     "1, 299", "12.5.", "EUR 12", "\u0661\u0662", "1,299'000", "12 50", "--5", "(5", "1e", "e5"],
)  # fmt: skip
def test_an_invalid_number_is_none(cell: str) -> None:
    assert number(cell) is None


@given(
    st.decimals(-(10**9), 10**9, places=2),
    st.sampled_from([(".", ","), (",", "."), (",", "\u00a0"), (".", "'"), (".", " "), (",", "\u202f")]),
)
def test_a_number_that_was_grouped_is_read_back(value: object, signs: tuple[str, str]) -> None:
    decimal, group = signs
    written = f"{value:,.2f}".replace(",", "G").replace(".", "D").replace("G", group).replace("D", decimal)
    assert number(written, decimal) == float(str(value))
    assert decimal_sign_of(written) == decimal


@given(st.text("0123456789.,-+() '_e", max_size=12))
def test_a_column_never_reads_what_its_sign_does_not(cell: str) -> None:
    signs = DecimalSigns.of([cell])
    assert signs.number(cell) in {number(cell, "."), number(cell, ",")}


def test_a_column_resolves_ambiguous_cells() -> None:
    assert decimal_sign_of("1,299") == decimal_sign_of("1.299") == DOUBTFUL
    assert decimal_sign_of("0,125") == ","
    assert decimal_sign_of("1234,567") == ","
    commas, points = DecimalSigns.of(["1.299", "19,90"]), DecimalSigns.of(["1,299", "19.90"])
    assert (commas.sign, commas.number("1.299"), commas.number("19,90")) == (",", 1299, 19.9)
    assert (points.sign, points.number("1,299"), points.number("19.90")) == (".", 1299, 19.9)
    undecided = DecimalSigns.of(["1299", "1,299"])
    assert (undecided.sign, undecided.doubtful) == (None, "1,299")


def test_cells_that_contradict_each_other_are_read_by_their_own_sign_or_not_at_all() -> None:
    signs = DecimalSigns.of(["19.90", "19,90", "1,299"])
    assert signs.mixed
    assert [signs.number(cell) for cell in ("19.90", "19,90", "1,299", "1,299.5", "7")] == [19.9, 19.9, None, 1299.5, 7]


#: From the time at which seconds since the epoch have nine digits.
moments = st.integers(100_000_000, 4_102_444_799).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
AT = datetime(2024, 5, 31, 14, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "cell",
    [
        "2024-05-31 14:30:05",
        "2024-05-31T14:30:05Z",
        "2024-05-31T16:30:05+02:00",
        "2024-05-31 16:30:05 +0200",
        "2024-05-31 14:30:05 UTC",
        "2024-05-31 10:30:05 GMT-0400",
        "2024-05-31 2:30:05 PM",
        "20240531143005",
        "2024/5/31 14:30:05",
        "31.05.2024 14:30:05",
        "31.5.24, 14:30:05",
        "31/05/2024 14:30:05",
        "31-05-2024T14:30:05",
        "5/31/2024 2:30:05 PM",
        "05/31/24 02:30:05 p.m.",
        "31 May 2024 14:30:05",
        "May 31, 2024 2:30:05 PM",
        "Fri, 31 May 2024 16:30:05 +0200",
        "Fri May 31 2024 16:30:05 GMT+0200 (Central European Summer Time)",
        "31 May 2024 10:30:05 UTC-4",
        "31. 5. 2024 14:30:05",
        "2024. 05. 31. 14:30:05",
        "31.5.2024 14.30.05",
        "31/05/2024 14h30:05",
        "31/05/2024 02:30:05 p. m.",
        "1717165805",
        "1717165805000",
        "1717165805.0",
        "1717165805000000",
    ],
)
def test_a_time_is_read_as_written(cell: str) -> None:
    assert instant_of(cell, UTC) == AT


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("", "expected a time"),
        ("yesterday", "expected a time"),
        ("May 2024", "day, month and year"),
        ("10 May", "day, month and year"),
        ("monday 12:00", "day, month and year"),
        ("12:30", "expected a time"),
        ("05/06/2024", "may be day/month or month/day"),
        ("2024-02-30", "is no date"),
        ("31.02.2024", "is no date"),
        ("30/02/2024 25:00", "is no date"),
        ("31/05/2024 25:00", "is no time"),
        ("31/05/2024 13:00 PM", "no half of a day"),
        ("31/05/2024 noon", "is no time"),
        ("31/05/024", "two or four digits"),
        ("0001-01-01T00:00:00+14:00", "is no time"),
        ("99999999999999999999999", "is no time|out of range"),
        ("20241399", "is no date"),
        ("12.50", "expected a time"),
    ],
)
def test_an_invalid_time_says_why(cell: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        instant_of(cell, UTC)


@given(moments, st.sampled_from(DateOrder))
def test_a_time_that_was_written_is_read_back_in_each_order(at: datetime, order: DateOrder) -> None:
    for form in ("%d/%m/%Y" if order is DateOrder.DAY_FIRST else "%m/%d/%Y", "%Y-%m-%d", "%d %B %Y"):
        assert instant_of(at.strftime(f"{form} %H:%M:%S"), UTC, order) == at
        assert instant_of(at.strftime(f"{form} %I:%M:%S %p"), UTC, order) == at


@given(moments)
def test_seconds_and_finer_units_since_the_epoch_are_told_apart(at: datetime) -> None:
    seconds = round((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1))
    assert all(epoch_seconds(seconds * unit) == seconds for unit in (1, 1000, 1_000_000, 1_000_000_000))


def test_a_time_without_an_offset_is_local_and_one_that_comes_twice_is_the_first() -> None:
    assert instant_of("2023-10-29 02:30:00", BERLIN) == datetime(2023, 10, 29, 0, 30, tzinfo=UTC)
    assert instant_of("29.10.2023 02:30", BERLIN) == datetime(2023, 10, 29, 0, 30, tzinfo=UTC)


def test_a_column_of_dates_tells_their_order() -> None:
    assert DateOrders.of(["05/06/2024", "31/05/2024", "2024-01-01", "7/7/2024"]).order is DateOrder.DAY_FIRST
    assert DateOrders.of(["05/06/2024", "05/31/2024 10:00"]).order is DateOrder.MONTH_FIRST
    undecided = DateOrders.of(["7/7/2024", "05/06/2024"])
    assert (undecided.order, undecided.mixed, undecided.doubtful) == (None, False, "05/06/2024")
    assert DateOrders.of(["31/05/2024", "05/31/2024"]).mixed


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("ts,customer\n2024,Zoë Müller, Straße\n", "utf-8"),
        ("ts,customer\n2024,Zoë Müller, Straße\n", "utf-8-sig"),
        ("ts,customer\n2024,Zoë Müller, Straße\n", "utf-16"),
        ("ts,customer\n2024,Zoë Müller, Straße\n", "utf-16-le"),
        ("ts,customer\n2024,Zoë Müller, Straße\n", "utf-16-be"),
        ("ts,customer\n2024,Zoë Müller, Straße\n", "cp1252"),
        ("ts,customer\n2024,Crème brûlée à Orléans\n", "cp1252"),
        ("ts,customer\n2024,Příliš žluťoučký kůň úpěl\n", "cp1250"),
        ("ts,customer\n2024,Иванов Иван; Петров\n", "cp1251"),
        ("ts,customer\n2024,田中太郎 注文\n", "cp932"),
        ("ts,customer\n2024,订单 王小明\n", "gb18030"),
        ("ts,customer\n", "utf-8"),
        ("", "utf-8"),
    ],
)
@pytest.mark.parametrize("length", [1, 7, 10_000])
def test_an_encoding_is_told_from_the_bytes(text: str, encoding: str, length: int) -> None:
    content = text.encode(encoding)
    found = encoding_of(content[at : at + length] for at in range(0, len(content), length))
    assert content.decode(found) == text
    assert re.sub("[-_]", "", found) == re.sub("[-_]", "", encoding)


def test_a_few_broken_lines_do_not_turn_a_file_into_another_encoding() -> None:
    assert encoding_of(["Müller\n".encode(), b"\xff\n", b"\xfe\xff\n"]) == "utf-8"


def test_a_name_that_is_no_encoding_of_text_is_refused() -> None:
    assert required_encoding("latin-1") == "latin-1"
    for name in ("latin-99", "base64", "a\0b"):
        with pytest.raises(EventLogError, match="no encoding"):
            required_encoding(name)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_delimiter_is_told_from_the_header(delimiter: str) -> None:
    assert delimiter_of(delimiter.join(["ts", '"customer, or id"', "amount"])) == delimiter
    assert delimiter_of(delimiter.join(["ts", "a , b ; c", "amount"]), {"ts", "amount"}) == delimiter


@pytest.mark.parametrize("clock", ["14:30", "14:30:00", "14:30:00.25", "2:30 PM", "2:30:00 pm"])
@pytest.mark.parametrize("day", ["2024-05-31", "31/05/2024", "31 May 2024", "May 31, 2024"])
@pytest.mark.parametrize(
    "zone",
    ["", " Z", " UTC", " GMT", " EST", " EDT", " PST", " CET", " CEST", " BST", " JST", " AEST", " +0200", "-05:00"],
)
def test_a_time_names_its_zone_exactly_if_it_is_the_same_instant_everywhere(day: str, clock: str, zone: str) -> None:
    cell = f"{day} {clock}{zone}"
    try:
        here, there = (instant_of(cell, ZoneInfo(name)) for name in ("Asia/Tokyo", "America/New_York"))
    except ValueError:
        assert zone  # a zone that cannot be read behind such a time is refused, not taken as local
        return
    assert names_zone(cell) == (here == there)
