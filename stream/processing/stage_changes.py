"""From the changes of stage that the kernel noted to the records that are published.

There may be one for each event, so their text is made by compiled code, a batch at a time, as that of documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, repeat
from typing import Final

import numpy as np
import numpy.typing as npt

from stream.alerts.stage_sentences import stage_sentence
from stream.compiling import jit
from stream.events.times import rfc3339
from stream.features.stages import Stage, StageCause
from stream.processing.json_text import (
    MAX_NUMBER,
    Fragments,
    fragments,
    put_decimal,
    put_fragment,
    put_instant,
    put_integer,
    quoted,
)
from stream.processing.state import Outgoing

__all__ = ["changes_of_stage"]

_HEADERS: Final[list[tuple[str, bytes | None]]] = [("content-type", b"application/json")]
#: Records written at a stretch: so many as stay in the cache until they are copied out.
_ROWS: Final = 256
#: Decimal places of times in days.
_PLACES: Final = 4

_KEYS: Final = (
    b'{"change_id":',
    b'","customer_id":',
    b',"from":',
    b',"to":',
    b',"cause":',
    b',"why":',
    b',"since":',
    b',"days_since_order":',
    b',"usual_gap_days":',
    b',"occurred_at":',
    b',"emitted_at":',
    b"}",
)
_CHANGE_ID, _CUSTOMER_ID, _FROM, _TO, _CAUSE, _WHY, _SINCE, _SILENCE, _HABIT, _OCCURRED_AT, _EMITTED_AT, _END = range(
    len(_KEYS)
)
_KEY_TEXT, _KEY_STARTS = fragments(_KEYS)
_STAGES: Final = [b'"%s"' % stage.code.encode() if stage else b"null" for stage in Stage]
_STAGE_TEXT, _STAGE_STARTS = fragments(_STAGES)
_CAUSE_TEXT, _CAUSE_STARTS = fragments([b'"%s"' % cause.code.encode() for cause in StageCause])
_AT, _COLON = b"@:"
#: Bytes of a record beside its ids and its sentence, at most.
_FIXED: Final = len(_KEY_TEXT) + 3 * len(max(_STAGES, key=len)) + len(_CAUSE_TEXT) + 8 * MAX_NUMBER


@jit
def _put_key(buffer, at, k):  # type: ignore[no-untyped-def]
    return put_fragment(buffer, at, _KEY_TEXT, _KEY_STARTS[k], _KEY_STARTS[k + 1])


@jit
def _put_stage(buffer, at, stage):  # type: ignore[no-untyped-def]
    return put_fragment(buffer, at, _STAGE_TEXT, _STAGE_STARTS[stage], _STAGE_STARTS[stage + 1])


@jit
def _put_change_id(buffer, at, change, ids):  # type: ignore[no-untyped-def]
    """Write customer, time, stage and event, up to the closing quotation mark."""
    at = put_fragment(buffer, at, ids[0], ids[1][change.row], ids[1][change.row + 1] - 1)
    buffer[at] = _AT
    at = put_integer(buffer, at + 1, change.at)
    buffer[at] = _COLON
    begin, end = _STAGE_STARTS[change.stage] + 1, _STAGE_STARTS[change.stage + 1] - 1
    at = put_fragment(buffer, at + 1, _STAGE_TEXT, begin, end)
    buffer[at] = _COLON
    return put_integer(buffer, at + 1, change.event_id)


@jit
def _write_changes(buffer, ends, begin, end, changes, ids, whys, which, emitted):  # type: ignore[no-untyped-def]
    """Write ``changes[begin:end]`` (STAGE_CHANGE) end to end; ``which``: of each, the position of its sentence."""
    at = 0
    for k in range(begin, end):
        change = changes[k]
        at = _put_change_id(buffer, _put_key(buffer, at, _CHANGE_ID), change, ids)
        at = _put_key(buffer, at, _CUSTOMER_ID)
        at = put_fragment(buffer, at, ids[0], ids[1][change.row], ids[1][change.row + 1])
        at = _put_stage(buffer, _put_key(buffer, at, _FROM), change.previous)
        at = _put_stage(buffer, _put_key(buffer, at, _TO), change.stage)
        at = _put_key(buffer, at, _CAUSE)
        at = put_fragment(buffer, at, _CAUSE_TEXT, _CAUSE_STARTS[change.cause], _CAUSE_STARTS[change.cause + 1])
        at = _put_key(buffer, at, _WHY)
        at = put_fragment(buffer, at, whys[0], whys[1][which[k]], whys[1][which[k] + 1])
        since = _put_key(buffer, at, _SINCE)
        at = put_instant(buffer, since, change.since, True)
        until = at
        at = put_decimal(buffer, _put_key(buffer, at, _SILENCE), change.silence_days, _PLACES)
        at = put_decimal(buffer, _put_key(buffer, at, _HABIT), change.habit_days, _PLACES)
        at = _put_key(buffer, at, _OCCURRED_AT)
        if change.at == change.since:
            at = put_fragment(buffer, at, buffer, since, until)
        else:
            at = put_instant(buffer, at, change.at, True)
        at = put_fragment(buffer, _put_key(buffer, at, _EMITTED_AT), emitted[0], emitted[1][0], emitted[1][1])
        at = _put_key(buffer, at, _END)
        ends[k - begin] = at


def changes_of_stage(
    changes: npt.NDArray[np.void], customer_ids: Sequence[str], ids: Fragments, topic: str, now_ms: int
) -> list[Outgoing]:
    """Records for ``changes`` (STAGE_CHANGE), in their order.

    ``customer_ids[row]`` names the customer of a row; ``ids``: the same, `quoted`.
    """
    if not len(changes):
        return []
    whys, which = _sentences(changes)
    texts = (ids, quoted(whys), which, quoted([rfc3339(now_ms)]))
    longest = 2 * np.diff(ids[1]).max() + np.diff(texts[1][1]).max() + _FIXED
    buffer = np.empty(min(_ROWS, len(changes)) * int(longest), np.uint8)
    ends = np.empty(_ROWS, np.int64)
    values = []
    for begin in range(0, len(changes), _ROWS):
        end = min(begin + _ROWS, len(changes))
        _write_changes(buffer, ends, begin, end, changes, *texts)
        ends_at = ends[: end - begin].tolist()
        text = buffer[: ends_at[-1]].tobytes()
        values += [text[first:last] for first, last in pairwise([0, *ends_at])]
    keys = map(str.encode, map(customer_ids.__getitem__, changes["row"].tolist()))
    return list(map(Outgoing, repeat(topic), keys, values, repeat(_HEADERS)))


def _sentences(changes: npt.NDArray[np.void]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Why, each sentence once, and the position of each change's: whole days, as people read them, are few."""
    stage, cause, silence, habit = (changes[name] for name in ("stage", "cause", "silence_days", "habit_days"))
    has_ordered = ~np.isnan(silence)
    # told apart as `stage_sentence` tells them apart: no order, less than a day, and days
    days = np.where(has_ordered, np.where(silence < 1.0, 0.0, np.maximum(np.rint(silence), 1.0)), -1.0)
    usual = np.where(has_ordered, np.rint(habit), 0.0)
    told = np.stack([stage, cause, days.astype(np.int64), usual.astype(np.int64)])
    order = np.lexsort(told)
    first = np.concatenate([[True], (np.diff(told[:, order], axis=1) != 0).any(axis=0)])
    which = np.empty(len(changes), np.int64)
    which[order] = np.cumsum(first) - 1
    firsts = order[first]
    columns = (one[firsts].tolist() for one in (stage, cause, silence, habit, has_ordered))
    sentences = [
        stage_sentence(Stage(to), StageCause(why), silent if ordered else None, usually)
        for to, why, silent, usually, ordered in zip(*columns, strict=True)
    ]
    return sentences, which
