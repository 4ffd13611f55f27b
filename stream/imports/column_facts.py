"""What the cells of a column look like, before it is known what the column is."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from stream.events.parsing_numbers import number
from stream.events.parsing_times import DateOrder
from stream.imports.currencies import currency_of, without_currency
from stream.imports.days import is_excel_day, read_time
from stream.imports.names import compared
from stream.imports.statuses import OrderStatus, is_refund_row, outcome_of
from stream.imports.yes_no import is_answer

__all__ = ["ColumnFacts", "has_number", "has_time", "looked_at"]

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


#: Stems in the names of columns of what was paid back, and of what became of an order.
_PAID_BACK: Final = re.compile(
    r"\b(refund|ruckzahl|(ruck)?erstatt|rembours|reembols|rimbors|terugbeta|zwrot|aterbetal)"
)
_STATUS: Final = re.compile(r"(status|statut|zustand)\b|\b(state|stato|estado|etat)\b")
#: In the names of columns of lists of customers: since when they are, and what they have ordered so far.
_OF_CUSTOMERS: Final = re.compile(
    r"\b(total spent|lifetime|(total|number of) orders|orders count|order count|(first|last) order|regist"
    r"|signed up|sign ?up|joined|member since|customer since|date (added|joined)|birth|geburt|angemeldet|anmelde"
    r"|kunde seit|anzahl (der )?bestellungen|umsatz gesamt|gesamtumsatz|inscri|client depuis|nombre de commandes"
    r"|fecha de alta|numero de pedidos|iscri|注册|註冊|累计|累計|登録)"
)
_FEW_DATES: Final = 0.3


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """A column and the shares of its filled cells (0 to 1) that are of a kind.

    ``filled``: share of the rows. ``distinct``: how many different cells there are. ``settled``: share of the cells
    that say that an order does not stand as it was placed.
    """

    name: str
    compared: str
    filled: float
    distinct: int
    dates: float
    days: float
    numbers: float
    fractions: float
    addresses: float
    currencies: float
    outcomes: float
    settled: float
    refunds: float
    answers: float

    @property
    def is_part(self) -> bool:
        """Whether the name is that of a part of an amount, or of another one."""
        words = self.compared.split()
        return not _PARTS.isdisjoint(words) and _INCLUDED.isdisjoint(words)

    @property
    def is_paid_back(self) -> bool:
        """Whether the name and the cells are those of money that was paid back."""
        words = {*self.compared.split()} - {"refund", "refunded"}
        return self.is_paid_back_at and _PARTS.isdisjoint(words) and self.dates < _FEW_DATES

    @property
    def is_paid_back_at(self) -> bool:
        """Whether the name says that the times are those at which money was paid back."""
        return bool(_PAID_BACK.search(self.compared))

    @property
    def is_of_customers(self) -> bool:
        """Whether the name says something of a customer that orders do not have."""
        return bool(_OF_CUSTOMERS.search(self.compared))

    @property
    def is_settled(self) -> bool:
        """Whether the name and some cells are those of what became of an order."""
        return self.settled > 0.0 and bool(_STATUS.search(self.compared))


def looked_at(name: str, cells: Sequence[str], *, is_workbook: bool) -> ColumnFacts:
    """The facts about a column of this name."""
    filled = [cell for cell in cells if cell]

    def share(test: Callable[[str], bool]) -> float:
        return sum(map(test, filled)) / len(filled) if filled else 0.0

    return ColumnFacts(
        name,
        compared(name),
        len(filled) / len(cells) if cells else 0.0,
        len(set(filled)),
        dates=share(lambda cell: has_time(cell, is_workbook=is_workbook)),
        days=share(is_excel_day),
        numbers=share(has_number),
        fractions=share(lambda cell: has_number(cell) and not without_currency(cell).lstrip("-").isdigit()),
        addresses=share(lambda cell: "@" in cell and "." in cell.rpartition("@")[2] and " " not in cell),
        currencies=share(lambda cell: currency_of(cell) == cell.upper()),
        outcomes=share(lambda cell: outcome_of(cell) is not OrderStatus.PLACED or len(cell.split()) <= 2),  # noqa: PLR2004
        settled=share(lambda cell: outcome_of(cell) is not OrderStatus.PLACED),
        refunds=share(is_refund_row),
        answers=share(is_answer),
    )


def has_number(cell: str) -> bool:
    """Whether a cell is a number with either decimal sign, perhaps with a currency."""
    text = without_currency(cell)
    return number(text, ".") is not None or number(text, ",") is not None


def has_time(cell: str, *, is_workbook: bool) -> bool:
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
