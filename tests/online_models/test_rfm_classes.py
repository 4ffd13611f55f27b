"""Recency, frequency and money in fifths, against ranks counted one by one; from one customer on."""

import math
import random

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.features.registry import COLUMN, DAY_MS, FEATURES, INPUT_SCALE
from stream.features.stages import Stage
from stream.online_models.example import Observation
from stream.online_models.learner import Learner
from stream.online_models.log_histogram import edges_above
from stream.online_models.rfm_classes import WEEKS, RfmModel, RfmSnapshot
from stream.online_models.rfm_scores import measure, score
from stream.online_models.snapshot import decode_snapshot, encode_snapshot
from stream.processing.rfm import FIRST_SEGMENTS, Tier, rate, rating_of
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer
from stream.settings import Settings

BEGIN = 20_000 * DAY_MS
#: The histogram does not separate customers whose values differ by less.
CLOSE = 8 / INPUT_SCALE


def log_input(value: float) -> int:
    return round(math.log1p(value) * INPUT_SCALE)


def inputs(recency_days: float, order_days: int, order_value: float) -> list[int]:
    x = [0] * len(FEATURES)
    x[COLUMN["days_since_purchase"]] = log_input(recency_days)
    x[COLUMN["purchase_days"]] = x[COLUMN["purchases_total"]] = log_input(order_days)
    x[COLUMN["order_value"]] = log_input(order_value)
    return x


def seen(x: list[int], number: int, at_ms: int = BEGIN) -> Observation:
    return Observation(example_id=f"{number}@{at_ms}", customer_id=f"c-{number}", at_ms=at_ms, x=x)


def learned(found: list[list[int]]) -> RfmModel:
    model = RfmModel()
    for number, x in enumerate(found):
        model.learn_one(seen(x, number))
    return model


def measured(x: list[int]) -> list[int]:
    found = np.zeros(3, np.int64)
    measure(np.array(x, np.int16), found)
    return found.tolist()


def scored(x: list[int], snapshot: RfmSnapshot) -> list[int]:
    edges = snapshot.edges()
    return [score(value, edges[k]) for k, value in enumerate(measured(x))]


def score_of(values: list[float], own: float) -> int:
    """Five times the share below, and of half of those equal, rounded up; by counting."""
    below = sum(value < own for value in values)
    equal = sum(value == own for value in values)
    return min(5, 1 + (5 * (2 * below + equal)) // (2 * len(values)))


@pytest.mark.parametrize("customers", [1, 10, 30, 80])
def test_scores_are_fifths_from_the_first_customer_on(customers: int) -> None:
    generator = random.Random(customers)
    # far enough apart to be told apart, and with many that are equal
    made = [
        (
            3.0 * 1.3 ** generator.randrange(12),
            generator.choice([1, 1, 1, 2, 4, 9]),
            10.0 * 1.2 ** generator.randrange(9),
        )
        for _ in range(customers)
    ]
    found = [inputs(*one) for one in made]
    snapshot = learned(found).snapshot()
    assert snapshot is not None
    binned = [[value // 8 for value in measured(x)] for x in found]
    scores = [scored(x, snapshot) for x in found]
    for k in range(customers):
        assert scores[k] == [score_of([bins[m] for bins in binned], binned[k][m]) for m in range(3)]
    if customers == 1:
        assert scores == [[3, 3, 3]]


def test_the_measures_are_days_since_the_last_order_days_with_an_order_and_money() -> None:
    assert measured(inputs(20.0, 4, 50.0)) == [-log_input(20.0), log_input(4), pytest.approx(log_input(200.0), abs=2)]
    assert measured(inputs(0.0, 0, 0.0)) == [0, 0, 0]


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9), st.integers(0, 500)), min_size=1, max_size=40),
    st.randoms(),
)
def test_neither_the_order_nor_a_restart_matters(made: list[tuple[int, int, int]], generator: random.Random) -> None:
    found = [seen(inputs(*one), k, BEGIN + k % WEEKS * 7 * DAY_MS) for k, one in enumerate(made)]
    at_once, piecemeal = RfmModel(), RfmModel()
    for observation in found:
        at_once.learn_one(observation)
    # the newest week decides which count: it comes first here
    shuffled = sorted(found, key=lambda _: generator.random())
    for observation in shuffled:
        piecemeal = RfmModel(msgspec.json.decode(msgspec.json.encode(piecemeal.state()), type=type(piecemeal.state())))
        piecemeal.learn_one(observation)
    assert piecemeal.snapshot() == at_once.snapshot()


def test_weeks_that_are_long_ago_do_not_count() -> None:
    model = learned([inputs(5, 1, 10)])
    model.learn_one(seen(inputs(5, 8, 10), 1, BEGIN + WEEKS * 7 * DAY_MS))
    assert model.observations == 1
    model.learn_one(seen(inputs(5, 8, 10), 2, BEGIN))
    assert model.observations == 1


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60))
def test_edges_are_where_mid_ranks_pass_a_fifth(values: list[int]) -> None:
    histogram = {value: values.count(value) for value in sorted(set(values))}
    edges = edges_above(histogram, 5)
    for value in histogram:
        assert 1 + sum(edge is not None and value >= edge for edge in edges) == score_of([*values], value)


def rated(
    scores: tuple[int, int, int],
    stage: Stage = Stage.ACTIVE,
    rules: Rules = Rules(),  # noqa: B008 - a constant
) -> tuple[float, Tier, str]:
    """Value, tier and first segment of one with these scores."""
    x = inputs(20.0, 4, 50.0)
    # as many edges are reached as give these scores
    edges = [
        [value] * (wanted - 1) + [value + 1] * (5 - wanted) for value, wanted in zip(measured(x), scores, strict=True)
    ]
    recency, frequency, money = map(tuple, edges)
    (rating,) = rating_of(RfmSnapshot(recency=recency, frequency=frequency, money=money), rules)
    rate(rating, np.array(x, np.int16), 1, int(stage))
    assert rating["scores"].tolist() == [*scores]
    return float(rating["value"]), Tier(rating["tier"]), FIRST_SEGMENTS[rating["segment"]]


def test_there_is_no_tier_without_an_order_or_before_the_first_landmark() -> None:
    some = RfmSnapshot(recency=(0,) * 4, frequency=(0,) * 4, money=(0,) * 4)
    for snapshot, orders in ((some, 0), (None, 3)):
        (rating,) = rating_of(snapshot, Rules())
        rate(rating, np.array(inputs(20.0, 4, 50.0), np.int16), orders, int(Stage.LEAD))
        assert (rating["tier"], rating["segment"]) == (Tier.NONE, -1)


def test_the_value_is_the_weighted_sum_of_the_scores() -> None:
    assert rated((5, 3, 4))[:2] == (3.9, Tier.HIGH)
    assert rated((5, 3, 4), rules=Rules(rfm_weights=(1.0, 0.0, 0.0)))[0] == 5.0
    default = Settings()
    assert (default.rfm_recency, default.rfm_frequency, default.rfm_money) == (0.2, 0.3, 0.5)


@pytest.mark.parametrize(
    ("scores", "stage", "tier", "segment"),
    [
        ((5, 5, 5), Stage.ACTIVE, Tier.VIP, "Champions"),
        ((5, 5, 5), Stage.NEW, Tier.NEW, "New"),
        ((2, 5, 3), Stage.AT_RISK, Tier.MIDDLE, "At risk"),
        ((1, 4, 5), Stage.LOST, Tier.HIGH, "Lost"),
        ((3, 5, 3), Stage.DUE, Tier.HIGH, "Loyal"),
        ((3, 2, 5), Stage.ACTIVE, Tier.HIGH, "Big baskets"),
        ((4, 2, 2), Stage.ACTIVE, Tier.LOW, "Promising"),
        ((2, 2, 2), Stage.DUE, Tier.LOW, "Hibernating"),
    ],
)
def test_tiers_and_first_segments_follow_written_rules(
    scores: tuple[int, int, int], stage: Stage, tier: Tier, segment: str
) -> None:
    assert rated(scores, stage)[1:] == (tier, segment)


def test_a_snapshot_carries_the_classes_to_the_scorer() -> None:
    learner = Learner()
    for number in range(30):
        learner.learn(seen(inputs(1.0 + number, 1 + number % 5, 10.0 + number), number))
    snapshot = decode_snapshot(encode_snapshot(learner.snapshot(0)))
    found = Scorer.of(snapshot).rfm
    assert found is not None
    assert scored(inputs(1.0, 5, 90.0), found) == [5, 5, 5]
    assert scored(inputs(300.0, 1, 1.0), found) == [1, 1, 1]
    assert Scorer.of(Learner().snapshot(0)).rfm is None
