"""Lists for programs: today's, and those that people have kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from aiohttp import web

from stream.console.acting import Acting, Done
from stream.console.api_bodies import MAX_MONEY, CustomerSearch
from stream.console.api_list_bodies import KeptList, ListsAnswer, TodayQuery
from stream.console.todays_list import TodaysList
from stream.directory.consented_lists import Refusing, who_refuses
from stream.directory.desk.desk_store import Note
from stream.directory.desk.saved_filters import SavedFilters
from stream.errors import NoEventsError
from stream.events.times import rfc3339
from stream.reporting.entries import Complaint, Entry
from stream.reporting.first_orders import LeadEntry

__all__ = ["ApiLists"]

_PER_CENT: Final = 100


class ApiLists:
    """What `Api` answers about lists. ``refusing``: who does not agree to be scored."""

    def __init__(self, day: TodaysList, filters: SavedFilters, acting: Acting, refusing: Refusing) -> None:
        self._day = day
        self._filters = filters
        self._acting = acting
        self._refusing = refusing

    async def today(self, query: TodayQuery) -> Mapping[str, Any]:
        """The list of the page *Today*. Customers who have taken their consent back since are left out."""
        try:
            day = await self._day.get()
        except NoEventsError as error:
            raise web.HTTPNotFound(reason=str(error)) from None
        found, writing = day.found, day.writing
        ids = [one.customer_id for one in found.entries] + [one.customer_id for one in found.leads]
        refused = await asyncio.to_thread(who_refuses, self._refusing, ids, by_scores=True)
        entries = [one for one in found.entries if one.customer_id not in refused]
        done, now_ms = await self._acting.done([one.customer_id for one in entries]), self._acting.now_ms()
        waiting = [one for one in entries if query.all or not done.is_put_off(one.customer_id, now_ms)]
        return {
            "day": writing.day_of(found.now_ms),
            "currency": writing.currency or None,
            "customers": found.customers,
            "at_risk": found.at_risk,
            "at_stake": found.at_stake,
            "due_soon": found.due_soon,
            "stages": found.stages,
            "scored": found.scored,
            "not_scored": found.not_scored,
            "put_off": len(entries) - len(waiting),
            "entries": [_entry(one, done) for one in waiting[: query.limit]],
            "complaints": [*map(_complaint, found.complaints)],
            "leads": [_lead(one) for one in found.leads if one.customer_id not in refused],
        }

    async def kept(self) -> ListsAnswer:
        """Each with the conditions that were filled in."""
        found = await asyncio.to_thread(self._filters.all)
        lists = [KeptList(name=one.name, kept_by=one.saved_by, search=_search(one.fields)) for one in found]
        return ListsAnswer(lists=lists)


def _entry(one: Entry, done: Done) -> dict[str, Any]:
    note = done.notes.get(one.customer_id, Note())
    return {
        "customer_id": one.customer_id,
        "name": one.name,
        "stage": one.stage,
        "tier": one.tier,
        "segment": one.segment,
        "reason": one.reason,
        "action": one.action,
        "advice": one.advice,
        "days_since_order": int(one.silent_days),
        "usual_days": round(one.usual_days, 1),
        "risk": one.risk,
        "at_stake": one.at_stake,
        "orders": one.orders,
        "spend": one.spend,
        "last_order_at": rfc3339(one.last_order_ms),
        "due_at": rfc3339(one.due_ms),
        "may_email": one.may_email,
        "refused": one.refused,
        "acts": [{"action": action, "at": rfc3339(at_ms)} for action, at_ms in one.acts],
        "held_out": one.held_out,
        "assigned_to": note.assigned_to,
        "put_off_until_at": None if note.snoozed_until_ms is None else rfc3339(note.snoozed_until_ms),
    }


def _complaint(one: Complaint) -> dict[str, Any]:
    return {
        "customer_id": one.customer_id,
        "name": one.name,
        "sentence": one.sentence,
        "since_at": rfc3339(one.since_ms),
        "acted": one.acted,
        "order_id": one.order_id,
        "product_id": one.product_id,
        "channel": one.channel,
    }


def _lead(one: LeadEntry) -> dict[str, Any]:
    return {
        "customer_id": one.customer_id,
        "name": one.name,
        "chance": one.chance,
        "low": one.low,
        "high": one.high,
        "weeks": one.weeks,
        "reasons": one.reasons,
        "since_at": rfc3339(one.since_ms),
        "visited_at": None if one.visited_ms is None else rfc3339(one.visited_ms),
        "may_email": one.may_email,
    }


def _search(fields: Mapping[str, str]) -> CustomerSearch:
    """What was filled in, and was checked when it was kept, as the API asks for it."""

    def number(name: str, least: float, largest: float) -> float | None:
        # beyond these no customer is
        return min(max(float(fields[name]), least), largest) if name in fields else None

    def day(name: str) -> date | None:
        return date.fromisoformat(fields[name]) if name in fields else None

    def one(name: str) -> tuple[str, ...]:
        return (fields[name],) if name in fields else ()

    risk = number("risk_from", 0.0, 100.0)
    return CustomerSearch(
        stages=one("stage"),
        tiers=one("tier"),
        segments=one("segment"),
        risk_from=None if risk is None else risk / _PER_CENT,
        at_stake_from=number("at_stake_from", -MAX_MONEY, MAX_MONEY),
        spend_from=number("spend_from", -MAX_MONEY, MAX_MONEY),
        channel=fields.get("channel"),
        ordered_from=day("ordered_from"),
        ordered_before=day("ordered_before"),
        sort=fields.get("sort", "at-stake"),  # type: ignore[arg-type]  # a list is kept with a sort that there is
    )
