"""Where clusters start: greedy k-means++ with Lloyd's iterations over a sample, the best of several starts.

Sources: D. Arthur and S. Vassilvitskii, "k-means++: the advantages of careful seeding" (2007); S. Lloyd,
"Least squares quantization in PCM" (1982). Distances are sums of squares, without matrix products, so that a
result does not depend on the linear-algebra library.
"""

import math

import numpy as np
import numpy.typing as npt

__all__ = ["inertia", "seed_centroids", "squared_distances"]

Floats = npt.NDArray[np.float64]

STARTS = 8
ITERATIONS = 50


def squared_distances(points: Floats, centroids: Floats) -> Floats:
    """Return float64[N, K]: squared distance of each of ``points`` (N, D) to each of ``centroids`` (K, D)."""
    distances = np.empty((len(points), len(centroids)))
    for k, centroid in enumerate(centroids):
        distances[:, k] = np.square(points - centroid).sum(axis=1)
    return distances


def inertia(points: Floats, centroids: Floats) -> float:
    """Mean squared distance of the points to their nearest centroid."""
    return float(squared_distances(points, centroids).min(axis=1).mean())


def seed_centroids(points: Floats, clusters: int, seed: int) -> Floats:
    """Centroids float64[clusters, D] for ``points`` float64[N, D], N >= clusters; equal arguments, equal
    result.
    """
    generator = np.random.default_rng(seed)
    starts = [_lloyd(points, _plus_plus(points, clusters, generator)) for _ in range(STARTS)]
    return min(starts, key=lambda centroids: inertia(points, centroids))


def _plus_plus(points: Floats, clusters: int, generator: np.random.Generator) -> Floats:
    """Candidates are points drawn in proportion to their squared distance to the centroids so far; the one
    that leaves the least inertia is the next centroid.
    """
    candidates = 2 + int(math.log(clusters))
    chosen = [int(generator.integers(len(points)))]
    nearest = squared_distances(points, points[chosen])[:, 0]
    while len(chosen) < clusters:
        odds = nearest.cumsum()
        drawn = np.searchsorted(odds, generator.random(candidates) * odds[-1], side="right")
        drawn = np.minimum(drawn, len(points) - 1)
        remaining = np.minimum(nearest[:, None], squared_distances(points, points[drawn]))
        best = int(remaining.sum(axis=0).argmin())
        chosen.append(int(drawn[best]))
        nearest = remaining[:, best]
    return points[chosen]


def _lloyd(points: Floats, centroids: Floats) -> Floats:
    for _ in range(ITERATIONS):
        nearest = squared_distances(points, centroids).argmin(axis=1)
        # a centroid that lost all its points stays where it is
        moved = np.array(
            [
                points[nearest == k].mean(axis=0) if (nearest == k).any() else centroid
                for k, centroid in enumerate(centroids)
            ]
        )
        if np.array_equal(moved, centroids):
            break
        centroids = moved
    return centroids
