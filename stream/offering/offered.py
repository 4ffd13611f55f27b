"""Decisions about a customer and what came of them, whatever order both become known in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from stream.catalogue.windows import DAY_MS
from stream.events.columns import MONEY_SCALE, UNKNOWN_AMOUNT
from stream.events.kinds import EventKind
from stream.events.times import epoch_ms
from stream.offering.offer_records import OfferDecision
from stream.offering.uplift import NOTHING, WORTH, contrasts

__all__ = ["MAX_DECISIONS", "MAX_ORDERS", "Came", "Made", "OrderTold", "came_of", "forget_old", "made_of", "tell"]

#: Decisions about a customer, and orders of theirs, that are remembered; the oldest are forgotten. What has come of a
#: forgotten decision stays counted as it was.
MAX_DECISIONS: Final = 50
MAX_ORDERS: Final = 100


class Made(msgspec.Struct, frozen=True, omit_defaults=True):
    """A decision, from ``at_ms`` until its window is over.

    ``offer``: what was really done; ``drawn``: what was chosen. ``contrast``: see `stream.offering.uplift.contrasts`.
    ``worth``: the label if the customer orders. ``margin``: share of an amount, in 1/WORTH. ``cost``, ``discount``: in
    1/MONEY_SCALE. ``gain``: what was expected, in cents; ``why``: the sentence that went with it.
    """

    at_ms: int
    until_ms: int
    offer: str
    drawn: str
    held_out: bool
    context: list[int]
    contrast: dict[str, int]
    worth: int
    margin: int
    cost: int = 0
    discount: int = 0
    gain: int = 0
    why: str = ""


class OrderTold(msgspec.Struct, omit_defaults=True):
    """All that is told of an order; amounts are in 1/MONEY_SCALE.

    ``at_ms``: when it was completed (None: not yet told); ``amount``: the largest that was said; ``refunds``: by event.
    """

    at_ms: int | None = None
    amount: int = 0
    refunds: dict[str, int] = msgspec.field(default_factory=dict)
    is_cancelled: bool = False

    def take(self, kind: EventKind, event_id: str, at_ms: int, amount: int) -> None:
        """Take an event of the order; the order of events does not matter, nor how often one comes."""
        if kind is EventKind.ORDER_COMPLETED:
            self.at_ms = at_ms if self.at_ms is None else min(self.at_ms, at_ms)
            self.amount = max(self.amount, amount)
        elif kind is EventKind.ORDER_REFUNDED:
            self.refunds[event_id] = amount
        else:
            self.is_cancelled = True

    def absorb(self, other: OrderTold) -> None:
        """Take what is told of the same order under another id of the person; neither the order nor repeats matter."""
        times = [at_ms for at_ms in (self.at_ms, other.at_ms) if at_ms is not None]
        self.at_ms, self.amount = min(times, default=None), max(self.amount, other.amount)
        self.refunds = self.refunds | other.refunds
        self.is_cancelled = self.is_cancelled or other.is_cancelled

    @property
    def kept(self) -> int:
        """What was not given back."""
        if self.is_cancelled or UNKNOWN_AMOUNT in self.refunds.values():
            return 0
        return max(self.amount - sum(self.refunds.values()), 0)

    @property
    def is_order(self) -> bool:
        return self.at_ms is not None and not self.is_cancelled and (self.kept > 0 or not self.refunds)


class Came(NamedTuple):
    """What came of a decision: its label, in 1/WORTH, and the profit within its window, in cents.

    ``is_first``: no earlier decision about the customer drew the same offer, so it counts in the comparison with the
    hold-out.
    """

    worth: int
    profit: int
    is_first: bool


def made_of(decision: OfferDecision) -> Made:
    """What is remembered of a decision."""
    at_ms = epoch_ms(decision.decided_at)
    offer = decision.offer or NOTHING
    lost = decision.discount / decision.order_value if decision.order_value > 0.0 else 1.0
    return Made(
        at_ms=at_ms,
        until_ms=at_ms + round(decision.window_days * DAY_MS),
        offer=offer,
        drawn=decision.drawn,
        held_out=decision.held_out,
        context=decision.context,
        contrast=contrasts(offer, decision.propensities),
        worth=WORTH if offer == NOTHING else max(round(WORTH * (1.0 - lost)), -WORTH),
        margin=round(decision.margin * WORTH),
        cost=0 if offer == NOTHING else round(decision.cost * MONEY_SCALE),
        discount=0 if offer == NOTHING else round(decision.discount * MONEY_SCALE),
        gain=round(decision.expected_gain * 100),
        why=decision.why,
    )


def tell(bought: dict[str, OrderTold], kind: EventKind, order_id: str, event_id: str, at_ms: int, amount: int) -> None:
    """Take an event of an order, as `OrderTold.take`."""
    bought.setdefault(order_id, OrderTold()).take(kind, event_id, at_ms, amount)


def came_of(decisions: Mapping[str, Made], bought: Mapping[str, OrderTold]) -> dict[str, Came]:
    """What came of each decision, as far as orders tell."""
    orders = [(order.at_ms, order.kept) for order in bought.values() if order.is_order and order.at_ms is not None]
    firsts: dict[str, tuple[int, str]] = {}
    for name, made in decisions.items():
        firsts[made.drawn] = min(firsts.get(made.drawn, (made.at_ms, name)), (made.at_ms, name))
    found = {}
    for name, made in decisions.items():
        within = [kept for at_ms, kept in orders if made.at_ms < at_ms <= made.until_ms]
        profit = sum(within) * made.margin // WORTH - made.cost - (made.discount if within else 0)
        is_first = firsts[made.drawn] == (made.at_ms, name)
        found[name] = Came(made.worth if within else 0, profit * 100 // MONEY_SCALE, is_first)
    return found


def forget_old(decisions: dict[str, Made], bought: dict[str, OrderTold]) -> None:
    """Keep the newest `MAX_DECISIONS` decisions and `MAX_ORDERS` orders."""
    while len(decisions) > MAX_DECISIONS:
        del decisions[min(decisions, key=lambda name: (decisions[name].at_ms, name))]
    while len(bought) > MAX_ORDERS:
        del bought[min(bought, key=lambda name: (bought[name].at_ms or 0, name))]
