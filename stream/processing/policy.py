"""Who is alerted: customers who leave their own habit, and of these the ones with the most at stake.

A customer can be alerted while the silence since the last order is in a window of their habit
(`stream.features.habit`)::

    last order        overdue_at habits       3 habits
        |------------------|--------------------|--------> silence
          within the habit    an alert may come    lapsed

Within it, and where alerts are counted (``alerts_per_week``), an alert is raised if what is at stake reaches the level
that the trainer has learned for that number (`stream.online_models.stakes`)::

    stake = (silence / long gap)^2 * order value * (30 d / habit)^(1/2) * risk^0.3

* The first factor says how unusual the silence is for the customer: a long gap is one that four of five of their own
  gaps fall short of. Who orders by the clock stands out early, who orders at odd times late.
* The next two are money: the net value of a day with an order, times the root of how many such days a month has. It
  lies between the value of one order and that of a month.
* The risk of churn ranks; its low power keeps it from making a list of rare customers, who are always likely to stay
  away for a horizon.

The exponents were chosen on the two bundled logs (`benchmarks.alerts`). Where alerts are raised by risk
(``alerts_per_week`` = 0), the risk reaches ``raise_at``, in a window that ends when the customer counts as lost.
"""

from __future__ import annotations

import math

import numpy as np

from stream.catalogue.events import EVENT_NAMES
from stream.compiling import jit
from stream.events.columns import MONEY_SCALE
from stream.features.habit import LOST_HABITS, RISK_POWER, learn_habit, lost_since
from stream.features.profile import NEVER
from stream.features.registry import DAY_MS

__all__ = [
    "due_at",
    "is_of_interest",
    "is_of_leaving",
    "lapsed_at",
    "reaches",
    "says_so",
    "stake_of",
    "stake_weight",
    "window",
]

_MONTH_DAYS = 30.0
_MONEY = float(MONEY_SCALE)
_DAY = float(DAY_MS)

# by kind, as declared
_LEAVING = np.array([one.is_leaving for one in EVENT_NAMES.values()])
_SAYS_SO = np.array([one.says_so for one in EVENT_NAMES.values()])
_INTEREST = np.array([one.is_interest for one in EVENT_NAMES.values()])


@jit
def is_of_leaving(kind):  # type: ignore[no-untyped-def]
    """What customers do when they leave: refund, cancellation, complaint, unsubscription."""
    return _LEAVING[kind]


@jit
def says_so(kind):  # type: ignore[no-untyped-def]
    """Wanting no more of the shop: a complaint or unsubscription. (Who returns goods mostly orders others.)"""
    return _SAYS_SO[kind]


@jit
def is_of_interest(kind):  # type: ignore[no-untyped-def]
    """Looking at the shop again: a site event, or a mail opened, clicked or answered."""
    return _INTEREST[kind]


@jit
def due_at(p, model):  # type: ignore[no-untyped-def]
    """When (ms) the next order is due: one habit after the last."""
    learn_habit(p, model.shop_gap_days)
    return p.last_order_at + int(p.habit_days * DAY_MS)


@jit
def lapsed_at(p, rules, model):  # type: ignore[no-untyped-def]
    """After when (ms) the customer counts as lost."""
    learn_habit(p, model.shop_gap_days)
    return lost_since(p.last_order_at, p.habit_days, rules.horizon_ms)


@jit
def window(p, rules, model):  # type: ignore[no-untyped-def]
    """The times [first, last) (ms) in which silence may raise an alert; empty for who has ordered on too few days."""
    if p.orders == 0 or p.order_days < rules.min_orders:
        return -NEVER, -NEVER
    learn_habit(p, model.shop_gap_days)
    first = p.last_order_at + int(rules.overdue_at * p.habit_days * DAY_MS)
    if rules.alerts_per_week > 0.0:
        return first, p.last_order_at + int(LOST_HABITS * p.habit_days * DAY_MS)
    return first, lapsed_at(p, rules, model)


@jit
def stake_weight(p, at):  # type: ignore[no-untyped-def]
    """What is at stake at ``at`` (ms) but for the risk, in currency; `learn_habit` has been called.

    A shop that gives no amounts counts customers, as if each order were worth one unit.
    """
    silence = (at - p.last_order_at) / _DAY / p.long_gap_days
    money = 1.0 if p.order_spend == 0 else max(p.order_spend - p.refund_spend, 0) / _MONEY
    return silence * silence * money / max(p.order_days, 1) * math.sqrt(_MONTH_DAYS / p.habit_days)


@jit
def stake_of(weight, risk):  # type: ignore[no-untyped-def]
    """What is at stake, of `stake_weight` and the risk."""
    return weight * risk**RISK_POWER


@jit
def reaches(p, at, risk, rules, model):  # type: ignore[no-untyped-def]
    """Whether ``risk`` at ``at`` is enough for an alert of a customer in the `window`."""
    if rules.alerts_per_week > 0.0:
        stake = stake_of(stake_weight(p, at), risk)
        return stake > 0.0 and stake >= model.stake_level
    return risk >= rules.raise_at
