"""How many days with an order the customers of a time have: what the relative input of the churn model is less of.

A count over the whole history grows while a log is young. Against the mean of all customers at the same time it does
not, and a customer who stands out today stands out for the same reason as one who did half a year ago.

Labels come a horizon after their landmarks, observations at once, so each has a mean of its own: a label is compared
with the customers of its landmark, a score with those of the present.
"""

from typing import Final

from msgspec import Struct, field

from stream.features.registry import DAY_MS

__all__ = ["Level", "Levels"]

#: The weight of a customer halves in this time.
HALF_LIFE_MS: Final = 14 * DAY_MS


class Level(Struct, kw_only=True):
    """An exponentially weighted mean over event time. ``weight`` is that of all values together. Stored unchanged.

    >>> level = Level()
    >>> level.learn_one(1.0, at_ms=0)
    >>> level.learn_one(4.0, at_ms=HALF_LIFE_MS)
    >>> level.mean
    3.0
    """

    mean: float = 0.0
    weight: float = 0.0
    at_ms: int = 0

    def learn_one(self, value: float, at_ms: int) -> None:
        """One more customer; one that comes after its time counts as of the latest."""
        elapsed_ms = max(at_ms - self.at_ms, 0)
        self.weight = self.weight * 2.0 ** (-elapsed_ms / HALF_LIFE_MS) + 1.0
        self.mean += (value - self.mean) / self.weight
        self.at_ms += elapsed_ms


class Levels(Struct, kw_only=True):
    """Of customers at the landmarks of labels, of customers now, and ``present``: of now when last a label came.

    Published values change with the labels only, as their version does. Stored unchanged.
    """

    then: Level = field(default_factory=Level)
    now: Level = field(default_factory=Level)
    present: float = 0.0

    def observe(self, value: float, at_ms: int) -> None:
        """A customer at a landmark."""
        self.now.learn_one(value, at_ms)

    def of_label(self, value: float, at_ms: int) -> float:
        """The level at the landmark ``at_ms`` of a label that has matured; it counts as well."""
        self.then.learn_one(value, at_ms)
        self.present = self.now.mean if self.now.weight > 0.0 else self.then.mean
        return self.then.mean
