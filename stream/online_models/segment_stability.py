"""Whether learned segments are stable: customers keep the names that a review gave them until the next one.

Written rules give every customer a segment from the first order on, under the names that learned segments have. If
learned segments took over while their names still change with every review, customers would go back and forth between
segments without having done anything.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from stream.online_models.seeding import squared_distances

__all__ = ["MIN_KEPT", "STEADY_REVIEWS", "NamedLayout", "share_kept"]

#: Segments are stable when at least this share of the customers keeps the name from one review to the next, ...
MIN_KEPT: Final = 0.8
#: ... so many times in a row.
STEADY_REVIEWS: Final = 2

Floats = npt.NDArray[np.float64]


class NamedLayout(Struct, frozen=True, kw_only=True):
    """Segments as of a review: K named ``centroids`` in a space that is standardised by ``means`` and ``scales``."""

    means: tuple[float, ...]
    scales: tuple[float, ...]
    centroids: tuple[tuple[float, ...], ...]
    names: tuple[str, ...]

    def names_of(self, behaviour: Floats) -> list[str]:
        """The name of the segment of each customer of ``behaviour`` float64[N, D], which is not standardised."""
        points = (behaviour - np.array(self.means)) / np.array(self.scales)
        nearest = squared_distances(points, np.array(self.centroids)).argmin(axis=1)
        return [self.names[k] for k in nearest.tolist()]


def share_kept(before: NamedLayout, after: NamedLayout, behaviour: Floats) -> float:
    """The share of customers to whom both layouts give the same name; ``behaviour``: float64[N, D], N > 0.

    >>> near = NamedLayout(means=(0.0,), scales=(1.0,), centroids=((0.0,), (4.0,)), names=("New", "Loyal"))
    >>> far = NamedLayout(means=(0.0,), scales=(1.0,), centroids=((0.0,), (8.0,)), names=("New", "Loyal"))
    >>> share_kept(near, far, np.array([[0.0], [1.0], [3.0], [8.0]]))
    0.75
    """
    pairs = zip(before.names_of(behaviour), after.names_of(behaviour), strict=True)
    return sum(one == other for one, other in pairs) / len(behaviour)
