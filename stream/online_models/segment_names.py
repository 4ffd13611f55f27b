"""Names of segments: each centroid gets the archetype that it is nearest to, and no two get the same.

The assignment with the least total squared distance wins (the assignment problem). A name moves only when another
assignment is clearly better, so that it does not flicker from one snapshot to the next.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stream.online_models.archetypes import ARCHETYPES, ENGAGED
from stream.online_models.clustering import match

__all__ = ["SEGMENT_COLUMNS", "name_centroids"]

#: The features that segments are made of, in the order of a centroid's coordinates.
SEGMENT_COLUMNS = (
    "days_since_purchase",
    "purchases_90d",
    "spend_90d",
    "purchases_total",
    "order_value",
    "tenure",
    "clicks_90d",
    "emails_90d",
)

#: A new assignment must bring the total distance below this share of the present one's.
RENAME_BELOW = 0.85

_POINTS = np.array(list(ARCHETYPES.values()))
_NAMES = tuple(ARCHETYPES)


def name_centroids(centroids: npt.NDArray[np.float64], present: Sequence[str] = ()) -> tuple[str, ...]:
    """A distinct name for each of ``centroids`` float64[K, len(SEGMENT_COLUMNS)], K <= len(ARCHETYPES).

    ``present`` are the names they have now, if any; they stay unless others fit clearly better.

    >>> name_centroids(np.array([[2.0, -2, -3, -1, 0, 1, 0, 0], [-1.0, 2, 1, 2, 0, 1, 0, 0]]))
    ('Lost', 'Champions')
    """
    engaged = np.minimum(centroids[:, 6:].max(axis=1, keepdims=True), ENGAGED)
    located = np.hstack([centroids[:, :6], engaged])
    costs = np.square(located[:, None, :] - _POINTS[None, :, :]).sum(axis=2)
    rows, chosen = np.arange(len(costs)), match(costs)
    if len(present) == len(centroids) and set(present) <= set(_NAMES):
        kept = costs[rows, [_NAMES.index(name) for name in present]].sum()
        if costs[rows, chosen].sum() > RENAME_BELOW * kept:
            return tuple(present)
    return tuple(_NAMES[index] for index in chosen)
