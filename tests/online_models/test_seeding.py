"""One assignment of k-means and what Lloyd's iterations make of it, by hand."""

from collections.abc import Hashable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from river.cluster import KMeans

from stream.online_models.clustering import PlacedKMeans
from stream.online_models.seeding import _lloyd, inertia, squared_distances

#: Age, income, orders.
CUSTOMERS = np.array([(25.0, 4000.0, 8.0), (35.0, 6000.0, 12.0), (45.0, 9000.0, 18.0), (55.0, 12000.0, 25.0)])
CENTRES = np.array([(30.0, 5000.0, 10.0), (40.0, 8000.0, 15.0), (50.0, 10000.0, 20.0)])


def test_one_assignment_by_hand() -> None:
    distances = squared_distances(CUSTOMERS, CENTRES)
    assert (distances.argmin(axis=1) + 1).tolist() == [1, 1, 3, 3]
    assert distances.min(axis=1).sum() == 7_000_137
    kmeans = PlacedKMeans(n_clusters=3, halflife=0.002, seed=1)
    kmeans.place(CENTRES)
    assert [kmeans.predict_one(dict(enumerate(row.tolist()))) + 1 for row in CUSTOMERS] == [1, 1, 3, 3]


def test_lloyd_ends_where_it_does_by_hand() -> None:
    centres = _lloyd(CUSTOMERS, CENTRES)
    assert (squared_distances(CUSTOMERS, centres).argmin(axis=1) + 1).tolist() == [1, 1, 2, 3]
    assert inertia(CUSTOMERS, centres) * len(CUSTOMERS) == 2_000_058


COORDINATES = st.integers(-(10**9), 10**9).map(lambda thousandths: thousandths / 1000)
POINT = st.lists(COORDINATES, min_size=4, max_size=4)


@given(st.lists(POINT, min_size=1, max_size=7), st.lists(POINT, min_size=1, max_size=20))
def test_the_nearest_cluster_is_rivers(centres: list[list[float]], points: list[list[float]]) -> None:
    kmeans = PlacedKMeans(n_clusters=len(centres), halflife=0.1, seed=1)
    kmeans.place(np.array(centres))
    for point in points:
        x: dict[Hashable, float] = dict(enumerate(point))
        of_rivers = KMeans.predict_one(kmeans, x)  # type: ignore[no-untyped-call]  # River leaves it untyped
        distances = squared_distances(np.array([point]), kmeans.centroids())[0]
        nearest = kmeans.learn_predict_one(x)
        # another one only where both are as far, but for rounding
        assert nearest == of_rivers or np.isclose(distances[nearest], distances[of_rivers], rtol=1e-12)
