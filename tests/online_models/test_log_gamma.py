"""The logarithm of the gamma function and its derivative, beside SciPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special  # type: ignore[import-untyped]  # SciPy ships no types

from stream.online_models.log_gamma import digamma, log_beta, log_gamma

POSITIVE = st.floats(1e-6, 1e7)
#: As near as the last digits of the terms allow, which are larger than their sum where that is about 0.
NEAR = 1e-12


@given(POSITIVE)
def test_they_are_scipys(x: float) -> None:
    assert float(log_gamma(x)) == pytest.approx(float(special.gammaln(x)), rel=NEAR, abs=NEAR)
    assert float(digamma(x)) == pytest.approx(float(special.digamma(x)), rel=NEAR, abs=NEAR)


@given(POSITIVE)
def test_the_recurrence_holds(x: float) -> None:
    assert float(log_gamma(x + 1.0)) == pytest.approx(float(log_gamma(x)) + np.log(x), rel=1e-11, abs=1e-11)


@given(st.floats(1e-3, 1e3), st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=5))
def test_the_beta_function_is_scipys_for_one_and_for_many(p: float, q: list[float]) -> None:
    many = np.array(q)
    assert log_beta(p, many) == pytest.approx(special.betaln(p, many), rel=1e-11, abs=1e-10)
    assert float(log_beta(p, q[0])) == float(log_beta(p, many)[0])
