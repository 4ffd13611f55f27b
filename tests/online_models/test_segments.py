import numpy as np
import pytest
from sklearn.cluster import KMeans  # type: ignore[import-untyped]  # scikit-learn ships no types

from stream.features.registry import INPUT_SCALE
from stream.online_models.learner import Learner, LearnerSettings
from stream.online_models.seeding import inertia
from stream.online_models.segment_names import SEGMENT_COLUMNS
from stream.online_models.segments import FIRST_REVIEW, HALFLIFE, RECENT, SegmentModel
from stream.processing.compiled_model import compiled
from stream.processing.score import nearest_segment
from stream.processing.scorer import Scorer
from tests.online_models.made_up import START_MS, observation, quantised

#: Typical customers, transformed as model inputs are: log1p of days, orders, currency units.
GROUPS = {
    "champion": (0.8, 3.0, 6.5, 4.5, 3.3, 5.8, 0.0, 0.0),
    "new": (1.0, 0.7, 4.0, 0.7, 4.0, 1.5, 0.0, 0.0),
    "steady": (2.2, 1.6, 5.0, 3.0, 3.3, 5.5, 0.0, 0.0),
    "gone": (5.2, 0.0, 0.0, 1.4, 3.0, 5.7, 0.0, 0.0),
}


def drawn(generator: np.random.Generator, group: str) -> list[int]:
    centre = np.array(GROUPS[group])
    values = np.maximum(centre + generator.normal(0, 0.15, len(centre)), 0.0)
    return quantised(**dict(zip(SEGMENT_COLUMNS, values.tolist(), strict=True)))


def learned(model: SegmentModel, groups: list[str], seed: int = 1) -> SegmentModel:
    generator = np.random.default_rng(seed)
    for group in groups:
        model.learn_one(drawn(generator, group))
    return model


def mixed(count: int, names: list[str] | None = None) -> list[str]:
    generator = np.random.default_rng(count)
    return generator.choice(names or list(GROUPS), count).tolist()  # type: ignore[no-any-return]


def segments_of(model: SegmentModel) -> dict[str, set[int | None]]:
    """Segments in which fresh customers of each group land."""
    generator = np.random.default_rng(99)
    return {group: {model.predict_one(drawn(generator, group)) for _ in range(30)} for group in GROUPS}


def test_there_are_no_segments_before_the_first_review() -> None:
    model = learned(SegmentModel(4), mixed(FIRST_REVIEW - 1))
    assert model.segments() == ()
    assert model.predict_one(quantised()) is None
    learned(model, ["new"])
    assert len(model.segments()) == 4
    assert model.predict_one(quantised()) is not None


def test_groups_that_are_far_apart_become_segments_of_their_own() -> None:
    found = segments_of(learned(SegmentModel(4), mixed(3_000)))
    assert all(len(ids) == 1 for ids in found.values())
    assert len(set.union(*found.values())) == 4


def test_names_say_what_the_groups_are() -> None:
    model = learned(SegmentModel(4), mixed(3_000))
    names = {group: model.segments()[ids.pop() or 0].name for group, ids in segments_of(model).items()}
    assert names["champion"] == "Champions"
    assert names["new"] == "New"
    assert names["steady"] == "Loyal"
    assert names["gone"] in {"Lost", "Hibernating"}


def test_shares_follow_the_recent_observations() -> None:
    model = learned(SegmentModel(4), mixed(3_000))
    shares = {segment.name: segment.share for segment in model.segments()}
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["New"] == pytest.approx(0.25, abs=0.07)
    learned(model, ["new"] * 600)
    shares = {segment.name: segment.share for segment in model.segments()}
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["New"] == pytest.approx(1.0 - 0.75 * (1.0 - HALFLIFE) ** 600, abs=0.05)


@pytest.mark.parametrize(
    "first", [["new"], ["gone"], ["champion"], ["new", "gone"], ["champion", "gone"], ["gone", "steady"]]
)
def test_groups_that_appear_after_the_start_get_segments_too(first: list[str]) -> None:
    """The first customers were much alike: no cluster may stay where nobody is, nor hold two groups."""
    model = learned(SegmentModel(4), mixed(FIRST_REVIEW, first))
    learned(model, mixed(9_000), seed=2)
    found = segments_of(model)
    assert all(len(ids) == 1 for ids in found.values())
    assert len(set.union(*found.values())) == 4


@pytest.mark.parametrize("first", [["new", "gone"], ["champion", "gone"]])
def test_a_group_keeps_its_segment_when_others_are_made_anew(first: list[str]) -> None:
    model = learned(SegmentModel(4), mixed(FIRST_REVIEW, first))
    before = segments_of(model)
    learned(model, mixed(9_000), seed=2)
    after = segments_of(model)
    assert all(after[group] <= before[group] for group in first)


def test_names_and_ids_do_not_flip_while_customers_stay_as_they_are() -> None:
    model = learned(SegmentModel(6), mixed(4_000))
    names = [segment.name for segment in model.segments()]
    placed = segments_of(model)
    for seed in range(2, 8):
        learned(model, mixed(1_000), seed=seed)
        assert [segment.name for segment in model.segments()] == names
    assert segments_of(model) == placed


def test_equal_observations_give_equal_segments() -> None:
    groups = mixed(1_500)
    assert learned(SegmentModel(5), groups).state() == learned(SegmentModel(5), groups).state()


def test_identical_customers_do_no_harm() -> None:
    model = SegmentModel(6)
    for _ in range(FIRST_REVIEW * 4):
        model.learn_one(quantised(tenure=3.0))
    assert len({segment.name for segment in model.segments()}) == 6
    assert model.predict_one(quantised(tenure=3.0)) is not None


def test_the_snapshot_assigns_as_river_does() -> None:
    model = SegmentModel(6)
    learner = Learner(LearnerSettings(segments=6))
    generator = np.random.default_rng(3)
    for group in mixed(2_500):
        x = drawn(generator, group)
        model.learn_one(x)
        learner.learn(observation(x))
    snapshot = learner.snapshot(START_MS).segments
    assert snapshot is not None
    probes = [drawn(generator, group) for group in mixed(300)]
    probes += generator.integers(0, 8 * INPUT_SCALE, (300, len(probes[0]))).tolist()
    assert snapshot.nearest(np.array(probes) / INPUT_SCALE).tolist() == [model.predict_one(x) for x in probes]


def test_another_number_of_segments_is_made_at_the_next_observation() -> None:
    model = learned(SegmentModel(4), mixed(2_000))
    wider = SegmentModel.from_state(model.state(), clusters=5)
    assert not wider.ready
    learned(wider, ["steady"])
    assert len(wider.segments()) == 5


def test_memory_does_not_grow() -> None:
    model = learned(SegmentModel(4), mixed(RECENT + 1_000))
    assert len(model.state().recent) == RECENT


def crowd(seed: int, customers: int) -> np.ndarray:
    """Behaviour of customers who shade into each other, as real ones do: float64[customers, columns]."""
    generator = np.random.default_rng(seed)
    orders = generator.gamma(1.5, 1.0, customers)
    value = generator.normal(3.3, 0.6, customers)
    age = generator.uniform(1.0, 6.0, customers)
    recency = np.maximum(4.5 - orders + generator.normal(0, 0.8, customers), 0.0)
    clicks = generator.gamma(0.5, 1.0, customers)
    zeros = np.zeros(customers)
    return np.column_stack(
        [recency, orders, np.where(orders > 0.3, orders + value, 0.0), orders + age / 3, value, age, clicks, zeros]
    )


def as_inputs(behaviour: np.ndarray) -> list[list[int]]:
    return [quantised(**dict(zip(SEGMENT_COLUMNS, row, strict=True))) for row in behaviour.tolist()]


def test_customers_who_stay_as_they_are_stay_in_their_segments() -> None:
    """A year of weeks of one crowd: a customer's behaviour goes a little up and down, and nothing else happens."""
    generator = np.random.default_rng(1)
    usual = crowd(2, 400)
    learner = Learner(LearnerSettings(segments=6))
    present = np.full(len(usual), -1)
    switched = looked = 0
    for week in range(40):
        seen = as_inputs(np.maximum(usual + generator.normal(0, 0.1, usual.shape), 0.0))
        for x in seen:
            learner.learn(observation(x, START_MS + week))
        snapshot = learner.snapshot(START_MS)
        if snapshot.segments is None:
            continue
        [model] = compiled(Scorer.of(snapshot).model)
        found = np.array(
            [nearest_segment(np.array(x, np.int16), model, at) for x, at in zip(seen, present, strict=True)]
        )
        # the first seeds come from few customers; reviews replace them while the sample grows
        if week >= 12:
            switched += int((found != present).sum())
            looked += len(found)
        present = found
    assert looked > 10_000
    assert switched < 0.01 * looked


def test_the_centroids_are_about_as_good_as_those_of_a_batch_fit_on_the_same_customers() -> None:
    behaviour = crowd(3, 6_000)
    model = SegmentModel(6)
    for x in as_inputs(behaviour):
        model.learn_one(x)
    means, scales = model.affine()
    points = (behaviour - np.array(means)) / np.array(scales)
    centroids = np.array([segment.centroid for segment in model.segments()])
    batch = KMeans(6, n_init=10, random_state=1).fit(points)
    assert inertia(points, centroids) <= 1.05 * batch.inertia_ / len(points)
