"""The loops of the kernel: customers one after the other, each from its packed form to its packed form.

A profile takes 25 kB unpacked. All of a step's customers at once would be hundreds of megabytes, cold in every cache.
One customer that is unpacked, advanced, scored and packed before the next stays in the first-level cache. This is
possible because customers do not depend on each other within a step: stream time is computed before.

``working`` is PROFILE[1], ``cursors`` CURSOR[1], ``models`` COMPILED_MODEL[1].
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.catalogue.outputs import PROFILE_FIELDS
from stream.compiling import jit, literal_unroll
from stream.features import vector
from stream.features.codec import MAX_BYTES, pack_into, unpack_from
from stream.features.habit import learn_habit
from stream.features.profile import NEVER, PROFILE, reset
from stream.processing.advance import ROOM, apply, fire, look
from stream.processing.emission import StageChanges
from stream.processing.foresight import foreseen
from stream.processing.score import risk_at
from stream.processing.silence import next_due, search

__all__ = [
    "CRAMPED",
    "CURSOR",
    "DAMAGED",
    "DONE",
    "FULL",
    "STANDING",
    "Customers",
    "Events",
    "LatestVectors",
    "LoopOutput",
    "advance",
    "new_cursor",
    "score",
    "sweep",
]

#: What of a profile is shown to people (`PROFILE_FIELDS`), and what it leads to.
STANDING = np.dtype(
    [
        *((name, PROFILE[name]) for name in PROFILE_FIELDS),
        ("habit_days", np.float64),
        ("foreseen", np.int64),
        ("due", np.int64),
    ],
    align=True,
)

#: Why a loop ended: nothing is left to do; there is no room for emissions, or for packed profiles; not a profile.
DONE, FULL, CRAMPED, DAMAGED = 0, 1, 2, 3


class Customers(NamedTuple):
    """Packed and verified profiles (`codec.join`, `codec.verify`), of no bytes where nothing is known yet.

    ``seeds``: of their checksums (int64[N], `seed_of`). ``phases``: of their landmarks (ms, int64[N]).
    """

    raw: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int64]
    seeds: npt.NDArray[np.int64]
    phases: npt.NDArray[np.int64]


class Events(NamedTuple):
    """What happens to the customers.

    ``columns``: EVENT, in the order of the log. ``order``: their positions by customer, in the order of the log for
    each. ``first``: int64[N + 1], where in ``order`` the events of a customer begin. ``stream_time``: the partition's
    (ms), with the event at the position included. ``status``: uint8, to be filled: what became of each.
    """

    columns: npt.NDArray[np.void]
    order: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    stream_time: npt.NDArray[np.int64]
    status: npt.NDArray[np.uint8]


class LatestVectors(NamedTuple):
    """The feature vectors of the customers as of the last look at each.

    ``at``: int64[N], when (ms), NEVER for one not looked at yet. ``values``: float64[N, features]. ``inputs``:
    int16[N, features]. ``value``, ``input``: one row more, for looks that leave no trace.
    """

    at: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    inputs: npt.NDArray[np.int16]
    value: npt.NDArray[np.float64]
    input: npt.NDArray[np.int16]


class LoopOutput(NamedTuple):
    """What a loop leaves: profiles packed in ``layout``, where each ends, STANDING[N], emissions, tally, last looks.

    ``changes`` of stage have as much room as ``emissions``.
    """

    layout: int
    raw: npt.NDArray[np.uint8]
    ends: npt.NDArray[np.int64]
    standing: npt.NDArray[np.void]
    emissions: npt.NDArray[np.void]
    tally: npt.NDArray[np.int64]
    looks: LatestVectors
    changes: StageChanges


#: Where a loop continues: the customer, its next event, whether it is unpacked, and the end of what is packed.
CURSOR = np.dtype([("row", np.int64), ("event", np.int64), ("unpacked", np.bool_), ("packed_to", np.int64)], align=True)


def new_cursor() -> npt.NDArray[np.void]:
    """CURSOR[1] at the first customer."""
    return np.zeros(1, CURSOR)


@jit
def _unpack(p, customers, row):  # type: ignore[no-untyped-def]
    begin = customers.starts[row]
    end = customers.starts[row + 1]
    if begin == end:
        reset(p, customers.phases[row])
        return True
    return unpack_from(p, customers.raw, begin, end)


@jit
def _enter(p, customers, cursor, left):  # type: ignore[no-untyped-def]
    """Unpack the customer at the cursor, unless that was done before; DONE, or why it cannot be."""
    if not cursor.unpacked:
        if left.raw.shape[0] - cursor.packed_to < MAX_BYTES:
            return CRAMPED
        if not _unpack(p, customers, cursor.row):
            return DAMAGED
        cursor.unpacked = True
    return DONE


@jit
def _leave(p, customers, rules, model, cursor, left):  # type: ignore[no-untyped-def]
    """Search the next crossing, score the customer unless done, store the standing, pack, move to the next."""
    row = cursor.row
    looks = left.looks
    if p.check_due:
        search(p, p.next_landmark_at, rules, model, looks.value, looks.input)
    if p.as_of != NEVER and looks.at[row] != p.as_of:
        vector.values(p, p.as_of, looks.values[row])
        vector.quantise(looks.values[row], looks.inputs[row])
    s = left.standing[row]
    for name in literal_unroll(PROFILE_FIELDS):
        s[name] = p[name]
    s.habit_days = np.nan
    if p.orders > 0:
        learn_habit(p, model.shop_gap_days)
        s.habit_days = p.habit_days
    s.foreseen = foreseen(p, rules)
    s.due = next_due(p, rules, model)
    if p.events > 0:
        cursor.packed_to = pack_into(p, left.raw, cursor.packed_to, customers.seeds[row], left.layout)
    left.ends[row] = cursor.packed_to
    cursor.unpacked = False
    cursor.row += 1


@jit
def _place(records, begin, end, position):  # type: ignore[no-untyped-def]
    for k in range(begin, end):
        records[k].position = position


@jit
def _is_full(count, left):  # type: ignore[no-untyped-def]
    return max(count, left.changes.used[0]) + 2 * ROOM > left.emissions.shape[0]


@jit
def advance(working, cursors, customers, events, rules, models, left):  # type: ignore[no-untyped-def]
    """Apply the events of each customer; return (why it ended, emissions).

    What is due before an event's stream time fires first, also for a late event, because by then it has fired or
    would have. After FULL the emissions are to be taken away, after CRAMPED ``left.bytes`` to be made larger; then it
    goes on when called again.
    """
    p = working[0]
    cursor = cursors[0]
    model = models[0]
    out, changes = left.emissions, left.changes
    count = 0
    while cursor.row < customers.phases.shape[0]:
        row = cursor.row
        if not cursor.unpacked:
            cursor.event = events.first[row]
        status = _enter(p, customers, cursor, left)
        if status != DONE:
            return status, count
        while cursor.event < events.first[row + 1]:
            i = events.order[cursor.event]
            now = events.stream_time[i]
            before, changes_before = count, changes.used[0]
            count = fire(p, row, now, rules, model, out, count, left.tally, left.looks, changes)
            full = _is_full(count, left)
            if not full:
                events.status[i], count = apply(
                    p, row, events.columns[i], now, rules, model, out, count, left.tally, left.looks, changes
                )
                cursor.event += 1
            _place(out, before, count, i)
            _place(changes.records, changes_before, changes.used[0], i)
            if full:
                return FULL, count
        _leave(p, customers, rules, model, cursor, left)
    return DONE, count


@jit
def sweep(working, cursors, customers, until, looks_at_all, rules, models, left):  # type: ignore[no-untyped-def]
    """Fire what is due before ``until`` (ms) of each customer; returns, and goes on, as `advance` does.

    ``looks_at_all``: then score each as of ``until``, with or without a due timer.
    """
    p = working[0]
    cursor = cursors[0]
    model = models[0]
    out, changes = left.emissions, left.changes
    count = 0
    while cursor.row < customers.phases.shape[0]:
        status = _enter(p, customers, cursor, left)
        if status != DONE:
            return status, count
        before, changes_before = count, changes.used[0]
        count = fire(p, cursor.row, until, rules, model, out, count, left.tally, left.looks, changes)
        full = _is_full(count, left)
        if looks_at_all and not full:
            count = look(p, cursor.row, until, rules, model, out, count, left.tally, left.looks)
        _place(out, before, count, cursor.row)
        _place(changes.records, changes_before, changes.used[0], cursor.row)
        if full:
            return FULL, count
        _leave(p, customers, rules, model, cursor, left)
    return DONE, count


@jit
def score(working, customers, now, models, values, inputs, risks, habits):  # type: ignore[no-untyped-def]
    """Score each customer at ``now`` (ms), changing nothing; return the first that is damaged, or -1."""
    p = working[0]
    model = models[0]
    for row in range(customers.phases.shape[0]):
        if not _unpack(p, customers, row):
            return row
        risks[row] = risk_at(p, now, model, values[row], inputs[row])
        learn_habit(p, model.shop_gap_days)
        habits[row] = p.habit_days
    return -1
