"""What is in the files, in figures."""

from collections import Counter
from dataclasses import dataclass, field

from stream.imports.issues import Issue, IssueSeverity, Why
from stream.imports.merge import Order

__all__ = ["Summary"]


@dataclass(slots=True)
class Summary:
    """Totals of an import. Money in 1/UNITS by currency; times in ms since the epoch.

    ``orders`` were placed and not cancelled; ``cancelled`` were; ``customers`` have placed one of ``orders``. Orders
    that were refused are in neither. ``new_orders`` are those that are published now. ``counts``: for each reason how
    many rows, and the first of them.
    """

    rows: int = 0
    orders: int = 0
    cancelled: int = 0
    customers: int = 0
    new_orders: int = 0
    new_events: int = 0
    ordered: Counter[str] = field(default_factory=Counter)
    paid_back: Counter[str] = field(default_factory=Counter)
    orders_by_currency: Counter[str] = field(default_factory=Counter)
    first_ms: int | None = None
    last_ms: int | None = None
    counts: dict[Why, tuple[int, Issue]] = field(default_factory=dict)

    def add(self, order: Order) -> None:
        """Count an order that can be used, whether it was imported before or not."""
        self.orders_by_currency[order.currency] += 1
        if order.has_sale and order.cancelled:
            self.cancelled += 1
            return
        if order.has_sale:
            self.orders += 1
            self.first_ms = order.at_ms if self.first_ms is None else min(self.first_ms, order.at_ms)
            self.last_ms = order.at_ms if self.last_ms is None else max(self.last_ms, order.at_ms)
            self.ordered[order.currency] += order.amount or 0
        self.paid_back[order.currency] += order.refunded

    def rows_of(self, severity: IssueSeverity) -> int:
        """Rows that are refused, left out or noted."""
        return sum(count for count, first in self.counts.values() if first.severity is severity)

    @property
    def refused_share(self) -> float:
        """Refused rows of all rows (0 to 1)."""
        return self.rows_of(IssueSeverity.REFUSED) / self.rows if self.rows else 0.0
