"""Matching of points to points, beside SciPy's."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]  # SciPy ships no types

from stream.online_models.clustering import Floats, match

SHAPES = st.integers(1, 7).flatmap(lambda rows: st.tuples(st.just(rows), st.integers(rows, 10)))


def check(costs: Floats) -> None:
    chosen = match(costs)
    rows, expected = linear_sum_assignment(costs)
    assert len(set(chosen.tolist())) == len(costs)
    assert np.isclose(costs[np.arange(len(costs)), chosen].sum(), costs[rows, expected].sum(), rtol=1e-9, atol=1e-9)


@given(SHAPES.flatmap(lambda shape: hnp.arrays(np.float64, shape, elements=st.floats(-1e3, 1e3))))
def test_no_other_matching_costs_less(costs: Floats) -> None:
    check(costs)


@given(SHAPES.flatmap(lambda shape: hnp.arrays(np.float64, shape, elements=st.integers(0, 3))))
def test_equal_costs_give_one_of_the_cheapest(costs: Floats) -> None:
    check(costs)
