"""Learned segments take over from the written rules once their names hold, and for good."""

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from stream.online_models.components.segments import Segmentation
from stream.online_models.learner import Learner, LearnerSettings
from stream.online_models.segment_stability import NamedLayout, share_kept
from stream.online_models.segments import FIRST_REVIEW, SegmentModel
from tests.online_models.made_up import START_MS, observation
from tests.online_models.test_segments import drawn, learned, mixed

#: Reviewed three times, so the names can have been kept twice.
STEADY = mixed(4 * FIRST_REVIEW)
#: Between any two reviews (500, 1,000, 2,000, 4,000 observations) the shop has become another one.
FLIPPING = ["new"] * 500 + ["gone"] * 500 + ["champion"] * 1_000 + ["steady", "gone"] * 1_000


def published(learner: Learner) -> bool:
    return learner.snapshot(START_MS).segments is not None


def taught(learner: Learner, groups: list[str], seed: int = 1) -> Learner:
    generator = np.random.default_rng(seed)
    for group in groups:
        learner.learn(observation(drawn(generator, group)))
    return learner


def test_segments_take_over_when_two_reviews_in_a_row_found_their_names_as_they_were() -> None:
    learner = taught(Learner(LearnerSettings(segments=4)), STEADY[:-1])
    assert learner.of(Segmentation).state().segments
    assert not published(learner)
    assert learner.describe()["segments"].endswith("(until they are stable, rules decide)")
    assert published(taught(learner, STEADY[-1:], seed=2))
    assert not learner.describe()["segments"].endswith("decide)")


def test_a_shop_whose_clusters_flip_stays_with_the_rules() -> None:
    learner = Learner(LearnerSettings(segments=4))
    generator = np.random.default_rng(1)
    recent, before = [], None
    for count, group in enumerate(FLIPPING, 1):
        x = drawn(generator, group)
        recent.append(x)
        learner.learn(observation(x))
        assert count % 100 or not published(learner)
        if count in (500, 1_000, 2_000, 4_000):
            model = SegmentModel.from_state(learner.of(Segmentation).state(), 4)
            names = [model.segments()[model.predict_one(one) or 0].name for one in recent[-2_000:]]
            if before is not None:
                was = [before.segments()[before.predict_one(one) or 0].name for one in recent[-2_000:]]
                assert np.mean([one == other for one, other in zip(names, was, strict=True)]) < 0.8
            before = model


def test_a_review_that_changes_names_begins_the_count_anew() -> None:
    model = learned(SegmentModel(4), mixed(2 * FIRST_REVIEW))
    assert model.state().steady == 1
    learned(model, ["champion"] * 200 + ["gone"] * 800)
    assert model.state().steady == 0


def test_what_has_taken_over_never_goes_back() -> None:
    learner = taught(Learner(LearnerSettings(segments=4)), STEADY)
    generator = np.random.default_rng(5)
    for count, group in enumerate(FLIPPING):
        learner.learn(observation(drawn(generator, group)))
        assert count % 100 or published(learner)


@pytest.mark.parametrize("stop", [FIRST_REVIEW + 1, 2 * FIRST_REVIEW, 4 * FIRST_REVIEW])
def test_a_checkpoint_keeps_what_the_last_review_found(stop: int) -> None:
    whole = taught(taught(Learner(), STEADY[:stop]), STEADY[stop:] + mixed(100), seed=3)
    stopped = Learner.load(taught(Learner(), STEADY[:stop]).dump())
    assert taught(stopped, STEADY[stop:] + mixed(100), seed=3).dump() == whole.dump()


@pytest.mark.parametrize(("count", "had_segments"), [(FIRST_REVIEW - 1, False), (FIRST_REVIEW, True)])
def test_segments_of_a_release_that_published_them_at_once_stay_published(count: int, *, had_segments: bool) -> None:
    state = learned(SegmentModel(4), mixed(count)).state()
    fields = msgspec.json.decode(msgspec.json.encode(state))
    del fields["reviewed"], fields["steady"]
    former = msgspec.convert(fields, type(state))
    assert SegmentModel.from_state(former, 4).is_stable is had_segments
    # one of this release that has been reviewed once waits
    assert not SegmentModel.from_state(state, 4).is_stable


def test_another_number_of_segments_is_published_as_soon_as_it_is_made() -> None:
    model = SegmentModel.from_state(learned(SegmentModel(4), STEADY).state(), clusters=5)
    assert not model.is_stable
    assert learned(model, ["steady"]).is_stable


def test_the_share_kept_is_that_of_the_customers_whose_nearest_centroids_have_one_name() -> None:
    generator = np.random.default_rng(4)
    behaviour = generator.normal(2.0, 1.5, (200, 3))
    before = NamedLayout(
        means=(2.0, 2.0, 2.0),
        scales=(1.5, 1.0, 2.0),
        centroids=((-1.0, 0.0, 0.0), (1.0, 0.5, 0.0)),
        names=("New", "Loyal"),
    )
    after = replace(before, means=(2.5, 2.0, 2.0), names=("Loyal", "New"))

    def named(of: NamedLayout, x: np.ndarray) -> str:
        z = [(value - mean) / scale for value, mean, scale in zip(x, of.means, of.scales, strict=True)]
        costs = [sum((a - b) ** 2 for a, b in zip(z, centroid, strict=True)) for centroid in of.centroids]
        return of.names[costs.index(min(costs))]

    found = share_kept(before, after, behaviour)
    assert found == np.mean([named(before, x) == named(after, x) for x in behaviour])
    assert 0.0 < found < 0.5
    assert share_kept(before, before, behaviour) == 1.0
