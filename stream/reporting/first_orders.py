"""Who may order for the first time: leads by their chance, as values."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from stream.consent.consented import NOTHING_SAID, Consented
from stream.consent.purposes import EMAIL, Purpose
from stream.features.registry import DAY_MS
from stream.leads.chance import ChanceModel
from stream.leads.lead_cohorts import Cells, added, count
from stream.leads.lead_contacts import LEFT, LeadHistory, begin_of, days_of, week_of
from stream.leads.lead_record import LeadRecord, learned
from stream.leads.signs import MAX_HORIZON_WEEKS, SIGNS, present_cell
from stream.projections.leads import LeadState

__all__ = ["LeadEntry", "LeadList", "horizon_weeks_of", "judged_lead", "list_leads"]

_REASONS: Final = 3
#: A sign that moves the log-odds by less is no reason.
_MIN_PART: Final = 0.1


class LeadEntry(Struct, frozen=True, kw_only=True):
    """Somebody who has not ordered. ``chance``: of a first order within ``weeks``, with its 95 % interval.

    ``reasons``: what moves the chance most against a typical lead. ``visited_ms``: the day of the last visit to the
    site, None without one. ``name`` is filled in from what is kept beside the stream.
    """

    customer_id: str
    chance: float
    low: float
    high: float
    weeks: int
    reasons: tuple[str, ...]
    since_ms: int
    visited_ms: int | None
    may_email: bool
    name: str = ""


class LeadList(Struct, frozen=True, kw_only=True):
    """``leads``: how many there are who may be scored; ``entries`` are those with the best chances.

    ``orders_learned`` and ``leads_learned``: labels that the model has learned, by weight. ``record``: how good the
    chances given so far were.
    """

    now_ms: int
    horizon_weeks: int
    leads: int
    leads_learned: float
    orders_learned: float
    record: LeadRecord
    entries: tuple[LeadEntry, ...]

    @property
    def promising(self) -> tuple[LeadEntry, ...]:
        """Those who are surely better than leads are on average."""
        if self.orders_learned < 1.0:
            return ()
        usual = self.orders_learned / self.leads_learned
        return tuple(entry for entry in self.entries if entry.low > usual)


def horizon_weeks_of(horizon_days: float) -> int:
    """The horizon in whole weeks.

    >>> horizon_weeks_of(28.0), horizon_weeks_of(1.0), horizon_weeks_of(365.0)
    (4, 1, 26)
    """
    return min(max(round(horizon_days / 7), 1), MAX_HORIZON_WEEKS)


def list_leads(
    states: Iterable[LeadState],
    now_ms: int,
    horizon_days: float,
    limit: int,
    consented: Consented = NOTHING_SAID,
) -> LeadList:
    """The leads of a shop, of the states of the projection `leads` in any order; without those who refuse scores.

    Nothing is learned of these either. The projection knows what was said under the id of a lead; ``consented`` has
    what the person said under any id.
    """
    now_week, horizon = week_of(now_ms), horizon_weeks_of(horizon_days)
    leads: list[tuple[str, LeadState]] = []
    parts: list[tuple[int, Cells]] = []
    refused: list[LeadState] = []
    for state in states:
        if state.week is not None:
            parts.append((state.week, state.cells))
            continue
        if consented.of(state.customer_id).said and not consented.may_score(state.customer_id, now_ms):
            refused.append(state)
        elif (cell := present_cell(state, now_week)) is not None and consented.may_score(state.customer_id, now_ms):
            leads.append((cell, state))
    parts += _taken_back(refused, {week for week, _ in parts})
    model, record = learned(added(parts), now_week, horizon)
    cells = sorted({cell for cell, _ in leads})
    chances = dict(zip(cells, model.chances(cells).tolist(), strict=True))
    first = heapq.nsmallest(limit, leads, key=lambda one: (-chances[one[0]], one[1].customer_id))
    learned_leads, learned_orders = map(sum, zip(*model.counts.values(), strict=True)) if model.counts else (0.0, 0.0)
    return LeadList(
        now_ms=now_ms,
        horizon_weeks=horizon,
        leads=len(leads),
        leads_learned=learned_leads,
        orders_learned=learned_orders,
        record=record,
        entries=tuple(_mailed(_entry(model, cell, lead, horizon), consented, now_ms) for cell, lead in first),
    )


def _taken_back(refused: Iterable[LeadState], weeks: AbstractSet[int]) -> Iterator[tuple[int, Cells]]:
    """What to add to the counts of ``weeks``, so that those who refuse to be scored are not in them."""
    for state in refused:
        for week, landmark in state.counted.items():
            if week in weeks:
                cells: Cells = {}
                count(cells, landmark, -1)
                yield week, cells


def judged_lead(lead: LeadHistory, parts: Iterable[LeadState], now_ms: int, horizon_days: float) -> LeadEntry | None:
    """One person, by the counts of weeks; None for who is no lead."""
    now_week, horizon = week_of(now_ms), horizon_weeks_of(horizon_days)
    cell = present_cell(lead, now_week)
    if cell is None:
        return None
    weeks = added((part.week, part.cells) for part in parts if part.week is not None)
    return _entry(learned(weeks, now_week, horizon).model, cell, lead, horizon)


def _mailed(entry: LeadEntry, consented: Consented, now_ms: int) -> LeadEntry:
    may = bool(consented.may(entry.customer_id, Purpose.MARKETING, EMAIL, now_ms))
    return replace(entry, may_email=entry.may_email and may)


def _entry(model: ChanceModel, cell: str, lead: LeadHistory, horizon_weeks: int) -> LeadEntry:
    judged = model.judge(cell)
    by_part = sorted(zip(judged.parts, SIGNS, cell, strict=True), key=lambda one: -abs(one[0]))
    told = [sign.levels[int(level)][0] for part, sign, level in by_part if abs(part) >= _MIN_PART]
    visits = max((week for week, bits in lead.weeks.items() if days_of(bits)), default=None)
    return LeadEntry(
        customer_id=lead.customer_id,
        chance=round(judged.chance, 4),
        low=round(judged.low, 4),
        high=round(judged.high, 4),
        weeks=horizon_weeks,
        reasons=tuple(f"{words[0].upper()}{words[1:]}." for words in told[:_REASONS]),
        since_ms=begin_of(min(lead.weeks)),
        visited_ms=None if visits is None else begin_of(visits) + days_of(lead.weeks[visits])[-1] * DAY_MS,
        may_email=not any(bits & LEFT for bits in lead.weeks.values()),
    )
