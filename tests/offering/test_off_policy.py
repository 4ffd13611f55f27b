"""Estimates of other policies against every log that could have been drawn, and their intervals against many logs."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stream.offering.off_policy import doubly_robust, inverse_propensity, self_normalised

shares = st.floats(0.05, 0.95)
#: Of a decision: propensity of arm 1, the other policy's, reward of each arm, the model of each.
worlds = st.lists(
    st.tuples(shares, st.floats(0, 1), *[st.floats(-2, 2)] * 4),
    min_size=1,
    max_size=4,
)
World = list[tuple[float, float, float, float, float, float]]


def logs(world: World) -> list[tuple[float, np.ndarray]]:
    """Every log that can be drawn, with its probability: (n, 5) of reward, propensity, target, q chosen, q target."""
    found = []
    for arms in itertools.product((0, 1), repeat=len(world)):
        rows, probability = [], 1.0
        for arm, (logged, target, *rest) in zip(arms, world, strict=True):
            rewards, model = rest[:2], rest[2:]
            of_arm = logged if arm else 1 - logged
            of_target = target if arm else 1 - target
            probability *= of_arm
            rows.append((rewards[arm], of_arm, of_target, model[arm], (1 - target) * model[0] + target * model[1]))
        found.append((probability, np.array(rows)))
    return found


@given(worlds)
def test_inverse_propensity_and_doubly_robust_are_right_on_average(world: World) -> None:
    truth = sum((1 - target) * zero + target * one for _, target, zero, one, *_ in world) / len(world)
    simple = [(p, inverse_propensity(*log.T[:3]).estimate) for p, log in logs(world)]
    robust = [(p, doubly_robust(*log.T).estimate) for p, log in logs(world)]
    for estimates in (simple, robust):
        assert math.fsum(p * (estimate or 0.0) for p, estimate in estimates) == pytest.approx(truth, abs=1e-9)


@given(worlds)
def test_a_perfect_model_leaves_no_variance(world: World) -> None:
    perfect = [(logged, target, zero, one, zero, one) for logged, target, zero, one, *_ in world]
    for _, log in logs(perfect):
        estimate = doubly_robust(*log.T).estimate
        assert estimate == pytest.approx(log[:, 4].mean(), abs=1e-9)


@given(worlds, st.floats(-3, 3))
def test_the_self_normalised_estimate_moves_with_the_rewards(world: World, shift: float) -> None:
    _, log = logs(world)[0]
    assume(log[:, 2].sum() > 0.01)
    reward, logged, target = log.T[:3]
    weight = target / logged
    found = self_normalised(reward, logged, target)
    assert found.estimate == pytest.approx((weight * reward).sum() / weight.sum(), abs=1e-9)
    moved = self_normalised(reward + shift, logged, target)
    assert moved.estimate == pytest.approx((found.estimate or 0.0) + shift, abs=1e-6)


@pytest.mark.parametrize("name", ["inverse_propensity", "self_normalised", "doubly_robust"])
def test_intervals_hold_the_truth_as_often_as_they_say(name: str) -> None:
    random = np.random.default_rng(5)
    held, runs, n = 0, 400, 400
    for _ in range(runs):
        x = random.random(n)
        logged, target = 0.2 + 0.6 * x, 0.9 - 0.5 * x
        arm = random.random(n) < logged
        reward = (random.random(n) < 0.2 + 0.3 * x * arm).astype(float)
        weights = (np.where(arm, logged, 1 - logged), np.where(arm, target, 1 - target))
        # the mean over x of 0.2 + 0.3 x target(x)
        truth = 0.2 + 0.3 * (0.9 / 2 - 0.5 / 3)
        if name == "inverse_propensity":
            found = inverse_propensity(reward, *weights)
        elif name == "self_normalised":
            found = self_normalised(reward, *weights)
        else:
            found = doubly_robust(reward, *weights, np.full(n, 0.3), np.full(n, 0.3))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert 0.92 < held / runs < 0.98


def test_what_cannot_be_estimated_is_unknown_or_an_error() -> None:
    assert inverse_propensity([], [], []) == (None, None, None)
    assert inverse_propensity([1.0], [0.5], [1.0]) == (2.0, None, None)
    assert self_normalised([1.0, 0.0], [0.5, 0.5], [0.0, 0.0]) == (None, None, None)
    with pytest.raises(ValueError, match="above zero"):
        inverse_propensity([1.0], [0.0], [1.0])
    with pytest.raises(ValueError, match=r"\(n,\) of each"):
        self_normalised([1.0], [0.5, 0.5], [1.0])
    with pytest.raises(ValueError, match="of each"):
        doubly_robust([1.0], [0.5], [1.0], [1.0, 2.0], [1.0])
