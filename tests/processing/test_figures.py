import numpy as np
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


def test_a_calibrated_risk_has_no_calibration_error() -> None:
    churned = np.array([True] * 3 + [False] * 7)
    assert figures.ece(churned, np.full(10, 0.3)) < 1e-12
    assert np.isclose(figures.ece(churned, np.full(10, 0.8)), 0.5)


def test_the_reliability_table_covers_every_row_once() -> None:
    risks = np.linspace(0.0, 1.0, 101)
    table = figures.reliability(risks > 0.5, risks)
    assert sum(row.rows for row in table) == 101
    assert all(row.low <= row.mean_risk <= row.high for row in table)
