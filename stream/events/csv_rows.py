"""Rows of a CSV file of events, with their line numbers; broken ones are reported and left out."""

import csv
import re
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Any, Final, NamedTuple

from stream.catalogue.identifiers import IDENTIFIERS
from stream.errors import EventLogError
from stream.events.log_report import MALFORMED_ROW, LogReport
from stream.events.parsing_text import delimiter_of
from stream.events.rejections import Defect

__all__ = ["COLUMNS", "Cells", "read_rows"]

#: In the order of the fields of `Cells`; a file may have them in any order, among others.
COLUMNS: Final = (
    *("ts", "customer_id", "type", "subtype", "ref_id", "amount", "currency", "product_id", "quantity"),
    *("channel", "scale", "value", "text", "language"),
    *IDENTIFIERS,
)
#: Files without the other columns say nothing about them.
_REQUIRED = COLUMNS[:4]

_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
#: What ends all reading: the rest of the file is inside a quote.
_FATAL = ("unexpected end of data", "field larger than field limit")


class Cells(NamedTuple):
    """The cells of a row, as they are; "" in columns that the file has not. ``line`` is where the row begins.

    Those before ``line`` are the kinds of `stream.catalogue.identifiers.IDENTIFIERS`.
    """

    ts: str
    customer_id: str
    type: str
    subtype: str
    ref_id: str
    amount: str
    currency: str
    product_id: str
    quantity: str
    channel: str
    scale: str
    value: str
    text: str
    language: str
    card: str
    email: str
    phone: str
    handle: str
    anonymous_id: str
    line: int


def read_rows(lines: Iterable[str], report: LogReport) -> Iterator[Cells]:
    """Yield the rows of ``lines``, whose first that is written is the header.

    The header tells the delimiter; a line ``sep=;`` before it is understood. A row of another number of cells, or with
    bytes that are no text, is rejected.

    Raises
    ------
    EventLogError
        Columns are missing or there twice, or a quote is never closed.
    """
    source = iter(lines)
    line, header = 0, ""
    delimiter = None
    for header in source:
        line += 1
        if separator := _SEPARATOR_LINE.fullmatch(header.strip("\r\n ")):
            delimiter = separator[1]
        elif header.strip(' \r\n\t,;|"'):
            break
    delimiter = delimiter or delimiter_of(header, COLUMNS)
    names = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])]
    missing = [name for name in _REQUIRED if name not in names]
    if missing:
        raise EventLogError(
            f"{report.source}, line {max(line, 1)}: expected the columns {', '.join(COLUMNS[:6])}; missing:"
            f" {', '.join(missing)}"
        )
    twice = [name for name in COLUMNS if names.count(name) > 1]
    if twice:
        raise EventLogError(
            f"{report.source}, line {max(line, 1)}: the column {twice[0]} is there {names.count(twice[0])} times; which"
            " one counts cannot be told: rename or delete the others"
        )
    # a column that the file has not is the empty cell behind the last
    places = [names.index(name) if name in names else len(names) for name in COLUMNS]
    rows = csv.reader(source, delimiter=delimiter, strict=True)
    yield from _picked(rows, line, len(names), places, report)


def _picked(rows: Any, header: int, width: int, places: list[int], report: LogReport) -> Iterator[Cells]:
    of_row = itemgetter(*places, width + 1)
    while True:
        line = header + rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            if str(error).startswith(_FATAL):
                raise EventLogError(
                    f"{report.source}, line {line}: {error}: is a quote that opens here never closed?"
                ) from error
            report.read += 1
            report.reject(MALFORMED_ROW, line, str(error))
            continue
        if len(row) != width:
            if any(map(str.strip, row)):
                report.read += 1
                report.reject(MALFORMED_ROW, line, f"expected {width} cells, got {len(row)}")
            continue
        report.read += 1
        if not all(map(str.isascii, row)) and (bad := _not_text(row)):
            report.reject(Defect.BAD_UTF8, line, bad)
            continue
        row += ("", line)
        yield Cells._make(of_row(row))


def _not_text(row: list[str]) -> str:
    """Which byte is in no encoding: it was read as half of a surrogate pair."""
    for char in "".join(row):
        if "\udc80" <= char <= "\udcff":
            return f"the byte {ord(char) - 0xDC00:#04x} is no text in the encoding of the file"
    return ""
