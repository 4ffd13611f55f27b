"""A file to import: its table, what its columns are, and how its cells are read."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from stream.errors import ImportFileError
from stream.imports.mapping import Amounts, Mapping
from stream.imports.mapping_file import read_mapping
from stream.imports.propose import proposed
from stream.imports.survey import CellFormats, survey
from stream.imports.systems import SYSTEMS, recognised
from stream.imports.table import Table, open_table

__all__ = ["ImportFile", "Options", "open_source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the person who imports says about all files; what is left empty is found out or taken from the mapping.

    ``system``: of `SYSTEMS`, or "generic" for a table that is none of theirs. ``line_items``: what the amounts of an
    order with several rows are: parts to be summed, or the whole in each.
    """

    system: str = ""
    mapping_file: Path | None = None
    dates: Literal["", "dmy", "mdy"] = ""
    decimal: Literal["", ".", ","] = ""
    currency: str = ""
    zone: tzinfo | None = None
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    line_items: Literal["", "sum", "first"] = ""

    @property
    def amounts(self) -> Amounts | None:
        """What `line_items` says about amounts."""
        return {"sum": "line", "first": "order"}.get(self.line_items)  # type: ignore[return-value]


class ImportFile(NamedTuple):
    """One file, looked at."""

    table: Table
    mapping: Mapping
    reading: CellFormats

    @property
    def name(self) -> str:
        return self.table.source


def open_source(path: Path, options: Options, on_mapping: Callable[[Table, Mapping], None]) -> ImportFile:
    """Find out what is in a file; ``on_mapping`` is told before its cells are looked at, which may raise a question.

    Raises `ImportFileError` if the file cannot be read, or leaves a question open.
    """
    table = open_table(path, encoding=options.encoding, delimiter=options.delimiter, sheet=options.sheet)
    mapping = _mapping(table, options)
    on_mapping(table, mapping)
    given = {name: value for name in ("dates", "decimal") if (value := getattr(options, name))}
    if options.amounts is not None and mapping.amounts in ("auto", "order", "line"):
        given["amounts"] = options.amounts
    mapping = msgspec.structs.replace(mapping, **given)
    return ImportFile(table, mapping, survey(table, mapping, currency=options.currency, zone=options.zone))


def _mapping(table: Table, options: Options) -> Mapping:
    if options.mapping_file is not None:
        try:
            return read_mapping(options.mapping_file, table.header, table.source)
        except ImportFileError:
            # the mapping is that of other files in the command: this one speaks for itself
            if known := recognised(table.header):
                return known
            raise
    if options.system != "generic":
        known = recognised(table.header, options.system)
        if known is not None:
            return known
        if options.system:
            raise ImportFileError(
                f"{table.source}: does not have the columns of an export of {options.system}; it has"
                f" {', '.join(repr(name) for name in table.header)}. Leave out --from to detect the system, or say"
                f" --from {'|'.join((*SYSTEMS, 'generic'))}"
            )
    return proposed(table)
