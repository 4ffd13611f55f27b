"""Days without orders are a closure where orders would have come, and do not count when the process is fitted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.features.registry import DAY_MS
from stream.online_models.closures import OrderDays
from stream.online_models.components.purchases import Purchases
from stream.online_models.customer_sample import CustomerSample
from stream.online_models.learner import Learner
from stream.online_models.purchase_fit import fit
from tests.online_models.test_purchase_process import TRUE, histories, order_days, play

DAY_MINUTES = 1_440
FIRST = 17_000


def counted(per_day: list[int]) -> OrderDays:
    days = OrderDays()
    for day, orders in enumerate(per_day):
        for order in range(orders):
            days.count((FIRST + day) * DAY_MS + order)
    return days


def closed(per_day: list[int], today: int) -> list[int]:
    return [day - FIRST for day in counted(per_day).closed((FIRST + today) * DAY_MS).tolist()]


def test_days_in_a_row_without_the_orders_of_a_busy_shop_are_a_closure() -> None:
    assert closed([20] * 30 + [0] * 9 + [20] * 30, 69) == [*range(30, 39)]
    assert closed([20] * 30 + [0] * 2 + [20] * 30, 62) == []
    assert closed([20, 20, 20, 20, 20, 0, 0] * 10, 70) == []
    assert closed([20] * 30 + [0] * 9 + [1] + [20] * 30, 70) == [*range(30, 39)]


def test_a_shop_of_few_orders_has_quiet_days_and_no_closure() -> None:
    assert closed([6] * 30 + [0] * 9 + [6] * 30, 69) == []
    assert closed([], 10) == []


def test_a_closure_is_known_as_soon_as_the_landmarks_would_have_told_of_orders() -> None:
    """Of a day k days ago k sevenths are known: of 14 orders a day 7 on the fourth day, of 20 on the third."""
    assert closed([14] * 30, 30 + 6) == [30, 31, 32]
    assert closed([14] * 30, 30 + 5) == []
    assert closed([20] * 30, 30 + 5) == [30, 31, 32]


def test_old_days_are_forgotten() -> None:
    days = counted([20] * 10 + [0] * 3_000 + [20])
    assert [*days.orders] == [FIRST + 3_010]


@settings(max_examples=100)
@given(st.lists(st.integers(0, 60), max_size=12, unique=True).map(sorted), st.lists(st.integers(0, 50), min_size=1))
def test_closed_days_are_taken_off_every_time_between_orders(days: list[int], begins: list[int]) -> None:
    sample = CustomerSample()
    times = []
    for number, begin in enumerate(begins):
        first, last, at = (
            FIRST * DAY_MINUTES + hours * 60 for hours in (begin * 24 + 7, begin * 24 + 100, begin * 24 + 251)
        )
        times.append((first, last, at))
        sample.see(f"c{number}", at_ms=at * 60_000, first_ms=first * 60_000, last_ms=last * 60_000, x=1)
    of = sample.histories(FIRST * DAY_MS, np.array(days, np.int64) + FIRST)
    is_open = np.ones(90, np.int64)
    is_open[days] = 0
    minutes = np.repeat(is_open, DAY_MINUTES)
    expected = sorted(
        (
            minutes[first - FIRST * DAY_MINUTES : last - FIRST * DAY_MINUTES].sum() / DAY_MINUTES,
            minutes[first - FIRST * DAY_MINUTES : at - FIRST * DAY_MINUTES].sum() / DAY_MINUTES,
        )
        for first, last, at in times
    )
    assert sorted(zip(of.last.tolist(), of.age.tolist(), strict=True)) == pytest.approx(np.array(expected))


def test_a_closed_young_shop_does_not_count_its_customers_as_lost() -> None:
    """The same orders with and without twelve closed days; without regard to them more than twice as many leave."""
    generator = np.random.default_rng(6)
    orders = []
    for _ in range(1_200):
        begin = generator.uniform(0.0, 20.0)
        orders.append([begin + at for at in order_days(TRUE, generator, 40.0 - begin)])
    through = [[at if at < 24.0 else at + 12.0 for at in one] for one in orders]
    risks = []
    for log in (orders, through):
        learner = Learner(components=(Purchases,))
        play(learner, log, 38.0)
        risks.append(float(learner.of(Purchases).process.no_order(histories(orders, 24.0), 56.0).mean()))
    blind = fit(histories(through, 37.0))
    assert risks[1] == pytest.approx(risks[0], abs=0.08)
    assert float(blind.no_order(histories(orders, 24.0), 56.0).mean()) > risks[0] + 0.15
