"""What purchase events add up to when all of them are at hand: orders that count, and what their refunds gave back.

The same rules by which the kernel counts (`stream.features.orders`), without its bounds of memory: for evaluations,
which look at a whole log.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from stream.events.columns import MONEY_SCALE, UNKNOWN_AMOUNT
from stream.events.kinds import EventKind

__all__ = ["Bought", "OrderBook", "Purchase"]

_FIELDS: Final = ["event_id", "kind", "time", "order_id", "amount"]
_KINDS: Final = {int(kind): kind for kind in EventKind}


class Purchase(NamedTuple):
    """An order, or a refund, that counts.

    ``amount``: in 1/MONEY_SCALE of the base currency, of a refund what it gave back of its order, as a negative number;
    0 for an order of which none is known.
    """

    at_ms: int
    amount: int
    is_order: bool


class Bought(NamedTuple):
    """What one customer bought, by time: running sums of orders and of money in the base currency."""

    at: npt.NDArray[np.int64]
    orders: npt.NDArray[np.float64]
    spend: npt.NDArray[np.float64]

    @classmethod
    def of(cls, purchases: Sequence[Purchase]) -> "Bought":
        """The sums of ``purchases``, in the order of time."""
        at = np.array([one.at_ms for one in purchases], np.int64)
        orders = np.array([one.is_order for one in purchases], np.float64)
        spend = np.array([one.amount for one in purchases], np.float64) / MONEY_SCALE
        return cls(at, *(np.concatenate([[0.0], np.cumsum(column)]) for column in (orders, spend)))

    def between(self, begin: int, end: int) -> tuple[float, float]:
        """Orders and money in ``[begin, end)``."""
        low, high = np.searchsorted(self.at, (begin, end))
        return float(self.orders[high] - self.orders[low]), float(self.spend[high] - self.spend[low])


@dataclass(slots=True)
class _Told:
    """The events of one order: (time, amount) of each."""

    completed: list[tuple[int, int]] = field(default_factory=list)
    refunded: list[tuple[int, int]] = field(default_factory=list)
    is_cancelled: bool = False

    def purchases(self) -> Iterator[Purchase]:
        if self.is_cancelled:
            return
        left = None
        if self.completed:
            known = [telling for telling in self.completed if telling[1] != UNKNOWN_AMOUNT]
            left = max(known)[1] if known else 0
            yield Purchase(min(self.completed)[0], left, is_order=True)
        for at_ms, told in sorted(self.refunded):
            amount = told
            if left is not None:
                amount = left if told == UNKNOWN_AMOUNT else min(told, left)
                left -= amount
            # workers refuse a full refund of an unknown order
            if amount != UNKNOWN_AMOUNT:
                yield Purchase(at_ms, -amount, is_order=False)


class OrderBook:
    """Takes purchase events in any order, each id once."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, int]] = set()
        self._told: dict[str, dict[int, _Told]] = {}

    def add(self, customer_ids: Sequence[str], events: npt.NDArray[np.void]) -> None:
        """Take events, of dtype EVENT, of customers."""
        for customer, (event_id, code, at_ms, order_id, amount) in zip(
            customer_ids, events[_FIELDS].tolist(), strict=True
        ):
            if (customer, event_id) in self._seen:
                continue
            self._seen.add((customer, event_id))
            told = self._told.setdefault(customer, {}).setdefault(order_id, _Told())
            kind = _KINDS[code]
            if kind is EventKind.ORDER_COMPLETED:
                told.completed.append((at_ms, amount))
            elif kind is EventKind.ORDER_REFUNDED:
                told.refunded.append((at_ms, amount))
            else:
                told.is_cancelled = True

    def purchases(self) -> dict[str, list[Purchase]]:
        """By customer, each in the order of time."""
        return {
            customer: sorted(purchase for told in orders.values() for purchase in told.purchases())
            for customer, orders in self._told.items()
        }
