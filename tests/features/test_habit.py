import doctest
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.features import habit
from stream.features.profile import PROFILE, reset
from stream.features.registry import DAY_MS

spans = st.floats(0.0, 3000.0)
order_days = st.integers(0, 500)
shop_gaps = st.floats(0.5, 400.0)


def test_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(habit).failed == 0


@given(st.lists(st.tuples(spans, order_days), min_size=1), shop_gaps)
def test_the_compiled_formula_and_the_one_over_arrays_agree(
    customers: list[tuple[float, int]], shop_gap: float
) -> None:
    span, days = (np.array(column) for column in zip(*customers, strict=True))
    one_by_one = [habit.habit_days(s, d, shop_gap) for s, d in customers]
    np.testing.assert_allclose(habit.habits_days(span, days, shop_gap), one_by_one)


@given(spans, st.integers(2, 500), shop_gaps)
def test_a_habit_lies_between_the_own_mean_gap_and_the_gap_of_the_shop(span: float, days: int, shop_gap: float) -> None:
    own = span / (days - 1)
    known = habit.habit_days(span, days, shop_gap)
    assert max(min(own, shop_gap), 1.0) - 1e-9 <= known <= max(own, shop_gap, 1.0) + 1e-9


@given(st.floats(1.0, 60.0), shop_gaps)
def test_the_more_gaps_are_known_the_nearer_the_habit_is_to_them(own: float, shop_gap: float) -> None:
    distances = [abs(habit.habit_days(own * gaps, gaps + 1, shop_gap) - max(own, 1.0)) for gaps in (1, 2, 5, 50)]
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(distances))


def test_the_habit_of_a_profile_is_that_of_its_orders() -> None:
    p = np.zeros(1, PROFILE)[0:1].view(np.recarray)[0]
    reset(p, 0)
    assert habit.profile_habit_days(p, 21.0) == 21.0
    p.orders, p.order_days = 8, 7
    p.first_order_at, p.last_order_at = 1_000 * DAY_MS, 1_084 * DAY_MS
    assert habit.profile_habit_days(p, 30.0) == pytest.approx(114 / 7)


def test_a_customer_without_an_order_is_not_overdue() -> None:
    assert np.isnan(habit.overdue_habits([np.nan], [30.0])).all()
