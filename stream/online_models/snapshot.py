"""Model snapshots: what the trainer publishes and scorers load. Data as JSON, never pickled objects.

One snapshot holds all models, so that a reader loads one key. A version is a function of the log, ascending, and 0
before the first example. Of the segments and the value it is the number of examples learned; of the churn model see
`stream.online_models.slots`.

Whatever is about features names them. A reader of other features than the writer's scores with those that both know:
one that the reader does not have counts as that of a typical customer, and so does one that the model has not learned.
"""

import math
from collections.abc import Sequence
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import replace

from stream.errors import SnapshotError
from stream.features.registry import COLUMN, FEATURE_NAMES
from stream.online_models.basis import PAIR_NAMES, Quadratic
from stream.online_models.evaluation import EvaluationReport
from stream.online_models.first_layout import FIRST_PAIRS
from stream.online_models.horizon import Rhythm, check_rhythm
from stream.online_models.purchases_snapshot import PURCHASES, PurchasesSnapshot
from stream.online_models.sealed import open_sealed, seal
from stream.online_models.seeding import squared_distances
from stream.online_models.segment import Segment
from stream.online_models.value_correction import AMOUNTS, CHANCES, MEANS
from stream.online_models.value_snapshot import ValueSnapshot

__all__ = ["ChurnSnapshot", "ModelSnapshot", "SegmentSnapshot", "decode_snapshot", "encode_snapshot"]

SCHEMA = "stream.model-snapshot/2"

T = TypeVar("T")
Floats = npt.NDArray[np.float64]


class ChurnSnapshot(Struct, frozen=True, kw_only=True):
    """``logit = intercept + weights . z + sum_p curvature[p] * z[PAIRS[p, 0]] * z[PAIRS[p, 1]]``, see `Quadratic`.

    ``z = (x - means) / scales``, x = inputs / INPUT_SCALE. The logit is calibrated: it is ``slope`` times that of the
    model, plus ``shift``.
    ``pairs``: names of the products, each of both factors, in the order of ``curvature``.
    ``name``: of the contender that scores. ``ready``: enough labels of both classes were learned to score with.
    ``base_rate``: share of churn among all labels.
    ``process_share``: the risk has log-odds that are a mean: so much of those of the purchase process, which is in
    ``others`` of the snapshot, the rest of the logit above. The calibration is one of the mean.
    ``process_hedge``: of that mean the process alone has this part once more (`stream.online_models.hedge`).
    ``odds_weight``, ``odds_mean``: what is to be added to the logit above, see `Quadratic`; calibrated as well. A
    program that does not know them takes everybody's log-odds of the purchase process for the mean.
    """

    name: str
    version: int
    ready: bool
    labels_seen: int
    churned_seen: int
    features: tuple[str, ...]
    weights: tuple[float, ...]
    curvature: tuple[float, ...]
    pairs: tuple[str, ...] = FIRST_PAIRS
    means: tuple[float, ...]
    scales: tuple[float, ...]
    intercept: float
    slope: float
    shift: float
    base_rate: float | None
    evaluation: EvaluationReport
    process_share: float = 0.0
    process_hedge: float = 0.0
    odds_weight: float = 0.0
    odds_mean: float = 0.0

    def quadratic(self) -> Quadratic:
        """The calibrated model."""
        weights, curvature, means, scales = map(np.array, (self.weights, self.curvature, self.means, self.scales))
        return Quadratic(
            weights, curvature, means, scales, float(self.intercept), float(self.odds_weight), float(self.odds_mean)
        )


class SegmentSnapshot(Struct, frozen=True, kw_only=True):
    """A customer's is the nearest of ``segments`` to ``(x[columns] - means) / scales``; ids are positions."""

    version: int
    columns: tuple[int, ...]
    features: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    segments: tuple[Segment, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(segment.name for segment in self.segments)

    def arrays(self) -> tuple[npt.NDArray[np.int64], Floats, Floats, Floats]:
        """``columns`` int64[D], ``means`` and ``scales`` float64[D], ``centroids`` float64[K, D]."""
        centroids = np.array([segment.centroid for segment in self.segments])
        return np.array(self.columns, np.int64), np.array(self.means), np.array(self.scales), centroids

    def nearest(self, x: Floats) -> npt.NDArray[np.int64]:
        """Ids int64[N] of the segments nearest to ``x`` float64[N, features] (inputs / INPUT_SCALE)."""
        columns, means, scales, centroids = self.arrays()
        z = (x[:, columns] - means) / scales
        return np.asarray(squared_distances(z, centroids).argmin(axis=1), np.int64)


class ModelSnapshot(Struct, frozen=True, kw_only=True):
    """The models as of ``stream_time_ms``; ``segments`` and ``value`` are None until there are any.

    ``rhythm``: there from the first snapshot on; None in one of an earlier version of the program. ``others``: what
    further components publish, by name; there is no such entry where there are none.
    """

    created_at_ms: int
    stream_time_ms: int
    churn: ChurnSnapshot
    segments: SegmentSnapshot | None
    value: ValueSnapshot | None = None
    rhythm: Rhythm | None = None
    stake_level: float | None = None
    others: dict[str, Raw] | UnsetType = UNSET

    def other(self, name: str, kind: type[T]) -> T | None:
        """What a further component has published, None where there is nothing. Raises `SnapshotError`."""
        if self.others is UNSET or name not in self.others:
            return None
        try:
            found: T = msgspec.json.decode(self.others[name], type=kind)
        except msgspec.DecodeError as error:
            raise SnapshotError(f"what component {name} published is not what it should be: {error}") from error
        return found

    def purchases(self) -> PurchasesSnapshot | None:
        """The purchase process; None: published by a program that has none. Raises `SnapshotError`."""
        found = self.other(PURCHASES, PurchasesSnapshot)
        if found is not None:
            found.check()
        return found


def encode_snapshot(snapshot: ModelSnapshot) -> bytes:
    """The snapshot as JSON with schema and checksum. Raises `SnapshotError` if it would not load."""
    _check(snapshot)
    return seal(SCHEMA, snapshot)


def decode_snapshot(value: bytes) -> ModelSnapshot:
    """The snapshot in ``value``, over this program's features. Raises `SnapshotError` if it is damaged."""
    snapshot = open_sealed(value, SCHEMA, ModelSnapshot)
    _check(snapshot)
    return _adopted(snapshot)


def _adopted(snapshot: ModelSnapshot) -> ModelSnapshot:
    """The same over the features that this program knows."""
    churn, segments, value = snapshot.churn, snapshot.segments, snapshot.value
    if churn.features != FEATURE_NAMES or churn.pairs != PAIR_NAMES:
        of_terms = dict(zip(churn.features, zip(churn.weights, churn.means, churn.scales, strict=True), strict=True))
        weights, means, scales = zip(*(of_terms.get(name, (0.0, 0.0, 1.0)) for name in FEATURE_NAMES), strict=True)
        of_pairs = dict(zip(churn.pairs, churn.curvature, strict=True))
        churn = replace(
            churn,
            features=FEATURE_NAMES,
            weights=weights,
            means=means,
            scales=scales,
            pairs=PAIR_NAMES,
            curvature=tuple(of_pairs.get(name, 0.0) for name in PAIR_NAMES),
        )
    return replace(
        snapshot,
        churn=churn,
        segments=None if segments is None else _adopted_segments(segments),
        value=None if value is None else _adopted_value(value),
    )


def _adopted_segments(segments: SegmentSnapshot) -> SegmentSnapshot | None:
    kept = _known(segments.features)
    if not kept:
        return None
    return replace(
        segments,
        columns=_columns(segments.features, kept),
        features=_pick(segments.features, kept),
        means=_pick(segments.means, kept),
        scales=_pick(segments.scales, kept),
        segments=tuple(replace(one, centroid=_pick(one.centroid, kept)) for one in segments.segments),
    )


def _adopted_value(value: ValueSnapshot) -> ValueSnapshot:
    kept = _known(value.features)
    return replace(
        value,
        columns=_columns(value.features, kept),
        features=_pick(value.features, kept),
        means=_pick(value.means, kept),
        scales=_pick(value.scales, kept),
        orders_weights=_pick(value.orders_weights, kept),
        spend_weights=_pick(value.spend_weights, kept),
    )


def _known(features: Sequence[str]) -> list[int]:
    """Positions of the features that this program has."""
    return [axis for axis, name in enumerate(features) if name in COLUMN]


def _columns(features: Sequence[str], kept: Sequence[int]) -> tuple[int, ...]:
    return tuple(COLUMN[features[axis]] for axis in kept)


def _pick(values: Sequence[T], kept: Sequence[int]) -> tuple[T, ...]:
    return tuple(values[axis] for axis in kept)


def _check(snapshot: ModelSnapshot) -> None:
    churn, segments = snapshot.churn, snapshot.segments
    _check_names("churn features", churn.features)
    _check_names("churn pairs", churn.pairs)
    _check_affine("churn", len(churn.features), churn.means, churn.scales)
    _check_vector("churn weights", len(churn.features), churn.weights)
    _check_vector("churn curvature", len(churn.pairs), churn.curvature)
    _check_vector("churn intercept and calibration", 3, (churn.intercept, churn.slope, churn.shift))
    _check_vector("churn weight and mean of the purchase process", 2, (churn.odds_weight, churn.odds_mean))
    if churn.slope <= 0.0:
        raise SnapshotError(f"the slope of the churn calibration must be positive, it is {churn.slope}")
    for share in (churn.process_share, churn.process_hedge):
        if not 0.0 <= share <= 1.0:
            raise SnapshotError(f"the share of the purchase process is within 0..1, it is {share}")
    level = snapshot.stake_level
    if level is not None and not (math.isfinite(level) and level >= 0.0):
        raise SnapshotError(f"what must be at stake for an alert is 0 or more, it is {level}")
    if snapshot.value is not None:
        _check_value(snapshot.value)
    if segments is not None:
        _check_segments(segments)
    if snapshot.rhythm is not None:
        check_rhythm(snapshot.rhythm)
    snapshot.purchases()


def _check_segments(segments: SegmentSnapshot) -> None:
    axes = len(segments.features)
    _check_names("segment features", segments.features)
    _check_affine("segment", axes, segments.means, segments.scales)
    for segment in segments.segments:
        _check_vector(f"centroid of {segment.name!r}", axes, segment.centroid)
    if not segments.segments or len(set(segments.names)) != len(segments.names):
        raise SnapshotError(f"segment names must be distinct and at least one, got {segments.names}")


def _check_value(value: ValueSnapshot) -> None:
    axes = len(value.features)
    _check_names("value features", value.features)
    _check_affine("value", axes, value.means, value.scales)
    _check_vector("value weights of orders", axes, value.orders_weights)
    _check_vector("value weights of spend", axes, value.spend_weights)
    _check_vector("value intercepts", 2, (value.orders_intercept, value.spend_intercept))
    for what, scale, factors, is_optional in (
        ("orders", AMOUNTS, value.orders_factors, False),
        ("spend", AMOUNTS, value.spend_factors, False),
        ("the chance", CHANCES, value.chance_factors, True),
        ("orders of buyers", MEANS, value.orders_mean_factors, True),
        ("spend of buyers", MEANS, value.spend_mean_factors, True),
    ):
        if is_optional and not factors:
            continue
        _check_vector(f"value factors of {what}", scale.bins, factors)
        if min(factors) < 0.0:
            raise SnapshotError(f"value factors of {what} must not be negative, the least is {min(factors)}")


def _check_names(what: str, names: tuple[str, ...]) -> None:
    if len(set(names)) != len(names):
        raise SnapshotError(f"{what} must be distinct, got {names}")


def _check_affine(what: str, length: int, means: tuple[float, ...], scales: tuple[float, ...]) -> None:
    _check_vector(f"{what} means", length, means)
    _check_vector(f"{what} scales", length, scales)
    if min(scales, default=1.0) <= 0.0:
        raise SnapshotError(f"{what} scales must be positive, the least is {min(scales)}")


def _check_vector(what: str, length: int, values: tuple[float, ...]) -> None:
    if len(values) != length:
        raise SnapshotError(f"{what}: expected {length} numbers, got {len(values)}")
    if not all(map(math.isfinite, values)):
        raise SnapshotError(f"{what}: expected finite numbers, got {values}")
