"""Which column of an export is what, and how its cells are to be read."""

from collections.abc import Mapping as MappingOf
from typing import Literal

import msgspec

from stream.imports.import_fields import Piece

__all__ = ["Amounts", "Content", "Mapping"]

#: Rows of an export: orders (one row each, or one row a line of an order), or customers.
Content = Literal["orders", "customers"]

#: What the amount of a row is when an order has several: ``order`` the whole order (repeated, or on one row only),
#: ``line`` a part of it, ``price`` nothing: lines have quantity and price. ``auto``: found out from the rows.
Amounts = Literal["order", "line", "price", "auto"]


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the rows of an export become orders and customers.

    ``columns`` names the column of each field that the export has. ``system`` and ``title`` say whose export it is;
    an empty ``dates``, ``decimal``, ``currency`` or ``timezone`` is found out from the cells, or asked for;
    ``usual_dates`` is what dates are taken for that do not tell. With ``sales`` a row is an order only if its kind (the
    field ``event``) has one of these words, or if it is a refund; ``items`` are kinds of rows that tell what is in an
    order whose total another row has. All in the form of `names.compared`.
    """

    system: str = "generic"
    title: str = "a table of orders"
    content: Content = "orders"
    amounts: Amounts = "auto"
    dates: Literal["", "dmy", "mdy"] = ""
    usual_dates: Literal["", "dmy", "mdy"] = ""
    decimal: Literal["", ".", ","] = ""
    currency: str = ""
    timezone: str = ""
    sales: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    columns: MappingOf[Piece, str] = msgspec.field(default_factory=dict)
