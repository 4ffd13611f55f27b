"""What was offered to whom, what came of it, and the sums from which the next offers are chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, cast

import msgspec

from stream.catalogue.events import EventType
from stream.catalogue.windows import DAY_MS
from stream.events.decode import Decoder
from stream.leads.lead_contacts import week_of
from stream.offering.offer_records import OfferDecision
from stream.offering.offered import Came, Made, OrderTold, came_of, forget_old, made_of, tell
from stream.offering.uplift import NOTHING, UpliftSums
from stream.projections.fold import Fold
from stream.projections.leads import lead_key, week_key
from stream.projections.order_input import OrderInput, ToldOrder
from stream.projections.protocol import Folded
from stream.projections.topic_inputs import JsonInput
from stream.settings import Settings

__all__ = ["OfferState", "OfferTally", "Offers", "lead_key", "week_key"]


class OfferTally(msgspec.Struct, array_like=True):
    """Customers whose first decision that drew an offer counts: how many, sums of profits and their squares (cents)."""

    customers: int = 0
    profit: int = 0
    squares: int = 0

    def count(self, profit: int, by: int) -> None:
        self.customers += by
        self.profit += by * profit
        self.squares += by * profit * profit


class OfferState(msgspec.Struct, omit_defaults=True):
    """Of a customer: ``decisions`` by their ids, and orders. Of a ``week``: sums over the decisions made in it.

    ``offered``, ``held``: by the offer that was drawn, of customers who got it and of those who were held out.
    ``spent``: what each offer cost on each day (days since 1970, cents).
    """

    decisions: dict[str, Made] = msgspec.field(default_factory=dict)
    bought: dict[str, OrderTold] = msgspec.field(default_factory=dict)
    week: int | None = None
    sums: UpliftSums = msgspec.field(default_factory=UpliftSums)
    offered: dict[str, OfferTally] = msgspec.field(default_factory=dict)
    held: dict[str, OfferTally] = msgspec.field(default_factory=dict)
    spent: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)

    def count(self, made: Made, came: Came, by: int) -> None:
        """Count a decision of the week ``by`` times; what becomes zero is left out, so equal sums look alike."""
        self.sums.add(made.context, made.contrast, by)
        self.sums.label(made.context, made.contrast, by * came.worth)
        if came.is_first and made.drawn != NOTHING:
            tallies = self.held if made.held_out else self.offered
            tally = tallies.setdefault(made.drawn, OfferTally())
            tally.count(came.profit, by)
            if tally == OfferTally():
                del tallies[made.drawn]
        if made.cost:
            days = self.spent.setdefault(made.offer, {})
            day = str(made.at_ms // DAY_MS)
            days[day] = days.get(day, 0) + by * made.cost
            if not days[day]:
                del days[day]
            if not days:
                del self.spent[made.offer]

    @property
    def is_empty(self) -> bool:
        return self.sums.is_empty and not (self.offered or self.held or self.spent)


class Offers(Fold[OfferState]):
    """Decisions and orders of each customer, and sums by the week of a decision.

    What came of a decision follows from the decision and the orders alone, so the sums of a week are over decisions:
    when what came of one changes, the former is taken back. Neither the order of records matters nor how often one
    comes. A window is over by the calendar, so no timer is needed; sums of several partitions are added.

    Decisions are read before all else when the projection begins anew, so no order that one waits for is forgotten.
    """

    name: ClassVar[str] = "offers"
    state: ClassVar[type[OfferState]] = OfferState
    about: ClassVar[str] = "What was offered to whom, what came of it, and sums over decisions by week."
    why: ClassVar[str] = "to learn what an offer achieves, and not to make it twice"
    key: ClassVar[str] = "customer, and week"

    def __init__(self, settings: Settings) -> None:
        self._decisions = settings.offers
        self.inputs = (
            JsonInput(settings.offers, OfferDecision, lambda decision: lead_key(decision.customer_id)),
            # no customer has the key of a week
            OrderInput(settings.topic_of(EventType.PURCHASE), Decoder.of(settings), lead_key),
        )

    def release(self, customer_id: str) -> None:
        """A decision was about the customer of that time, and what came of it is judged by the orders that came there.

        Without those orders it would look like an offer that nobody took.
        """

    @property
    def leading(self) -> str:
        return self._decisions

    def reach(self, states: Mapping[str, OfferState], messages: Sequence[tuple[str, object]]) -> Iterable[str]:
        """The weeks whose sums may change."""
        weeks = {week_of(made_of(one).at_ms) for _, one in messages if isinstance(one, OfferDecision)}
        for key, _ in messages:
            if (state := states.get(key)) is not None:
                weeks.update(week_of(made.at_ms) for made in state.decisions.values())
        return map(week_key, sorted(weeks))

    def fold(self, states: Mapping[str, OfferState], messages: Sequence[tuple[str, object]]) -> Folded:
        folded: dict[str, OfferState | None] = dict(states)
        by_customer: dict[str, list[object]] = {}
        for key, message in messages:
            by_customer.setdefault(key, []).append(message)
        for key, news in by_customer.items():
            state = folded.get(key) or OfferState()
            before = came_of(state.decisions, state.bought)
            for message in news:
                if isinstance(message, OfferDecision):
                    state.decisions.setdefault(message.decision_id, made_of(message))
                else:
                    told = cast("ToldOrder", message)
                    tell(state.bought, told.kind, told.order_id, told.event_id, told.at_ms, told.amount)
            self._count(folded, state.decisions, before, came_of(state.decisions, state.bought))
            forget_old(state.decisions, state.bought)
            folded[key] = state
        return Folded(folded)

    @staticmethod
    def _count(
        folded: dict[str, OfferState | None],
        decisions: Mapping[str, Made],
        before: Mapping[str, Came],
        after: Mapping[str, Came],
    ) -> None:
        for name, came in after.items():
            known, made = before.get(name), decisions[name]
            if known == came:
                continue
            key = week_key(week_of(made.at_ms))
            of_week = folded.get(key) or OfferState(week=week_of(made.at_ms))
            if known is not None:
                of_week.count(made, known, -1)
            of_week.count(made, came, 1)
            folded[key] = None if of_week.is_empty else of_week

    def erase(self, customer_id: str) -> Iterable[str]:
        """Sums of weeks are of nobody alone."""
        return (lead_key(customer_id),)
