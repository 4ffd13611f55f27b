"""The learning rate: large while little is known, never so small that the model stops following customers."""

import math

from river.optim.base import Scheduler

__all__ = ["DecayToFloor", "learning_rate"]

FIRST_RATE = 0.2
#: Reached after 10,000 examples.
LEAST_RATE = 0.002


def learning_rate(examples: int) -> float:
    """Rate of the step after ``examples``: ``FIRST_RATE / sqrt(examples + 1)``, at least `LEAST_RATE`.

    >>> learning_rate(0), learning_rate(99), learning_rate(1_000_000)
    (0.2, 0.02, 0.002)
    """
    return max(FIRST_RATE / math.sqrt(examples + 1), LEAST_RATE)


class DecayToFloor(Scheduler):
    """`learning_rate` as River's optimisers take it."""

    def get(self, t: int) -> float:
        return learning_rate(t)
