"""Loyalty learned from what came later: the share of a customer's orders that stays over the next horizon.

    horizon before          landmark          horizon after
       |--- orders: n ---------|--- orders: m -----|        stays: min(m / n, 1)

Landmarks and what came after them are the labels of the topic of training examples. A logistic regression learns them
one after the other, in the order in which they mature. Each landmark is predicted by what had matured by then, and so
tests the model before it teaches it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from stream.features.registry import DAY_MS
from stream.online_models.example import Label
from stream.projections.loyalty import FIRST_LOYALTY
from stream.projections.satisfaction import Opinion
from stream.reporting.stay_model import StayModel

__all__ = [
    "Checked",
    "CustomerLoyalty",
    "LearnedLoyalty",
    "LoyaltyStanding",
    "learned_loyalty",
    "prequential",
    "standings_of",
]

#: A horizon that ends at most so long before a landmark is the one before it: landmarks come weekly.
_GAP_MS: Final = 7 * DAY_MS


class Checked(NamedTuple):
    """Predictions of customers who had said something, against what came later; errors are mean squared ones.

    ``labels``: learned in all, ``tested``: predicted by the learned model. ``expected`` and ``stayed``: means.
    ``learned``, ``rate``, ``formula``: errors of the model, of the shop's share at the time, of the formula's loyalty.
    """

    labels: int
    tested: int
    expected: float | None = None
    stayed: float | None = None
    learned: float | None = None
    rate: float | None = None
    formula: float | None = None


class CustomerLoyalty(NamedTuple):
    """``orders``: in the last horizon that is over, at ``as_of_ms``; ``learned``: the share of as many to come."""

    customer_id: str
    formula: float
    learned: float
    orders: int
    as_of_ms: int


class LearnedLoyalty(NamedTuple):
    """``is_learned``: False, there are too few labels, and all customers have the shop's ``rate`` (None: no label)."""

    is_learned: bool
    rate: float | None
    checked: Checked
    customers: Sequence[CustomerLoyalty]


class LoyaltyStanding(NamedTuple):
    """A customer at a landmark, by what was known then (``x``). ``stayed``: known from ``matured_ms`` on."""

    customer_id: str
    at_ms: int
    matured_ms: int
    x: dict[str, float]
    formula: float
    has_said: bool
    stayed: float


def learned_loyalty(labels: Iterable[Label], opinions: Mapping[str, Opinion]) -> LearnedLoyalty:
    """Learn and check; ``opinions``: by customer. A label that comes twice counts once."""
    by_customer: dict[str, dict[str, Label]] = {}
    for label in labels:
        by_customer.setdefault(label.customer_id, {})[label.example_id] = label
    histories = {of: sorted(found.values(), key=lambda one: one.at_ms) for of, found in by_customer.items()}
    standings = [one for of, history in histories.items() for one in standings_of(history, opinions.get(of))]
    model, checked = prequential(standings)
    customers = []
    for of, opinion in opinions.items():
        newest = histories[of][-1] if of in histories else None
        if newest is None or newest.purchases == 0:
            continue
        at_ms = newest.matured_at_ms
        x, formula, _ = _inputs(newest, _before(histories[of], newest), opinion, at_ms)
        customers.append(CustomerLoyalty(of, formula, model.predict_one(x), newest.purchases, at_ms))
    customers.sort(key=lambda one: (one.learned, one.customer_id))
    return LearnedLoyalty(model.is_learned, model.rate if model.labels else None, checked, customers)


def prequential(standings: Sequence[LoyaltyStanding]) -> tuple[StayModel, Checked]:
    """The model after all labels, and how it did on each before it learned it."""
    model = StayModel()
    matured = iter(sorted(standings, key=lambda one: (one.matured_ms, one.at_ms, one.customer_id)))
    next_one = next(matured, None)
    tested: list[tuple[float, float, float, float]] = []
    for standing in sorted(standings, key=lambda one: (one.at_ms, one.customer_id)):
        while next_one is not None and next_one.matured_ms <= standing.at_ms:
            model.learn_one(next_one.x, next_one.stayed)
            next_one = next(matured, None)
        if model.is_learned and standing.has_said:
            tested.append((standing.stayed, model.predict_one(standing.x), model.rate, standing.formula))
    while next_one is not None:
        model.learn_one(next_one.x, next_one.stayed)
        next_one = next(matured, None)
    if not tested:
        return model, Checked(model.labels, 0)
    number = len(tested)
    errors = [math.fsum((one[k] - one[0]) ** 2 for one in tested) / number for k in (1, 2, 3)]
    expected, stayed = (math.fsum(one[k] for one in tested) / number for k in (1, 0))
    return model, Checked(model.labels, number, expected, stayed, *errors)


def standings_of(history: Sequence[Label], opinion: Opinion | None) -> Iterator[LoyaltyStanding]:
    """The landmarks of a customer before which there were orders; ``history``: labels by time."""
    for label in history:
        before = _before(history, label)
        if before is None or before.purchases == 0:
            continue
        x, formula, has_said = _inputs(before, _before(history, before), opinion, label.at_ms)
        stayed = min(label.purchases / before.purchases, 1.0)
        yield LoyaltyStanding(label.customer_id, label.at_ms, label.matured_at_ms, x, formula, has_said, stayed)


def _before(history: Sequence[Label], label: Label) -> Label | None:
    """The label of the horizon that ended at the landmark, or less than the time between landmarks before it."""
    ended = [one for one in history if 0 <= label.at_ms - one.matured_at_ms < _GAP_MS]
    return max(ended, key=lambda one: one.matured_at_ms, default=None)


def _inputs(
    before: Label, earlier: Label | None, opinion: Opinion | None, at_ms: int
) -> tuple[dict[str, float], float, bool]:
    """What was known at ``at_ms``: inputs of the model, the formula's loyalty, whether the customer had spoken."""
    mean, loyalty, complaints = Opinion(), FIRST_LOYALTY, 0
    for said in opinion.said if opinion is not None else ():
        if said.at_ms > at_ms:
            continue
        complaints += said.name == "complained"
        loyalty = loyalty if said.loyalty is None else said.loyalty
        if said.satisfaction is not None:
            # whether a complaint would be resolved was not known when it came
            mean.add(0.0 if said.ticket is not None else said.satisfaction, said.at_ms)
    satisfaction = mean.satisfaction
    inputs = {
        "orders": math.log1p(before.purchases),
        "trend": 0.0 if earlier is None else math.log((1 + before.purchases) / (1 + earlier.purchases)),
        "spend": math.log1p(max(before.spend, 0.0) / before.purchases) if before.purchases else 0.0,
        "said": float(satisfaction is not None),
        "satisfaction": 0.0 if satisfaction is None else satisfaction - 0.5,
        "complaints": float(min(complaints, 3)),
    }
    return inputs, loyalty, satisfaction is not None
