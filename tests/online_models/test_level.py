import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stream.online_models.basis import RELATIVE
from stream.online_models.learner import Learner
from stream.online_models.level import HALF_LIFE_MS, Level, Levels
from tests.online_models.made_up import DAY_MS, START_MS, examples, label, observation, quantised

values = st.floats(0.0, 10.0)
times = st.integers(START_MS, START_MS + 400 * DAY_MS)


def level_of(customers: list[tuple[float, int]]) -> Level:
    level = Level()
    for value, at_ms in customers:
        level.learn_one(value, at_ms)
    return level


@given(st.lists(st.tuples(values, times), min_size=1))
def test_the_level_lies_among_the_customers(customers: list[tuple[float, int]]) -> None:
    level = level_of(customers)
    assert min(customers)[0] - 1e-9 <= level.mean <= max(customers)[0] + 1e-9
    assert 1.0 <= level.weight <= len(customers)


@given(st.lists(values, min_size=1).flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_among_customers_of_one_time_their_order_does_not_matter(found: tuple[list[float], list[float]]) -> None:
    one, other = (level_of([(value, START_MS) for value in order]) for order in found)
    assert one.mean == pytest.approx(other.mean)


@given(st.lists(st.tuples(values, times), min_size=1), st.floats(0.0, 5.0))
def test_a_gain_of_all_customers_is_a_gain_of_the_level(customers: list[tuple[float, int]], gain: float) -> None:
    richer = [(value + gain, at_ms) for value, at_ms in customers]
    assert level_of(richer).mean == pytest.approx(level_of(customers).mean + gain)


def test_customers_of_a_half_life_ago_count_half() -> None:
    assert level_of([(0.0, START_MS), (3.0, START_MS + HALF_LIFE_MS)]).mean == pytest.approx(2.0)


def test_a_customer_who_comes_late_does_not_turn_time_back() -> None:
    late = level_of([(1.0, START_MS + HALF_LIFE_MS), (2.0, START_MS)])
    assert (late.at_ms, late.weight) == (START_MS + HALF_LIFE_MS, 2.0)


def test_a_label_meets_the_customers_of_its_landmark_and_a_score_those_of_the_present() -> None:
    levels = Levels()
    levels.observe(5.0, START_MS + 28 * DAY_MS)
    assert levels.of_label(1.0, START_MS) == 1.0
    assert levels.present == 5.0


def test_without_observations_the_customers_of_the_labels_are_the_present() -> None:
    levels = Levels()
    levels.of_label(1.5, START_MS)
    assert levels.present == 1.5


def test_what_is_published_changes_with_the_labels_as_its_version_does() -> None:
    learner = Learner()
    for example in examples(5, 600):
        learner.learn(example)
    before = learner.snapshot(0).churn
    at_ms = START_MS + 600 * DAY_MS
    learner.learn(observation(quantised(purchase_days=6.0), at_ms))
    assert learner.snapshot(0).churn == before
    learner.learn(label(quantised(), churned=False, at_ms=at_ms))
    after = learner.snapshot(0).churn
    assert after.version > before.version
    # its only neighbour in time has far more days with an order than the customers before
    assert after.means[RELATIVE] > before.means[RELATIVE] + 1.0


def test_a_label_counts_only_its_information_beyond_the_previous_one() -> None:
    one = label(quantised(), churned=True)
    assert one.novelty == 0.25
    assert replace(one, matured_at_ms=one.at_ms + DAY_MS).novelty == 1.0
