"""What a document says of stage, scores and the next order; compiled. Each writes a value, behind its key."""

from __future__ import annotations

from typing import Final

import numpy as np

from stream.compiling import jit
from stream.features.habit import EARLY_HABITS, LOST_HABITS
from stream.features.registry import DAY_MS
from stream.features.stages import Stage, StageCause
from stream.processing.json_text import (
    MAX_NUMBER,
    fragments,
    put_decimal,
    put_fragment,
    put_instant,
    put_integer,
)
from stream.processing.rfm import Tier

__all__ = ["STATES_BYTES", "put_next_order", "put_rating", "put_stage", "put_stage_cause"]

_STAGE_TEXT, _STAGE_STARTS = fragments([b'"%s"' % stage.code.encode() for stage in Stage])
_CAUSE_TEXT, _CAUSE_STARTS = fragments([b'"%s"' % cause.code.encode() for cause in StageCause])
_RATING_TEXT, _RATING_STARTS = fragments(
    [
        b'{"recency":',
        b',"frequency":',
        b',"money":',
        b',"value":',
        *(b',"tier":"%s"}' % tier.text.encode() for tier in Tier),
    ]
)
_VALUE, _TIER = 3, 4
_NEXT_TEXT, _NEXT_STARTS = fragments([b'{"at":', b',"from":', b',"until":', b"}"])
#: When the next order is expected, and between which times four of five come, in habits after the last order.
_NEXT_HABITS = np.array([1.0, EARLY_HABITS, LOST_HABITS])

#: Bytes of all of these in one document, at most.
STATES_BYTES: Final = sum(map(len, (_STAGE_TEXT, _CAUSE_TEXT, _RATING_TEXT, _NEXT_TEXT))) + MAX_NUMBER * (
    len(_RATING_STARTS) + len(_NEXT_STARTS)
)


@jit
def put_stage(buffer, at, stage):  # type: ignore[no-untyped-def]
    """Write the code of a stage."""
    return put_fragment(buffer, at, _STAGE_TEXT, _STAGE_STARTS[stage], _STAGE_STARTS[stage + 1])


@jit
def put_stage_cause(buffer, at, cause):  # type: ignore[no-untyped-def]
    """Write the code of why a customer is in a stage."""
    return put_fragment(buffer, at, _CAUSE_TEXT, _CAUSE_STARTS[cause], _CAUSE_STARTS[cause + 1])


@jit
def put_rating(buffer, at, rating, places):  # type: ignore[no-untyped-def]
    """Write scores, value and tier of a RATING (`stream.processing.rfm`)."""
    for k in range(rating.scores.shape[0]):
        at = put_fragment(buffer, at, _RATING_TEXT, _RATING_STARTS[k], _RATING_STARTS[k + 1])
        at = put_integer(buffer, at, rating.scores[k])
    at = put_fragment(buffer, at, _RATING_TEXT, _RATING_STARTS[_VALUE], _RATING_STARTS[_VALUE + 1])
    at = put_decimal(buffer, at, rating.value, places)
    tier = _TIER + rating.tier
    return put_fragment(buffer, at, _RATING_TEXT, _RATING_STARTS[tier], _RATING_STARTS[tier + 1])


@jit
def put_next_order(buffer, at, p):  # type: ignore[no-untyped-def]
    """Write when the next order is expected, and between which times four of five come."""
    for k in range(_NEXT_HABITS.shape[0]):
        at = put_fragment(buffer, at, _NEXT_TEXT, _NEXT_STARTS[k], _NEXT_STARTS[k + 1])
        at = put_instant(buffer, at, p.last_order_at + np.int64(_NEXT_HABITS[k] * p.habit_days * DAY_MS), False)
    return put_fragment(buffer, at, _NEXT_TEXT, _NEXT_STARTS[-2], _NEXT_STARTS[-1])
