"""An explanation adds up to the score and lists the most important reasons first."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.alerts.alert_records import Reason
from stream.alerts.reasons import TOP_CHANGES, TOP_REASONS, Explanation, Score, changes, explain, remedy
from stream.errors import SnapshotError
from stream.features.registry import COLUMN, FEATURE_NAMES, FEATURES

SIZE = len(FEATURE_NAMES)
ones, zeros = [1.0] * SIZE, [0.0] * SIZE


def vector(**columns: float) -> list[float]:
    return [columns.get(name, 0.0) for name in FEATURE_NAMES]


def explain_weights(weights: list[float], **options: Any) -> Explanation:
    return explain(ones, Score(weights, zeros, ones, -1.0), dict.fromkeys(FEATURE_NAMES, 1.0), **options)


numbers = st.lists(st.floats(-100, 100), min_size=SIZE, max_size=SIZE)
scales = st.lists(st.just(0.0) | st.floats(1e-2, 100), min_size=SIZE, max_size=SIZE)


columns = st.integers(0, SIZE - 1)
products = st.lists(st.tuples(columns, columns, st.floats(-10, 10)), max_size=5)


@given(numbers, numbers, numbers, scales, st.floats(-20, 20), products, st.integers(0, SIZE + 1), st.booleans())
def test_the_parts_add_up_to_the_score(
    inputs: list[float],
    weights: list[float],
    means: list[float],
    spread: list[float],
    intercept: float,
    products: list[tuple[int, int, float]],
    top: int,
    raising: bool,
) -> None:
    values = dict.fromkeys(FEATURE_NAMES)
    score = Score(weights, means, spread, intercept, products)
    found = explain(inputs, score, values, top=top, raising=raising)
    parts = [found.baseline, found.rest, *(reason.contribution for reason in found.reasons)]
    size = sum(map(abs, parts))
    assert math.fsum(parts) == pytest.approx(found.logit, rel=0, abs=1e-9 * max(1.0, size))
    z = score.deviations(inputs).tolist()
    terms = [w * d for w, d in zip(weights, z, strict=True)] + [w * z[a] * z[b] for a, b, w in products]
    assert found.logit == pytest.approx(intercept + sum(terms), abs=1e-9 * (1.0 + sum(map(abs, terms))))
    assert found.baseline == intercept
    assert len(found.reasons) <= top
    assert all(abs(reason.contribution) >= WEAK for reason in found.reasons)


#: A part below this changes the odds by less than 5 %.
WEAK = math.log(1.05)

#: The direction of each feature with every input at 1, above the mean; silence is one reason.
BELIEVED = {
    feature.name: feature.leaving for feature in FEATURES if feature.leaving and feature.name != "silence_ratio"
}


@given(numbers, st.booleans())
def test_only_what_goes_its_feature_s_way_is_a_reason_and_nothing_larger_is_left_out(
    weights: list[float], raising: bool
) -> None:
    found = explain_weights(weights, raising=raising)

    def rank(reason: Reason) -> tuple[bool, bool, float]:
        is_silence = reason.feature == "days_since_purchase"
        return ((reason.contribution > 0) != raising, not is_silence, -abs(reason.contribution))

    parts = dict(zip(FEATURE_NAMES, Score(weights, zeros, ones, -1.0).contributions(scored(weights)), strict=True))
    parts["days_since_purchase"] += parts["silence_ratio"]
    believed = {name for name, leaving in BELIEVED.items() if parts[name] * leaving > 0.0 and abs(parts[name]) >= WEAK}
    listed = [reason.feature for reason in found.reasons]
    assert list(found.reasons) == sorted(found.reasons, key=rank)
    assert set(listed) <= believed
    assert len(listed) == min(TOP_REASONS, len(believed))
    left = [Reason(feature=name, value=None, contribution=parts[name], sentence="") for name in believed - set(listed)]
    assert all(rank(one) <= rank(other) for one in found.reasons for other in left)


def scored(weights: list[float]) -> npt.NDArray[np.float64]:
    """The standardised inputs to explain."""
    return Score(weights, zeros, ones, -1.0).deviations(ones)


def test_reasons_for_a_high_risk_come_before_larger_ones_against_it_and_the_silence_before_all() -> None:
    weights = vector(purchases_90d=-3.0, silence_ratio=1.0, refund_ratio=2.0)
    assert [r.feature for r in explain_weights(weights).reasons] == [
        "days_since_purchase",
        "refund_ratio",
        "purchases_90d",
    ]
    low = explain_weights(weights, raising=False).reasons
    assert [r.feature for r in low] == ["purchases_90d", "days_since_purchase", "refund_ratio"]


def test_reasons_against_common_sense_are_in_the_rest() -> None:
    found = explain_weights(vector(tenure=5.0, purchases_28d=2.0, refund_ratio=-1.0, clicks_7d=-0.5))
    assert [r.feature for r in found.reasons] == ["clicks_7d"]
    assert found.rest == pytest.approx(5.0 + 2.0 - 1.0)


def test_changes_of_the_odds_below_a_twentieth_are_in_the_rest() -> None:
    weak = vector(days_since_purchase=0.02, silence_ratio=0.02, refund_ratio=0.0487, clicks_7d=-0.0488)
    found = explain_weights(weak)
    assert [r.feature for r in found.reasons] == ["clicks_7d"]
    assert found.rest == pytest.approx(0.02 + 0.02 + 0.0487)


def test_silence_counts_by_its_two_parts_together() -> None:
    (reason,) = explain_weights(vector(days_since_purchase=0.04, silence_ratio=0.04)).reasons
    assert reason.feature == "days_since_purchase"
    assert reason.contribution == pytest.approx(0.08)


def test_a_typical_customer_has_no_reasons() -> None:
    found = explain(ones, Score([2.0] * SIZE, ones, ones, 0.25, [(0, 1, 3.0)]), {})
    assert found == Explanation(logit=0.25, baseline=0.25, reasons=(), rest=0.0)


def test_a_feature_that_never_varied_contributes_nothing() -> None:
    found = explain([5.0] * SIZE, Score(ones, zeros, zeros, 0.5, [(0, 1, 3.0)]), {})
    assert found == Explanation(logit=0.5, baseline=0.5, reasons=(), rest=0.0)


def test_a_reason_states_value_part_and_sentence() -> None:
    inputs, weights, means = np.zeros(SIZE), np.zeros(SIZE), np.zeros(SIZE)
    column = COLUMN["days_since_purchase"]
    inputs[column], weights[column], means[column] = math.log1p(34), 2.0, math.log1p(9)
    values = {"days_since_purchase": 34.000049, "purchase_gap": 9.2, "purchases_total": 12.0}
    score = Score(weights.tolist(), means.tolist(), [0.5] * SIZE, -1.0)
    (reason,) = explain(inputs.tolist(), score, values).reasons
    assert reason.feature == "days_since_purchase"
    assert reason.value == 34.0
    assert reason.contribution == pytest.approx(4 * (math.log(35) - math.log(10)))
    assert reason.sentence == "No order for 34 days; usually every 9."


def test_a_value_that_is_not_known_yet_stays_null() -> None:
    score = Score(vector(days_since_click=1.0), zeros, ones, 0.0)
    (reason,) = explain(ones, score, {"days_since_click": None}).reasons
    assert reason.value is None
    assert reason.sentence == "No site or app event yet."


@pytest.mark.parametrize("short", ["weights", "means", "scales"])
def test_a_model_for_other_features_is_an_error(short: str) -> None:
    vectors: dict[str, Any] = dict.fromkeys(("weights", "means", "scales"), ones)
    vectors[short] = ones[:-1]
    with pytest.raises(SnapshotError, match=f"expected {SIZE} numbers each.*'{short}': {SIZE - 1}"):
        Score(**vectors, intercept=0.0)


def test_inputs_of_other_features_are_an_error() -> None:
    with pytest.raises(SnapshotError, match=f"expected {SIZE} inputs, got {SIZE - 1}"):
        explain(ones[:-1], Score(ones, zeros, ones, 0.0), {})


def test_a_product_is_shared_equally_and_a_square_belongs_to_its_feature() -> None:
    click, refunds = COLUMN["days_since_click"], COLUMN["refund_ratio"]
    score = Score(zeros, zeros, ones, 0.0, [(click, refunds, 2.0), (refunds, refunds, 0.5)])
    found = explain([3.0 if name in {"days_since_click", "refund_ratio"} else 0.0 for name in FEATURE_NAMES], score, {})
    assert {r.feature: r.contribution for r in found.reasons} == {"days_since_click": 9.0, "refund_ratio": 13.5}


@given(numbers, numbers, numbers, products)
def test_changes_list_the_largest_rises_of_what_changed(
    before: list[float], now: list[float], weights: list[float], products: list[tuple[int, int, float]]
) -> None:
    score = Score(weights, zeros, ones, 0.0, products)
    found = changes(before, now, score)
    rises = [change.contribution for change in found]
    assert len(found) <= TOP_CHANGES
    assert rises == sorted(rises, reverse=True)
    assert all(rise >= WEAK for rise in rises)
    for change in found:
        column = COLUMN[change.feature]
        assert (now[column] - before[column]) * FEATURES[column].leaving > 0.0


def test_a_change_shows_the_old_and_the_new_value() -> None:
    before, now = vector(days_since_purchase=math.log1p(6)), vector(days_since_purchase=math.log1p(34))
    (change,) = changes(before, now, Score(ones, zeros, ones, 0.0))
    assert change.feature == "days_since_purchase"
    assert change.contribution == pytest.approx(math.log(35) - math.log(7))
    assert change.sentence == "Days since the last order: 34 (was 6)."


def test_amounts_are_written_as_the_shop_writes_them() -> None:
    def money(amount: float) -> str:
        return f"EUR {amount:.0f}"

    score = Score(vector(spend_28d=-1.0), vector(spend_28d=5.0), ones, 0.0)
    before, now = vector(spend_28d=math.log1p(40)), vector(spend_28d=math.log1p(12))
    (reason,) = explain(now, score, {"spend_28d": 12.0}, money=money).reasons
    (change,) = changes(before, now, score, money=money)
    assert reason.sentence == "Only EUR 12 spent in the last 28 days."
    assert change.sentence == "Spend in 28 days: EUR 12 (was EUR 40)."


def test_without_a_change_there_is_no_sentence() -> None:
    assert changes(ones, ones, Score(ones, zeros, ones, 0.0)) == ()


def test_an_order_is_a_remedy() -> None:
    found = remedy(0.714, 0.312)
    assert found.clears
    assert found.sentence == "An order today clears the alert, and lowers the risk from 71 % to 31 %."


@pytest.mark.parametrize("after", [0.198, 0.1914, 0.1909])
def test_a_risk_that_an_order_does_not_lower_is_left_out(after: float) -> None:
    assert remedy(0.1914, after).sentence == "An order today clears the alert."
