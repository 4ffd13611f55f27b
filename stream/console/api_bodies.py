"""What the API is sent and what it answers. Money is in major units of the shop's currency, instants are RFC 3339."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from stream.alerts.action_records import Note
from stream.events.model import CustomerId, Id
from stream.points.points_file import PointsTier
from stream.recommending.recommended import Recommended

__all__ = [
    "MAX_MONEY",
    "ActionRequest",
    "ApiProblem",
    "CampaignObject",
    "CampaignsAnswer",
    "CampaignsQuery",
    "CustomerAnswer",
    "CustomerLookup",
    "CustomerObject",
    "CustomerSearch",
    "CustomersAnswer",
    "KpisAnswer",
    "KpisQuery",
    "LabelRequest",
    "PointsAnswer",
    "PointsRequest",
    "RecommendationsAnswer",
    "RecommendationsRequest",
    "RecordedAnswer",
    "UndoRequest",
    "UndoneAnswer",
]

_Cursor = Annotated[str, Meta(max_length=2000)]
_Limit = Annotated[int, Meta(ge=1, le=500)]
_Words = Annotated[tuple[Annotated[str, Meta(max_length=200)], ...], Meta(max_length=50)]
_Share = Annotated[float, Meta(ge=0, le=1)]
#: Larger amounts are none of the directory.
MAX_MONEY: Final = 1e12
_Money = Annotated[float, Meta(ge=-MAX_MONEY, le=MAX_MONEY)]


class CustomerSearch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Customers to whom all conditions apply; those of a sort other than ``id`` only if the figure is known."""

    begins: Annotated[str, Meta(max_length=200)] = ""
    stages: _Words = ()
    tiers: _Words = ()
    segments: _Words = ()
    risk_from: _Share | None = None
    at_stake_from: _Money | None = None
    spend_from: _Money | None = None
    channel: Annotated[str, Meta(max_length=200)] | None = None
    ordered_from: date | None = None
    ordered_before: date | None = None
    sort: Literal["id", "spend", "last-order", "risk", "at-stake"] = "id"
    limit: _Limit = 50
    cursor: _Cursor | None = None


class CustomerLookup(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One customer, and a page of what happened to them."""

    customer_id: CustomerId
    limit: _Limit = 50
    cursor: _Cursor | None = None


class RecommendationsRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to offer to a customer; ``limit``: items of each list."""

    customer_id: CustomerId
    limit: Annotated[int, Meta(ge=1, le=100)] = 10


class PointsRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The points of a customer."""

    customer_id: CustomerId


class ActionRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody did something about a customer. The same ``action_id`` again is no second action."""

    customer_id: CustomerId
    action: Literal["contacted", "offer_accepted", "resolved", "false_alarm"]
    action_id: Id | None = None
    note: Note | None = None


class LabelRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a customer wrote in an event is about something."""

    customer_id: CustomerId
    event_id: Id
    category: Id
    action_id: Id | None = None


class UndoRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An action was not done after all."""

    action_id: Id


class KpisQuery(Struct, frozen=True, kw_only=True):
    """Parameters of figures."""

    by: Literal["month", "week"] = "month"


class CampaignsQuery(Struct, frozen=True, kw_only=True):
    """Parameters of campaigns."""

    limit: _Limit = 50
    cursor: _Cursor | None = None


class CustomerObject(Struct, kw_only=True):
    """What is known of a customer; null: not known."""

    customer_id: str
    events: int
    first_at: datetime | None
    last_at: datetime | None
    orders: int
    spend: float
    first_order_at: datetime | None
    last_order_at: datetime | None
    as_of_at: datetime | None
    document_events: int | None
    stage: str | None
    stage_since_at: datetime | None
    stage_why: str | None
    tier: str | None
    segment: str | None
    risk: float | None
    value_at_risk: float | None
    expected_spend: float | None
    lifetime_value: float | None
    usual_gap_days: float | None
    next_order_at: datetime | None
    next_order_from_at: datetime | None
    next_order_until_at: datetime | None
    unsubscribed_at: datetime | None
    alert: bool | None
    reasons: dict[str, float] | None


class CustomersAnswer(Struct, kw_only=True):
    """A page of customers; ``cursor``: of the next page, null after the last."""

    customers: list[CustomerObject]
    cursor: str | None


class CustomerAnswer(Struct, kw_only=True):
    """A customer; events by channel; orders, the newest first; a page of the timeline, the newest first."""

    customer: CustomerObject
    channels: dict[str, int]
    orders: list[dict[str, Any]]
    timeline: list[dict[str, Any]]
    cursor: str | None


class RecommendationsAnswer(Struct, kw_only=True):
    """``again``: items to buy again. ``also``: what else they may like. ``goes_with``: what goes with the last order.

    The best come first, each with its reason. ``withheld``: the lists are empty, as the customer does not agree to be
    scored.
    """

    customer_id: str
    again: list[Recommended]
    also: list[Recommended]
    goes_with: list[Recommended]
    withheld: bool


class PointsAnswer(Struct, kw_only=True):
    """``balance`` = ``earned`` - ``spent`` - ``expired``. ``owed``: what was spent beyond it; the next points pay it.

    ``expires_at``: when the next ``expiring`` points are lost; null: none will be. ``lately``: what was earned in the
    days that tiers go by; ``tier`` and ``next_tier``: null if there is none.
    """

    customer_id: str
    balance: int
    earned: int
    spent: int
    expired: int
    owed: int
    expires_at: datetime | None
    expiring: int
    lately: int
    tier: PointsTier | None
    next_tier: PointsTier | None


class KpisAnswer(Struct, kw_only=True):
    """Figures of the shop by month or week, the earliest first; ``stages``: customers in each now."""

    currency: str | None
    buyers: int
    repeat_rate: float | None
    stages: dict[str, int]
    periods: list[dict[str, Any]]


class CampaignObject(Struct, kw_only=True):
    """A campaign. ``customers``: of whom a mail of it tells; of these ``opened``, ``clicked`` and ``buyers``.

    ``orders`` were made within ``following_days`` of the customer's first mail of it; ``revenue`` is less refunds.
    ``last_at``: of the latest mail, null: nobody told when it was sent.
    """

    campaign: str
    first_at: datetime
    last_at: datetime | None
    customers: int
    opened: int
    clicked: int
    buyers: int
    orders: int
    revenue: float


class CampaignsAnswer(Struct, kw_only=True):
    """A page of campaigns, those first of which a mail was sent last; ``cursor``: of the next page."""

    currency: str | None
    following_days: int
    campaigns: list[CampaignObject]
    cursor: str | None


class RecordedAnswer(Struct, kw_only=True):
    """The action is kept; it can be undone until it is published. ``is_new``: false for a repeat."""

    action_id: str
    is_new: bool
    publish_at: datetime


class UndoneAnswer(Struct, kw_only=True):
    """``undone``: false when it was too late, or there is none."""

    undone: bool


class ApiProblem(Struct, kw_only=True):
    """Why there is no other answer."""

    error: str
