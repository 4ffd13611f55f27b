"""What was offered to persons with several ids, and what came of it: each person counts once.

A decision is about the id of its time, and the projection `offers` counts by ids: what is taken apart is as before. Who
is one person by now is known to whoever reads. What the sums of weeks have of the ids of a person is taken out of them
here, and what came of all decisions by the orders under all ids is counted instead. All sums are of whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from stream.leads.lead_contacts import week_of
from stream.offering.offered import MAX_DECISIONS, MAX_ORDERS, Came, Made, OrderTold, came_of
from stream.projections.offers import OfferState

__all__ = ["OfferedPerson", "corrections", "person_of"]


class OfferedPerson(NamedTuple):
    """``decisions`` and orders (``bought``) under all ids. ``first_id``: under which of them was decided first."""

    decisions: dict[str, Made]
    bought: dict[str, OrderTold]
    first_id: str

    def came(self) -> dict[str, Came]:
        """What came of each decision.

        Whoever was drawn the same offer under two ids, and was held out under one of them, counts in neither group.
        """
        groups: dict[str, set[bool]] = {}
        for made in self.decisions.values():
            groups.setdefault(made.drawn, set()).add(made.held_out)
        return {
            name: came._replace(is_first=came.is_first and len(groups[self.decisions[name].drawn]) == 1)
            for name, came in came_of(self.decisions, self.bought).items()
        }


def person_of(states: Mapping[str, OfferState]) -> OfferedPerson:
    """One person, by what is stored under each id."""
    decisions: dict[str, Made] = {}
    bought: dict[str, OrderTold] = {}
    firsts = []
    for own_id in sorted(states):
        state = states[own_id]
        decisions |= state.decisions
        firsts += [(made.at_ms, own_id) for made in state.decisions.values()]
        for order_id, told in state.bought.items():
            bought.setdefault(order_id, OrderTold()).absorb(told)
    return OfferedPerson(decisions, bought, min(firsts)[1] if firsts else min(states, default=""))


def corrections(persons: Iterable[Mapping[str, OfferState]]) -> list[OfferState]:
    """What to add to the sums of weeks, so that persons count once; ``persons``: what is stored under each id of one.

    An id that has forgotten something is left as it is counted: what, is not known any more.
    """
    weeks: dict[int, OfferState] = {}
    for states in persons:
        if len(states) == 1 or any(map(_may_have_forgotten, states.values())):
            continue
        person = person_of(states)
        joint = person.came()
        for state in states.values():
            _count_instead(weeks, state.decisions, came_of(state.decisions, state.bought), joint)
    return [week for week in weeks.values() if not week.is_empty]


def _count_instead(
    weeks: dict[int, OfferState], decisions: Mapping[str, Made], counted: Mapping[str, Came], joint: Mapping[str, Came]
) -> None:
    for name, came in counted.items():
        made = decisions[name]
        if came != joint[name]:
            number = week_of(made.at_ms)
            week = weeks.setdefault(number, OfferState(week=number))
            week.count(made, came, -1)
            week.count(made, joint[name], 1)


def _may_have_forgotten(state: OfferState) -> bool:
    return len(state.decisions) >= MAX_DECISIONS or len(state.bought) >= MAX_ORDERS
