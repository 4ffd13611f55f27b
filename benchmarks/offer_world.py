"""A shop whose customers answer offers as is known: what each offer really brings, and what the best choice is.

Four kinds of customers, and two inputs that mean nothing. Who is loyal orders with 80 % and no offer changes that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Final, NamedTuple

from stream.offering.uplift import NOTHING

__all__ = ["COSTS", "DIMENSION", "KINDS", "Visitor", "best_gain", "gain", "visitors"]

#: Money, of each offer that is made.
COSTS: Final[Mapping[str, float]] = {"coupon": 4.0, "call": 5.0, "mail": 2.0}
#: By kind of customer: the probability of an order without an offer, and what each offer adds to it.
KINDS: Final[Mapping[str, tuple[float, Mapping[str, float]]]] = {
    "loyal": (0.80, {"coupon": 0.0, "call": 0.0, "mail": 0.0}),
    "thrifty": (0.15, {"coupon": 0.35, "call": 0.05, "mail": 0.05}),
    "lonely": (0.05, {"coupon": 0.05, "call": 0.35, "mail": 0.05}),
    "forgetful": (0.30, {"coupon": 0.10, "call": 0.10, "mail": 0.25}),
}
#: Inputs of a customer: a constant, three kinds against the first, and two of noise.
DIMENSION: Final = 1 + len(KINDS) - 1 + 2


class Visitor(NamedTuple):
    """A customer who may be offered something. ``inputs``: (DIMENSION,). ``value``: what an order is worth (money).

    ``luck`` in [0, 1): with an offer the customer orders if it is below the probability; so policies can be compared on
    the same luck.
    """

    kind: str
    inputs: tuple[float, ...]
    value: float
    luck: float

    def orders(self, arm: str) -> bool:
        base, uplifts = KINDS[self.kind]
        return self.luck < base + uplifts.get(arm, 0.0)


def visitors(number: int, seed: int) -> Iterator[Visitor]:
    """Customers, each kind as often as another; orders are worth 5 to 60, half of them less than 20."""
    random = Random(seed)
    kinds = [*KINDS]
    for _ in range(number):
        kind = random.choice(kinds)
        is_kind = [float(kind == other) for other in kinds[1:]]
        inputs = (1.0, *is_kind, random.uniform(-1, 1), random.uniform(-1, 1))
        value = min(max(random.lognormvariate(3.0, 0.6), 5.0), 60.0)
        yield Visitor(kind, inputs, value, random.random())


def gain(visitor: Visitor, arm: str) -> float:
    """What an arm is expected to bring more than nothing (money)."""
    return 0.0 if arm == NOTHING else KINDS[visitor.kind][1][arm] * visitor.value - COSTS[arm]


def best_gain(visitor: Visitor) -> float:
    return max(gain(visitor, arm) for arm in (NOTHING, *COSTS))
