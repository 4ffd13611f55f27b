import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stream.online_models.archetypes import ARCHETYPES
from stream.online_models.segment_names import SEGMENT_COLUMNS, name_centroids

AXES = len(SEGMENT_COLUMNS)
centroids = st.integers(1, len(ARCHETYPES)).flatmap(
    lambda count: arrays(np.float64, (count, AXES), elements=st.floats(-5, 5))
)


@given(centroids)
def test_every_centroid_gets_a_name_of_its_own(points: np.ndarray) -> None:
    names = name_centroids(points)
    assert len(set(names)) == len(points)
    assert set(names) <= set(ARCHETYPES)


@given(centroids)
def test_names_do_not_change_when_asked_again(points: np.ndarray) -> None:
    names = name_centroids(points)
    assert name_centroids(points, names) == names


@pytest.mark.parametrize("name", ARCHETYPES)
def test_the_archetype_itself_gets_its_name(name: str) -> None:
    *coordinates, engaged = ARCHETYPES[name]
    assert name_centroids(np.array([[*coordinates, engaged, engaged]])) == (name,)


def test_the_order_of_centroids_does_not_matter() -> None:
    points = np.random.default_rng(1).normal(size=(6, AXES))
    names = name_centroids(points)
    order = [3, 1, 5, 0, 4, 2]
    assert name_centroids(points[order]) == tuple(names[i] for i in order)


def test_a_small_step_over_the_border_does_not_rename_but_a_large_one_does() -> None:
    new = np.array([*ARCHETYPES["New"], 0.0])
    promising = np.array([*ARCHETYPES["Promising"], 0.0])
    just_over = (0.48 * new + 0.52 * promising)[None, :]
    assert name_centroids(just_over) == ("Promising",)
    assert name_centroids(just_over, ("New",)) == ("New",)
    assert name_centroids(promising[None, :], ("New",)) == ("Promising",)


def test_names_of_another_release_are_given_anew() -> None:
    point = np.array([[*ARCHETYPES["Lost"], 0.0]])
    assert name_centroids(point, ("Departed",)) == ("Lost",)
