"""Files of exports as tables: rows with their line numbers, for any kind of file."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from stream.errors import ImportFileError
from stream.imports import text_file, workbook
from stream.imports.exports import EXPORTS
from stream.imports.import_fields import SYNONYMS
from stream.imports.names import compared
from stream.imports.rows import Broken, TableRow

__all__ = ["Table", "open_table"]

#: A title, the name of the shop, a blank line: so many rows may come before the header.
_MAX_ROWS_BEFORE_HEADER: Final = 30

_KNOWN: Final = frozenset(
    {name for names in SYNONYMS.values() for name in names}
    | {name for export in EXPORTS for names in export.columns.values() for name in names.split("|")}
    | {name for export in EXPORTS for name in export.requires}
)


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file below its header. ``described``: how the file was read, for people.

    ``is_workbook``: dates may be numbers there.
    """

    source: str
    described: str
    header: tuple[str, ...]
    header_line: int
    is_workbook: bool
    _read: Callable[[], Iterator[TableRow | Broken]]

    def rows(self) -> Iterator[TableRow | Broken]:
        """The rows that are not empty, as wide as the header, or what is wrong with them; from the first, each time.

        Where exports were put one below the other, their headers stand among the rows: these are left out.
        """
        width = len(self.header)
        for row in self._read():
            if row.line <= self.header_line:
                continue
            if isinstance(row, Broken):
                yield row
            elif any(row.cells) and tuple(row.cells[:width]) != self.header:
                yield _fitted(row, width)


def _fitted(row: TableRow, width: int) -> TableRow | Broken:
    cells = row.cells
    if len(cells) == width:
        return row
    if len(cells) > width:
        if any(cells[width:]):
            return Broken(row.line, f"has {len(cells)} cells, the header {width}: is a separator missing its quotes?")
        return TableRow(row.line, cells[:width])
    return TableRow(row.line, [*cells, *([""] * (width - len(cells)))])


def open_table(path: Path, *, encoding: str = "", delimiter: str = "", sheet: str = "") -> Table:
    """Find out what kind of file `path` is and where its header stands.

    ``encoding``, ``delimiter`` and ``sheet`` are found out unless they are given. Raises `ImportFileError` for a file
    that cannot be read or has no header.
    """
    if workbook.is_workbook(path):
        opened = workbook.open_sheet(path, sheet)
    else:
        opened = text_file.open_text(path, encoding, delimiter, _KNOWN)
    source, read = str(path), opened.rows
    first = [row for row in islice(read(), _MAX_ROWS_BEFORE_HEADER) if isinstance(row, TableRow) and any(row.cells)]
    header = _header(first)
    if header is None:
        raise ImportFileError(f"{source}: expected a table with names of columns in its first rows; found none")
    cells = header.cells[: max(k + 1 for k, cell in enumerate(header.cells) if cell)]
    return Table(source, opened.described, tuple(cells), header.line, opened.is_workbook, read)


def _header(rows: Sequence[TableRow]) -> TableRow | None:
    """The row with most known names; of rows without any, the first with as many texts as rows mostly have cells."""
    best = max(rows, key=lambda row: _known_names(row.cells), default=None)
    if best is not None and _known_names(best.cells) > 1:
        return best
    widths = [sum(map(bool, row.cells)) for row in rows]
    usual = max(set(widths), key=lambda width: (widths.count(width), width), default=0)
    return next((row for row in rows if sum(map(_is_name, row.cells)) >= max(usual, 2)), None)


def _known_names(cells: Iterable[str]) -> int:
    return len({compared(cell) for cell in cells} & _KNOWN)


def _is_name(cell: str) -> bool:
    return any(map(str.isalpha, cell)) and "@" not in cell
