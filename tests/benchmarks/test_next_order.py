"""Four of five next orders come within their interval, on both logs."""

import numpy as np
import pytest

from benchmarks.alerts import LOGS, ROOT
from benchmarks.next_order import judge, order_days, usual_gap
from benchmarks.silences import Shop

DAY_MS = 86_400_000


@pytest.mark.parametrize("name", [*LOGS])
def test_about_four_of_five_next_orders_come_within_the_interval(name: str) -> None:
    customer, at_ms = order_days(Shop(ROOT / LOGS[name]))
    for gap in (usual_gap(customer, at_ms), 30.0):
        assert 0.75 <= judge(customer, at_ms, gap).within.mean() <= 0.85


def test_orders_are_judged_by_the_habit_before_them() -> None:
    days = np.array([0, 30, 32, 0, 100])
    judged = judge(np.array([0, 0, 0, 1, 1]), days * DAY_MS, 30.0)
    # 30 days after the first is within 7.5 and 90; 2 days are less than a quarter of 30, 100 more than three times 30
    assert judged.within.tolist() == [True, False, False]
    assert (judged.early.tolist(), judged.late.tolist()) == ([False, True, False], [False, False, True])
    assert judged.shown.tolist() == [0, 1, 0]
