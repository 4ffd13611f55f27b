"""River's k-means with centroids that can be placed and read, and the matching of points to points."""

from collections import defaultdict
from collections.abc import Hashable
from typing import Any

import numpy as np
import numpy.typing as npt

from stream.online_models.river_parts import KMeans
from stream.online_models.scipy_parts import linear_sum_assignment

__all__ = ["PlacedKMeans", "match"]

Floats = npt.NDArray[np.float64]


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
        """River's answer in a third of the time: it looks every coordinate up by name, here all are in order."""
        point = [*x.values()]
        distances = [
            sum([abs(at - value) ** self.p for at, value in zip(center.values(), point, strict=True)])
            for center in self.centers.values()
        ]
        return distances.index(min(distances))


def match(costs: Floats) -> npt.NDArray[np.int64]:
    """A distinct column for each row of ``costs`` (K <= columns), so that the sum of the chosen is least.

    >>> match(np.array([[1.0, 2.0], [1.0, 9.0]])).tolist()
    [1, 0]
    """
    return np.asarray(linear_sum_assignment(costs)[1], np.int64)
