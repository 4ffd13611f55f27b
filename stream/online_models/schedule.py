"""The learning rate of the baselines: large while little is known, never so small that they stop following change."""

import math

__all__ = ["learning_rate"]

FIRST_RATE = 0.2
#: Reached after 10,000 examples.
MIN_RATE = 0.002


def learning_rate(examples: int) -> float:
    """Rate of the step after ``examples``: ``FIRST_RATE / sqrt(examples + 1)``, at least `MIN_RATE`.

    >>> learning_rate(0), learning_rate(99), learning_rate(1_000_000)
    (0.2, 0.02, 0.002)
    """
    return max(FIRST_RATE / math.sqrt(examples + 1), MIN_RATE)
