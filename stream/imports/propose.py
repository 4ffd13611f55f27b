"""A mapping for a table that no system is known to write: proposed from the names of columns and their contents."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Final

from stream.errors import ImportFileError
from stream.imports.column_facts import ColumnFacts, has_number, has_time, looked_at
from stream.imports.import_fields import SYNONYMS, Piece
from stream.imports.mapping import Mapping
from stream.imports.names import compared
from stream.imports.rows import TableRow
from stream.imports.table import Table

__all__ = ["proposed"]

_SAMPLE_ROWS: Final = 2_000
_MOSTLY: Final = 0.8
_HALF: Final = 0.5
_SOME: Final = 0.3
_MAX_WORDS: Final = 6
_SHOWN_CHARS: Final = 40
#: With so many names to each number of a customer, the number is not the customer's.
_TILLS: Final = 3
#: What there is to know of a person, and words for who that is: who ordered, not who is to get a present.
_OF_PERSON: Final = frozenset(
    (
        *(Piece.NAME, Piece.FIRST_NAME, Piece.LAST_NAME, Piece.COMPANY, Piece.PHONE),
        *(Piece.STREET, Piece.STREET_2, Piece.CITY, Piece.REGION, Piece.POSTCODE, Piece.COUNTRY),
    )
)
_WHOSE: Final = frozenset(
    (
        *("billing", "customer", "buyer", "bill", "to", "contact", "invoice", "rechnungsadresse", "rechnung", "kunde"),
        *("besteller", "facturation", "client", "acheteur", "facturacion", "cliente", "fatturazione", "factuur"),
        *("klant", "recipient"),
    )
)
#: Kinds of rows of books. An invoice and its payment are one sale.
_INVOICES: Final = ("invoice", "receipt", "rechnung", "facture", "factura", "fattura", "factuur")
_PAYMENTS: Final = frozenset(("payment", "estimate", "deposit", "zahlung", "paiement", "pago", "pagamento", "betaling"))
_NATIVE: Final = frozenset({"ts", "customer id", "type", "subtype"})


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
        looked_at(name, [row.cells[k] for row in rows], is_workbook=table.is_workbook)
        for k, name in enumerate(table.header)
        if name
    ]
    found: dict[Piece, str] = {}
    for field in Piece:
        used = {*found.values()}
        free = [column for column in columns if column.name not in used and _fits(field, column)]
        if field is Piece.DATE:  # the day of a refund is not that of the order
            free = [column for column in free if not column.is_paid_back_at]
        if chosen := _named(field, free) or _by_content(field, free):
            found[field] = chosen.name
    _choose_customer(found, {column.name: column.distinct for column in columns})
    is_people = _is_of_people(table, found, columns, len(rows))
    if is_people and Piece.ORDER_ID in found:  # a number without dates and amounts is theirs
        found.setdefault(Piece.CUSTOMER, found.pop(Piece.ORDER_ID))
    if not is_people:
        _require(table, found, columns, rows)
    sales = _kinds_of_sales(found, columns, rows, table)
    has_amount = Piece.AMOUNT in found
    return Mapping(
        title="a table of customers" if is_people else "a table of orders",
        content="customers" if is_people else "orders",
        amounts="auto" if has_amount or Piece.PRICE not in found else "price",
        sales=sales,
        columns=found,
    )


def _is_of_people(table: Table, found: dict[Piece, str], columns: Sequence[ColumnFacts], rows: int) -> bool:
    """Whether the rows are customers and not orders.

    Customers stand in a row each, without numbers of orders; what they have spent so far is no order, nor is the day
    on which they registered. Raises `ImportFileError` where that is likely and no name of a column tells.
    """
    if Piece.DATE not in found and Piece.AMOUNT not in found and Piece.EMAIL in found:
        return {Piece.REFUNDED, Piece.REFUNDED_AT}.isdisjoint(found)
    facts = {column.name: column for column in columns}
    person = facts.get(found.get(Piece.EMAIL) or found.get(Piece.CUSTOMER, ""))
    of_orders = {Piece.ORDER_ID, Piece.PRODUCT, Piece.PRODUCT_NAME, Piece.PRICE, Piece.STATUS, Piece.EVENT}
    if person is None or person.distinct < person.filled * rows or not of_orders.isdisjoint(found):
        return False
    if any(facts[found[field]].is_of_customers for field in (Piece.DATE, Piece.AMOUNT) if field in found):
        for field in (Piece.DATE, Piece.AMOUNT, Piece.CURRENCY):
            found.pop(field, None)
        return True
    about = {Piece.PHONE, Piece.STREET, Piece.FIRST_NAME, Piece.MARKETING}
    if Piece.AMOUNT not in found and not about.isdisjoint(found):
        raise ImportFileError(
            f"{table.source}: may be a list of customers or of orders: each row has another customer, and there are"
            f' neither numbers nor amounts of orders. Say which it is in a small file, as content = "customers" or'
            ' "orders": --mapping shop.toml (written for you if there is none)'
        )
    return False


def _kinds_of_sales(
    found: dict[Piece, str], columns: Sequence[ColumnFacts], rows: Sequence[TableRow], table: Table
) -> tuple[str, ...]:
    """Words for the rows that are orders, where invoices stand beside their payments; else none."""
    named = (column.name for column in columns if column.compared in SYNONYMS[Piece.EVENT])
    name = found.get(Piece.EVENT) or next((name for name in named if name not in found.values()), None)
    if name is None:
        return ()
    k = table.header.index(name)
    words = {word for row in rows for word in compared(row.cells[k]).split()}
    if words.isdisjoint(_INVOICES) or words.isdisjoint(_PAYMENTS):
        return ()
    found[Piece.EVENT] = name
    return _INVOICES


def _choose_customer(found: dict[Piece, str], distinct: dict[str, int]) -> None:
    """Without addresses and numbers of customers their names or telephone numbers tell them apart.

    So do names that are many more than "users" and "members": these are who stands at the till.
    """
    if Piece.EMAIL in found:
        return
    if Piece.CUSTOMER not in found:
        for field in (Piece.NAME, Piece.PHONE):
            if field in found:
                found[Piece.CUSTOMER] = found[field]
                return
    elif Piece.NAME in found and distinct[found[Piece.NAME]] > _TILLS * distinct[found[Piece.CUSTOMER]]:
        found[Piece.CUSTOMER] = found[Piece.NAME]


def _unread(field: Piece, columns: Sequence[ColumnFacts], rows: Sequence[TableRow], table: Table) -> str:
    """Of a column that is called as dates or amounts are, but has none that can be read: that, and an example."""
    named = next((one.name for one in columns if one.compared in SYNONYMS[field] and one.filled), None)
    if named is None:
        return ""
    k = table.header.index(named)
    cells = [row.cells[k] for row in rows if row.cells[k]]
    can_be_read = has_number if field is Piece.AMOUNT else partial(has_time, is_workbook=table.is_workbook)
    example = next((cell for cell in cells if not can_be_read(cell)), cells[0])
    what = "amounts" if field is Piece.AMOUNT else "dates"
    return f" Most cells of {named!r} are no {what} that can be read, such as {example[:_SHOWN_CHARS]!r}."


def _require(table: Table, found: dict[Piece, str], columns: Sequence[ColumnFacts], rows: Sequence[TableRow]) -> None:
    """Raise `ImportFileError` unless there are dates and customers, and amounts where a column is called so."""
    lacking = [] if Piece.DATE in found else ["the date of the order"]
    if Piece.EMAIL not in found and Piece.CUSTOMER not in found:
        lacking.append("the customer (an e-mail address, a customer number, a name or a telephone number)")
    unread = "" if Piece.DATE in found else _unread(Piece.DATE, columns, rows, table)
    if Piece.AMOUNT not in found and Piece.PRICE not in found and (why := _unread(Piece.AMOUNT, columns, rows, table)):
        lacking.append("what the customer paid")
        unread += why
    elif Piece.AMOUNT not in found and Piece.PRICE not in found and len(several := _amounts(columns)) > 1:
        names = ", ".join(repr(column.name) for column in several)
        lacking.append("what the customer paid")
        unread += f" There are several columns of amounts: {names}."
    if lacking:
        raise ImportFileError(
            f"{table.source}: no column looks like {' and '.join(lacking)};"
            f" it has {', '.join(repr(name) for name in table.header if name)}."
            f"{unread}"
            " Say which is which in a small file: --mapping shop.toml (written for you if there is none)"
        )


def _fits(field: Piece, column: ColumnFacts) -> bool:
    """Whether the cells of the column can be what the field is."""
    test = _TESTS.get(field)
    return column.filled > 0.0 if test is None else test(column)


def _is_words(column: ColumnFacts) -> bool:
    return column.numbers < _MOSTLY and column.addresses < _SOME


_TESTS: Final[dict[Piece, Callable[[ColumnFacts], bool]]] = {
    **dict.fromkeys(
        (Piece.DATE, Piece.REFUNDED_AT, Piece.CANCELLED_AT), lambda column: column.dates + column.days >= _HALF
    ),
    **dict.fromkeys(
        (Piece.AMOUNT, Piece.AMOUNT_AFTER_REFUNDS, Piece.QUANTITY, Piece.PRICE),
        lambda column: column.numbers >= _HALF,
    ),
    **dict.fromkeys((Piece.NAME, Piece.FIRST_NAME, Piece.LAST_NAME, Piece.PRODUCT_NAME), _is_words),
    Piece.EMAIL: lambda column: column.addresses >= _SOME,
    Piece.CURRENCY: lambda column: column.currencies >= _HALF,
    Piece.EVENT: lambda column: column.refunds > 0.0,
    **dict.fromkeys((Piece.TEST, Piece.CANCELLED), lambda column: column.answers >= _MOSTLY),
    Piece.REFUNDED: lambda column: column.numbers >= _HALF or column.answers >= _MOSTLY,
    Piece.STATUS: lambda column: (column.outcomes >= _MOSTLY or column.is_settled) and column.numbers < _SOME,
    Piece.ORDER_ID: lambda column: (
        column.filled >= _SOME and column.addresses < _SOME and (column.dates < _SOME or column.numbers >= _MOSTLY)
    ),
}


def _named(field: Piece, columns: Sequence[ColumnFacts]) -> ColumnFacts | None:
    """The column with the best name for the field: exactly, else a name that contains one of several letters."""
    names = SYNONYMS.get(field, ())
    exact = [column for column in columns if column.compared in names]
    if exact:
        return min(exact, key=lambda column: names.index(column.compared))
    if field in _OF_PERSON:
        bare = {_without_whose(column): column for column in reversed(columns)}
        return next((bare[name] for name in names if name in bare), None)
    if field not in (Piece.DATE, Piece.AMOUNT, Piece.EMAIL, Piece.ORDER_ID, Piece.CUSTOMER):
        return None
    within = [
        (names.index(name), column)
        for column in columns
        if len(column.compared.split()) <= _MAX_WORDS and not (field is Piece.AMOUNT and column.is_part)
        for name in names
        if f" {name} " in f" {column.compared} " and (" " in name or field in (Piece.DATE, Piece.AMOUNT, Piece.EMAIL))
    ]
    return min(within, key=lambda pair: pair[0])[1] if within else None


def _without_whose(column: ColumnFacts) -> str:
    """The name of a column without whose it is: "vorname rechnungsadresse" is "vorname"."""
    return " ".join(word for word in column.compared.split() if word not in _WHOSE)


def _by_content(field: Piece, columns: Sequence[ColumnFacts]) -> ColumnFacts | None:
    """The column that nothing else than its cells speaks for; for what an import cannot do without."""
    if field is Piece.EMAIL:
        return max(columns, key=lambda column: column.addresses, default=None)
    if field is Piece.DATE:
        # a column of long numbers may be telephone numbers as well as seconds since the epoch
        dates = [column for column in columns if column.numbers < _SOME and column.dates >= _MOSTLY]
        return dates[0] if len(dates) == 1 else None
    if field is Piece.AMOUNT:
        left = _amounts(columns)
        return left[0] if len(left) == 1 else None
    if field is Piece.REFUNDED:
        return next((column for column in columns if column.is_paid_back), None)
    if field is Piece.STATUS:
        return next((column for column in columns if column.is_settled), None)
    return None


def _amounts(columns: Sequence[ColumnFacts]) -> list[ColumnFacts]:
    """The columns whose cells are amounts, and whose names do not say that they are parts or others."""
    fractions = [column for column in columns if column.fractions >= _SOME and not column.is_part]
    others = {*SYNONYMS[Piece.PRICE], *SYNONYMS[Piece.REFUNDED]}
    return [column for column in fractions if column.compared not in others and column.dates < _SOME]
