"""Looking at all rows of a table before reading them: decimal signs, and the order of day and month."""

import re
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Final

from stream.errors import ImportFileError
from stream.events.parsing_numbers import DecimalSigns
from stream.events.parsing_times import DateOrder, DateOrders, names_zone
from stream.imports.currencies import (
    currency_in_name,
    currency_of,
    has_cents,
    is_yuan_or_yen,
    shared_by,
    without_currency,
)
from stream.imports.days import in_figures, is_excel_day, read_time, zone_of
from stream.imports.import_fields import Piece
from stream.imports.mapping import Mapping
from stream.imports.rows import Broken
from stream.imports.table import Table
from stream.imports.yes_no import is_answer, is_yes

__all__ = ["MONEY_FIELDS", "TIME_FIELDS", "CellFormats", "survey"]

TIME_FIELDS: Final = (Piece.DATE, Piece.REFUNDED_AT, Piece.CANCELLED_AT)
MONEY_FIELDS: Final = (Piece.AMOUNT, Piece.REFUNDED, Piece.AMOUNT_AFTER_REFUNDS, Piece.PRICE)

#: Characters of the words for amounts and prices that are written so in the People's Republic only.
_SIMPLIFIED: Final = frozenset("额实总计价单订")

#: Letters of Japanese alone.
_KANA: Final = re.compile("[\u3041-\u30ff]")

#: As Excel shows a long number; its last digits are gone.
_ROUNDED: Final = re.compile(r"[1-9](?:[.,][0-9]+)?[Ee]\+[0-9]{1,2}")

#: So many changes of date must agree before the order of the rows counts as a sign.
_MIN_STEPS: Final = 3
#: A column with more different cells does not say yes or no.
_MAX_ANSWERS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CellFormats:
    """How the cells of a table are read. ``dates`` and ``decimals`` may be mixed: then each cell speaks for itself.

    ``currency``: of amounts that name none. ``says_refunded``: the column of what was paid back says whether all was.
    ``notes``: what was concluded or assumed, a sentence each, for people.
    """

    dates: DateOrder | None
    decimals: DecimalSigns
    zone: tzinfo
    currency: str
    says_refunded: bool
    rows: int
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Sortedness:
    """Whether the dates of a column, read in one way, go up or down all the way."""

    order: DateOrder
    last: int | None = None
    ups: int = 0
    downs: int = 0

    def see(self, cell: str) -> None:
        try:
            at = read_time(cell, UTC, self.order)
        except ValueError:
            return
        if self.last is not None:
            self.ups += at > self.last
            self.downs += at < self.last
        self.last = at

    @property
    def is_sorted(self) -> bool:
        return min(self.ups, self.downs) == 0 and max(self.ups, self.downs) >= _MIN_STEPS


@dataclass(slots=True)
class _Evidence:
    dates: DateOrders = field(default_factory=DateOrders)
    sorted_as: list[_Sortedness] = field(default_factory=lambda: [_Sortedness(order) for order in DateOrder])
    decimals: DecimalSigns = field(default_factory=DecimalSigns)
    currencies: set[str] = field(default_factory=set)
    stated: set[str] = field(default_factory=set)
    local_times: bool = False
    has_yuan_or_yen: bool = False
    has_dollars: bool = False
    shared: tuple[str, ...] = ()
    excel_day: str = ""
    refunded: set[str] = field(default_factory=set)
    rounded: dict[Piece, str] = field(default_factory=dict)
    rows: int = 0

    def see_date(self, cell: str) -> None:
        self.see_clock(cell)
        if not self.excel_day and is_excel_day(cell):
            self.excel_day = cell
        self.dates.see(in_figures(cell))
        if self.dates.doubtful is not None and self.dates.order is None:
            for way in self.sorted_as:
                way.see(cell)

    def see_clock(self, cell: str) -> None:
        if not self.local_times and ":" in cell and not names_zone(cell):
            self.local_times = True

    def see_money(self, cell: str, *, names_currency: bool) -> None:
        self.decimals.see(without_currency(cell))
        if names_currency:
            self.currencies.add(currency_of(cell))
            self.has_yuan_or_yen |= is_yuan_or_yen(cell)
            self.has_dollars |= "$" in cell
            self.shared = self.shared or shared_by(cell)

    def see_word(self, name: Piece, cell: str) -> None:
        """What is read as it stands: numbers of orders and customers, and answers."""
        if name is Piece.REFUNDED:
            if cell and len(self.refunded) <= _MAX_ANSWERS:
                self.refunded.add(cell)
        elif _ROUNDED.fullmatch(cell):
            self.rounded.setdefault(name, cell)

    def codes(self, assumed: str) -> set[str]:
        """The currencies of the amounts; ``assumed``: of those that name none."""
        return {code or assumed for code in self.stated or self.currencies}


def survey(table: Table, mapping: Mapping, *, currency: str = "", zone: tzinfo | None = None) -> CellFormats:
    """Look at all rows of `table`.

    ``currency``, ``zone``: of amounts and times that name none, where `mapping` is silent.
    Raises `ImportFileError`, which names the option that answers, where the cells leave a question open.
    """
    at = {name: table.header.index(column) for name, column in mapping.columns.items()}
    seen = _seen(table, at)
    notes: list[str] = []
    _refuse_rounded(table, mapping, seen)
    dates = _dates(table, mapping, seen, notes)
    assumed = mapping.currency or currency or _currency(table, mapping, seen, notes)
    decimals = _decimals(table, mapping, seen, assumed or "USD")
    notes += [
        f"Several columns are called {name!r}; the first of them is read."
        for name in dict.fromkeys(mapping.columns.values())
        if table.header.count(name) > 1
    ]
    if seen.excel_day and not table.is_workbook:
        notes.append(f"Dates such as {seen.excel_day} are numbers of days, as Excel counts them.")
    given = zone_of(mapping.timezone) if mapping.timezone else zone
    if given is None and Piece.ZONE not in at and seen.local_times:
        notes.append("Times without an offset are taken as UTC. Another zone: --timezone Europe/Berlin")
    return CellFormats(
        dates=dates,
        decimals=decimals,
        zone=given or UTC,
        currency=assumed or "USD",
        says_refunded=all(map(is_answer, seen.refunded)) and any(map(is_yes, seen.refunded)),
        rows=seen.rows,
        notes=tuple(notes),
    )


def _refuse_rounded(table: Table, mapping: Mapping, seen: _Evidence) -> None:
    """Numbers that a spreadsheet has rounded are the same for several orders or customers: raise `ImportFileError`."""
    for name, cell in seen.rounded.items():
        raise ImportFileError(
            f"{table.source}: a spreadsheet has rounded the numbers in {mapping.columns[name]!r} (such as {cell}), so"
            " that several look like one: export the file again, and let the spreadsheet keep that column as text"
        )


def _seen(table: Table, at: dict[Piece, int]) -> _Evidence:
    """What the cells of `table` show; ``at``: the places of its columns."""
    times = [at[name] for name in TIME_FIELDS if name in at]
    amounts = [at[name] for name in MONEY_FIELDS if name in at]
    words = [(name, at[name]) for name in (Piece.ORDER_ID, Piece.CUSTOMER, Piece.REFUNDED) if name in at]
    currencies, clock = at.get(Piece.CURRENCY), at.get(Piece.TIME)
    seen = _Evidence()
    for row in table.rows():
        if isinstance(row, Broken):
            continue
        seen.rows += 1
        for name, k in words:
            seen.see_word(name, row.cells[k])
        for k in times:
            if row.cells[k]:
                seen.see_date(row.cells[k])
        if clock is not None:
            seen.see_clock(row.cells[clock])
        if currencies is not None:
            seen.stated.add(currency_of(row.cells[currencies]))
        for k in amounts:
            if row.cells[k]:
                seen.see_money(row.cells[k], names_currency=currencies is None)
    return seen


def _currency(table: Table, mapping: Mapping, seen: _Evidence, notes: list[str]) -> str:
    """Of amounts that name none, by the names of their columns.

    Raises `ImportFileError` where the sign is that of a few currencies, and none of them dollars.
    """
    names = [mapping.columns[name] for name in MONEY_FIELDS if name in mapping.columns]
    others = {*seen.currencies} - {""}
    if "" in seen.currencies and len(others) == 1 and not seen.has_dollars and Piece.CURRENCY not in mapping.columns:
        (code,) = others
        notes.append(f"Some amounts name no currency; taken as {code}, as the others are. Another one: --currency USD")
        return code
    named = next(filter(None, map(currency_in_name, names)), "")
    if named or not ("" in seen.currencies or seen.has_yuan_or_yen):
        return named
    if seen.shared:
        raise ImportFileError(
            f"{table.source}: the amounts do not tell of which currency they are: say --currency"
            f" {' or --currency '.join(seen.shared)}"
        )
    is_chinese = any(not _SIMPLIFIED.isdisjoint(name) for name in names)
    assumed = "JPY" if any(map(_KANA.search, mapping.columns.values())) else "CNY" if is_chinese else "USD"
    if Piece.CURRENCY not in mapping.columns and (assumed != "USD" or "" in seen.currencies):
        what = {"JPY": "yen", "CNY": "Chinese yuan", "USD": "US dollars"}[assumed]
        notes.append(f"The amounts name no currency; taken as {what}. Another one: --currency EUR")
    return assumed


def _dates(table: Table, mapping: Mapping, seen: _Evidence, notes: list[str]) -> DateOrder | None:
    if mapping.dates:
        return DateOrder(mapping.dates)
    shown = seen.dates
    if shown.order is not None or shown.doubtful is None or shown.mixed:
        if shown.mixed:
            notes.append("Some dates begin with the day and others with the month; those that do not tell are refused.")
        elif shown.order is not None and not any(shown.counts.values()):
            notes.append(f"Dates with points begin with the day ({shown.doubtful}). Otherwise: --dates mdy")
        return shown.order
    ways = [way.order for way in seen.sorted_as if way.is_sorted]
    if len(ways) == 1:
        first = "day" if ways[0] is DateOrder.DAY_FIRST else "month"
        notes.append(f"The {first} comes first in the dates ({shown.doubtful}): only so are the rows in order.")
        return ways[0]
    if mapping.usual_dates:
        notes.append(
            f"The dates ({shown.doubtful}) do not tell day from month; {mapping.title} writes the month first."
        )
        return DateOrder(mapping.usual_dates)
    raise ImportFileError(
        f"{table.source}: no date tells whether the day or the month comes first (such as {shown.doubtful}):"
        " say --dates dmy or --dates mdy"
    )


def _decimals(table: Table, mapping: Mapping, seen: _Evidence, assumed: str) -> DecimalSigns:
    signs = seen.decimals
    if mapping.decimal:
        return _written_with(mapping.decimal)
    if signs.doubtful is not None and signs.sign is None and not signs.mixed:
        if not any(map(has_cents, seen.codes(assumed))):
            return _written_with("." if "," in signs.doubtful else ",")
        raise ImportFileError(
            f"{table.source}: no amount tells whether {signs.doubtful} has thousands or decimals:"
            " say --decimal point or --decimal comma"
        )
    return signs


def _written_with(sign: str) -> DecimalSigns:
    return DecimalSigns(counts={sign: 1, "," if sign == "." else ".": 0})
