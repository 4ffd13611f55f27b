"""Why a customer moved between segments, in a sentence."""

import numpy as np

from stream.features.registry import FEATURE_NAMES
from stream.online_models.segment import Segment
from stream.online_models.segment_names import SEGMENT_COLUMNS
from stream.online_models.segment_reasons import WORDS, move_reason
from stream.online_models.segments import COLUMNS
from stream.online_models.snapshot import SegmentSnapshot
from tests.online_models.made_up import quantised

AXES = len(COLUMNS)


def segments() -> SegmentSnapshot:
    """Regulars bought often and lately, sleepers long ago; everything else is alike."""
    regular, sleeper = [0.0] * AXES, [0.0] * AXES
    regular[0], regular[1] = 1.0, 2.0
    sleeper[0], sleeper[1] = 4.0, 0.0
    return SegmentSnapshot(
        version=1,
        columns=COLUMNS,
        features=SEGMENT_COLUMNS,
        means=(0.0,) * AXES,
        scales=(1.0,) * AXES,
        segments=(
            Segment(name="Regulars", share=0.5, centroid=tuple(regular)),
            Segment(name="Sleepers", share=0.5, centroid=tuple(sleeper)),
        ),
    )


def values(**known: float) -> dict[str, float]:
    return {**dict.fromkeys(FEATURE_NAMES, float("nan")), **known}


def test_the_behaviours_that_moved_a_customer_are_told_largest_first() -> None:
    inputs = quantised(days_since_purchase=np.log1p(60))
    found = move_reason(segments(), inputs, values(days_since_purchase=60, purchases_90d=0), 0, 1)
    assert found == "last order 60 days ago, 0 orders in 90 days: more like Sleepers than Regulars"


def test_a_behaviour_against_the_move_is_left_out() -> None:
    inputs = quantised(days_since_purchase=np.log1p(90), purchases_90d=np.log1p(4))
    found = move_reason(segments(), inputs, values(days_since_purchase=90, purchases_90d=4), 0, 1)
    assert found == "last order 90 days ago: more like Sleepers than Regulars"


def test_the_first_segment_is_explained_against_the_typical_customer() -> None:
    inputs = quantised(days_since_purchase=np.log1p(2), purchases_90d=np.log1p(6))
    found = move_reason(segments(), inputs, values(days_since_purchase=2, purchases_90d=6), -1, 0)
    assert found == "6 orders in 90 days, last order 2 days ago: most like Regulars"


def test_every_behaviour_of_the_segments_has_words() -> None:
    assert set(WORDS) == set(SEGMENT_COLUMNS)
