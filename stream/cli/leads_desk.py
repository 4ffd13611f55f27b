"""Reads who has not ordered, and the counts from which their chances are learned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from stream.projections.leads import Leads, LeadState, lead_key, week_key
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["lead_of", "leads_of", "weeks_of"]

#: Ten years: what is older weighs a thousandth.
_LEARNED_WEEKS: Final = 520

_decode: Final = msgspec.json.Decoder(LeadState).decode


def lead_of(desk: ProjectionDesk, customer_id: str) -> LeadState | None:
    """What is remembered of a person, None if there is nothing."""
    stored = desk.state(Leads.name, Leads.version, lead_key(customer_id), customer_id)
    return None if stored is None else _decode(stored)


def weeks_of(desk: ProjectionDesk, now_week: int) -> list[LeadState]:
    """The counts of the weeks until ``now_week`` from which is learned, a part of each partition."""
    weeks = map(week_key, range(now_week - _LEARNED_WEEKS, now_week + 1))
    return [_decode(state) for state in desk.shared(Leads.name, Leads.version, *weeks)]


def leads_of(desk: ProjectionDesk, now_week: int) -> Iterator[LeadState]:
    """All people, each once, and `weeks_of`: those are asked for by name, for counts that come twice would add up."""
    yield from weeks_of(desk, now_week)
    seen: set[str] = set()
    for state in map(_decode, desk.states(Leads.name, Leads.version)):
        if state.week is None and state.customer_id not in seen:
            seen.add(state.customer_id)
            yield state
