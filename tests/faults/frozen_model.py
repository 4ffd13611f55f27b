"""A model that does not change: alerts become a function of the log."""

from stream.features.registry import COLUMN, FEATURE_NAMES
from stream.online_models.basis import PAIRS
from stream.online_models.evaluation import Evaluation
from stream.online_models.segment import Segment
from stream.online_models.segments import COLUMNS
from stream.online_models.snapshot import ChurnSnapshot, ModelSnapshot, SegmentSnapshot, encode_snapshot

__all__ = ["encoded", "frozen_snapshot"]

#: Churn grows with the time since the last order: risk 0.5 after a week, 0.7 after some two.
_WEIGHTS = {"days_since_purchase": 1.2, "silence_ratio": 0.5, "clicks_7d": -0.4, "spend_28d": -0.05}
_INTERCEPT = -2.3
#: Few are alerted at once, and some never.
STAKE_LEVEL = 1.0


def frozen_snapshot() -> ModelSnapshot:
    """A churn model and three segments, the same at every call."""
    weights = [0.0] * len(FEATURE_NAMES)
    for name, weight in _WEIGHTS.items():
        weights[COLUMN[name]] = weight
    zeros, ones = (0.0,) * len(FEATURE_NAMES), (1.0,) * len(FEATURE_NAMES)
    axes = len(COLUMNS)
    return ModelSnapshot(
        created_at_ms=0,
        stream_time_ms=0,
        churn=ChurnSnapshot(
            name="frozen",
            version=1,
            ready=True,
            labels_seen=1,
            churned_seen=1,
            features=FEATURE_NAMES,
            weights=tuple(weights),
            curvature=(0.0,) * len(PAIRS),
            means=zeros,
            scales=ones,
            intercept=_INTERCEPT,
            slope=1.0,
            shift=0.0,
            base_rate=0.5,
            evaluation=Evaluation.with_half_life(1000.0).report(),
        ),
        stake_level=STAKE_LEVEL,
        segments=SegmentSnapshot(
            version=1,
            columns=COLUMNS,
            features=tuple(FEATURE_NAMES[column] for column in COLUMNS),
            means=(0.0,) * axes,
            scales=(1.0,) * axes,
            segments=tuple(
                Segment(name=name, share=1 / 3, centroid=(level,) * axes)
                for name, level in (("low", 0.5), ("middle", 1.5), ("high", 3.0))
            ),
        ),
    )


def encoded() -> bytes:
    """The snapshot as the trainer would store it."""
    return encode_snapshot(frozen_snapshot())
