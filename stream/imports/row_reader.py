"""Rows to lines of orders and to contacts, by a mapping and what the survey found."""

import math
import re
import unicodedata
from operator import itemgetter
from typing import Any, Final, NamedTuple

import xxhash

from stream.imports.contacts import Contact
from stream.imports.currencies import CURRENCIES, currency_of, is_yuan_or_yen, without_currency
from stream.imports.days import read_time, zone_of
from stream.imports.import_fields import SYNONYMS, Piece
from stream.imports.issues import Why
from stream.imports.line import UNITS, Line
from stream.imports.mapping import Mapping
from stream.imports.names import compared
from stream.imports.pseudonyms import customer_of_phone, is_name
from stream.imports.rows import TableRow
from stream.imports.statuses import OrderStatus, is_refund_row, outcome_of
from stream.imports.survey import CellFormats
from stream.imports.table import Table
from stream.imports.yes_no import is_no, is_yes

__all__ = ["RowReader"]

#: What systems write for a customer who has no account.
_NOBODY: Final = frozenset(
    (
        *("", "0", "none", "null", "n a", "unknown", "unbekannt", "inconnu", "desconocido", "anonymous", "anonym"),
        *("guest", "guest checkout", "guest customer", "guest user", "guest order", "walk in", "walk in customer"),
        *("cash customer", "cash sale", "gast", "gastbestellung", "gastkunde", "gastkonto", "laufkunde", "barverkauf"),
        *("invite", "client invite", "client anonyme", "invitado", "cliente invitado", "ospite", "cliente ospite"),
        *("游客", "访客", "匿名", "匿名买家", "散客", "訪客"),
    )
)
_ADDRESS: Final = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>.]+")
_REMARK: Final = re.compile(
    r"(grand |sub )?totals?( general)?|sum|summe|gesamt(summe)?|insgesamt|totale|totaal|razem|suma|somme|celkem"
    r"|record s downloaded|seller id.*|end of (report|file)|合计|总计|小计|總計|合計"
)
#: Shopify's gateway for tests, and Stripe's mode.
_TEST: Final = frozenset({"test", "bogus", "bogus gateway", "for testing bogus gateway"})
#: Of a payment that was counted when it came, and is kept back for a while.
_WITHHELD: Final = frozenset({"hold", "release", "einbehaltung", "freigabe"})
_LABEL: Final = 256
#: Characters of a name, and of an address; an e-mail address has 320 at most.
_MAX_NAME: Final = 120
_MAX_SHOWN: Final = 320
#: Control characters, and marks that turn the direction of what follows them.
_UNSEEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


#: A row of a narrow table may have a single cell without being a title.
_MIN_CELLS: Final = 2


class _Unusable(Exception):  # noqa: N818 - no error of the program: it says why a row is left
    def __init__(self, why: Why, detail: str) -> None:
        super().__init__(detail)
        self.why = why
        self.detail = detail


#: The cells of a row by field, empty where the table has no such column.
_Cells = NamedTuple("_Cells", [(field.value, str) for field in Piece])  # type: ignore[misc]


def _is_remark(row: TableRow, cells: Any) -> bool:
    """Whether the row is a total, a footer or a remark: of no customer and no date, or with "total" in their place.

    The word may stand in any column, also in that of the addresses.
    """
    if _ADDRESS.search(cells.email):
        return False
    filled = [compared(cell) for cell in row.cells if cell]
    if len(filled) == 1 and len(row.cells) > _MIN_CELLS:
        return True  # a month or a customer as the title of the rows below
    if cells.date or cells.customer:
        named = {compared(cells.order_id), compared(cells.customer)} - {""} or {compared(cells.date)}
        return named == {filled[0]} and bool(_REMARK.fullmatch(filled[0]))
    return not cells.order_id or any(_REMARK.fullmatch(cell) for cell in filled[:3])


def _whole(cell: str) -> str:
    """A number of an order or a customer as it was before a spreadsheet or a script made a fraction or a text of it.

    >>> _whole("17850.0"), _whole("1.0.0"), _whole("#17.0"), _whole("'0012"), _whole("'s-Hertogenbosch")
    ('17850', '1.0.0', '#17.0', '0012', "'s-Hertogenbosch")
    """
    if cell[:1] == "'" and cell[1:2].isdigit():
        cell = cell[1:]
    whole, point, zeros = cell.partition(".")
    return whole if point and zeros.strip("0") == "" and zeros and whole.isdigit() else cell


def _shown(text: str, most: int = _MAX_SHOWN) -> str:
    r"""What lists show of a person: in one line, of a length that people have, in the order in which it is written.

    >>> _shown("Ann\u202e\n  Ode\x07"), len(_shown("x" * 10_000))
    ('Ann Ode', 320)
    """
    return " ".join(_UNSEEN.sub(" ", text).split())[:most]


class RowReader:
    """Reads the rows of one table; ``number`` is its place among the files."""

    def __init__(self, number: int, table: Table, mapping: Mapping, reading: CellFormats) -> None:
        self._number = number
        self._is_workbook = table.is_workbook
        columns = mapping.columns
        self._no_refunded = Piece.REFUNDED not in columns and Piece.AMOUNT_AFTER_REFUNDS not in columns
        self._mapping = mapping
        self._reading = reading
        at = {name: table.header.index(column) for name, column in mapping.columns.items()}
        self._is_by_phone = compared(mapping.columns.get(Piece.CUSTOMER, "")) in SYNONYMS[Piece.PHONE]
        # one place beyond the row is empty
        self._pick = itemgetter(*(at.get(field, len(table.header)) for field in Piece))

    def line(self, row: TableRow) -> Line | Why:
        """The line of an order that `row` is, or why it is none. What is wrong with it stands in it."""
        cells = self._cells(row)
        if _is_remark(row, cells):
            return Why.TOTALS
        is_refund = is_refund_row(cells.event)
        is_item = compared(cells.event) in self._mapping.items
        if not (is_refund or is_item or self._is_sale(cells.event)):
            return Why.NO_ORDER
        email = self._email((is_refund and cells.refunded_to) or cells.email)
        known: dict[str, Any] = {
            "table": self._number,
            "line": row.line,
            "digest": xxhash.xxh3_64_intdigest("\x1f".join(row.cells).encode()),
            "order_id": _whole((is_refund and cells.refund_of) or cells.order_id),
            "email": email,
            "customer": self._customer(cells.customer),
            "outcome": self._outcome(cells),
            "product": self._product(cells, is_item=is_item),
            "category": cells.category[:_LABEL],
            "coupon": cells.coupon[:_LABEL],
        }
        try:
            known["currency"] = self._currency(cells)
            known["at_ms"] = self._time(cells.date, cells.time, cells.zone)
            known["refunded_at_ms"] = self._time(cells.refunded_at)
            known["cancelled_at_ms"] = self._time(cells.cancelled_at)
            known["quantity"] = self._figure(cells.quantity)
            known["price"] = self._figure(cells.price)
            amount = None if is_item else self._amount(cells)
            known["refunded"] = None if self._reading.says_refunded else self._positive(self._money(cells.refunded))
            known["after_refunds"] = self._money(cells.amount_after_refunds)
        except _Unusable as unusable:
            return Line(**known, is_refund=is_refund, wrong=unusable.why, detail=unusable.detail)
        if amount is not None and amount < 0 and not is_refund:
            if self._mapping.sales:
                return Why.NO_ORDER  # the shop paid for something
            is_refund = True
        return Line(**known, amount=self._positive(amount) if is_refund else amount, is_refund=is_refund)

    def contact(self, row: TableRow) -> tuple[str, str, Contact]:
        """E-mail address, customer number and what the row says about the person; any of them may be empty."""
        cells = self._cells(row)
        email = self._email((is_refund_row(cells.event) and cells.refunded_to) or cells.email)
        customer = self._customer(cells.customer)
        name = cells.name or " ".join(filter(None, (cells.first_name, cells.last_name)))
        if compared(name) in _NOBODY:
            name = ""
        if not name and is_name(customer):
            name = customer
        town = " ".join(filter(None, (cells.postcode.lstrip("'"), cells.city)))
        place = (cells.company, cells.street, cells.street_2, town, cells.region)
        try:
            seen_ms = self._time(cells.date, cells.time, cells.zone) or 0
        except _Unusable:
            seen_ms = 0
        contact = Contact(
            name=_shown(name, _MAX_NAME),
            email=_shown(email),
            phone=_shown(cells.phone.lstrip("'")),
            address=_shown(", ".join(filter(None, (*place, cells.country)))),
            marketing="yes" if is_yes(cells.marketing) else "no" if is_no(cells.marketing) else "",
            seen_ms=seen_ms,
        )
        return email, customer, contact

    def _outcome(self, cells: Any) -> OrderStatus | None:
        """What became of the order, None where the row does not say; a test never was one.

        A date of a refund without an amount anywhere is one of the whole order.
        """
        if is_yes(cells.test) or compared(cells.test) in _TEST:
            return OrderStatus.UNPAID
        if is_yes(cells.cancelled):
            return OrderStatus.CANCELLED
        stated = outcome_of(cells.status) if cells.status else None
        if stated in (None, OrderStatus.PLACED) and (
            is_yes(cells.refunded) if self._reading.says_refunded else cells.refunded_at and self._no_refunded
        ):
            return OrderStatus.REFUNDED
        return stated

    def _product(self, cells: Any, *, is_item: bool) -> str:
        """Of a row that has items; where others list them, that of the sale has only the sum of them."""
        found = cells.product or cells.product_name
        return found[:_LABEL] if is_item or not self._mapping.items else ""

    def _is_sale(self, event: str) -> bool:
        words = compared(event).split()
        return not self._mapping.sales or (
            any(word in words for word in self._mapping.sales) and _WITHHELD.isdisjoint(words)
        )

    def _cells(self, row: TableRow) -> Any:
        return _Cells._make(self._pick([*row.cells, ""]))

    @staticmethod
    def _email(cell: str) -> str:
        found = _ADDRESS.search(cell)
        return found[0].lower() if found else ""

    def _customer(self, cell: str) -> str:
        if compared(cell) in _NOBODY:
            return ""
        if self._is_by_phone:
            return customer_of_phone(cell)
        # the same name is typed with one blank and with two, and accents come in two ways
        return _whole(" ".join(unicodedata.normalize("NFC", cell).split()))

    def _time(self, cell: str, clock: str = "", zone: str = "") -> int | None:
        if not cell:
            return None
        local = self._reading.zone
        if zone:
            named = zone_of(zone)
            if named is None:
                raise _Unusable(Why.BAD_DATE, f"{zone!r} is not a time zone")
            local = named
        if clock and " " in clock.strip() and clock.strip()[:4].isdigit():
            clock = clock.strip().split(" ", 1)[1]  # a workbook's time of day on day 0
        try:
            return read_time(
                f"{cell} {clock}".strip() if clock else cell, local, self._reading.dates, is_workbook=self._is_workbook
            )
        except ValueError as error:
            raise _Unusable(Why.BAD_DATE, str(error)) from error

    def _number_of(self, cell: str, why: Why) -> float | None:
        text = without_currency(cell)
        if not text or text in {"-", "--"}:
            return None
        value = self._reading.decimals.number(text)
        if value is None or not math.isfinite(value):
            raise _Unusable(why, f"expected a number, got {cell!r}")
        return value

    def _figure(self, cell: str) -> float | None:
        """A quantity or a price; one that cannot be read matters only where it makes the amount."""
        try:
            return self._number_of(cell, Why.BAD_QUANTITY)
        except _Unusable:
            if self._mapping.amounts == "price":
                raise
            return None

    def _money(self, cell: str) -> int | None:
        value = self._number_of(cell, Why.BAD_AMOUNT)
        return None if value is None else round(value * UNITS)

    @staticmethod
    def _positive(amount: int | None) -> int | None:
        return None if amount is None else abs(amount)

    def _amount(self, cells: Any) -> int | None:
        if self._mapping.amounts != "price":
            return self._money(cells.amount)
        price = self._number_of(cells.price, Why.BAD_QUANTITY)
        if price is None:
            return None
        quantity = self._number_of(cells.quantity, Why.BAD_QUANTITY)
        return round(price * (1.0 if quantity is None else quantity) * UNITS)

    def _currency(self, cells: Any) -> str:
        stated = cells.currency
        if not stated:
            amount = cells.amount or cells.price
            if self._reading.currency == "CNY" and is_yuan_or_yen(amount):
                return "CNY"
            return currency_of(amount) or self._reading.currency
        code = currency_of(stated)
        if code not in CURRENCIES:
            raise _Unusable(Why.BAD_CURRENCY, f"expected a code such as EUR, got {stated!r}")
        return code
