"""Models that do not learn."""

import msgspec

from stream.features.registry import COLUMN, FEATURE_NAMES
from stream.online_models.learner import Learner
from stream.online_models.segment import Segment
from stream.online_models.snapshot import ModelSnapshot, SegmentSnapshot
from stream.processing.scorer import Scorer
from tests.oracle.model import Linear

__all__ = ["SILENCE", "frozen", "scorer_of"]

#: The risk of a customer who bought at least twice goes from low to high in about two weeks without an order.
SILENCE = Linear(
    {"days_since_purchase": 2.0, "purchases_28d": -1.0, "clicks_7d": -0.5, "silence_ratio": 0.25}, bias=-3.5
)


def frozen(model: Linear, version: int = 7, stake_level: float | None = None) -> ModelSnapshot:
    """A snapshot that scores with ``model``, and two segments by what was spent."""
    empty = Learner().snapshot(0)
    columns = (COLUMN["spend_90d"], COLUMN["purchases_90d"])
    churn = msgspec.structs.replace(
        empty.churn,
        version=version,
        ready=True,
        weights=tuple(model.weights.get(name, 0.0) for name in FEATURE_NAMES),
        means=(0.0,) * len(FEATURE_NAMES),
        scales=(1.0,) * len(FEATURE_NAMES),
        intercept=model.bias,
        process_share=0.0,
        process_hedge=0.0,
    )
    segments = SegmentSnapshot(
        version=3,
        columns=columns,
        features=tuple(FEATURE_NAMES[column] for column in columns),
        means=(3.0, 1.0),
        scales=(1.0, 0.5),
        segments=(
            Segment(name="sleepers", share=0.5, centroid=(-3.0, -2.0)),
            Segment(name="regulars", share=0.5, centroid=(3.0, 2.0)),
        ),
    )
    return msgspec.structs.replace(empty, churn=churn, segments=segments, stake_level=stake_level)


def scorer_of(model: Linear, version: int = 7, stake_level: float | None = None) -> Scorer:
    """The models of a worker when ``model`` is the snapshot."""
    return Scorer.of(frozen(model, version, stake_level))
