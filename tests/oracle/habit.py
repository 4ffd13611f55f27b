"""A customer's habit and the money at stake, straight from the definitions, without regard to speed."""

import math
from collections.abc import Sequence
from itertools import pairwise

from stream.events.kinds import EventKind
from tests.oracle.event import Event, survivors

__all__ = ["Habit", "habit_of", "stake_of"]

_DAY = 86_400_000
_SHOP_GAP = 30.0
_KNOWN_DAYS = 90


class Habit:
    """Usual and long gap in days; ``last`` order (ms), its ``days`` with an order, the net ``spend``."""

    def __init__(self, usual: float, long: float, last: int, days: int, spend: int | None) -> None:
        self.usual, self.long, self.last, self.days, self.spend = usual, long, last, days, spend


def habit_of(events: Sequence[Event]) -> Habit | None:
    """The habit of a customer with these events; None without an order."""
    valid = survivors(events)
    orders = sorted(event.at for event in valid if event.kind is EventKind.ORDER_COMPLETED)
    if not orders:
        return None
    paid = sum(event.amount or 0 for event in valid if event.kind is EventKind.ORDER_COMPLETED)
    returned = sum(event.amount or 0 for event in valid if event.kind is EventKind.ORDER_REFUNDED)
    spend = None if paid == 0 else max(paid - returned, 0)
    days = sorted({at // _DAY for at in orders})
    if len(days) == 1:
        usual = _SHOP_GAP
    elif len(days) == 2:
        usual = max(((orders[-1] - orders[0]) / _DAY + _SHOP_GAP) / 2, 1.0)
    else:
        newest = max(event.at for event in events) // _DAY
        known = [day for day in days if day > newest - _KNOWN_DAYS]
        gaps = sorted(b - a for a, b in pairwise(known))
        older = len(days) - 1 - len(gaps)
        mean = max(((known or days[-1:])[0] - days[0]) / max(older, 1), 1.0)
        usual = max(_quantile(0.5, gaps, older, mean), 1.0)
        long = max(_quantile(0.8, gaps, older, mean), usual)
        return Habit(usual, long, orders[-1], len(days), spend)
    return Habit(usual, usual * math.log(5) / math.log(2), orders[-1], len(days), spend)


def _quantile(share: float, gaps: Sequence[int], older: int, mean: float) -> float:
    """Linear between two ranks of ``gaps`` and ``older`` exponential gaps together."""
    position = share * (len(gaps) + older - 1) + 1
    rank = math.floor(position)
    low = _of_rank(rank, gaps, older, mean)
    if position == rank:
        return low
    return low + (position - rank) * (_of_rank(rank + 1, gaps, older, mean) - low)


def _of_rank(rank: int, gaps: Sequence[int], older: int, mean: float) -> float:
    """The gap at which as many are reached, by halving."""

    def reached(gap: float) -> float:
        return sum(known <= gap + 1e-9 for known in gaps) + older * (1.0 - math.exp(-gap / mean))

    low, high = 0.0, 1e5
    for _ in range(100):
        middle = 0.5 * (low + high)
        if reached(middle) >= rank - 0.5:
            high = middle
        else:
            low = middle
    return high


def stake_of(habit: Habit, at: int, risk: float) -> float:
    """What is at stake at ``at`` (ms) for a customer with that risk."""
    silence = (at - habit.last) / _DAY / habit.long
    money = 1.0 if habit.spend is None else habit.spend / 10_000
    return float(silence**2 * money / habit.days * math.sqrt(30.0 / habit.usual) * risk**0.3)
