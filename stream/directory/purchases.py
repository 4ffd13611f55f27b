"""Orders from the purchases of a timeline, and what they add to the totals of the shop. Pure.

The rules are those of `stream.events.order_book`: an order told again is one order, at the time of its first telling
and with its newest amount; a cancelled order counts nothing, nor do its refunds; refunds take no more than is left, on
the day on which they are made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from stream.directory.calendar import Grain, period_of
from stream.directory.timeline import TimelineEntry
from stream.events.columns import EVENT, UNKNOWN_AMOUNT
from stream.events.id_hashes import hash_ids
from stream.events.kinds import KIND_OF, EventKind, EventType
from stream.events.order_book import OrderBook, Purchase

__all__ = ["EVER", "Cell", "CustomerOrders", "Metric", "bought", "contributions"]

#: In place of a grain: of all time.
EVER: Final = "ever"
_KINDS: Final = {name: kind for (of, name), kind in KIND_OF.items() if of is EventType.PURCHASE}
_COMPLETED: Final = EventKind.ORDER_COMPLETED


class Metric:
    """What is summed, by grain and period.

    ``SOLD``, ``REFUNDED``: money. ``ORDERS``. ``BUYERS``: customers who ordered in it. ``COHORT``: customers whose
    first order was in it, by the period (key) in which they ordered. ``FLOW``: changes of stage in it, by ``from>to``.
    Of all time: ``BUYERS``, and ``REPEATERS``, those with more than one order.
    """

    SOLD: Final = "sold"
    REFUNDED: Final = "refunded"
    ORDERS: Final = "orders"
    BUYERS: Final = "buyers"
    REPEATERS: Final = "repeaters"
    COHORT: Final = "cohort"
    FLOW: Final = "flow"


class Cell(NamedTuple):
    """Where a sum is kept."""

    grain: str
    metric: str
    begin: str = ""
    key: str = ""


class CustomerOrders(NamedTuple):
    """What a customer bought: the rows of their orders, and what counts, by time."""

    orders: Sequence[Mapping[str, Any]]
    purchases: Sequence[Purchase]


def bought(entries: Iterable[TimelineEntry]) -> CustomerOrders:
    """The orders of one customer from all entries of purchases."""
    in_order = sorted(entries, key=lambda entry: (entry.order_id or "", entry.at_ms, entry.id))
    told = [entry for entry in in_order if entry.name in _KINDS]
    book = OrderBook()
    book.add([entry.order_id or "" for entry in told], _columns(told))
    by_order = book.purchases()
    orders = [
        _order(order_id, [*of_order], by_order.get(order_id, []))
        for order_id, of_order in groupby(told, key=lambda entry: entry.order_id or "")
    ]
    counted = sorted(purchase for purchases in by_order.values() for purchase in purchases)
    return CustomerOrders(orders, counted)


def contributions(purchases: Sequence[Purchase], zone: ZoneInfo) -> Counter[Cell]:
    """What one customer adds to the totals; ``purchases`` by time."""
    found: Counter[Cell] = Counter()
    orders = [purchase for purchase in purchases if purchase.is_order]
    for grain in Grain:
        for purchase in purchases:
            begin = period_of(grain, purchase.at_ms, zone)
            found[Cell(grain, Metric.SOLD if purchase.is_order else Metric.REFUNDED, begin)] += abs(purchase.amount)
        begins = [period_of(grain, purchase.at_ms, zone) for purchase in orders]
        for begin in begins:
            found[Cell(grain, Metric.ORDERS, begin)] += 1
        for begin in dict.fromkeys(begins):
            found[Cell(grain, Metric.BUYERS, begin)] += 1
            found[Cell(grain, Metric.COHORT, begins[0], begin)] += 1
    if orders:
        found[Cell(EVER, Metric.BUYERS)] += 1
    if len(orders) > 1:
        found[Cell(EVER, Metric.REPEATERS)] += 1
    return found


def _columns(told: Sequence[TimelineEntry]) -> np.ndarray[Any, np.dtype[np.void]]:
    columns = np.zeros(len(told), EVENT)
    columns["event_id"] = [entry.id for entry in told]
    columns["time"] = [entry.at_ms for entry in told]
    columns["kind"] = [_KINDS[entry.name] for entry in told]
    columns["order_id"] = hash_ids([entry.order_id or "" for entry in told])
    columns["amount"] = [UNKNOWN_AMOUNT if entry.amount is None else entry.amount for entry in told]
    return columns


def _order(order_id: str, told: Sequence[TimelineEntry], purchases: Sequence[Purchase]) -> dict[str, Any]:
    """``told`` by time: the newest that names them has the items."""
    completed = [entry for entry in told if _KINDS[entry.name] is _COMPLETED]
    priced = [entry for entry in completed if entry.amount is not None]
    with_items = [entry.detail["items"] for entry in completed if entry.detail and entry.detail.get("items")]
    newest = max(priced, key=attrgetter("at_ms", "amount"), default=None)
    return {
        "customer_id": told[0].customer_id,
        "order_id": order_id,
        "completed_ms": min((entry.at_ms for entry in completed), default=None),
        "amount": None if newest is None else newest.amount,
        "refunded": -sum(purchase.amount for purchase in purchases if not purchase.is_order),
        "cancelled": any(_KINDS[entry.name] is EventKind.ORDER_CANCELLED for entry in told),
        "items": with_items[-1] if with_items else None,
    }
