import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics  # type: ignore[import-untyped]  # it ships no types

from stream.processing import figures

rows = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0])), min_size=2, max_size=60
).filter(lambda pairs: len({churned for churned, _ in pairs}) == 2)


@given(rows)
def test_the_figures_are_those_of_scikit_learn(pairs: list[tuple[bool, float]]) -> None:
    churned = np.array([pair[0] for pair in pairs])
    risks = np.array([pair[1] for pair in pairs])
    assert np.isclose(figures.auc(churned, risks), metrics.roc_auc_score(churned, risks))
    assert np.isclose(figures.average_precision(churned, risks), metrics.average_precision_score(churned, risks))
    assert np.isclose(figures.brier(churned, risks), metrics.brier_score_loss(churned, risks))
    clipped = np.clip(risks, 1e-12, 1 - 1e-12)
    assert np.isclose(figures.log_loss(churned, risks), metrics.log_loss(churned, clipped))


@given(rows, st.sampled_from([0.0, 0.25, 0.5, 0.7, 1.0]))
def test_what_became_of_the_flagged_is_the_confusion_matrix_of_scikit_learn(
    pairs: list[tuple[bool, float]], level: float
) -> None:
    churned = np.array([pair[0] for pair in pairs])
    risks = np.array([pair[1] for pair in pairs])
    found = figures.flagged(churned, risks, level)
    (left_alone, false_alarms), (missed, hits) = metrics.confusion_matrix(churned, risks >= level)
    assert tuple(found) == (hits, false_alarms, missed, left_alone)
    reached = risks >= level
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        churned, reached, average="binary", zero_division=np.nan
    )
    assert found.recall == pytest.approx(recall)
    assert found.f1 == pytest.approx(f1)
    if reached.any():
        assert found.precision == pytest.approx(precision)
    else:
        assert found.precision is None


def test_a_share_of_nobody_is_not_known() -> None:
    nobody = figures.flagged(np.zeros(2, np.bool_), np.array([0.1, 0.2]), 0.7)
    assert tuple(nobody) == (0, 0, 0, 2)
    assert (nobody.precision, nobody.recall, nobody.f1) == (None, None, None)


def test_a_calibrated_risk_has_no_calibration_error() -> None:
    churned = np.array([True] * 3 + [False] * 7)
    assert figures.ece(churned, np.full(10, 0.3)) < 1e-12
    assert np.isclose(figures.ece(churned, np.full(10, 0.8)), 0.5)


def test_the_reliability_table_covers_every_row_once() -> None:
    risks = np.linspace(0.0, 1.0, 101)
    table = figures.reliability(risks > 0.5, risks)
    assert sum(row.rows for row in table) == 101
    assert all(row.low <= row.mean_risk <= row.high for row in table)
