"""The lowest point within bounds, beside SciPy's L-BFGS-B."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize  # type: ignore[import-untyped]  # SciPy ships no types

from stream.online_models.minimising import Floats, minimum

WIDE = [(-50.0, 50.0)] * 3


def rosenbrock(at: Floats) -> tuple[float, Floats]:
    """A curved valley, lowest at (1, 1, 1)."""
    first, rest = at[:-1], at[1:]
    bends, gaps = rest - first**2, 1.0 - first
    slope = np.zeros_like(at)
    slope[:-1] += -400.0 * first * bends - 2.0 * gaps
    slope[1:] += 200.0 * bends
    return float((100.0 * bends**2 + gaps**2).sum()), slope


def valley_of(seed: int) -> tuple[Floats, Floats]:
    """A quadratic function's Hessian and the place where it is lowest."""
    generator = np.random.default_rng(seed)
    root = generator.normal(size=(3, 3))
    return root @ root.T + 0.05 * np.eye(3), generator.normal(0.0, 3.0, 3)


@pytest.mark.parametrize("start", [(-1.2, 1.0, 2.0), (3.0, -3.0, 0.0), (1.0, 1.0, 1.0)])
def test_it_follows_a_curved_valley_to_its_end(start: Sequence[float]) -> None:
    assert minimum(rosenbrock, np.array(start), WIDE) == pytest.approx(np.ones(3), abs=1e-5)


@given(
    seed=st.integers(0, 2**32 - 1),
    start=st.lists(st.floats(-40.0, 40.0), min_size=3, max_size=3),
    bounds=st.lists(st.tuples(st.floats(-5.0, 0.0), st.floats(0.5, 5.0)), min_size=3, max_size=3),
)
def test_within_bounds_it_is_where_scipy_is(seed: int, start: list[float], bounds: list[tuple[float, float]]) -> None:
    hessian, lowest = valley_of(seed)

    def function(at: Floats) -> tuple[float, Floats]:
        away = at - lowest
        return 0.5 * float(away @ hessian @ away), hessian @ away

    found = minimum(function, np.array(start), bounds)
    expected = minimize(function, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"gtol": 1e-9})
    assert all(low <= value <= high for value, (low, high) in zip(found.tolist(), bounds, strict=True))
    assert function(found)[0] == pytest.approx(float(expected.fun), rel=1e-6, abs=1e-6)
