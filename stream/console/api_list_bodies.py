"""What the API answers about lists: today's, and those that people have kept."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from msgspec import Meta, Struct

from stream.console.api_bodies import CustomerSearch

__all__ = ["KeptList", "ListsAnswer", "TodayAnswer", "TodayComplaint", "TodayEntry", "TodayLead", "TodayQuery"]


class TodayQuery(Struct, frozen=True, kw_only=True):
    """Parameters of today's list. ``all``: also customers whom somebody has put off."""

    limit: Annotated[int, Meta(ge=1, le=50)] = 50
    all: bool = False


class TodayAct(Struct, kw_only=True):
    """What somebody did about the customer since the last order."""

    action: str
    at: datetime


class TodayEntry(Struct, kw_only=True):
    """A customer to contact. ``reason`` and ``action``: why, and what to do, in English; ``advice``: the latter's kind.

    ``risk``: null before there is a model. ``refused``: channels by which the customer wants no marketing.
    ``held_out``: not to be contacted, so that the effect of contacting others can be measured.
    """

    customer_id: str
    name: str
    stage: str
    tier: str | None
    segment: str | None
    reason: str
    action: str
    advice: str
    days_since_order: int
    usual_days: float
    risk: float | None
    at_stake: float
    orders: int
    spend: float
    last_order_at: datetime
    due_at: datetime
    may_email: bool
    refused: list[str]
    acts: list[TodayAct]
    held_out: bool
    assigned_to: str | None
    put_off_until_at: datetime | None


class TodayComplaint(Struct, kw_only=True):
    """An open complaint. ``acted``: somebody has acted on it, and it is not resolved."""

    customer_id: str
    name: str
    sentence: str
    since_at: datetime
    acted: bool
    order_id: str | None
    product_id: str | None
    channel: str | None


class TodayLead(Struct, kw_only=True):
    """Somebody who may order for the first time within ``weeks``, with the chance and its 95 % interval."""

    customer_id: str
    name: str
    chance: float
    low: float
    high: float
    weeks: int
    reasons: list[str]
    since_at: datetime
    visited_at: datetime | None
    may_email: bool


class TodayAnswer(Struct, kw_only=True):
    """Whom to contact on ``day``, the most at stake first. ``at_risk`` and ``at_stake``: of all customers at risk.

    ``put_off``: customers who are left out as somebody has put them off. ``not_scored``: those who do not agree to be
    scored, and are in no list. ``due_soon``: active customers whose next order is expected within 7 days.
    """

    day: date
    currency: str | None
    customers: int
    at_risk: int
    at_stake: float
    due_soon: int
    stages: dict[str, int]
    scored: bool
    not_scored: int
    put_off: int
    entries: list[TodayEntry]
    complaints: list[TodayComplaint]
    leads: list[TodayLead]


class KeptList(Struct, kw_only=True):
    """A list under a name. ``search``: what `/customers/search` takes to give its customers."""

    name: str
    kept_by: str
    search: CustomerSearch


class ListsAnswer(Struct, kw_only=True):
    """Lists of customers that people have kept, by name."""

    lists: list[KeptList]
