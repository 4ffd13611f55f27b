from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.features import habit
from stream.features.orders import complete
from stream.features.profile import PROFILE, reset
from stream.features.registry import DAY_MS

spans = st.floats(0.0, 3000.0)
order_days = st.integers(0, 500)
shop_gaps = st.floats(0.5, 400.0)


@given(spans, st.integers(2, 500), shop_gaps)
def test_a_habit_lies_between_the_own_mean_gap_and_the_gap_of_the_shop(span: float, days: int, shop_gap: float) -> None:
    own = span / (days - 1)
    known = habit.habit_days(span, days, shop_gap)
    assert max(min(own, shop_gap), 1.0) - 1e-9 <= known <= max(own, shop_gap, 1.0) + 1e-9


@given(st.floats(1.0, 60.0), shop_gaps)
def test_the_more_gaps_are_known_the_nearer_the_habit_is_to_them(own: float, shop_gap: float) -> None:
    distances = [abs(habit.habit_days(own * gaps, gaps + 1, shop_gap) - max(own, 1.0)) for gaps in (1, 2, 5, 50)]
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(distances))


def profile_of(days: list[int]) -> np.recarray:
    p: np.recarray = np.zeros(1, PROFILE).view(np.recarray)[0]
    reset(p, 0)
    for day in days:
        complete(p, day, day * DAY_MS + 7, 100)
        p.last_at = max(p.last_at, day * DAY_MS + 7)
    return p


def habit_of(days: list[int], shop_gap: float = 30.0) -> float:
    p = profile_of(days)
    habit.learn_habit(p, shop_gap)
    return float(p.habit_days)


def test_with_at_most_one_order_the_habit_is_that_of_the_shop() -> None:
    assert habit_of([], 21.0) == habit_of([1000], 21.0) == 21.0


def test_one_gap_is_shrunk_to_that_of_the_shop() -> None:
    assert habit_of([1000, 1010], 30.0) == pytest.approx(20.0)


@given(st.lists(st.integers(1, 12), min_size=2, max_size=7), st.floats(1.0, 300.0))
def test_the_habit_is_the_median_of_recent_gaps(gaps: list[int], shop_gap: float) -> None:
    days = np.cumsum([1000, *gaps]).tolist()
    assert habit_of(days, shop_gap) == pytest.approx(np.median(gaps))


@given(st.lists(st.integers(1, 60), min_size=2, max_size=40))
def test_the_habit_lies_within_what_the_gaps_can_tell(gaps: list[int]) -> None:
    days = np.cumsum([1000, *gaps]).tolist()
    p = profile_of(days)
    habit.learn_habit(p, 30.0)
    assert 1.0 <= p.habit_days <= max(gaps)
    assert p.habit_days <= p.long_gap_days


def test_one_long_holiday_does_not_move_the_habit() -> None:
    steady = [1000 + 7 * k for k in range(30)]
    holiday = [*steady, *(steady[-1] + 60 + 7 * k for k in range(10))]
    assert habit_of(steady) == pytest.approx(7.0, abs=1.0)
    assert habit_of(holiday) == pytest.approx(7.0, abs=1.0)


def test_older_gaps_count_by_their_number_and_sum() -> None:
    # two orders within 90 days after ten gaps of 100 days: mostly as an exponential of mean 100
    days = [1000 + 100 * k for k in range(11)]
    assert habit_of(days) == pytest.approx(100 * np.log(2), rel=0.05)


@given(st.lists(st.lists(st.integers(0, 70), max_size=20), min_size=1, max_size=4), shop_gaps)
def test_habits_after_each_order_are_those_of_the_profile_then(customers: list[list[int]], shop_gap: float) -> None:
    histories = [np.cumsum([1000, *gaps]).tolist() for gaps in customers]
    who = np.repeat(np.arange(len(histories)), [len(days) for days in histories])
    at_ms = np.concatenate([np.array(days, np.int64) * DAY_MS + 7 for days in histories])
    expected = [habit_of(days[: n + 1], shop_gap) for days in histories for n in range(len(days))]
    np.testing.assert_array_equal(habit.habits_after(who, at_ms, shop_gap), expected)


def test_a_customer_without_an_order_is_not_overdue() -> None:
    assert np.isnan(habit.overdue_habits([np.nan], [30.0])).all()
