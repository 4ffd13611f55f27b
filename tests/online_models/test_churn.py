import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]  # it ships no types

from stream.features.registry import COLUMN, INPUT_SCALE
from stream.online_models.churn import LEVERAGE_CAP, ChurnModel
from stream.online_models.schedule import learning_rate
from tests.online_models.made_up import INPUTS, customer, true_risk

rows = st.lists(st.integers(-32_767, 32_767), min_size=INPUTS, max_size=INPUTS)
#: Rows as they are in life: many inputs never move, others move a little.
sparse_rows = st.lists(st.sampled_from([0, 0, 0, 1, 710, 6_044, 32_767]), min_size=INPUTS, max_size=INPUTS)


def logit_of(probability: float) -> float:
    return float(np.log(probability / (1.0 - probability)))


def learned(seed: int, count: int) -> ChurnModel:
    generator = np.random.default_rng(seed)
    model = ChurnModel()
    for _ in range(count):
        x = customer(generator)
        model.learn_one(x, churned=bool(generator.random() < true_risk(x)))
    return model


@settings(deadline=None)
@given(st.lists(st.tuples(rows | sparse_rows, st.booleans()), max_size=25), rows | sparse_rows)
def test_the_folded_weights_give_rivers_probability(history: list[tuple[list[int], bool]], probe: list[int]) -> None:
    model = ChurnModel()
    for x, churned in history:
        model.learn_one(x, churned=churned)
    linear = model.linear()
    z = (np.array(probe) / INPUT_SCALE - linear.means) / linear.scales
    logit = linear.intercept + float(linear.weights @ z)
    folded = 1.0 / (1.0 + np.exp(-np.clip(logit, -700, 700)))
    assert folded == pytest.approx(model.predict_proba_one(probe), abs=1e-9)


def test_a_new_model_knows_nothing() -> None:
    assert ChurnModel().predict_proba_one([100] * INPUTS) == 0.5


def test_predicting_changes_nothing() -> None:
    model = learned(1, 50)
    before = model.state()
    model.predict_proba_one([1_000] * INPUTS)
    assert model.state() == before


def test_the_model_learns_the_law_behind_the_labels() -> None:
    model = learned(2, 4_000)
    generator = np.random.default_rng(3)
    probes = [customer(generator) for _ in range(2_000)]
    outcomes = [generator.random() < true_risk(x) for x in probes]
    reached = roc_auc_score(outcomes, [model.predict_proba_one(x) for x in probes])
    possible = roc_auc_score(outcomes, [true_risk(x) for x in probes])
    assert reached > possible - 0.02
    error = np.mean([abs(model.predict_proba_one(x) - true_risk(x)) for x in probes])
    assert error < 0.08


def test_a_feature_that_wakes_after_long_silence_does_not_throw_the_model_off() -> None:
    generator = np.random.default_rng(4)
    clicks = [COLUMN[f"clicks_{window}"] for window in ("1h", "1d", "7d", "28d", "90d")]
    model = ChurnModel()
    for _ in range(3_000):
        x = customer(generator)
        for column in clicks:
            x[column] = 0
        model.learn_one(x, churned=bool(generator.random() < true_risk(x)))
    others = [customer(generator) for _ in range(50)]
    for x in others:
        for column in clicks:
            x[column] = 0
    before = [model.predict_proba_one(x) for x in others]
    awake = list(others[0])
    for column in clicks:
        awake[column] = 7 * INPUT_SCALE
    risk = model.predict_proba_one(awake)
    model.learn_one(awake, churned=True)
    moved = logit_of(model.predict_proba_one(awake)) - logit_of(risk)
    assert 0.0 < moved < learning_rate(3_000) * (LEVERAGE_CAP + 1.0) * 1.1
    after = [model.predict_proba_one(x) for x in others]
    assert np.allclose(before, after, atol=0.01)


@pytest.mark.parametrize("count", [0, 1, 2, 300])
def test_a_restored_model_goes_on_bit_for_bit(count: int) -> None:
    model = learned(5, count)
    restored = ChurnModel.from_state(model.state())
    assert restored.state() == model.state()
    generator = np.random.default_rng(6)
    for i in range(100):
        x = customer(generator)
        assert restored.predict_proba_one(x) == model.predict_proba_one(x)
        model.learn_one(x, churned=i % 3 == 0)
        restored.learn_one(x, churned=i % 3 == 0)
    assert restored.state() == model.state()


def test_the_learning_rate_falls_to_its_floor_and_stays() -> None:
    rates = [learning_rate(t) for t in range(0, 20_000, 100)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == learning_rate(10**9) > 0
