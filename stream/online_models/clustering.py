"""River's k-means with centroids that can be placed and read, and the matching of points to points."""

from collections import defaultdict
from collections.abc import Hashable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from stream.online_models.river_parts import KMeans

__all__ = ["PlacedKMeans", "match"]

Floats = npt.NDArray[np.float64]

_NOBODY: Final = -1


class PlacedKMeans(KMeans):
    """River's `KMeans` over coordinates 0, 1, ...; it must be placed before it learns or predicts."""

    def place(self, centroids: Floats) -> None:
        """Put the clusters at ``centroids`` float64[K, D]; K is the number of clusters from now on."""
        self.n_clusters = len(centroids)
        self.centers = {k: defaultdict(float, enumerate(centroid)) for k, centroid in enumerate(centroids.tolist())}

    def centroids(self) -> Floats:
        """Where the clusters are: float64[K, D]."""
        return np.array([[center[axis] for axis in range(len(center))] for center in self.centers.values()])

    def learn_predict_one(self, x: dict[Hashable, Any]) -> int:
        return int(super().learn_predict_one(x))  # type: ignore[no-untyped-call]  # River leaves it untyped

    def predict_one(self, x: dict[Hashable, Any]) -> int:
        return int(super().predict_one(x))  # type: ignore[no-untyped-call]  # as above


def match(costs: Floats) -> npt.NDArray[np.int64]:
    """A distinct column for each row of ``costs`` (K <= columns), so that the sum of the chosen is least.

    The Hungarian method: each row in turn takes the cheapest way to a free column, along which rows before it move on
    (H. Kuhn, The Hungarian method for the assignment problem, 1955; with potentials, as R. Jonker and A. Volgenant in
    1987).

    >>> match(np.array([[1.0, 2.0], [1.0, 9.0]])).tolist()
    [1, 0]
    """
    rows, columns = costs.shape
    of_row, of_column = np.zeros(rows), np.zeros(columns)
    taken_by = np.full(columns, _NOBODY, np.int64)
    for first in range(rows):
        distance, before = np.full(columns, np.inf), np.full(columns, _NOBODY, np.int64)
        seen = np.zeros(columns, np.bool_)
        row, column, so_far = first, _NOBODY, 0.0
        while True:
            through = so_far + costs[row] - of_row[row] - of_column
            nearer = ~seen & (through < distance)
            distance[nearer], before[nearer] = through[nearer], column
            column = int(np.argmin(np.where(seen, np.inf, distance)))
            so_far = float(distance[column])
            if taken_by[column] == _NOBODY:
                break
            seen[column] = True
            row = int(taken_by[column])
        of_row[taken_by[seen]] += so_far - distance[seen]
        of_column[seen] -= so_far - distance[seen]
        of_row[first] += so_far
        while column != _NOBODY:
            previous = int(before[column])
            taken_by[column] = first if previous == _NOBODY else taken_by[previous]
            column = previous
    chosen = np.empty(rows, np.int64)
    held = np.flatnonzero(taken_by != _NOBODY)
    chosen[taken_by[held]] = held
    return chosen
