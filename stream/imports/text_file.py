"""CSV and its relatives: the encoding, the separator, and rows that survive what is broken."""

import csv
import gzip
import io
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, cast

from stream.errors import EventLogError, ImportFileError
from stream.events.parsing_text import DELIMITERS, delimiter_of, encoding_of, required_encoding
from stream.imports.rows import Broken, Opened, TableRow

__all__ = ["open_text"]

_GZIP_MAGIC: Final = b"\x1f\x8b"
_CHUNK_BYTES: Final = 1_048_576
_SAMPLE_LINES: Final = 30
_NAMES_OF_DELIMITERS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
#: What Excel writes into the first line to name its separator.
_EXCEL_PREFIX: Final = "sep="
#: A cell that is longer begins with a quote that nothing closes.
_MAX_CELL_CHARS: Final = 131_072


def open_text(path: Path, encoding: str, delimiter: str, known: Collection[str]) -> Opened:
    """Find out encoding and separator of a text file, unless given; ``known``: names that a header may have."""
    found = required_encoding(encoding) if encoding else encoding_of(_chunks(path))
    sample = [*islice(_lines(path, found), _SAMPLE_LINES)]
    if not any(line.strip() for line in sample):
        raise ImportFileError(f"{path}: is empty")
    if any("\0" in line for line in sample):
        raise ImportFileError(f"{path}: is not text; expected CSV or a spreadsheet such as .xlsx")
    separator = delimiter or _delimiter(sample, known)
    described = f"{found}, separated by {_NAMES_OF_DELIMITERS.get(separator, repr(separator))}"
    return Opened(described, is_workbook=False, rows=partial(_rows, path, found, separator))


def _delimiter(sample: list[str], known: Collection[str]) -> str:
    first = sample[0].strip().lower()
    if first.startswith(_EXCEL_PREFIX) and len(first) == len(_EXCEL_PREFIX) + 1:
        return first[-1]
    if first == _EXCEL_PREFIX.strip():  # "sep=<tab>", whose tab was stripped
        return "\t"
    votes = [delimiter_of(line, known) for line in sample if line.strip()]
    widths = {d: max(len(next(csv.reader([line], delimiter=d), [])) for line in sample) for d in DELIMITERS}
    wide = [vote for vote in votes if widths[vote] > 1]
    return max(DELIMITERS, key=lambda d: (wide.count(d), widths[d]))


@contextmanager
def _opened(path: Path) -> Iterator[io.BufferedReader]:
    with path.open("rb") as file:
        if file.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC):
            with gzip.GzipFile(fileobj=file) as unpacked, io.BufferedReader(cast("io.RawIOBase", unpacked)) as buffered:
                yield cast("io.BufferedReader", buffered)
        else:
            yield file


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with _opened(path) as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
    except (OSError, EOFError, zlib.error) as error:
        raise ImportFileError(f"{path}: cannot be read: {error}") from error


def _lines(path: Path, encoding: str) -> Iterator[str]:
    """The lines with their ends, as `csv` wants them; bytes that are no text become U+FFFD."""
    try:
        with (
            _opened(path) as file,
            io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="") as text,
        ):
            yield from text
    except (OSError, EOFError, zlib.error, EventLogError) as error:
        raise ImportFileError(f"{path}: cannot be read: {error}") from error


def _rows(path: Path, encoding: str, delimiter: str) -> Iterator[TableRow | Broken]:
    csv.field_size_limit(_MAX_CELL_CHARS)
    reader = csv.reader(_lines(path, encoding), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Broken(line, _explained(str(error), line, reader.line_num))
            continue
        yield TableRow(line, [_plain(cell.strip()) for cell in cells])


def _plain(cell: str) -> str:
    """The text of a cell that keeps a spreadsheet from taking it for a number: ``="0012"``."""
    return cell[2:-1].strip() if cell.startswith('="') and cell.endswith('"') and len(cell) > len('=""') else cell


def _explained(error: str, first: int, last: int) -> str:
    if "field larger" in error or "unexpected end" in error:
        return f"a quote that is opened here is not closed: the lines {first:,} to {last:,} cannot be told apart"
    return f"cannot be divided into cells: {error}"
