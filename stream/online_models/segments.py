"""The segment model: River's k-means over standardised behaviour, seeded and reviewed on a sample of its own.

River's `KMeans` starts at random points and moves the nearest one a fixed share of the way to each
observation. Left alone it can start badly, keep clusters that no customer is in, and - with its default share
of one half - forget everything but the last observations. Here it

* starts from k-means++ over the first observations;
* moves slowly (`HALFLIFE`), so that a customer's segment changes because the customer did;
* is reviewed, ever more rarely, against centroids made afresh from recent observations; these take over only
  when they fit clearly better, each under the id of the old centroid that it is nearest to;
* is stable, and so fit to be published, once nearly all customers kept their names at two reviews in a row
  (`stream.online_models.segment_stability`). It stays so: customers never go back to the written rules.
"""

from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from stream.features.registry import COLUMN, INPUT_SCALE
from stream.online_models.clustering import PlacedKMeans, match
from stream.online_models.first_layout import FIRST_SEGMENT_FEATURES
from stream.online_models.inputs import lacks
from stream.online_models.scaler_state import ScalerState
from stream.online_models.scaling import FlooredScaler
from stream.online_models.seeding import inertia, seed_centroids, squared_distances
from stream.online_models.segment import Segment
from stream.online_models.segment_names import SEGMENT_COLUMNS, name_centroids
from stream.online_models.segment_stability import MIN_KEPT, STEADY_REVIEWS, NamedLayout, share_kept

__all__ = ["COLUMNS", "FIRST_REVIEW", "HALFLIFE", "RECENT", "SegmentModel", "SegmentState"]

#: Columns of the feature vector that the coordinates of a centroid are made of.
COLUMNS = tuple(COLUMN[name] for name in SEGMENT_COLUMNS)
_AXES = len(COLUMNS)

Floats = npt.NDArray[np.float64]

HALFLIFE = 0.002
#: Observations before the first segments; each review is due at twice the observations of the last one, ...
FIRST_REVIEW = 500
#: ... or this many after it, if that comes sooner.
REVIEW_AT_LEAST_EVERY = 50_000
#: Fresh centroids take over when their inertia is below this share of the present one's.
RESEED_BELOW = 0.95
#: Observations kept for reviews.
RECENT = 2_000
#: Observations between reviews of the names.
NAMING_EVERY = 1_000
SEED = 7


class SegmentState(Struct, frozen=True, kw_only=True):
    """Everything the model has learned, over ``features``. ``segments`` is empty before the first review.

    ``reviewed``: the segments as of the last review. ``steady``: reviews in a row that kept the names, no more than
    `STEADY_REVIEWS`; None in a state of a release that published its first segments at once.
    """

    features: tuple[str, ...] = FIRST_SEGMENT_FEATURES
    scaler: ScalerState
    recent: tuple[tuple[int, ...], ...]
    next_review: int
    segments: tuple[Segment, ...]
    reviewed: NamedLayout | None = None
    steady: int | None = None


class SegmentModel:
    """``FlooredScaler | KMeans``; inputs are quantised (int16[features]) and checked by `problem_of`."""

    def __init__(self, clusters: int = 6) -> None:
        self._clusters = clusters
        self._scaler = FlooredScaler()
        self._kmeans = PlacedKMeans(n_clusters=clusters, halflife=HALFLIFE, seed=SEED)
        self._recent: deque[tuple[int, ...]] = deque(maxlen=RECENT)
        self._next_review = FIRST_REVIEW
        self._names: tuple[str, ...] = ()
        self._shares = [0.0] * clusters
        self._reviewed: NamedLayout | None = None
        self._steady = 0

    @property
    def observations_seen(self) -> int:
        return max(self._scaler.counts.values(), default=0)

    @property
    def ready(self) -> bool:
        """There are segments."""
        return bool(self._names)

    @property
    def is_stable(self) -> bool:
        """There are segments, and once their names were kept at `STEADY_REVIEWS` in a row."""
        return self.ready and self._steady == STEADY_REVIEWS

    def learn_one(self, inputs: Sequence[int]) -> None:
        """Learn a customer, unless one of the inputs is missing."""
        if lacks(inputs, COLUMNS):
            return
        chosen = tuple(inputs[column] for column in COLUMNS)
        x = _as_dict(chosen)
        self._scaler.learn_one(x)
        self._recent.append(chosen)
        if self.ready:
            nearest = self._kmeans.learn_predict_one(self._scaler.transform_one(x))
            self._shares = [share - HALFLIFE * share for share in self._shares]
            self._shares[nearest] += HALFLIFE
        seen = self.observations_seen
        if seen >= self._next_review:
            self._review(seen)
        if self.ready and seen % NAMING_EVERY == 0:
            self._names = name_centroids(self._kmeans.centroids(), self._names)

    def predict_one(self, inputs: Sequence[int]) -> int | None:
        """The id of the segment, 0..clusters-1; None before there are any."""
        if not self.ready:
            return None
        x = _as_dict(tuple(inputs[column] for column in COLUMNS))
        return self._kmeans.predict_one(self._scaler.transform_one(x))

    def affine(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Means and scales of the columns: a coordinate is ``(x - mean) / scale``."""
        return self._scaler.affine(_AXES)

    def segments(self) -> tuple[Segment, ...]:
        """The segments; the position is the id."""
        if not self.ready:
            return ()
        centroids = self._kmeans.centroids().tolist()
        return tuple(
            Segment(name=name, share=share, centroid=tuple(centroid))
            for name, share, centroid in zip(self._names, self._shares, centroids, strict=True)
        )

    def _review(self, seen: int) -> None:
        self._next_review = min(2 * seen, seen + REVIEW_AT_LEAST_EVERY)
        behaviour = np.array(self._recent) / INPUT_SCALE
        means, scales = self.affine()
        self._reseed((behaviour - np.array(means)) / np.array(scales), SEED + seen)
        self._names = name_centroids(self._kmeans.centroids(), self._names)
        centroids = tuple(tuple(centroid) for centroid in self._kmeans.centroids().tolist())
        found = NamedLayout(means=means, scales=scales, centroids=centroids, names=self._names)
        if self._steady < STEADY_REVIEWS and self._reviewed is not None:
            self._steady = self._steady + 1 if share_kept(self._reviewed, found, behaviour) >= MIN_KEPT else 0
        self._reviewed = found

    def _reseed(self, points: Floats, seed: int) -> None:
        """Start afresh from standardised ``points`` float64[N, D], unless the present centroids are about as good."""
        fresh = seed_centroids(points, self._clusters, seed)
        if self.ready:
            present = self._kmeans.centroids()
            if inertia(points, fresh) > RESEED_BELOW * inertia(points, present):
                return
            fresh = fresh[match(squared_distances(present, fresh))]
        nearest = squared_distances(points, fresh).argmin(axis=1)
        counts = np.bincount(nearest, minlength=self._clusters)
        self._kmeans.place(fresh)
        self._shares = [count / len(points) for count in counts.tolist()]

    def state(self) -> SegmentState:
        return SegmentState(
            features=SEGMENT_COLUMNS,
            scaler=self._scaler.state(_AXES),
            recent=tuple(self._recent),
            next_review=self._next_review,
            segments=self.segments(),
            reviewed=self._reviewed,
            steady=self._steady,
        )

    @classmethod
    def from_state(cls, state: SegmentState, clusters: int = 6) -> "SegmentModel":
        """Go on from ``state``, of other features as well; another number of ``clusters`` is made anew at the next
        observation.

        Centroids keep their coordinates, but for features that are gone; of a new one they are at the mean until the
        next review, which needs `FIRST_REVIEW` observations that have it.
        """
        model = cls(clusters)
        found = state.features
        model._scaler = FlooredScaler.from_state(state.scaler.of(found, SEGMENT_COLUMNS))
        model._recent.extend(_rearranged(state.recent, found))
        model._next_review = state.next_review
        published = STEADY_REVIEWS if state.segments else 0
        model._steady = published if state.steady is None else state.steady
        if state.recent and not model._recent:
            model._next_review = model.observations_seen + FIRST_REVIEW
        if len(state.segments) == clusters:
            model._kmeans.place(np.array(_rearranged([segment.centroid for segment in state.segments], found, 0.0)))
            model._shares = [segment.share for segment in state.segments]
            model._names = tuple(segment.name for segment in state.segments)
            model._reviewed = _layout_rearranged(state.reviewed, found)
        elif state.segments and model._recent:
            model._next_review = 0
        return model


T = TypeVar("T", int, float)


def _rearranged(rows: Iterable[tuple[T, ...]], found: Sequence[str], new: T | None = None) -> list[tuple[T, ...]]:
    """Rows over the features ``found`` as rows over `SEGMENT_COLUMNS`; without a value for ``new`` ones, none."""
    if new is None and not set(SEGMENT_COLUMNS) <= set(found):
        return []
    named = (dict(zip(found, row, strict=True)) for row in rows)
    return [tuple(row.get(name, new) for name in SEGMENT_COLUMNS) for row in named]  # type: ignore[misc]  # new is one


def _layout_rearranged(layout: NamedLayout | None, found: Sequence[str]) -> NamedLayout | None:
    """A layout over the features ``found`` as one over `SEGMENT_COLUMNS`; None if it lacks one of them."""
    rows = [] if layout is None else _rearranged([layout.means, layout.scales, *layout.centroids], found)
    if layout is None or not rows:
        return None
    means, scales, *centroids = rows
    return NamedLayout(means=means, scales=scales, centroids=tuple(centroids), names=layout.names)


def _as_dict(chosen: Sequence[int]) -> dict[Hashable, Any]:
    return {axis: value / INPUT_SCALE for axis, value in enumerate(chosen)}
