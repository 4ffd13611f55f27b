"""Rows of a file before anything is known about their columns."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

__all__ = ["Broken", "Opened", "TableRow"]


class TableRow(NamedTuple):
    """``line``: where the row begins in a text, or its number in a sheet; from 1. Cells have no outer space."""

    line: int
    cells: list[str]


class Broken(NamedTuple):
    """A row that cannot be divided into cells; ``why`` is for people."""

    line: int
    why: str


class Opened(NamedTuple):
    """A file that was found readable. ``rows`` begins with the first row at each call."""

    described: str
    is_workbook: bool
    rows: Callable[[], Iterator[TableRow | Broken]]
