import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score  # type: ignore[import-untyped]  # it ships no types

from stream.features.registry import COLUMN
from stream.online_models.evaluation import Evaluation
from stream.online_models.example import Label
from stream.online_models.scorecard import CALIBRATION_BINS, auc
from tests.online_models.made_up import customer, examples, label, quantised

RECENCY = COLUMN["days_since_purchase"]


def labels(seed: int, count: int) -> list[Label]:
    return [example for example in examples(seed, count) if isinstance(example, Label)]


def evaluated(given_labels: list[Label], half_life: float = 1_000.0) -> Evaluation:
    evaluation = Evaluation.with_half_life(half_life)
    for one in given_labels:
        evaluation.record(one)
    return evaluation


def test_figures_over_the_whole_history_are_those_of_a_batch_evaluation() -> None:
    matured = labels(1, 4_000)
    scored = [one for one in matured if one.risk is not None]
    risks = np.array([one.risk for one in scored], np.float64)
    truth = np.array([one.churned for one in scored])
    found = evaluated(matured).report().whole
    assert found.examples == len(scored) < len(matured)
    assert found.base_rate == pytest.approx(truth.mean())
    assert found.mean_risk == pytest.approx(risks.mean())
    assert found.auc == pytest.approx(roc_auc_score(truth, risks), abs=5e-4)
    assert found.log_loss == pytest.approx(log_loss(truth, np.clip(risks, 1e-9, 1 - 1e-9)))
    assert found.brier == pytest.approx(brier_score_loss(truth, risks))
    assert found.recency_auc == pytest.approx(roc_auc_score(truth, [one.x[RECENCY] for one in scored]), abs=2e-3)
    bins = np.minimum((risks * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = [abs((risks - truth)[bins == b].sum()) for b in range(CALIBRATION_BINS)]
    assert found.ece == pytest.approx(sum(gaps) / len(scored))


@pytest.mark.parametrize("half_life", [1.0, 3.0, 300.0])
def test_recent_figures_are_those_of_weighted_examples(half_life: float) -> None:
    """With a half-life of 1 the running sums are scaled back several times on the way."""
    scored = [one for one in labels(2, 4_000) if one.risk is not None]
    risks = np.array([one.risk for one in scored], np.float64)
    truth = np.array([one.churned for one in scored])
    weights = 0.5 ** (np.arange(len(scored))[::-1] / half_life)
    found = evaluated(scored, half_life).report().recent
    assert found.examples == pytest.approx(weights.sum())
    assert found.base_rate == pytest.approx(np.average(truth, weights=weights))
    assert found.brier == pytest.approx(np.average((risks - truth) ** 2, weights=weights))
    assert found.mean_risk == pytest.approx(np.average(risks, weights=weights))
    bins = np.minimum((risks * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = [abs(((risks - truth) * weights)[bins == b].sum()) for b in range(CALIBRATION_BINS)]
    assert found.ece == pytest.approx(sum(gaps) / weights.sum())
    likelihood = np.clip(np.where(truth, risks, 1 - risks), 1e-9, 1)
    assert found.log_loss == pytest.approx(np.average(-np.log(likelihood), weights=weights))
    if half_life > 100:
        expected = roc_auc_score(truth, risks, sample_weight=weights)
        assert found.auc == pytest.approx(expected, abs=2e-3)


def test_base_rate_baseline_knows_only_the_labels_before_each_example() -> None:
    outcomes = [True, False, False, True, True]
    losses = []
    for i, churned in enumerate(outcomes):
        share = (sum(outcomes[:i]) + 1) / (i + 2)
        losses.append(-np.log(share if churned else 1 - share))
    report = evaluated([label(quantised(), churned=churned, risk=0.5) for churned in outcomes]).report()
    assert report.whole.base_rate_log_loss == pytest.approx(np.mean(losses))


def test_a_label_without_a_risk_teaches_the_baselines_and_is_not_evaluated() -> None:
    generator = np.random.default_rng(5)
    unscored = [label(customer(generator), churned=True) for _ in range(100)]
    evaluation = evaluated(unscored)
    assert evaluation.labels == evaluation.churned == 100
    assert evaluation.report().whole.examples == 0
    assert evaluation.report().whole.auc is None
    evaluation.record(label(customer(generator), churned=True, risk=0.9))
    surprise = evaluation.report().whole.base_rate_log_loss
    assert surprise == pytest.approx(-np.log(101 / 102))


def test_the_recency_baseline_learns_that_silence_means_churn() -> None:
    figures = evaluated(labels(6, 6_000)).report().whole
    assert figures.recency_log_loss is not None
    assert figures.base_rate_log_loss is not None
    assert figures.recency_log_loss < figures.base_rate_log_loss - 0.05


def test_the_risk_given_is_evaluated_even_if_it_was_foolish() -> None:
    certain_and_wrong = [label(quantised(), churned=False, risk=1.0)] * 3
    figures = evaluated(certain_and_wrong).report().whole
    assert figures.brier == 1.0
    assert figures.log_loss == pytest.approx(-np.log(1e-9))
    assert figures.ece == 1.0


scores = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=60)


@given(scores)
def test_auc_is_the_share_of_pairs_in_order_with_ties_half(pairs: list[tuple[int, bool]]) -> None:
    churned = [0.0] * 6
    stayed = [0.0] * 6
    for score, is_churned in pairs:
        (churned if is_churned else stayed)[score] += 1.0
    up = [score for score, is_churned in pairs if is_churned]
    down = [score for score, is_churned in pairs if not is_churned]
    if not up or not down:
        assert auc(churned, stayed) is None
        return
    credit = sum((a > b) + 0.5 * (a == b) for a in up for b in down)
    assert auc(churned, stayed) == pytest.approx(credit / (len(up) * len(down)))
