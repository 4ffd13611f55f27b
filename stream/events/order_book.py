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
    """What N customers bought, one after the other and each by time: running sums of orders and of money.

    ``who``, ``at``: customer and time of each purchase. ``first``: int64[N], where the sums of each customer begin,
    with 0; ``orders``, ``spend``: float64[purchases + N], money in the base currency.
    """

    who: npt.NDArray[np.int64]
    at: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    orders: npt.NDArray[np.float64]
    spend: npt.NDArray[np.float64]

    @classmethod
    def of(cls, customers: Sequence[Sequence[Purchase]]) -> "Bought":
        """The sums of the purchases of each customer, which are in the order of time."""
        counts = np.array([len(found) for found in customers], np.int64)
        orders = [np.cumsum([0.0, *(float(one.is_order) for one in found)]) for found in customers]
        spend = [np.cumsum([0.0, *(one.amount / MONEY_SCALE for one in found)]) for found in customers]
        return cls(
            who=np.repeat(np.arange(len(customers)), counts),
            at=np.array([one.at_ms for found in customers for one in found], np.int64),
            first=np.cumsum(counts + 1) - counts - 1,
            orders=np.concatenate([np.zeros(0), *orders]),
            spend=np.concatenate([np.zeros(0), *spend]),
        )

    def between(self, begin: int, end: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Orders and money of each customer in ``[begin, end)``, float64[N] each."""
        low, high = self._before(begin), self._before(end)
        return self.orders[high] - self.orders[low], self.spend[high] - self.spend[low]

    def _before(self, at_ms: int) -> npt.NDArray[np.int64]:
        """Where the sums of the purchases before a time are."""
        return self.first + np.bincount(self.who[self.at < at_ms], minlength=len(self.first))


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
