"""A mapping for a table that no system is known to write: proposed from the names of columns and their contents."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from itertools import islice
from typing import Final

from stream.errors import ImportFileError
from stream.events.parsing_numbers import number
from stream.events.parsing_times import DateOrder
from stream.imports.currencies import currency_of, without_currency
from stream.imports.days import is_excel_day, read_time
from stream.imports.import_fields import SYNONYMS, Piece
from stream.imports.mapping import Mapping
from stream.imports.names import compared
from stream.imports.rows import TableRow
from stream.imports.statuses import OrderStatus, is_refund_row, outcome_of
from stream.imports.table import Table
from stream.imports.yes_no import is_answer

__all__ = ["proposed"]

_SAMPLE_ROWS: Final = 2_000
_MOSTLY: Final = 0.8
_HALF: Final = 0.5
_SOME: Final = 0.3
_MAX_WORDS: Final = 6
_SHOWN_CHARS: Final = 40
_NATIVE: Final = frozenset({"ts", "customer id", "type", "subtype"})
#: A column with such a word is a part of an amount, or another one, and not what the customer paid.
_PARTS: Final = frozenset(
    (
        "tax",
        "vat",
        "mwst",
        "ust",
        "steuer",
        "tva",
        "iva",
        "btw",
        "shipping",
        "versand",
        "porto",
        "livraison",
        "envio",
        "spedizione",
        "verzending",
        "discount",
        "rabatt",
        "remise",
        "descuento",
        "sconto",
        "korting",
        "fee",
        "fees",
        "gebuhr",
        "tip",
        "refund",
        "refunded",
        "cost",
        "weight",
        "gewicht",
        "balance",
        "profit",
        "margin",
        "points",
        "punkte",
        "id",
        "nr",
        "number",
        "items",
        "qty",
        "shipped",
        "quantity",
    )
)


#: Unless it says that the part is included.
_INCLUDED: Final = frozenset(
    ("inc", "incl", "inkl", "including", "included", "inklusive", "ttc", "inclus", "incluido", "incluso")
)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column and the shares of its filled cells (0 to 1) that are of a kind. ``filled``: share of the rows."""

    name: str
    compared: str
    filled: float
    dates: float
    days: float
    numbers: float
    fractions: float
    addresses: float
    currencies: float
    outcomes: float
    refunds: float
    answers: float


def proposed(table: Table) -> Mapping:
    """Propose what the columns of `table` are.

    Raises `ImportFileError` if none is a date, or none a customer, or there are no rows.
    """
    names = [compared(name) for name in table.header]
    if {*names} >= _NATIVE:
        raise ImportFileError(
            f"{table.source}: is a log of events, not an export of orders: stream produce {table.source}"
        )
    rows = [row for row in islice(table.rows(), _SAMPLE_ROWS) if isinstance(row, TableRow)]
    if not rows:
        raise ImportFileError(
            f"{table.source}: has names of columns and no rows below them: there is nothing to import"
        )
    columns = [
        _looked_at(name, [row.cells[k] for row in rows], is_workbook=table.is_workbook)
        for k, name in enumerate(table.header)
        if name
    ]
    found: dict[Piece, str] = {}
    for field in Piece:
        used = {*found.values()}
        free = [column for column in columns if column.name not in used and _fits(field, column)]
        if chosen := _named(field, free) or _by_content(field, free):
            found[field] = chosen.name
    if Piece.CUSTOMER not in found and Piece.EMAIL not in found and Piece.NAME in found:
        found[Piece.CUSTOMER] = found[Piece.NAME]
    is_people = Piece.DATE not in found and Piece.AMOUNT not in found and Piece.EMAIL in found
    if is_people and Piece.ORDER_ID in found:  # a number without dates and amounts is theirs
        found.setdefault(Piece.CUSTOMER, found.pop(Piece.ORDER_ID))
    if not is_people:
        _require(table, found, columns, rows)
    has_amount = Piece.AMOUNT in found
    return Mapping(
        title="a table of customers" if is_people else "a table of orders",
        content="customers" if is_people else "orders",
        amounts="auto" if has_amount or Piece.PRICE not in found else "price",
        columns=found,
    )


def _unread(field: Piece, columns: Sequence[_Column], rows: Sequence[TableRow], table: Table) -> str:
    """Of a column that is called as dates or amounts are, but has none that can be read: that, and an example."""
    named = next((one.name for one in columns if one.compared in SYNONYMS[field] and one.filled), None)
    if named is None:
        return ""
    k = table.header.index(named)
    cells = [row.cells[k] for row in rows if row.cells[k]]
    can_be_read = _is_number if field is Piece.AMOUNT else partial(_is_time, is_workbook=table.is_workbook)
    example = next((cell for cell in cells if not can_be_read(cell)), cells[0])
    what = "amounts" if field is Piece.AMOUNT else "dates"
    return f" Most cells of {named!r} are no {what} that can be read, such as {example[:_SHOWN_CHARS]!r}."


def _require(table: Table, found: dict[Piece, str], columns: Sequence[_Column], rows: Sequence[TableRow]) -> None:
    """Raise `ImportFileError` unless there are dates and customers, and amounts where a column is called so."""
    lacking = [] if Piece.DATE in found else ["the date of the order"]
    if Piece.EMAIL not in found and Piece.CUSTOMER not in found:
        lacking.append("the customer (an e-mail address, a customer number or a name)")
    unread = "" if Piece.DATE in found else _unread(Piece.DATE, columns, rows, table)
    if Piece.AMOUNT not in found and Piece.PRICE not in found and (why := _unread(Piece.AMOUNT, columns, rows, table)):
        lacking.append("what the customer paid")
        unread += why
    if lacking:
        raise ImportFileError(
            f"{table.source}: no column looks like {' and '.join(lacking)};"
            f" it has {', '.join(repr(name) for name in table.header if name)}."
            f"{unread}"
            " Say which is which in a small file: --mapping shop.toml (written for you if there is none)"
        )


def _looked_at(name: str, cells: Sequence[str], *, is_workbook: bool) -> _Column:
    filled = [cell for cell in cells if cell]

    def share(test: Callable[[str], bool]) -> float:
        return sum(map(test, filled)) / len(filled) if filled else 0.0

    return _Column(
        name,
        compared(name),
        len(filled) / len(cells) if cells else 0.0,
        dates=share(lambda cell: _is_time(cell, is_workbook=is_workbook)),
        days=share(is_excel_day),
        numbers=share(_is_number),
        fractions=share(lambda cell: _is_number(cell) and not without_currency(cell).lstrip("-").isdigit()),
        addresses=share(lambda cell: "@" in cell and "." in cell.rpartition("@")[2] and " " not in cell),
        currencies=share(lambda cell: currency_of(cell) == cell.upper()),
        outcomes=share(lambda cell: outcome_of(cell) is not OrderStatus.PLACED or len(cell.split()) <= 2),  # noqa: PLR2004
        refunds=share(is_refund_row),
        answers=share(is_answer),
    )


def _is_number(cell: str) -> bool:
    text = without_currency(cell)
    return number(text, ".") is not None or number(text, ",") is not None


def _is_time(cell: str, *, is_workbook: bool) -> bool:
    """Numbers of days look like other numbers, so in text only the name of a column tells that it has them."""
    if not is_workbook and is_excel_day(cell):
        return False
    for order in DateOrder:
        try:
            read_time(cell, UTC, order, is_workbook=is_workbook)
        except ValueError:
            continue
        return True
    return False


def _fits(field: Piece, column: _Column) -> bool:
    """Whether the cells of the column can be what the field is."""
    test = _TESTS.get(field)
    return column.filled > 0.0 if test is None else test(column)


def _is_words(column: _Column) -> bool:
    return column.numbers < _MOSTLY and column.addresses < _SOME


_TESTS: Final[dict[Piece, Callable[[_Column], bool]]] = {
    **dict.fromkeys(
        (Piece.DATE, Piece.REFUNDED_AT, Piece.CANCELLED_AT), lambda column: column.dates + column.days >= _HALF
    ),
    **dict.fromkeys(
        (Piece.AMOUNT, Piece.REFUNDED, Piece.AMOUNT_AFTER_REFUNDS, Piece.QUANTITY, Piece.PRICE),
        lambda column: column.numbers >= _HALF,
    ),
    **dict.fromkeys((Piece.NAME, Piece.FIRST_NAME, Piece.LAST_NAME, Piece.PRODUCT_NAME), _is_words),
    Piece.EMAIL: lambda column: column.addresses >= _SOME,
    Piece.CURRENCY: lambda column: column.currencies >= _HALF,
    Piece.EVENT: lambda column: column.refunds > 0.0,
    Piece.TEST: lambda column: column.answers >= _MOSTLY,
    Piece.STATUS: lambda column: column.outcomes >= _MOSTLY and column.numbers < _SOME,
    Piece.ORDER_ID: lambda column: (
        column.filled >= _SOME and column.addresses < _SOME and (column.dates < _SOME or column.numbers >= _MOSTLY)
    ),
}


def _named(field: Piece, columns: Sequence[_Column]) -> _Column | None:
    """The column with the best name for the field: exactly, else a name that contains one of several letters."""
    names = SYNONYMS.get(field, ())
    exact = [column for column in columns if column.compared in names]
    if exact:
        return min(exact, key=lambda column: names.index(column.compared))
    if field not in (Piece.DATE, Piece.AMOUNT, Piece.EMAIL, Piece.ORDER_ID, Piece.CUSTOMER):
        return None
    within = [
        (names.index(name), column)
        for column in columns
        if len(column.compared.split()) <= _MAX_WORDS and not (field is Piece.AMOUNT and _is_part(column))
        for name in names
        if f" {name} " in f" {column.compared} " and (" " in name or field in (Piece.DATE, Piece.AMOUNT, Piece.EMAIL))
    ]
    return min(within, key=lambda pair: pair[0])[1] if within else None


def _is_part(column: _Column) -> bool:
    words = column.compared.split()
    return not _PARTS.isdisjoint(words) and _INCLUDED.isdisjoint(words)


def _by_content(field: Piece, columns: Sequence[_Column]) -> _Column | None:
    """The column that nothing else than its cells speaks for; for what an import cannot do without."""
    if field is Piece.EMAIL:
        return max(columns, key=lambda column: column.addresses, default=None)
    if field is Piece.DATE:
        # a column of long numbers may be telephone numbers as well as seconds since the epoch
        dates = [column for column in columns if column.numbers < _SOME and column.dates >= _MOSTLY]
        return dates[0] if len(dates) == 1 else None
    if field is Piece.AMOUNT:
        fractions = [column for column in columns if column.fractions >= _SOME and not _is_part(column)]
        prices = {*SYNONYMS[Piece.PRICE], *SYNONYMS[Piece.REFUNDED]}
        left = [column for column in fractions if column.compared not in prices and column.dates < _SOME]
        return left[0] if len(left) == 1 else None
    return None
