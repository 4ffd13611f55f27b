"""Rows for spreadsheets."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["csv_lines"]

#: A spreadsheet takes a cell that begins so for a formula; some take the wide signs of Chinese and Japanese as well.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
#: It stays one, as what is refunded in a month may be more than what is sold.
_NEGATIVE = re.compile(r"-\d+(\.\d+)?")


def csv_lines(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """CSV (RFC 4180) with a header, a line at a time; no text is taken for a formula."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    for row in rows:
        yield _taken(text)
        writer.writerow({name: _safe(row[name]) for name in columns})
    yield _taken(text)


def _taken(text: io.StringIO) -> str:
    line = text.getvalue()
    text.seek(0)
    text.truncate()
    return line


def _safe(value: object) -> object:
    if not isinstance(value, str) or _NEGATIVE.fullmatch(value):
        return value
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value
