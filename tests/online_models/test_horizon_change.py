"""The models when the horizon changes: nothing is lost, and risks are those of the new horizon at once."""

from collections.abc import Iterator
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from stream.errors import SnapshotError
from stream.features.registry import COLUMN, DAY_MS, INPUT_SCALE
from stream.online_models.basis import PAIRS
from stream.online_models.example import Example, Label
from stream.online_models.horizon import HorizonPeriod, Rhythm, Seed, fixed_schedule
from stream.online_models.learner import Learner
from stream.online_models.learner_settings import LearnerSettings
from stream.online_models.second_order import SecondOrderRegression
from stream.online_models.snapshot import decode_snapshot, encode_snapshot
from tests.online_models.made_up import START_MS, customer, examples, label
from tests.online_models.test_rhythm import landmarks, shop

RECENCY = COLUMN["days_since_purchase"]


def rates(x: list[int]) -> float:
    """Orders a day of a made-up customer: the longer silent, the slower."""
    return float(0.09 * np.exp(-0.6 * x[RECENCY] / INPUT_SCALE))


def labels_over(days: int, seed: int, count: int, from_day: int = 0) -> Iterator[Label]:
    generator = np.random.default_rng(seed)
    for k in range(count):
        x = customer(generator)
        at_ms = START_MS + from_day * DAY_MS + k * 60_000
        churned = bool(generator.random() < np.exp(-rates(x) * days))
        found = label(x, churned=churned, at_ms=at_ms)
        yield msgspec.structs.replace(found, matured_at_ms=at_ms + days * DAY_MS)


def risks_of(learner: Learner, inputs: list[list[int]]) -> NDArray[np.float64]:
    churn = learner.snapshot(0).churn
    weights, curvature = churn.quadratic().per_input()
    d = np.array(inputs) / INPUT_SCALE - np.array(churn.means)
    logit = churn.intercept + d @ weights + (d[:, PAIRS[:, 0]] * d[:, PAIRS[:, 1]]) @ curvature
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def population(seed: int = 99, count: int = 400) -> list[list[int]]:
    generator = np.random.default_rng(seed)
    return [customer(generator) for _ in range(count)]


def test_a_label_of_the_models_own_horizon_teaches_exactly_what_it_always_did() -> None:
    plain, powered = SecondOrderRegression(4), SecondOrderRegression(4)
    generator = np.random.default_rng(1)
    for _ in range(200):
        x, churned = generator.normal(size=4), bool(generator.random() < 0.5)
        plain.learn(x, churned=churned)
        powered.learn(x, churned=churned, power=1.0)
    assert plain.state("abcd") == powered.state("abcd")


@pytest.mark.parametrize("days", [28, 91])
def test_labels_of_another_horizon_teach_the_risk_of_the_models_own(days: int) -> None:
    learner = Learner(LearnerSettings(horizon_days=56.0))
    for one in labels_over(days, seed=3, count=4000):
        assert learner.learn(one) is None
    inputs = population()
    truth = np.array([np.exp(-rates(x) * 56) for x in inputs])
    assert float(np.abs(risks_of(learner, inputs) - truth).mean()) < 0.05


def test_a_change_converts_the_risks_at_once_and_costs_nothing_learned() -> None:
    told: list[Rhythm] = []
    learner = Learner(LearnerSettings(horizon_days=0.0), on_horizon=told.append)
    for one in labels_over(28, seed=5, count=4000):
        learner.learn(one)
    before = learner.labels_seen
    for observation in landmarks(shop(100.0, 120, 60), 60):
        learner.learn(observation)
    assert [rhythm.horizon_days for rhythm in told][-1] > 28.0
    assert learner.schedule[0] == HorizonPeriod(0, 28.0)
    days = learner.schedule[-1].days
    assert learner.labels_seen == before
    inputs = population()
    truth = np.array([np.exp(-rates(x) * days) for x in inputs])
    # a straight line stands for a power law, so it is right around the mean and a little off at the ends
    assert float(np.abs(risks_of(learner, inputs) - truth).mean()) < 0.1


def test_a_checkpoint_goes_on_over_a_change_bit_for_bit() -> None:
    settings = LearnerSettings(horizon_days=0.0, min_labels=50)
    whole, half = Learner(settings), Learner(settings)
    stream: list[Example] = [*labels_over(28, seed=5, count=300), *landmarks(shop(100.0, 60, 60), 60)]
    stream += [*labels_over(56, seed=6, count=300, from_day=420)]
    for example in stream:
        whole.learn(example)
    cut = len(stream) // 2
    for example in stream[:cut]:
        half.learn(example)
    resumed = Learner.load(half.dump(), settings)
    for example in stream[cut:]:
        resumed.learn(example)
    assert len(whole.schedule) > 1
    assert resumed.dump() == whole.dump()


def test_a_snapshot_tells_the_rhythm_before_the_churn_model_is_ready() -> None:
    seed = Seed(schedule=fixed_schedule(91.0), shop_gap_days=72.0, until_ms=START_MS)
    learner = Learner(LearnerSettings(horizon_days=0.0, seed=seed))
    snapshot = decode_snapshot(encode_snapshot(learner.snapshot(0)))
    assert not snapshot.churn.ready
    assert snapshot.rhythm is not None
    assert snapshot.rhythm.schedule == seed.schedule
    assert snapshot.rhythm.shop_gap_days == 72.0


def test_a_schedule_that_cannot_be_scored_with_is_refused() -> None:
    snapshot = Learner().snapshot(0)
    assert snapshot.rhythm is not None
    for schedule in ((), (HorizonPeriod(5, 28.0), HorizonPeriod(5, 56.0)), (HorizonPeriod(0, 0.0),)):
        rhythm = msgspec.structs.replace(snapshot.rhythm, schedule=schedule)
        with pytest.raises(SnapshotError, match="rhythm"):
            encode_snapshot(msgspec.structs.replace(snapshot, rhythm=rhythm))


def test_a_fixed_horizon_learns_what_it_learned_before() -> None:
    """The rhythm is learned beside the models and never touches them."""
    fixed = Learner(LearnerSettings(horizon_days=28.0))
    following = Learner(replace(fixed.settings, horizon_days=0.0))
    for example in examples(4, 800):
        fixed.learn(example)
        following.learn(example)
    assert fixed.snapshot(0).churn == following.snapshot(0).churn
    assert fixed.snapshot(0).value == following.snapshot(0).value
