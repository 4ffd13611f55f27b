"""Packed profiles of layouts 2, 3 and 4, which had no sections: one value after the other, and no checksum.

All are read. Layout 4 is written, too, while a namespace may have workers that know no newer one
(``docs/upgrading.md``).
"""

from __future__ import annotations

import numpy as np

from stream.catalogue.windows import MINUTE_MS
from stream.compiling import jit
from stream.features import orders
from stream.features.packed_events import (
    BEFORE_REFUNDS,
    FIRST_CHANNELS,
    FIRST_FINE_CHANNELS,
    get_events,
    get_keyed,
    put_events,
)
from stream.features.packed_landmarks import get_landmarks, put_landmarks
from stream.features.profile import (
    MAX_IDS,
    MAX_ORDERS,
    MAX_PENDING,
    MAX_RETRACTIONS,
)
from stream.features.registry import COLUMN_OF_NUMBER, DAY_MS, HOUR_MS
from stream.features.varint import (
    get_bits,
    get_count,
    get_float,
    get_grid_time,
    get_int,
    get_time,
    get_uint,
    put_float,
    put_grid_time,
    put_int,
    put_time,
    put_uint,
)

__all__ = ["FIRST_LAYOUT", "LAST_BEFORE_SECTIONS", "get_before_sections", "put_before_sections"]

FIRST_LAYOUT = 2
LAST_BEFORE_SECTIONS = 4

#: The inputs that the models had then.
_INPUTS_THEN = 33
_MASK_BYTES = (_INPUTS_THEN + 7) // 8
_ID_BYTES = 6


@jit
def _put_sparse(buffer, at, counts):  # type: ignore[no-untyped-def]
    """A bit for each of at most eight counts that is not zero, then those."""
    mask = at
    buffer[mask] = 0
    at += 1
    for j in range(len(counts)):
        if counts[j] != 0:
            buffer[mask] |= 1 << j
            at = put_int(buffer, at, counts[j])
    return at


@jit
def _get_sparse(buffer, at, mask, j):  # type: ignore[no-untyped-def]
    return get_int(buffer, at) if buffer[mask] >> j & 1 else (np.int64(0), at)


@jit
def _put_history(p, buffer, at, base):  # type: ignore[no-untyped-def]
    for time in (p.first_at, p.last_click_at, p.last_email_at, p.unsubscribed_at, p.last_order_at, p.settled_last_at):
        at = put_time(buffer, at, time, base)
    at = put_time(buffer, at, p.first_order_at, p.first_at)
    at = put_time(buffer, at, p.settled_first_at, p.first_at)
    at = put_time(buffer, at, p.ids_floor_s, base // 1000)
    at = put_uint(buffer, at, p.events)
    return _put_sparse(
        buffer,
        at,
        (
            p.orders,
            p.order_days,
            p.order_spend,
            p.emails_sent,
            p.emails_opened,
            p.emails_clicked,
            p.refunds,
            p.refund_spend,
        ),
    )


@jit
def _get_history(p, buffer, at, base):  # type: ignore[no-untyped-def]
    p.first_at, at = get_time(buffer, at, base)
    p.last_click_at, at = get_time(buffer, at, base)
    p.last_email_at, at = get_time(buffer, at, base)
    p.unsubscribed_at, at = get_time(buffer, at, base)
    p.last_order_at, at = get_time(buffer, at, base)
    p.settled_last_at, at = get_time(buffer, at, base)
    p.first_order_at, at = get_time(buffer, at, p.first_at)
    p.settled_first_at, at = get_time(buffer, at, p.first_at)
    p.ids_floor_s, at = get_time(buffer, at, base // 1000)
    p.events, at = get_uint(buffer, at)
    mask = at
    p.orders, at = _get_sparse(buffer, at + 1, mask, 0)
    p.order_days, at = _get_sparse(buffer, at, mask, 1)
    p.order_spend, at = _get_sparse(buffer, at, mask, 2)
    p.emails_sent, at = _get_sparse(buffer, at, mask, 3)
    p.emails_opened, at = _get_sparse(buffer, at, mask, 4)
    p.emails_clicked, at = _get_sparse(buffer, at, mask, 5)
    p.refunds, at = _get_sparse(buffer, at, mask, 6)
    p.refund_spend, at = _get_sparse(buffer, at, mask, 7)
    return at


@jit
def _put_state(p, buffer, at, base):  # type: ignore[no-untyped-def]
    at = put_uint(buffer, at, p.phase_ms)
    for time in (p.next_landmark_at, p.as_of, p.check_at, p.at_risk_from):
        at = put_grid_time(buffer, at, time, base, p.phase_ms)
    at = put_time(buffer, at, p.raised_at, base)
    at = put_grid_time(buffer, at, p.cooldown_until, base, p.raised_at)
    at = put_float(buffer, at, p.risk)
    at = put_uint(buffer, at, p.risk_version)
    at = put_int(buffer, at, p.segment)
    at = put_int(buffer, at, p.risk_version - p.segment_version)
    return put_uint(buffer, at, (1 if p.raised else 0) | (2 if p.check_due else 0) | (p.unpriced << 2))


@jit
def _get_state(p, buffer, at, base):  # type: ignore[no-untyped-def]
    p.phase_ms, at = get_uint(buffer, at)
    p.next_landmark_at, at = get_grid_time(buffer, at, base, p.phase_ms)
    p.as_of, at = get_grid_time(buffer, at, base, p.phase_ms)
    p.check_at, at = get_grid_time(buffer, at, base, p.phase_ms)
    p.at_risk_from, at = get_grid_time(buffer, at, base, p.phase_ms)
    p.raised_at, at = get_time(buffer, at, base)
    p.cooldown_until, at = get_grid_time(buffer, at, base, p.raised_at)
    p.risk, at = get_float(buffer, at)
    p.risk_version, at = get_uint(buffer, at)
    p.segment, at = get_int(buffer, at)
    newer, at = get_int(buffer, at)
    p.segment_version = p.risk_version - newer
    return _get_flags(p, buffer, at)


@jit
def _get_flags(p, buffer, at):  # type: ignore[no-untyped-def]
    flags, at = get_uint(buffer, at)
    p.raised = (flags & 1) != 0
    p.check_due = (flags & 2) != 0
    p.unpriced = flags >> 2
    return at


@jit
def _get_first_history(p, buffer, at, base):  # type: ignore[no-untyped-def]
    p.first_at, at = get_time(buffer, at, base)
    p.last_click_at, at = get_time(buffer, at, base)
    p.last_email_at, at = get_time(buffer, at, base)
    p.unsubscribed_at, at = get_time(buffer, at, base)
    p.first_order_at, at = get_time(buffer, at, base)
    p.last_order_at, at = get_time(buffer, at, base)
    p.settled_first_at, at = get_time(buffer, at, base)
    p.settled_last_at, at = get_time(buffer, at, base)
    p.ids_floor_s, at = get_time(buffer, at, base // 1000)
    p.events, at = get_int(buffer, at)
    p.emails_sent, at = get_int(buffer, at)
    p.emails_opened, at = get_int(buffer, at)
    p.emails_clicked, at = get_int(buffer, at)
    p.orders, at = get_int(buffer, at)
    p.order_days, at = get_int(buffer, at)
    p.refunds, at = get_int(buffer, at)
    p.order_spend, at = get_int(buffer, at)
    p.refund_spend, at = get_int(buffer, at)
    return at


@jit
def _get_first_state(p, buffer, at, base):  # type: ignore[no-untyped-def]
    p.phase_ms, at = get_uint(buffer, at)
    p.next_landmark_at, at = get_time(buffer, at, base)
    p.as_of, at = get_time(buffer, at, base)
    p.check_at, at = get_time(buffer, at, base)
    p.at_risk_from, at = get_time(buffer, at, base)
    p.raised_at, at = get_time(buffer, at, base)
    p.cooldown_until, at = get_time(buffer, at, base)
    p.risk, at = get_float(buffer, at)
    p.risk_version, at = get_uint(buffer, at)
    p.segment, at = get_int(buffer, at)
    p.segment_version, at = get_uint(buffer, at)
    return _get_flags(p, buffer, at)


@jit
def _get_first_tiles(p, buffer, at, stamps, counts, hop, channels, with_spend, behind):  # type: ignore[no-untyped-def]
    newest = p.last_at // hop
    live, at = get_count(buffer, at, stamps.shape[0], behind)
    for _ in range(live):
        age, at = get_uint(buffer, at)
        slot = (newest - age) % stamps.shape[0]
        stamps[slot] = newest - age
        for c in range(counts.shape[1]):
            counts[slot, c] = 0
        for c in range(channels):
            count, at = get_int(buffer, at)
            if c < counts.shape[1]:
                counts[slot, c] = count
        if with_spend:
            p.day_spend[slot], at = get_int(buffer, at)
    return at


@jit
def _get_first_orders(p, buffer, at, behind):  # type: ignore[no-untyped-def]
    p.open_orders, at = get_count(buffer, at, MAX_ORDERS, behind)
    before = p.last_at
    for k in range(p.open_orders - 1, -1, -1):
        p.order_id[k], at = get_bits(buffer, at, _ID_BYTES)
        age, at = get_int(buffer, at)
        before -= age
        p.order_at[k] = before
        p.order_amount[k], at = get_int(buffer, at)
        p.order_amount_at[k] = before
    p.retractions, at = get_keyed(buffer, at, p.retraction_id, p.retraction_at, MAX_RETRACTIONS, p.last_at, behind)
    return at


@jit
def _get_first_landmarks(p, buffer, at, base, behind):  # type: ignore[no-untyped-def]
    p.pending, at = get_count(buffer, at, MAX_PENDING, behind)
    for k in range(p.pending):
        age, at = get_int(buffer, at)
        p.pending_at[k] = base - age
        p.pending_risk[k], at = get_float(buffer, at)
        p.pending_logit[k], at = get_int(buffer, at)
        p.pending_version[k], at = get_uint(buffer, at)
        p.pending_orders[k], at = get_uint(buffer, at)
        p.pending_spend[k], at = get_int(buffer, at)
        mask = at
        at += _MASK_BYTES
        for j in range(p.pending_input.shape[1]):
            p.pending_input[k, j] = 0
        for j in range(_INPUTS_THEN):
            if buffer[mask + j // 8] & (1 << (j % 8)):
                value, at = get_int(buffer, at)
                if COLUMN_OF_NUMBER[j] >= 0:
                    p.pending_input[k, COLUMN_OF_NUMBER[j]] = value
    return at


@jit
def _get_first(p, buffer, at, base, behind):  # type: ignore[no-untyped-def]
    """Layout 2: as the others in what it holds, in another order and without their differences."""
    at = _get_first_history(p, buffer, at, base)
    at = _get_first_state(p, buffer, at, base)
    at = _get_first_tiles(p, buffer, at, p.day_stamp, p.day_count, DAY_MS, FIRST_CHANNELS, True, behind)
    at = _get_first_tiles(p, buffer, at, p.hour_stamp, p.hour_count, HOUR_MS, FIRST_FINE_CHANNELS, False, behind)
    at = _get_first_tiles(p, buffer, at, p.minute_stamp, p.minute_count, MINUTE_MS, FIRST_FINE_CHANNELS, False, behind)
    at = _get_first_orders(p, buffer, at, behind)
    p.ids, at = get_keyed(buffer, at, p.id_hash, p.id_at_s, MAX_IDS, base // 1000, behind)
    return _get_first_landmarks(p, buffer, at, base, behind)


@jit
def get_before_sections(p, buffer, at, layout, behind):  # type: ignore[no-untyped-def]
    """Read what stands behind the version byte of a profile of ``layout`` (2 to 4) into ``p``, which was reset.

    Return the position after it. What cannot have been written sends the reader to ``behind``, where zeros stand.
    """
    base, at = get_int(buffer, at)
    p.last_at = base
    if layout == FIRST_LAYOUT:
        at = _get_first(p, buffer, at, base, behind)
    else:
        at = _get_history(p, buffer, at, base)
        at = _get_state(p, buffer, at, base)
        at = get_events(p, buffer, at, layout, FIRST_CHANNELS, FIRST_FINE_CHANNELS, behind)
        at = get_landmarks(p, buffer, at, _INPUTS_THEN, behind)
    if layout <= BEFORE_REFUNDS:
        orders.join_twins(p)
    return at


@jit
def put_before_sections(p, buffer, at):  # type: ignore[no-untyped-def]
    """Write what stands behind the version byte of a profile of layout 4; return the position after it."""
    base = p.last_at
    at = put_int(buffer, at, base)
    at = _put_history(p, buffer, at, base)
    at = _put_state(p, buffer, at, base)
    at = put_events(p, buffer, at, FIRST_CHANNELS, FIRST_FINE_CHANNELS)
    return put_landmarks(p, buffer, at, _INPUTS_THEN)
