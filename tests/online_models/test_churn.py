import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # it ships no types
from sklearn.metrics import log_loss, roc_auc_score  # type: ignore[import-untyped]

from stream.errors import SnapshotError
from stream.features.registry import COLUMN, INPUT_SCALE
from stream.online_models.basis import AGEING, BASIS, PAIRS, RELATIVE, SIMPLE_TERMS, expand
from stream.online_models.churn import SIMPLE_LABELS, ChurnModel
from stream.online_models.kalman import LEVERAGE_CAP, PRIOR_VARIANCE
from stream.online_models.schedule import learning_rate
from stream.online_models.second_order import SecondOrderRegression
from tests.online_models.made_up import INPUTS, customer, true_risk

rows = st.lists(st.integers(-32_767, 32_767), min_size=INPUTS, max_size=INPUTS)
#: Realistic rows: many inputs never move, others move a little.
sparse_rows = st.lists(st.sampled_from([0, 0, 0, 1, 710, 6_044, 32_767]), min_size=INPUTS, max_size=INPUTS)
histories = st.lists(st.tuples(rows | sparse_rows, st.booleans()), max_size=25)


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
@given(histories, rows | sparse_rows)
def test_the_quadratic_form_gives_the_probability_of_the_model(
    history: list[tuple[list[int], bool]], probe: list[int]
) -> None:
    model = ChurnModel()
    for x, churned in history:
        model.learn_one(x, churned=churned)
    form = model.quadratic()
    z = (np.array(probe) / INPUT_SCALE - form.means) / form.scales
    terms = [form.intercept, *(form.weights * z), *(form.curvature * z[PAIRS[:, 0]] * z[PAIRS[:, 1]])]
    folded = 1.0 / (1.0 + np.exp(-np.clip(sum(terms), -700, 700)))
    # terms of very different size cancel in the form; the rest is exact to their rounding
    assert folded == pytest.approx(model.predict_proba_one(probe), abs=1e-9 + 1e-13 * sum(map(abs, terms)))


@settings(deadline=None)
@given(histories)
def test_the_model_stays_finite_and_its_certainty_bounded(
    history: list[tuple[list[int], bool]],
) -> None:
    model = ChurnModel(pace=5.0)
    for x, churned in history:
        model.learn_one(x, churned=churned)
    restored = ChurnModel.from_state(model.state(), pace=5.0)
    covariance = restored._regression._covariance
    assert np.isfinite(covariance).all()
    assert np.isfinite(restored._regression.weights).all()
    assert np.diag(covariance)[:-1].max() <= PRIOR_VARIANCE * (1.0 + 1e-9)
    assert np.linalg.eigvalsh(covariance).min() > -1e-9


@settings(deadline=None)
@given(histories, rows | sparse_rows, st.floats(-5.0, 5.0))
def test_the_quadratic_form_is_for_the_level_it_is_asked_for(
    history: list[tuple[list[int], bool]], probe: list[int], level: float
) -> None:
    model = ChurnModel()
    for x, churned in history:
        model.learn_one(x, churned=churned)
    here, there = model.quadratic(), model.quadratic(level)
    assert there.means[RELATIVE] == here.means[RELATIVE] + level
    there.means[RELATIVE] = here.means[RELATIVE]
    for part in ("means", "scales", "weights", "curvature", "intercept"):
        assert np.array_equal(getattr(here, part), getattr(there, part))


@settings(deadline=None)
@given(st.lists(st.tuples(rows, st.booleans()), min_size=1, max_size=10), st.integers(1, 20))
def test_an_aging_log_makes_nobody_loyal(history: list[tuple[list[int], bool]], units: int) -> None:
    """All customers have more days with an order, and the level says so: nothing is learned or given otherwise."""
    older = [list(x) for x, _ in history]
    for x in older:
        x[RELATIVE] = min(max(x[RELATIVE], -8_000), 8_000)
    young, old = ChurnModel(), ChurnModel()
    for x, (_, churned) in zip(older, history, strict=True):
        young.learn_one(x, churned=churned)
        # a power of two, so that the differences are exact
        x[RELATIVE] += units * INPUT_SCALE
        old.learn_one(x, churned=churned, level=float(units))
    assert young.state() == old.state()


@settings(deadline=None, max_examples=20)
@given(histories, rows, st.sampled_from(AGEING), st.integers(-32_767, 32_767))
def test_inputs_that_grow_with_the_log_do_not_move_the_risk(
    history: list[tuple[list[int], bool]], probe: list[int], name: str, value: int
) -> None:
    model = ChurnModel()
    for x, churned in history:
        model.learn_one(x, churned=churned)
    before = model.predict_proba_one(probe)
    probe[COLUMN[name]] = value
    assert model.predict_proba_one(probe) == before
    assert model.quadratic().weights[COLUMN[name]] == 0.0


def test_a_young_model_is_a_simple_one_and_an_old_one_is_not() -> None:
    """The risk depends on an input that the simple regression lacks."""
    model, simplicity = ChurnModel(), []
    generator = np.random.default_rng(10)
    for count in range(1, 4_801):
        x = customer(generator)
        model.learn_one(x, churned=bool(generator.random() < true_risk(x)), novelty=0.25)
        if count in (1, 4_800):
            simplicity.append(model._simplicity)
    assert simplicity == pytest.approx([1.0, 0.5], abs=1e-3)
    assert SIMPLE_LABELS == 0.25 * 4_800


def test_both_regressions_see_the_shared_terms_on_the_same_scale() -> None:
    model = learned(11, 500)
    assert np.array_equal(model._regression.means[SIMPLE_TERMS], model._simple.means)
    assert np.array_equal(model._regression.scales[SIMPLE_TERMS], model._simple.scales)


def test_labels_with_little_information_shorten_the_memory_little() -> None:
    """Knowledge fades with new information, not with the number of labels."""
    generator = np.random.default_rng(12)
    news, repeats = SecondOrderRegression(3, pace=100.0), SecondOrderRegression(3, pace=100.0)
    for _ in range(3_000):
        x = generator.normal(size=3)
        churned = bool(generator.random() < 0.5)
        news.learn(x, churned=churned)
        repeats.learn(x, churned=churned, novelty=0.1)
    assert np.diag(repeats._covariance).max() < np.diag(news._covariance).max()


def test_a_label_moves_every_weight_as_the_formula_says_to_the_last_digit() -> None:
    """The product of the covariance and the inputs, summed in the order of the inputs, whatever the compiler does."""
    generator = np.random.default_rng(13)
    model = SecondOrderRegression(6)
    for _ in range(200):
        x, churned = generator.normal(size=6) + 1.0, bool(generator.random() < 0.4)
        before = model._covariance.copy()
        model.learn(x, churned=churned)
        z = model._z.tolist()
        for row, found in zip(before.tolist(), model._pz.tolist(), strict=True):
            total = 0.0
            for value, term in zip(row, z, strict=True):
                total += value * term
            assert found == total
        assert np.array_equal(model._covariance, model._covariance.T)


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
    assert reached > possible - 0.01
    error = np.mean([abs(model.predict_proba_one(x) - true_risk(x)) for x in probes])
    assert error < 0.06


def test_one_pass_is_as_good_as_a_batch_fit_of_the_same_basis() -> None:
    generator = np.random.default_rng(8)
    seen = [customer(generator) for _ in range(3_000)]
    labels = [bool(generator.random() < true_risk(x)) for x in seen]
    model = ChurnModel()
    odds = generator.normal(size=3_000)
    for x, of, churned in zip(seen, odds, labels, strict=True):
        model.learn_one(x, churned=churned, odds=of)
    terms = np.array([expand(x, odds=of) for x, of in zip(seen, odds, strict=True)])
    mean, scale = terms.mean(axis=0), terms.std(axis=0)
    batch = LogisticRegression(C=PRIOR_VARIANCE, max_iter=2_000).fit((terms - mean) / scale, labels)
    probes = [customer(generator) for _ in range(3_000)]
    outcomes = [generator.random() < true_risk(x) for x in probes]
    batch_risk = batch.predict_proba((np.array([expand(x, odds=0.0) for x in probes]) - mean) / scale)[:, 1]
    online = log_loss(outcomes, [model.predict_proba_one(x, odds=0.0) for x in probes])
    assert online < log_loss(outcomes, batch_risk) * 1.02


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
    assert 0.0 < moved < LEVERAGE_CAP * PRIOR_VARIANCE * BASIS
    after = [model.predict_proba_one(x) for x in others]
    assert np.allclose(before, after, atol=0.01)


def test_the_river_interface_is_the_array_interface() -> None:
    generator = np.random.default_rng(9)
    arrays, dictionaries = SecondOrderRegression(3), SecondOrderRegression(3)
    for _ in range(200):
        x = generator.normal(size=3)
        churned = bool(generator.random() < 1.0 / (1.0 + np.exp(-x[0])))
        arrays.learn(x, churned=churned)
        dictionaries.learn_one(dict(enumerate(x)), churned)
    assert arrays.state("abc") == dictionaries.state("abc")
    probabilities = dictionaries.predict_proba_one({0: 1.0, 1: 0.0, 2: 0.0})
    assert probabilities[True] == pytest.approx(1.0 / (1.0 + np.exp(-arrays.logit(np.array([1.0, 0.0, 0.0])))))
    assert sum(probabilities.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("count", [0, 1, 2, 300])
def test_a_restored_model_continues_bit_for_bit(count: int) -> None:
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


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("weights", b"", "expected"),
        ("weights", np.full(BASIS + 1, np.nan).tobytes(), "finite"),
        ("means", np.zeros(BASIS + 1).tobytes(), "expected"),
        ("variances", np.full(BASIS, -1.0).tobytes(), "negative"),
    ],
)
def test_a_damaged_state_is_refused(part: str, value: bytes, message: str) -> None:
    state = learned(7, 20).state()
    with pytest.raises(SnapshotError, match=message):
        ChurnModel.from_state(replace(state, regression=replace(state.regression, **{part: value})))


@pytest.mark.parametrize("news", [-1.0, 21.0, float("nan")])
def test_more_news_than_labels_are_refused(news: float) -> None:
    with pytest.raises(SnapshotError, match="news"):
        ChurnModel.from_state(replace(learned(7, 20).state(), news=news))


def test_the_learning_rate_falls_to_its_floor_and_stays() -> None:
    rates = [learning_rate(t) for t in range(0, 20_000, 100)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == learning_rate(10**9) > 0
