"""Policies that `benchmarks.offers` plays: the one of the product, and LinUCB of two libraries."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

import numpy as np
from river import bandit

from benchmarks.offer_world import COSTS, DIMENSION, Visitor
from stream.offering.choosing import choose, drawn
from stream.offering.uplift import NOTHING, WORTH, Uplifts, UpliftSums, contrasts, quantised, uplifts_of

__all__ = ["MabwiserLinUcb", "Policy", "RiverLinUcb", "Thompson", "inputs_of"]

_ARMS = [NOTHING, *COSTS]


class Policy(Protocol):
    """Chooses an arm, and learns whether the customer ordered."""

    def pull(self, visitor: Visitor) -> str: ...

    def learn(self, visitor: Visitor, arm: str, *, ordered: bool) -> None: ...


class Thompson:
    """The policy of the product. It decides by what it knew at the last refit, as a shop that decides once a day."""

    def __init__(self, seed: int, *, exploration: float = 0.0, refit_every: int = 25) -> None:
        self.sums = UpliftSums()
        self.uplifts: Uplifts = uplifts_of([], [*COSTS], DIMENSION)
        self.propensities: dict[str, int] = {}
        self._seed, self._exploration, self._refit_every = seed, exploration, refit_every
        self._decisions = 0

    def pull(self, visitor: Visitor) -> str:
        if self._decisions % self._refit_every == 0:
            self.uplifts = uplifts_of([(1.0, self.sums)], [*COSTS], DIMENSION)
        self._decisions += 1
        context = quantised(visitor.inputs)
        self.propensities = choose(self.uplifts, COSTS, context, visitor.value, self._exploration).propensities
        return drawn(self.propensities, f"{self._seed}/{self._decisions}")

    def learn(self, visitor: Visitor, arm: str, *, ordered: bool) -> None:
        context, contrast = quantised(visitor.inputs), contrasts(arm, self.propensities)
        self.sums.add(context, contrast)
        self.sums.label(context, contrast, WORTH * ordered)


class RiverLinUcb:
    """`river.bandit.LinUCBDisjoint`; its bound is one standard deviation, so the noise says how far it explores."""

    def __init__(self, width: float) -> None:
        # with noise precision beta and a prior of the same scale, the bound is mean + width * sqrt(x' A^-1 x)
        self._policy: Any = bandit.LinUCBDisjoint(alpha=width**2, beta=1.0 / width**2)

    def pull(self, visitor: Visitor) -> str:
        return str(self._policy.pull(_ARMS, context=inputs_of(visitor)))

    def learn(self, visitor: Visitor, arm: str, *, ordered: bool) -> None:
        self._policy.update(arm, inputs_of(visitor), _money(visitor, arm, ordered=ordered))


class MabwiserLinUcb:
    """LinUCB of the library MABWiser, which is not among the requirements. Raises ImportError without it."""

    def __init__(self, width: float) -> None:
        mab = import_module("mabwiser.mab")
        self._policy = mab.MAB([*_ARMS], mab.LearningPolicy.LinUCB(alpha=width))
        names = range(len(inputs_of(Visitor("loyal", (0.0,) * DIMENSION, 0.0, 0.0))))
        nothing_yet = np.zeros((len(_ARMS), len(names)))
        self._policy.fit(_ARMS, [0.0] * len(_ARMS), nothing_yet)

    def pull(self, visitor: Visitor) -> str:
        return str(self._policy.predict([[*inputs_of(visitor).values()]]))

    def learn(self, visitor: Visitor, arm: str, *, ordered: bool) -> None:
        reward = _money(visitor, arm, ordered=ordered)
        self._policy.partial_fit([arm], [reward], [[*inputs_of(visitor).values()]])


def inputs_of(visitor: Visitor) -> dict[str, float]:
    """What a policy for rewards in money is told: the inputs, and the inputs times the value over 20, so that it can
    represent what each arm truly brings.
    """
    plain = {f"x{place}": value for place, value in enumerate(visitor.inputs)}
    return plain | {f"v{place}": value * visitor.value / 20.0 for place, value in enumerate(visitor.inputs)}


def _money(visitor: Visitor, arm: str, *, ordered: bool) -> float:
    return visitor.value * ordered - COSTS.get(arm, 0.0)
