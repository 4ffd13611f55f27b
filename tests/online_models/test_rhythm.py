"""The shop's rhythm: a life table against a recount, order of arrival, hysteresis, cold start."""

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.features.registry import COLUMN, DAY_MS, FEATURES, INPUT_SCALE
from stream.online_models.example import Observation
from stream.online_models.horizon import HORIZONS, Seed, fixed_schedule
from stream.online_models.rhythm import RhythmModel, RhythmState
from stream.online_models.rhythm_history import rhythm_of_orders

WEEK = 7 * DAY_MS
BEGIN = 2_800 * WEEK
#: Orders are placed at this time of the day (days).
NOON = 0.5


def landmark(customer: int, week: int, days: list[int]) -> Observation:
    """A customer at the beginning of ``week``, with orders on ``days`` since `BEGIN`."""
    at = BEGIN + week * WEEK
    past = [day for day in days if BEGIN + day * DAY_MS < at]
    shown = {
        "purchase_days": float(len(set(past))),
        "purchases_total": float(len(past)),
        "days_since_purchase": (at - BEGIN) / DAY_MS - max(past) - NOON,
        "purchase_gap": (max(past) - min(past)) / max(len(past) - 1, 1),
    }
    x = [0] * len(FEATURES)
    for name, value in shown.items():
        x[COLUMN[name]] = round(FEATURES[COLUMN[name]].input_of(value) * INPUT_SCALE)
    return Observation(example_id=f"{customer}@{week}", customer_id=str(customer), at_ms=at, x=x)


def shop(gap_days: float, customers: int, weeks: int, seed: int = 1, leave: float = 0.0) -> list[list[int]]:
    """Days with an order, by customer: exponential gaps, and a chance to leave after each order."""
    draw = random.Random(seed)
    found = []
    for _ in range(customers):
        day, days = draw.uniform(0, gap_days), []
        while day < 7 * weeks:
            days.append(int(day))
            if draw.random() < leave:
                break
            day += max(draw.expovariate(1.0 / gap_days), 1.0)
        found.append(days)
    return found


def landmarks(orders: list[list[int]], weeks: int, first: int = 1) -> list[Observation]:
    return [
        landmark(customer, week, days)
        for week in range(first, weeks)
        for customer, days in enumerate(orders)
        if days and days[0] < 7 * week
    ]


def learned(observations: list[Observation]) -> RhythmModel:
    model = RhythmModel()
    for observation in observations:
        model.learn_one(observation)
    return model


@pytest.mark.parametrize(("gap_days", "horizon"), [(9.0, 28.0), (60.0, 56.0), (120.0, 91.0)])
def test_the_horizon_follows_how_often_customers_order(gap_days: float, horizon: float) -> None:
    rhythm = learned(landmarks(shop(gap_days, 250, 70), 70)).snapshot()
    assert rhythm.known
    assert rhythm.horizon_days == horizon
    # the median of means of a few exponential gaps lies below the mean, and a young log cuts the long ones off
    assert 0.6 * gap_days < rhythm.shop_gap_days < 1.1 * gap_days


@pytest.mark.parametrize("gap_days", [15.0, 45.0])
def test_shares_of_silent_customers_are_those_of_a_recount(gap_days: float) -> None:
    orders = shop(gap_days, 600, 60, leave=0.05)
    shares = learned(landmarks(orders, 60)).snapshot().silent_shares
    for days, share in zip(HORIZONS, shares, strict=True):
        regular, silent = 0, 0
        for week in range(20, 60 - days // 7):
            for customer in orders:
                now = 7 * week
                past = [day for day in customer if day < now]
                if len(set(past)) > 1 and now - max(past) < 56:
                    regular += 1
                    silent += not any(now <= day < now + days for day in customer)
        assert share == pytest.approx(silent / regular, abs=0.03)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_the_order_of_arrival_does_not_matter_to_the_counts(seed: int) -> None:
    observations = landmarks(shop(30.0, 12, 30, seed), 30)
    mixed = list(observations)
    random.Random(seed).shuffle(mixed)
    expected, found = learned(observations), learned(mixed)
    assert found.state().cohorts == expected.state().cohorts
    assert found.snapshot().silent_shares == expected.snapshot().silent_shares
    assert found.snapshot().gap_quantiles == expected.snapshot().gap_quantiles


def test_a_history_gives_the_figures_that_its_landmarks_give() -> None:
    orders = shop(40.0, 300, 50)
    known = [(customer, day) for customer, days in enumerate(orders) for day in days]
    who, day = np.array(known).T
    history = rhythm_of_orders(who, BEGIN + (day + NOON) * DAY_MS, BEGIN + 50 * WEEK)
    live = learned(landmarks(orders, 51)).snapshot()
    assert history.customer_weeks == live.customer_weeks
    assert history.shop_gap_days == pytest.approx(live.shop_gap_days, rel=0.02)
    assert history.silent_shares == pytest.approx(live.silent_shares, abs=0.03)
    assert (history.horizon_days, history.since_ms) == (56.0, 0)


def test_a_shop_at_the_edge_does_not_flip_its_horizon() -> None:
    """Seasons that swing around the gap at the edge of 28 days: few changes, each after much evidence."""
    orders = shop(40.0, 150, 150, seed=3)
    model = learned(landmarks(orders, 150))
    times = [period.since_ms for period in model.schedule[1:]]
    assert len(times) <= 2
    assert all(later - earlier >= 8 * WEEK for earlier, later in pairwise(times))


def test_a_shop_that_slows_down_gets_a_longer_horizon_and_later_a_shorter_one_again() -> None:
    fast, slow = shop(10.0, 150, 60, seed=1), shop(150.0, 150, 120, seed=2)
    again = shop(8.0, 400, 110, seed=4)
    orders = [
        [*a, *(60 * 7 + day for day in b), *(180 * 7 + day for day in c)]
        for a, b, c in zip([*fast, *[[]] * 250], [*slow, *[[]] * 250], again, strict=True)
    ]
    horizons = [period.days for period in learned(landmarks(orders, 290)).schedule]
    assert horizons[0] == 28.0
    assert 91.0 in horizons
    assert horizons[-1] == 28.0


def test_a_restored_rhythm_continues_unchanged() -> None:
    observations = landmarks(shop(60.0, 120, 60), 60)
    whole, half = learned(observations), learned(observations[: len(observations) // 2])
    resumed = RhythmModel(state=half.state())
    for observation in observations[len(observations) // 2 :]:
        resumed.learn_one(observation)
    assert resumed.snapshot() == whole.snapshot()


def test_a_fixed_horizon_stays_and_the_gap_is_learned_all_the_same() -> None:
    model = RhythmModel(horizon_days=14.0)
    for observation in landmarks(shop(60.0, 200, 60), 60):
        assert model.learn_one(observation) is None
    rhythm = model.snapshot()
    assert (rhythm.horizon_days, rhythm.since_ms) == (14.0, 0)
    assert rhythm.shop_gap_days > 40.0


def test_the_gap_of_a_history_holds_until_its_end_is_learned() -> None:
    weeks = 60
    observations = landmarks(shop(60.0, 80, weeks), weeks)
    seed = Seed(schedule=fixed_schedule(91.0), shop_gap_days=61.5, until_ms=BEGIN + (weeks - 1) * WEEK + DAY_MS)
    seeded, other = RhythmModel(seed=seed), RhythmModel()
    early = 0
    for k, observation in enumerate(observations):
        seeded.learn_one(observation)
        other.learn_one(observation)
        if k % 50 == 0 and observation.at_ms < BEGIN + (weeks - 1) * WEEK:
            assert seeded.snapshot().shop_gap_days == 61.5
            early += other.snapshot().known and other.snapshot().shop_gap_days < 45.0
    assert other.schedule != fixed_schedule(91.0) == seeded.schedule
    assert early > 0  # the first weeks of a history show short gaps only
    assert seeded.snapshot().shop_gap_days == other.snapshot().shop_gap_days != 61.5


def test_a_hardly_known_shop_has_no_figures() -> None:
    rhythm = learned(landmarks(shop(60.0, 5, 8), 8)).snapshot()
    assert (rhythm.known, rhythm.horizon_days, rhythm.silent_shares) == (False, 28.0, ())
    empty = rhythm_of_orders([], [], BEGIN)
    assert (empty.known, empty.horizon_days) == (False, 28.0)


def test_memory_is_bounded() -> None:
    model = learned(landmarks(shop(20.0, 10, 400), 400))
    state: RhythmState = model.state()
    assert len(state.cohorts) <= 104
    assert len(state.gaps) <= 20
