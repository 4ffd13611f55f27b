"""Today's list as a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from stream.alerts.feedback_alerts import complaint
from stream.catalogue.outputs import RiskFrom, RiskSure
from stream.features.stages import Stage
from stream.projections.complaints import COMPLAINED, Cases
from stream.reporting.advice import Advice, advice_text, reason_of
from stream.reporting.complaint_words import complaint_sentence
from stream.reporting.first_orders import LeadEntry
from stream.reporting.words import ENGLISH, Words
from stream.reporting.writing import Writing

__all__ = [
    "MOVEMENTS",
    "Complaint",
    "Entry",
    "Movement",
    "SegmentFigures",
    "Today",
    "complaints_of",
    "entries_of",
    "named",
]

MOVEMENTS: Final = ("new", "returning", "won_back", "lost")


class Entry(Struct, frozen=True, kw_only=True):
    """A customer to contact, or named for what they did.

    ``silent_days`` since the last order, ``usual_days`` the habit; ``risk`` (null: no model is ready) that no order
    comes within the horizon; ``at_stake`` and ``spend`` are money. Times are ms since the epoch. ``refused``:
    channels by which they want no marketing, ``may_email``: whether e-mail is none of them. ``order_days``: days with
    an order; ``in_cart``: products left in the cart; ``looked_days`` since they were in the shop (null: never).
    ``acts``: what people did since the last order, and when (ms); ``held_out``: for the measure of an effect; ``notes``
    say both in English. They and ``name`` are filled in from what is kept beside the stream.
    """

    customer_id: str
    standing: str
    reason: str
    advice: Advice
    action: str
    silent_days: float
    usual_days: float
    overdue: float
    risk: float | None
    at_stake: float
    orders: int
    order_days: int
    spend: float
    last_order_ms: int
    due_ms: int
    segment: str | None
    may_email: bool
    refused: tuple[str, ...] = ()
    stage: str = ""
    tier: str | None = None
    name: str = ""
    notes: tuple[str, ...] = ()
    in_cart: int = 0
    looked_days: float | None = None
    acts: tuple[tuple[str, int], ...] = ()
    held_out: bool = False

    @property
    def standing_in_words(self) -> str:
        return self.standing_as(ENGLISH)

    def standing_as(self, words: Words) -> str:
        """The stage, and the tier by value, which says nothing of who is new."""
        stage = words.name(self.stage)
        if self.tier is None or self.tier == Stage.NEW.text:
            return stage
        if self.tier.isupper():
            return f"{stage}, {self.tier}"
        return words.gettext("%(stage)s, %(tier)s value", stage=stage, tier=words.name(self.tier))

    def reason_as(self, words: Words) -> str:
        """``reason`` in other words."""
        return reason_of(self.silent_days, self.usual_days, self.order_days, words)

    def action_as(self, words: Words) -> str:
        """``action`` in other words."""
        values = {"open_cart_additions": self.in_cart, "days_since_click": self.looked_days or 0.0}
        return advice_text(self.advice, values, self.refused, words)

    def notes_as(self, words: Words, writing: Writing, now_ms: int) -> Iterator[str]:
        """``notes`` in other words."""
        for action, at_ms in self.acts:
            yield words.gettext(
                "%(action)s on %(day)s",
                action=words.name(action.replace("_", " ")),
                day=writing.short_date(at_ms, now_ms),
            )
        if self.held_out:
            yield words.gettext(
                "held out: not to be contacted, so that the effect of contacting others can be measured"
            )


class Complaint(Struct, frozen=True, kw_only=True):
    """An open complaint, since ``since_ms``. ``acted``: somebody has acted on it, and it is not resolved.

    ``order_id`` or ``product_id``: what it is about; ``channel``: how it came.
    """

    customer_id: str
    sentence: str
    since_ms: int
    acted: bool
    order_id: str | None = None
    product_id: str | None = None
    channel: str | None = None
    name: str = ""

    def sentence_as(self, words: Words) -> str:
        """``sentence`` in other words."""
        return complaint_sentence(self.order_id, self.product_id, self.channel, words)


class Movement(Struct, frozen=True):
    """``count`` customers moved; those of ``entries`` have spent most."""

    count: int
    entries: tuple[Entry, ...]


class SegmentFigures(Struct, frozen=True):
    """Customers of a segment: their net spend so far, what is expected of them in one horizon, and what is at stake."""

    name: str
    customers: int
    spend: float
    expected: float
    at_stake: float


class Today(Struct, frozen=True, kw_only=True):
    """The list of one day, and how the shop's customers stand.

    ``scored``: a model is ready; without one the list uses the habit and past spend alone. ``risk_from`` and
    ``risk_sure`` (null: there is no risk) are as in the customer document. ``standing``: customers
    by standing, ``stages`` by stage, ``tiers`` by value; ``came_into``: who came into each stage in the last seven days
    (null: not counted). ``at_stake``: of all customers at risk; ``entries`` are the first of them. ``due_soon``: active
    customers whose next order is expected within 7 days. ``since_ms``: movements count from then on: ``new`` (first
    order), ``returning`` (ordered before as well), ``won_back`` (those of them who had been lost), ``lost`` (given up).
    ``complaints``: all that are open. ``leads``: who may order for the first time in ``leads_in_weeks``, and is surely
    likelier to than others. ``newest_ms``: of the newest event of all (null: there is none). ``not_scored``:
    customers who do not agree to scores, and are in no list. ``unreadable``: customers whose stored document cannot
    be read; they are counted nowhere else.
    """

    now_ms: int
    since_ms: int
    scored: bool
    risk_from: RiskFrom | None
    risk_sure: RiskSure | None
    customers: int
    standing: dict[str, int]
    stages: dict[str, int]
    tiers: dict[str, int]
    at_risk: int
    at_stake: float
    due_soon: int
    newest_ms: int | None
    horizon_days: float
    shop_gap_days: float
    entries: tuple[Entry, ...]
    new: Movement
    returning: Movement
    won_back: Movement
    lost: Movement
    segments: tuple[SegmentFigures, ...]
    came_into: dict[str, int] | None = None
    complaints: tuple[Complaint, ...] = ()
    leads: tuple[LeadEntry, ...] = ()
    leads_in_weeks: int = 0
    not_scored: int = 0
    unreadable: int = 0


def complaints_of(cases: Iterable[Cases], owners: Mapping[str, str] = MappingProxyType({})) -> tuple[Complaint, ...]:
    """Open complaints: those on which nobody has acted first, the oldest first.

    ``cases`` of each id, each once. ``owners``: the customer of each id that belongs to another one. What was done
    about a person under one id counts for the complaints under all.
    """
    persons: dict[str, Cases] = {}
    for of_id in cases:
        owner = owners.get(of_id.customer_id, of_id.customer_id)
        persons.setdefault(owner, Cases(owner)).absorb(of_id)
    found = (
        Complaint(
            customer_id=of_one.customer_id,
            sentence=complaint(of_one.customer_id, case.heard, case.at_ms).sentence,
            since_ms=case.at_ms,
            acted=ticket not in of_one.unanswered,
            order_id=case.heard.order_id,
            product_id=case.heard.product_id,
            channel=case.heard.channel,
        )
        for of_one in persons.values()
        for ticket, case in of_one.open.items()
        if case.name == COMPLAINED
    )
    return tuple(sorted(found, key=lambda one: (one.acted, one.since_ms, one.customer_id)))


def entries_of(found: Today) -> Iterator[Entry]:
    """Every customer who is named anywhere."""
    yield from found.entries
    for kind in MOVEMENTS:
        yield from getattr(found, kind).entries


def named(found: Today, names: Mapping[str, str]) -> Today:
    """Give customers their names; those without one keep their id."""

    def with_names(entries: Iterable[Entry]) -> tuple[Entry, ...]:
        return tuple(replace(entry, name=names.get(entry.customer_id, "")) for entry in entries)

    moved = {kind: Movement(getattr(found, kind).count, with_names(getattr(found, kind).entries)) for kind in MOVEMENTS}
    complaints = tuple(replace(one, name=names.get(one.customer_id, "")) for one in found.complaints)
    return replace(found, entries=with_names(found.entries), complaints=complaints, **moved)
