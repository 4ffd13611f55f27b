"""What one person's examples change is bounded as the register of processing says."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.catalogue.traces import TRACES
from stream.online_models import kalman
from stream.online_models.components import COMPONENTS
from stream.online_models.log_link import FIRST_BUYERS, FIRST_RATE, MAX_RESIDUAL, LogLink
from stream.online_models.second_order import SecondOrderRegression
from stream.projections.all_projections import PROJECTIONS
from stream.projections.protocol import Asking
from stream.settings import Settings

_INPUTS = 5
vectors = st.lists(st.floats(-5.0, 5.0), min_size=_INPUTS, max_size=_INPUTS).map(np.array)
labels = st.lists(st.tuples(vectors, st.booleans()), min_size=1, max_size=30)


@settings(max_examples=100)
@given(labels, vectors, st.booleans(), vectors)
def test_a_label_moves_anothers_log_odds_by_no_more_than_both_were_unsure_of(
    before: list[tuple[np.ndarray, bool]], x: np.ndarray, churned: bool, other: np.ndarray
) -> None:
    model = SecondOrderRegression(_INPUTS)
    for of, has_churned in before:
        model.learn(of, churned=has_churned)
    covariance, weights = model.arrays()[4].copy(), model.weights.copy()
    model.learn(x, churned=churned)
    # scales learn first
    z, others = np.zeros(_INPUTS + 1), np.zeros(_INPUTS + 1)
    kalman.standardise(x, model.means, model.variances, z)
    kalman.standardise(other, model.means, model.variances, others)
    change = abs((model.weights - weights) @ others)
    bound = math.sqrt((z @ covariance @ z) * (others @ covariance @ others))
    assert change <= bound * (1 + 1e-9) + 1e-12


@settings(max_examples=50)
@given(st.lists(st.tuples(vectors, st.floats(0.01, 1e6)), min_size=1, max_size=20))
def test_a_label_moves_a_weight_of_the_value_by_a_bounded_step(labels: list[tuple[np.ndarray, float]]) -> None:
    model = LogLink(_INPUTS)
    for _ in range(FIRST_BUYERS):
        model.learn(np.zeros(_INPUTS), 10.0)
    for z, y in labels:
        before = np.array([model.weights.get(axis, 0.0) for axis in range(_INPUTS)])
        model.learn(z, y)
        after = np.array([model.weights.get(axis, 0.0) for axis in range(_INPUTS)])
        # the last term is what draws weights to nothing
        assert (np.abs(after - before) <= FIRST_RATE * (MAX_RESIDUAL * np.abs(z) + 1e-3 * np.abs(before)) + 1e-12).all()


def test_whatever_learns_of_all_customers_says_what_it_keeps_of_one() -> None:
    learners = {component.name for component in COMPONENTS}
    of_settings = Settings()
    asking = {name for name, make in PROJECTIONS.items() if isinstance(make(of_settings), Asking)}
    assert {*TRACES} == learners | asking | {"leads", "offers", "recommendations"}
    assert all(trace.keeps and trace.at_most for trace in TRACES.values())
