"""Intervals of shares, differences and means, against published figures and SciPy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from stream.alerts.intervals import mean_difference, share, share_difference

COUNTS = st.integers(1, 400).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [  # Newcombe (1998), table II, method 10
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
    ],
)
def test_the_interval_of_a_difference_is_the_published_one(
    counts: tuple[int, int, int, int], low: float, high: float
) -> None:
    found = share_difference(*counts)
    assert found[1:] == pytest.approx((low, high), abs=1e-4)


@given(COUNTS, st.sampled_from([0.8, 0.95, 0.99]))
def test_the_interval_of_a_share_is_scipys(counted: tuple[int, int], confidence: float) -> None:
    successes, trials = counted
    expected = stats.binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    found = share(successes, trials, confidence)
    assert found[1:] == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(COUNTS, COUNTS)
def test_the_interval_of_a_difference_holds_it_and_turns_with_the_groups(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    there, back = share_difference(*first, *second), share_difference(*second, *first)
    assert there.estimate is not None
    assert there.low is not None
    assert there.high is not None
    assert -1.0 <= there.low <= there.estimate <= there.high <= 1.0
    assert back.low == pytest.approx(-there.high)


AMOUNTS = st.lists(st.floats(-1000, 1000), min_size=2, max_size=30)


@given(AMOUNTS, AMOUNTS)
def test_the_interval_of_a_mean_difference_is_scipys(values: list[float], others: list[float]) -> None:
    found = mean_difference(values, others)
    assert found.low is not None
    assert found.high is not None
    if max(values) - min(values) > 1e-3 and max(others) - min(others) > 1e-3:
        expected = stats.ttest_ind(values, others, equal_var=False).confidence_interval()
        assert found.low == pytest.approx(expected.low, rel=1e-6, abs=1e-6)
        assert found.high == pytest.approx(expected.high, rel=1e-6, abs=1e-6)
    assert found.low <= found.high


def test_without_customers_there_is_no_interval() -> None:
    assert share(0, 0).estimate is None
    assert share_difference(1, 2, 0, 0).estimate is None
    assert mean_difference([], [1.0]).estimate is None
    assert mean_difference([1.0], [2.0]) == (-1.0, None, None)
