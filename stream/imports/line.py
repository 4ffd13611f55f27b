"""One row of an export of orders, read."""

from typing import Final

import msgspec

from stream.imports.issues import Why
from stream.imports.statuses import OrderStatus

__all__ = ["UNITS", "Line"]

#: Money in an import is whole 1/10,000 of the currency unit.
UNITS: Final = 10_000


class Line(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What a row says; None or an empty text where it says nothing. Times in ms since the epoch, money in 1/UNITS.

    ``digest``: of the row as it stands, to find it a second time. ``outcome``: None where the row states no status.
    ``is_refund``: the row is money paid back, and its amount is positive. ``wrong``: why the row cannot be used, with
    ``detail``.
    """

    table: int
    line: int
    digest: int
    order_id: str = ""
    email: str = ""
    customer: str = ""
    at_ms: int | None = None
    amount: int | None = None
    currency: str = ""
    outcome: OrderStatus | None = None
    is_refund: bool = False
    refunded: int | None = None
    after_refunds: int | None = None
    refunded_at_ms: int | None = None
    cancelled_at_ms: int | None = None
    product: str = ""
    quantity: float | None = None
    price: float | None = None
    category: str = ""
    coupon: str = ""
    wrong: Why | None = None
    detail: str = ""

    @property
    def worth(self) -> float | None:
        """Price times pieces, in 1/UNITS."""
        return None if self.price is None or self.quantity is None else self.price * self.quantity * UNITS
