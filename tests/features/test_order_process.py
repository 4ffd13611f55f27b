"""The compiled purchase process of one customer, against the formulas over arrays and from inputs and back."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.features.order_process import ProcessTerm, histories, history_of, log_odds
from stream.features.registry import COLUMN, FEATURES, INPUT_SCALE
from stream.online_models.purchase_process import Histories, PurchaseProcess

positive = st.floats(0.05, 20.0)


@given(st.integers(0, 400), st.floats(0.0, 2000.0), st.floats(0.0, 2000.0), positive, positive, positive, positive)
def test_the_log_odds_are_those_of_the_formulas(
    x: int, span: float, silence: float, r: float, alpha: float, a: float, b: float
) -> None:
    last = span if x else 0.0
    process = PurchaseProcess(r=r, alpha=10.0 * alpha, a=a, b=b)
    of = Histories(np.array([float(x)]), np.array([last]), np.array([last + silence]))
    expected = float(np.clip(process.no_order(of, 28.0)[0], 1e-5, 1.0 - 1e-5))
    found = log_odds(x, last, last + silence, np.array([r, 10.0 * alpha, a, b, 28.0]))
    assert 1.0 / (1.0 + math.exp(-found)) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def inputs_of(days: int, orders: int, recency: float, gap: float) -> np.ndarray:
    inputs = np.zeros(len(FEATURES), np.int16)
    for name, value in (
        ("purchase_days", days),
        ("purchases_total", orders),
        ("days_since_purchase", recency),
        ("purchase_gap", gap),
    ):
        inputs[COLUMN[name]] = round(math.log1p(value) * INPUT_SCALE)
    return inputs


@given(st.integers(1, 500), st.integers(0, 300), st.floats(0.0, 700.0), st.floats(0.01, 365.0))
def test_the_inputs_tell_the_history(days: int, further: int, recency: float, gap: float) -> None:
    orders = days + further
    span = gap * (orders - 1) if days > 1 else 0.0
    inputs = inputs_of(days, orders, recency, gap)
    x, last, age = history_of(inputs, float(INPUT_SCALE))
    assert x == days - 1
    assert last == pytest.approx(span, rel=2e-3, abs=1e-3 * orders)
    assert age - last == pytest.approx(recency, rel=1e-3, abs=1e-3)
    many = histories(np.stack([inputs, inputs]))
    assert [column.tolist() for column in many] == [[x] * 2, [last] * 2, [age] * 2]


@given(st.integers(0, 60), st.integers(0, 20), st.floats(0.0, 700.0), st.floats(0.5, 100.0))
def test_the_parts_of_silence_and_habit_add_up_and_the_silence_raises_once_it_is_overdue(
    days: int, further: int, recency: float, gap: float
) -> None:
    process = np.array([0.8, 40.0, 0.6, 2.0, 28.0])
    term = ProcessTerm(0.7, process, typical=-0.4, typical_silence=30.0, is_alone=days == 0)
    inputs = inputs_of(days, days + further if days else 0, recency, gap).astype(np.float64) / INPUT_SCALE
    silence, habit = term.silence_and_habit(inputs, 1.0)
    if days == 0:
        assert (silence, habit) == (0.0, 0.0)
        assert math.isnan(term.part(inputs, 1.0))
        assert term._replace(is_alone=False).part(inputs, 1.0) == pytest.approx(0.7 * -0.4)
        return
    assert silence + habit + 0.7 * -0.4 == pytest.approx(term.part(inputs, 1.0))
    x, last, age = history_of(inputs, 1.0)
    usual = last / x if x > 0 else 30.0
    if abs(age - last - usual) > 0.01 * usual:
        assert (silence > 0.0) == (age - last > usual) or abs(silence) < 1e-6
