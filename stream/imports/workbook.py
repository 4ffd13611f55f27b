"""Spreadsheets: Excel's .xlsx, .xlsm, .xlsb and .xls, and OpenDocument's .ods."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from python_calamine import CalamineError, CalamineWorkbook

from stream.errors import ImportFileError
from stream.imports.other_files import HEAD_BYTES, told_by_archive, told_by_head
from stream.imports.rows import Opened, TableRow

__all__ = ["is_workbook", "open_sheet"]

_ZIP_MAGIC: Final = b"PK\x03\x04"
_OLE_MAGIC: Final = b"\xd0\xcf\x11\xe0"
_SUFFIXES: Final = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")

Cell = int | float | str | bool | time | date | datetime | timedelta


def is_workbook(path: Path) -> bool:
    """Whether the file is a spreadsheet. Raises `ImportFileError` if it cannot be read, or is no table at all."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise ImportFileError(f"{path}: cannot be read: {error.strerror}") from error
    if what := told_by_head(head):
        raise ImportFileError(f"{path}: {what}")
    return head.startswith((_ZIP_MAGIC, _OLE_MAGIC))


def open_sheet(path: Path, sheet: str) -> Opened:
    """Open `sheet` of a workbook; without a name the one with most rows, for others are notes and totals."""
    try:
        with CalamineWorkbook.from_path(path) as book:
            names = book.sheet_names
            if sheet and sheet not in names:
                raise ImportFileError(f"{path}: has no sheet {sheet!r}; it has {', '.join(map(repr, names))}")
            chosen = sheet or max(names, key=lambda name: book.get_sheet_by_name(name).total_height, default="")
    except (CalamineError, OSError) as error:
        raise ImportFileError(f"{path}: {told_by_archive(str(path))}") from error
    if not chosen:
        raise ImportFileError(f"{path}: has no sheet")
    return Opened(f"spreadsheet, sheet {chosen!r}", is_workbook=True, rows=partial(_rows, path, chosen))


def _rows(path: Path, sheet: str) -> Iterator[TableRow]:
    try:
        with CalamineWorkbook.from_path(path) as book:
            cells = book.get_sheet_by_name(sheet)
            for line, row in enumerate(cells.iter_rows(), 1):
                yield TableRow(line, [_text(cell) for cell in row])
    except (CalamineError, OSError) as error:
        raise ImportFileError(f"{path}: cannot be read as a spreadsheet: {error}") from error


def _text(cell: Cell) -> str:
    """A cell as a text file would have it: numbers with a point, dates as ISO 8601."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)
