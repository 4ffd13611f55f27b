import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stream.features.registry import INPUT_SCALE
from stream.online_models.calibration import Calibration
from stream.online_models.components.churn import Churn
from stream.online_models.learner import Learner
from tests.online_models.made_up import customer, label


def taught(slope: float, shift: float, count: int, labels: int = 1_000_000) -> Calibration:
    """A calibration that has seen logits whose right values are ``slope * logit + shift``."""
    generator = np.random.default_rng(1)
    calibration = Calibration()
    for logit in generator.normal(0.0, 2.0, count).tolist():
        risk = 1.0 / (1.0 + math.exp(-slope * logit - shift))
        calibration.learn_one(logit, churned=bool(generator.random() < risk), labels=labels, novelty=1.0)
    return calibration


def test_a_new_calibration_changes_nothing() -> None:
    assert (Calibration().slope, Calibration().shift) == (1.0, 0.0)


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (0.7, 0.4), (1.4, -0.5)])
def test_the_error_of_the_risks_is_learned(slope: float, shift: float) -> None:
    calibration = taught(slope, shift, 20_000)
    assert calibration.slope == pytest.approx(slope, abs=0.12)
    assert calibration.shift == pytest.approx(shift, abs=0.12)


def test_the_logits_of_a_young_model_hardly_count() -> None:
    young = taught(1.0, 0.5, 500, labels=600)
    assert abs(young.shift) < 0.01
    assert taught(1.0, 0.5, 500).shift > 0.04


def test_a_change_of_regime_is_followed() -> None:
    calibration = taught(1.0, 0.5, 10_000)
    generator = np.random.default_rng(2)
    for logit in generator.normal(0.0, 2.0, 10_000).tolist():
        risk = 1.0 / (1.0 + math.exp(-logit + 0.5))
        calibration.learn_one(logit, churned=bool(generator.random() < risk), labels=10**6, novelty=1.0)
    assert calibration.shift == pytest.approx(-0.5, abs=0.12)


@given(st.lists(st.tuples(st.floats(-32, 32), st.booleans(), st.integers(0, 10**9)), max_size=200))
def test_no_sequence_of_labels_makes_it_absurd(labels: list[tuple[float, bool, int]]) -> None:
    calibration = Calibration()
    for logit, churned, seen in labels:
        calibration.learn_one(logit, churned=churned, labels=seen, novelty=1.0)
    assert 0.5 <= calibration.slope <= 2.0
    assert -2.0 <= calibration.shift <= 2.0
    assert calibration.variance_slope >= 0.0
    assert calibration.variance_shift >= 0.0
    assert calibration.covariance**2 <= calibration.variance_slope * calibration.variance_shift * (1.0 + 1e-6)


@pytest.mark.parametrize("position", [0, 1])
def test_the_contender_that_gave_the_logits_is_calibrated_and_no_other(position: int) -> None:
    """All logits given were -1, and every customer left: the risks were far too low."""
    learner = Learner()
    generator = np.random.default_rng(3)
    for _ in range(200):
        example = label(customer(generator), churned=True, risk=0.27, version=10 * 10**6 + position)
        assert learner.learn(replace(example, logit=-INPUT_SCALE)) is None
    shifts = [learner.snapshot(0, name).churn.shift for name in learner.contenders()]
    assert shifts[position] > 0.05
    assert [shift for k, shift in enumerate(shifts) if k != position] == [0.0] * (len(shifts) - 1)


def test_what_scorers_load_is_calibrated() -> None:
    learner = Learner()
    generator = np.random.default_rng(4)
    for k in range(300):
        example = label(customer(generator), churned=k % 2 == 0, risk=0.27, version=10**7)
        learner.learn(replace(example, logit=-INPUT_SCALE))
    before = learner.snapshot(0).churn
    model = learner.of(Churn).championship.model(learner.champion).quadratic()
    assert before.intercept == pytest.approx(before.slope * model.intercept + before.shift)
    assert before.weights == pytest.approx(tuple(before.slope * model.weights))
    assert Learner.load(learner.dump()).snapshot(0).churn == before
