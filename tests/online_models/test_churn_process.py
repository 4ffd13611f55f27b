"""The purchase process as a term of the churn model."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stream.online_models.churn import ChurnModel
from stream.online_models.scaler_state import SCALE_FLOOR
from tests.online_models.test_churn import logit_of, rows

#: Of the purchase process; NaN: not known.
log_odds = st.floats(-11.5, 11.5) | st.just(np.nan)


@settings(deadline=None)
@given(st.lists(st.tuples(rows, log_odds, st.booleans()), min_size=1, max_size=25), rows, log_odds)
def test_the_log_odds_of_the_purchase_process_are_a_term_beside_the_quadratic_form(
    history: list[tuple[list[int], float, bool]], probe: list[int], odds: float
) -> None:
    model = ChurnModel()
    for x, of, churned in history:
        model.learn_one(x, churned=churned, odds=of)
    form = model.quadratic()
    known = [of for _, of, _ in history if not np.isnan(of)]
    assert form.odds_mean == pytest.approx(np.mean(known) if known else 0.0)
    added = 0.0 if np.isnan(odds) else form.odds_weight * (odds - form.odds_mean)
    unknown = logit_of(model.predict_proba_one(probe))
    assume(abs(unknown) < 20.0)
    assert logit_of(model.predict_proba_one(probe, odds=odds)) == pytest.approx(unknown + added, abs=1e-5)


@settings(deadline=None)
@given(
    st.lists(st.tuples(rows, log_odds, st.booleans()), min_size=1, max_size=10),
    log_odds,
    st.floats(0.5, 3.0),
    st.floats(-2.0, 2.0),
)
def test_at_another_horizon_the_process_speaks_of_it_and_the_logit_is_converted(
    history: list[tuple[list[int], float, bool]], odds: float, scale: float, shift: float
) -> None:
    model = ChurnModel()
    for x, of, churned in history:
        model.learn_one(x, churned=churned, odds=of)
    probe = history[0][0]
    before = logit_of(model.predict_proba_one(probe, odds=odds))
    assume(abs(before) < 8.0)
    known = [of for _, of, _ in history if not np.isnan(of)]
    seen = bool(known)
    # log-odds that hardly differ are divided by the floor of scales, which is the same at every horizon
    assume(not 0.0 < np.std(known or [0.0]) * min(scale, 1.0) < SCALE_FLOOR)
    model.convert(scale, shift)
    after = logit_of(model.predict_proba_one(probe, odds=scale * odds + shift if seen else odds))
    assert after == pytest.approx(scale * before + shift, abs=1e-5)
