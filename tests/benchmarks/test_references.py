"""References learn only from labels that had matured at their cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.references import REFERENCES, Landmarks, _histories, mbg_nbd, refitted
from benchmarks.simulated_shops import SHOPS, simulate
from stream.features.registry import COLUMN, FEATURE_NAMES, INPUT_SCALE
from stream.online_models.purchase_fit import fit

DAY_MS = 86_400_000
HORIZON_WEEKS = 4


def landmarks(seed: int, weeks: int = 14, customers: int = 60) -> Landmarks:
    """Customers whose churn is more likely the longer they have been silent."""
    generator = np.random.default_rng(seed)
    week = np.repeat(np.arange(1, weeks + 1), customers)
    inputs = generator.integers(0, 4 * INPUT_SCALE, (len(week), len(FEATURE_NAMES))).astype(np.int16)
    silence = inputs[:, COLUMN["days_since_purchase"]] / INPUT_SCALE
    return Landmarks(week, inputs, generator.random(len(week)) < 1.0 / (1.0 + np.exp(4.0 - 2.0 * silence)))


@pytest.mark.parametrize("name", ["logistic regression", "logistic regression, tuned"])
def test_a_label_that_had_not_matured_changes_nothing(name: str) -> None:
    of, asked = landmarks(1), [10, 11, 12]
    first = refitted(REFERENCES[name], of, asked, HORIZON_WEEKS)
    unknown = of._replace(churned=np.where(of.week > 12 - HORIZON_WEEKS, ~of.churned, of.churned))
    assert np.array_equal(refitted(REFERENCES[name], unknown, asked, HORIZON_WEEKS), first, equal_nan=True)
    known = of._replace(churned=np.where(of.week == 12 - HORIZON_WEEKS, ~of.churned, of.churned))
    again = refitted(REFERENCES[name], known, asked, HORIZON_WEEKS)
    assert np.array_equal(again[of.week < 12], first[of.week < 12], equal_nan=True)
    assert not np.array_equal(again[of.week == 12], first[of.week == 12])
    assert np.array_equal(np.isnan(first), ~np.isin(of.week, asked))


def test_before_labels_of_both_kinds_a_reference_predicts_one_half() -> None:
    of = landmarks(2)
    risk = refitted(REFERENCES["logistic regression"], of, [HORIZON_WEEKS], HORIZON_WEEKS)
    assert set(risk[of.week == HORIZON_WEEKS]) == {0.5}


def test_a_reference_finds_who_is_likely_to_churn() -> None:
    of = landmarks(3)
    asked = of.week == 14
    for name in ("logistic regression", "logistic regression, tuned"):
        risk = refitted(REFERENCES[name], of, [14], HORIZON_WEEKS)[asked]
        assert risk[of.churned[asked]].mean() > risk[~of.churned[asked]].mean() + 0.1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 40 * DAY_MS), max_size=6).map(sorted), min_size=1, max_size=8))
def test_histories_count_days_with_an_order_before_the_cut(orders: list[list[int]]) -> None:
    cut = 30 * DAY_MS
    who = np.repeat(np.arange(len(orders)), [len(times) for times in orders])
    at = np.array([time for times in orders for time in times], np.int64)
    customers, of = _histories(who[at < cut], at[at < cut], cut)
    known = {k: [at for at in times if at < cut] for k, times in enumerate(orders)}
    known = {k: times for k, times in known.items() if times}
    assert customers.tolist() == [*known]
    for row, times in enumerate(known.values()):
        days = len({at // DAY_MS for at in times})
        span = (times[-1] - times[0]) / DAY_MS if days > 1 else 0.0
        assert (of.x[row], of.last[row], of.age[row]) == (days - 1, span, (cut - times[0]) / DAY_MS)


def test_mbg_nbd_is_fitted_to_the_orders_before_each_cut() -> None:
    made = simulate(SHOPS["pareto"]._replace(customers=300), 4)
    times = [(made.at[made.customer == k] * DAY_MS).astype(np.int64).tolist() for k in range(300)]
    cuts = [120 * DAY_MS, 240 * DAY_MS]
    found = mbg_nbd(times, cuts, 91.0)
    shorter = mbg_nbd([[at for at in one if at < cuts[0]] for one in times], cuts[:1], 91.0)
    assert np.array_equal(found[0], shorter[0], equal_nan=True)
    who, at = made.customer, (made.at * DAY_MS).astype(np.int64)
    customers, of = _histories(who[at < cuts[1]], at[at < cuts[1]], cuts[1])
    assert found[1][customers] == pytest.approx(fit(of, has_prior=False).no_order(of, 91.0), abs=1e-3)
    assert np.isnan(np.delete(found[1], customers)).all()
