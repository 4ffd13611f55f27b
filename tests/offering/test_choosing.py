"""Propensities are what drawing at random gives, and a draw is as often as they say."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from stream.offering.choosing import choose, drawn, thompson_shares, with_hold_out
from stream.offering.uplift import NOTHING, WHOLE, Uplifts

gains = st.lists(st.tuples(st.floats(-5, 5), st.floats(0.01, 5)), max_size=5)


@settings(max_examples=25, deadline=None)
@given(gains, st.floats(-0.4, 0.9), st.integers(0, 2**32))
def test_shares_are_those_of_draws(of_offers: list[tuple[float, float]], together: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    draws, offers = 20_000, len(of_offers)
    mean, spread = np.array([mean for mean, _ in of_offers]), np.array([spread for _, spread in of_offers])
    # correlated by a common part, which keeps the matrix positive for -1/4 and more of up to five
    correlation = np.full((offers, offers), max(together, -0.24)) + (1 - max(together, -0.24)) * np.eye(offers)
    covariance = np.outer(spread, spread) * correlation
    found = random.multivariate_normal(mean, covariance, draws) if offers else np.zeros((draws, 0))
    best = np.column_stack([np.zeros(draws), found]).argmax(axis=1)
    counted = np.bincount(best, minlength=offers + 1) / draws
    shares = thompson_shares(mean, covariance)
    assert shares.sum() == pytest.approx(1)
    # 2,048 points that are evenly spread, against 20,000 draws: the most was 0.034
    assert np.abs(shares - counted).max() < 0.05


def test_one_offer_has_the_probability_that_its_gain_is_above_zero() -> None:
    shares = thompson_shares([0.3], [[0.49]])
    assert shares[1] == pytest.approx(stats.norm.cdf(0.3 / 0.7), abs=1e-3)


def believed(of_offers: dict[str, tuple[float, float]]) -> Uplifts:
    """About customers with one input: mean and spread of the uplift of each offer."""
    mean = np.array([[mean] for mean, _ in of_offers.values()]).reshape(-1, 1)
    covariance = np.diag([spread**2 for _, spread in of_offers.values()])
    return Uplifts(tuple(of_offers), mean, covariance.reshape(len(of_offers), 1, len(of_offers), 1), 100.0)


@settings(max_examples=50, deadline=None)
@given(gains, st.floats(0, 80), st.floats(0, 1), st.floats(0, 0.9))
def test_propensities_add_up_exactly(
    of_offers: list[tuple[float, float]], value: float, exploration: float, hold_out: float
) -> None:
    uplifts = believed({f"o{k}": of for k, of in enumerate(of_offers)})
    choice = choose(uplifts, dict.fromkeys(uplifts.offers, 1.0), [64], value, exploration)
    held = with_hold_out(choice.propensities, hold_out)
    for propensities in (choice.propensities, held):
        assert sum(propensities.values()) == WHOLE
        assert min(propensities.values()) >= 0
        assert [*propensities] == [NOTHING, *uplifts.offers]
    assert min(choice.propensities.values()) >= int(exploration * WHOLE / len(choice.propensities))
    assert held[NOTHING] >= choice.propensities[NOTHING] - len(of_offers)


def test_the_gain_is_the_uplift_times_the_value_less_the_cost() -> None:
    uplifts = believed({"coupon": (0.5, 0.001), "call": (0.1, 0.001), "mail": (0.0, 0.001)})
    # the customer may have no coupon
    choice = choose(uplifts, {"call": 3.0, "mail": 0.5}, [64], 40.0, 0)
    assert choice.gains == pytest.approx({"call": 1.0, "mail": -0.5})
    assert choice.propensities == {NOTHING: 0, "call": WHOLE, "mail": 0}


def test_each_arm_is_drawn_as_often_as_its_propensity_says() -> None:
    propensities = {NOTHING: 500_000, "call": 300_000, "mail": 200_000}
    counted = Counter(drawn(propensities, f"customer {k}") for k in range(20_000))
    expected = [propensities[arm] / WHOLE * 20_000 for arm in propensities]
    assert stats.chisquare([counted[arm] for arm in propensities], expected).pvalue > 0.001
    assert drawn(propensities, "customer 7") == drawn(propensities, "customer 7")


def test_propensities_that_do_not_add_up_are_an_error() -> None:
    with pytest.raises(ValueError, match="add up to 0"):
        drawn({NOTHING: 0}, "any")
