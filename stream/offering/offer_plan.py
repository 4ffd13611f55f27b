"""The decisions of a day: for each customer the offer with the highest expected gain, within consent and budgets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from stream.catalogue.windows import DAY_MS
from stream.consent.purposes import Purpose
from stream.events.columns import MONEY_SCALE
from stream.offering.choosing import choose, drawn, with_hold_out
from stream.offering.offer_records import OfferDecision, decision_id_of
from stream.offering.offered import Made
from stream.offering.offers_file import Offer, OffersConfig
from stream.offering.uplift import NOTHING, Context, Uplifts

__all__ = ["OfferCandidate", "Planned", "plan", "spent_lately"]


class OfferCandidate(NamedTuple):
    """A customer who may be offered something. ``order_value``: what an order of theirs is worth (money).

    ``reason``: one sentence on where they stand. ``decisions``: the former ones, by id, of all ids of the person;
    ``first_id``: under which of these was decided first, empty for their own. ``unsubscribed_ms``: when they wanted no
    more e-mails.
    """

    customer_id: str
    stage: str
    orders: int
    context: Context
    order_value: float
    reason: str
    decisions: Mapping[str, Made]
    unsubscribed_ms: int | None = None
    first_id: str = ""


class Planned(NamedTuple):
    """A decision, and what each offer that the customer may have is expected to bring (money)."""

    decision: OfferDecision
    gains: Mapping[str, float]


def plan(
    candidates: Iterable[OfferCandidate],
    config: OffersConfig,
    uplifts: Uplifts,
    now_ms: int,
    *,
    spent: Mapping[str, Mapping[int, int]],
    may: Callable[[Purpose, str, OfferCandidate], bool],
    is_held_out: Callable[[str], bool],
    money: Callable[[float], str],
) -> list[Planned]:
    """Decide about every candidate whose last decision's window is over and who may have an offer.

    The highest expected gains come first, also where a budget does not suffice for all. ``spent``: by offer, what it
    cost on each day since 1970 (1/MONEY_SCALE). ``may``: whether a purpose is allowed by a channel for a customer.
    ``uplifts`` knows all offers of ``config``. A decision is a function of the arguments.
    """
    budgets = {name: _left(offer, spent.get(name, {}), now_ms) for name, offer in config.offers.items()}
    waiting = []
    for one in candidates:
        if any(made.until_ms > now_ms for made in one.decisions.values()):
            continue
        costs = {
            name: offer.cost
            for name, offer in config.offers.items()
            if _may_have(one, name, offer, now_ms) and (offer.consent is None or may(offer.consent, offer.channel, one))
        }
        if costs:
            gains = choose(uplifts, costs, one.context, one.order_value, config.exploration).gains
            waiting.append((-max(gains.values()), one.customer_id, one, costs))
    planned = []
    for _, _, one, costs in sorted(waiting, key=lambda entry: entry[:2]):
        affordable = {name: cost for name, cost in costs.items() if cost <= budgets[name]}
        if not affordable:
            continue
        # a person stays in the group in which they were first
        held_out = is_held_out(one.first_id or one.customer_id)
        found = _decide(one, config, uplifts, affordable, now_ms, is_held_out=held_out, money=money)
        if (offer := found.decision.offer) is not None:
            budgets[offer] -= config.offers[offer].cost
        planned.append(found)
    return planned


def _decide(
    one: OfferCandidate,
    config: OffersConfig,
    uplifts: Uplifts,
    costs: Mapping[str, float],
    now_ms: int,
    *,
    is_held_out: bool,
    money: Callable[[float], str],
) -> Planned:
    choice = choose(uplifts, costs, one.context, one.order_value, config.exploration)
    name = decision_id_of(one.customer_id, now_ms)
    chosen = drawn(choice.propensities, f"{config.hold_out.salt}/{name}")
    made = None if is_held_out or chosen == NOTHING else chosen
    offer = None if made is None else config.offers[made]
    gain = 0.0 if made is None else choice.gains[made]
    decision = OfferDecision(
        decision_id=name,
        customer_id=one.customer_id,
        offer=made,
        channel=None if offer is None else offer.channel,
        drawn=chosen,
        held_out=is_held_out,
        propensities=with_hold_out(choice.propensities, config.hold_out.share),
        context=[*one.context],
        order_value=one.order_value,
        margin=config.margin,
        cost=0.0 if offer is None else offer.cost,
        discount=0.0 if offer is None else offer.discount,
        expected_gain=round(gain, 2),
        why=_why(one.reason, offer, gain, money, is_held_out=is_held_out),
        window_days=config.window_days,
        decided_at=datetime.fromtimestamp(now_ms / 1000.0, UTC),
    )
    return Planned(decision, choice.gains)


def _why(reason: str, offer: Offer | None, gain: float, money: Callable[[float], str], *, is_held_out: bool) -> str:
    if is_held_out:
        return f"{reason} Held out: gets nothing, so that the effect of offers can be measured."
    if offer is None:
        return f"{reason} No offer is expected to bring more than it costs."
    if gain <= 0.0:
        return f"{reason} Tried to learn what {offer.what} brings; so far it is not expected to pay."
    return f"{reason} Expected to bring {money(gain)} more than without {offer.what}."


def _may_have(one: OfferCandidate, name: str, offer: Offer, now_ms: int) -> bool:
    if one.stage not in offer.who.stages or one.orders < offer.who.min_orders:
        return False
    since_ms = now_ms - offer.cooling_off_days * DAY_MS
    # who was held out is treated as if the offer had been made, so that both groups are asked alike
    return all(made.drawn != name or made.at_ms <= since_ms for made in one.decisions.values())


def spent_lately(offer: Offer, spent: Mapping[int, int], now_ms: int) -> float:
    """What an offer cost within the days of its budget (money), of what was ``spent`` on each day; without one, ever.

    >>> from stream.offering.offers_file import OfferBudget
    >>> call = Offer(kind="call", what="a call", cost=6.0, channel="phone", budget=OfferBudget(money=100.0, days=7.0))
    >>> spent_lately(call, {1: 60_000, 9: 120_000}, 10 * DAY_MS)
    12.0
    """
    since = -1 if offer.budget is None else (now_ms - offer.budget.days * DAY_MS) // DAY_MS
    return sum(cost for day, cost in spent.items() if day > since) / MONEY_SCALE


def _left(offer: Offer, spent: Mapping[int, int], now_ms: int) -> float:
    """What of the budget of an offer is left (money)."""
    return float("inf") if offer.budget is None else offer.budget.money - spent_lately(offer, spent, now_ms)
