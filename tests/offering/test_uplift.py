"""What is learned of an offer follows from exact sums, and is Bayesian linear regression."""

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import linear_model

from stream.offering.uplift import NOTHING, PRIOR_UPLIFT, WHOLE, WORTH, UpliftSums, contrasts, quantised, uplifts_of

OFFERS = ("call", "mail")
#: (inputs, contrasts in 1/1024, label in 1/WORTH)
decisions = st.lists(
    st.tuples(
        st.tuples(st.just(1.0), st.floats(-2, 2), st.floats(0, 1)),
        st.dictionaries(st.sampled_from(OFFERS), st.integers(-1024, 1024)),
        st.integers(0, WORTH),
    ),
    max_size=20,
)
Decisions = list[tuple[tuple[float, float, float], dict[str, int], int]]


def summed(some: Decisions) -> UpliftSums:
    sums = UpliftSums()
    for inputs, contrast, worth in some:
        sums.add(quantised(inputs), contrast)
        sums.label(quantised(inputs), contrast, worth)
    return sums


@settings(max_examples=50, deadline=None)
@given(decisions, st.integers(0, 20), st.randoms(use_true_random=False))
def test_neither_order_nor_parts_matter_and_a_decision_can_be_taken_back(
    some: Decisions, size: int, random: Random
) -> None:
    shuffled = random.sample(some, len(some))
    assert summed(shuffled) == summed(some)
    parts = [(1.0, summed(shuffled[:size])), (1.0, summed(shuffled[size:]))]
    whole = uplifts_of([(1.0, summed(some))], OFFERS, 3)
    found = uplifts_of(parts, OFFERS, 3)
    assert np.array_equal(found.mean, whole.mean)
    assert np.array_equal(found.covariance, whole.covariance)
    assert found.rows == whole.rows == len(some)
    sums = summed(some)
    for inputs, contrast, worth in shuffled:
        sums.label(quantised(inputs), contrast, -worth)
        sums.add(quantised(inputs), contrast, -1)
    assert sums.is_empty


@settings(max_examples=40, deadline=None)
@given(decisions, st.permutations(OFFERS))
def test_the_posterior_is_that_of_rivers_bayesian_linear_regression(some: Decisions, offers: list[str]) -> None:
    labels = [worth / WORTH for *_, worth in some]
    mean_label = (sum(labels) + 1) / (len(labels) + 2)
    noise = max(mean_label * (1 - mean_label), 1e-4)
    river: Any = linear_model.BayesianLinearRegression(alpha=1, beta=1 / noise)

    def regressors(inputs: tuple[float, ...], factors: dict[str, float]) -> dict[str, float]:
        x = np.round(np.array(inputs) * 64) / 64
        names = ("", *OFFERS)
        return {f"{name}{k}": factors.get(name, 0.0) * value for name in names for k, value in enumerate(x.tolist())}

    # before the first decision it does not know its features
    river.learn_one(regressors((0.0, 0.0, 0.0), {}), 0.0)
    for inputs, contrast, worth in some:
        factors = {"": 1.0, **{name: of / 1024 for name, of in contrast.items()}}
        river.learn_one(regressors(inputs, factors), worth / WORTH)
    found = uplifts_of([(1.0, summed(some))], offers, 3, prior_uplift=1.0)
    for inputs in ((1.0, 0.0, 0.0), (1.0, -1.0, 0.5)):
        mean, covariance = found.at(quantised(inputs))
        weights = {"call": 1.0, "mail": -2.0}
        expected = river.predict_one(regressors(inputs, weights), with_dist=True)
        combined = np.array([weights[name] for name in offers])
        assert combined @ mean == pytest.approx(expected.mu, abs=1e-7)
        # River's is the distribution of a label: it has the noise as well
        assert combined @ covariance @ combined + noise == pytest.approx(expected.sigma**2, rel=1e-7)


def test_who_buys_anyway_is_no_success_of_an_offer_that_they_get_more_often() -> None:
    """Customers of two kinds, 90 % and 10 % of whom order; the first get the offer with 80 %, the others with 20 %."""
    random = Random(4)
    sums = UpliftSums()
    naive: dict[str, list[bool]] = {"call": [], NOTHING: []}
    for _ in range(4000):
        is_loyal = random.random() < 0.5
        of_call = 800_000 if is_loyal else 200_000
        arm = "call" if random.random() * WHOLE < of_call else NOTHING
        ordered = random.random() < (0.9 if is_loyal else 0.1)
        naive[arm].append(ordered)
        # the model is not told which kind it is: its b is wrong
        contrast = contrasts(arm, {NOTHING: WHOLE - of_call, "call": of_call})
        sums.add([64], contrast)
        sums.label([64], contrast, WORTH * ordered)
    assert sum(naive["call"]) / len(naive["call"]) - sum(naive[NOTHING]) / len(naive[NOTHING]) > 0.4
    mean, covariance = uplifts_of([(1.0, sums)], ["call"], 1).at([64])
    assert abs(mean[0]) < 3 * covariance[0, 0] ** 0.5 < 0.1


def test_an_offer_that_could_not_be_made_is_not_in_a_contrast() -> None:
    assert contrasts(NOTHING, {NOTHING: 750_000, "call": 250_000, "mail": 0}) == {"call": -256}
    assert contrasts("call", {NOTHING: 750_000, "call": 250_000}) == {"call": 768}


def test_sums_of_another_dimension_are_left_out() -> None:
    narrow = UpliftSums()
    narrow.add([64], {"call": 512})
    narrow.label([64], {"call": 512}, WORTH)
    found = uplifts_of([(1.0, narrow)], ["call"], 2)
    assert found.rows == 0
    assert found.covariance.tolist() == [
        [[[pytest.approx(PRIOR_UPLIFT**2), 0.0]], [[0.0, pytest.approx(PRIOR_UPLIFT**2)]]]
    ]
