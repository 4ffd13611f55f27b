"""What is known of a customer's points: orders as they were told, and what was given and spent beside."""

from __future__ import annotations

from typing import Final

import msgspec

from stream.events.columns import MONEY_SCALE
from stream.events.model import Item
from stream.offering.offered import OrderTold
from stream.points.point_records import PointsMovement

__all__ = ["MAX_FACTS", "PointEvent", "PointOrder", "PointsAccount", "PointsMove", "lines_of"]

#: Orders of a customer, other events, and movements that are remembered; the oldest are forgotten.
MAX_FACTS: Final = 1000


class PointsMove(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """``points`` given; those that were spent are negative."""

    at_ms: int
    points: int


class PointEvent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something else that a customer did. ``kind``: as the catalogue has it, such as ``feedback_reviewed``."""

    at_ms: int
    kind: str


class PointOrder(OrderTold, omit_defaults=True):
    """``lines``: what the items of a category cost, in 1/MONEY_SCALE; without a category under ""."""

    lines: dict[str, int] = msgspec.field(default_factory=dict)


class PointsAccount(msgspec.Struct, omit_defaults=True):
    """Facts by their ids; neither their order matters nor how often one comes. Rules are applied when it is read."""

    orders: dict[str, PointOrder] = msgspec.field(default_factory=dict)
    movements: dict[str, PointsMove] = msgspec.field(default_factory=dict)
    events: dict[str, PointEvent] = msgspec.field(default_factory=dict)

    def move(self, movement: PointsMovement, at_ms: int) -> None:
        """Take a movement in. One that is told again is the same: that of the smallest time and amount counts."""
        told = PointsMove(at_ms, movement.points if movement.name == "given" else -movement.points)
        known = self.movements.get(movement.movement_id)
        if known is None or (told.at_ms, told.points) < (known.at_ms, known.points):
            self.movements[movement.movement_id] = told

    def absorb(self, other: PointsAccount) -> None:
        """Add what another id of the same person has."""
        for order_id, order in other.orders.items():
            known = self.orders.get(order_id)
            if known is None:
                self.orders[order_id] = order
                continue
            times = [at_ms for at_ms in (known.at_ms, order.at_ms) if at_ms is not None]
            known.at_ms, known.amount = min(times, default=None), max(known.amount, order.amount)
            known.refunds |= order.refunds
            known.is_cancelled |= order.is_cancelled
            # those that cost most, as where one order is told with different lines
            known.lines = max(known.lines, order.lines, key=lambda of: (sum(of.values()), sorted(of.items())))
        for name, move in other.movements.items():
            known_move = self.movements.get(name, move)
            self.movements[name] = min(move, known_move, key=lambda one: (one.at_ms, one.points))
        for name, event in other.events.items():
            self.happen(name, event)

    def happen(self, name: str, event: PointEvent) -> None:
        """Take an event in, under a name that its repeats have as well: the first one counts."""
        known = self.events.get(name)
        if known is None or (event.at_ms, event.kind) < (known.at_ms, known.kind):
            self.events[name] = event

    def forget_old(self) -> None:
        """Keep the newest `MAX_FACTS` of each kind."""
        while len(self.orders) > MAX_FACTS:
            del self.orders[min(self.orders, key=lambda name: (self.orders[name].at_ms or 0, name))]
        while len(self.movements) > MAX_FACTS:
            del self.movements[min(self.movements, key=lambda name: (self.movements[name].at_ms, name))]
        while len(self.events) > MAX_FACTS:
            del self.events[min(self.events, key=lambda name: (self.events[name].at_ms, name))]


def lines_of(items: tuple[Item, ...] | None) -> dict[str, int]:
    """What the items of each category cost; those without a price are left out.

    >>> lines_of((Item(product_id="a", price=2.5, quantity=2, category="tea"), Item(product_id="b")))
    {'tea': 50000}
    """
    found: dict[str, int] = {}
    for item in items or ():
        if item.price is not None and item.price > 0.0:
            cost = round(item.price * (1.0 if item.quantity is None else item.quantity) * MONEY_SCALE)
            if cost > 0:
                found[item.category or ""] = found.get(item.category or "", 0) + cost
    return found
