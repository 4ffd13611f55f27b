"""One assignment of k-means and what Lloyd's iterations make of it, by hand."""

import numpy as np

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
