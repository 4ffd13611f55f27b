"""Packing profiles into few bytes, and back.

The packed form is canonical: two profiles that will give the same features for ever have the same tiles and ids in
it, sorted, with what fell out of every window left out. Layout: a version octet, then varints; times are deltas to the
newest event, model inputs two octets at most each, ids six octets, the risk as the eight octets of its double.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
import numpy.typing as npt

from stream.errors import CodecError
from stream.features import apply
from stream.features.profile import (
    DAY_TILES,
    HOUR_TILES,
    MAX_IDS,
    MAX_ORDERS,
    MAX_PENDING,
    MAX_RETRACTIONS,
    MINUTE_MS,
    MINUTE_TILES,
    PROFILE,
    reset,
)
from stream.features.registry import DAY_MS, HOUR_MS
from stream.features.varint import get_bits, get_int, get_time, get_uint, put_bits, put_int, put_time, put_uint

__all__ = ["LAYOUT", "pack", "unpack"]

#: Version of the packed form; it changes with the layout or the list of features.
LAYOUT = 2

_ID_OCTETS = 6
_INPUTS = PROFILE["pending_input"].shape[1]
_MASK_OCTETS = (_INPUTS + 7) // 8
#: No profile packs to more than this many octets, and no blob whose counts are within bounds makes more be read.
_LIMIT = (
    512
    + DAY_TILES * 54
    + (HOUR_TILES + MINUTE_TILES) * 36
    + MAX_IDS * 16
    + MAX_ORDERS * 26
    + MAX_RETRACTIONS * 16
    + MAX_PENDING * (54 + 9 * _INPUTS)
)


@numba.njit(cache=True)
def _get_count(buffer, at, most):  # type: ignore[no-untyped-def]
    """Read a number of entries; one that no profile has sends the reader behind all blobs, into the zeros there."""
    count, at = get_uint(buffer, at)
    if count > most:
        return 0, buffer.shape[0] - _LIMIT + 1
    return count, at


@numba.njit(cache=True)
def _put_tiles(buffer, at, stamps, counts, spend, newest, span):  # type: ignore[no-untyped-def]
    channels = counts.shape[1]
    live = 0
    for index in range(newest - span, newest + 1):
        slot = index % stamps.shape[0]
        if index >= 0 and stamps[slot] == index and (spend[slot % spend.shape[0]] != 0 or counts[slot].any()):
            live += 1
    at = put_uint(buffer, at, live)
    for index in range(newest - span, newest + 1):
        slot = index % stamps.shape[0]
        if index >= 0 and stamps[slot] == index and (spend[slot % spend.shape[0]] != 0 or counts[slot].any()):
            at = put_uint(buffer, at, newest - index)
            for c in range(channels):
                at = put_int(buffer, at, counts[slot, c])
            if spend.shape[0] > 1:
                at = put_int(buffer, at, spend[slot])
    return at


@numba.njit(cache=True)
def _get_tiles(buffer, at, stamps, counts, spend, newest):  # type: ignore[no-untyped-def]
    live, at = _get_count(buffer, at, stamps.shape[0])
    for _ in range(live):
        age, at = get_uint(buffer, at)
        slot = (newest - age) % stamps.shape[0]
        stamps[slot] = newest - age
        for c in range(counts.shape[1]):
            counts[slot, c], at = get_int(buffer, at)
        if spend.shape[0] > 1:
            spend[slot], at = get_int(buffer, at)
    return at


@numba.njit(cache=True)
def _by_time(times, keys, count):  # type: ignore[no-untyped-def]
    """Positions in the order of (time, key): newest last, and the same whatever the order of arrival."""
    order = np.argsort(times[:count], kind="mergesort")
    begin = 0
    while begin < count:
        end = begin + 1
        while end < count and times[order[end]] == times[order[begin]]:
            end += 1
        if end - begin > 1:
            run = order[begin:end].copy()
            order[begin:end] = run[np.argsort(keys[run])]
        begin = end
    return order


@numba.njit(cache=True)
def _put_keyed(buffer, at, hashes, times, count, base):  # type: ignore[no-untyped-def]
    order = _by_time(times, hashes, count)
    at = put_uint(buffer, at, count)
    for k in order[::-1]:
        at = put_bits(buffer, at, hashes[k], _ID_OCTETS)
        at = put_int(buffer, at, base - times[k])
        base = times[k]
    return at


@numba.njit(cache=True)
def _get_keyed(buffer, at, hashes, times, base):  # type: ignore[no-untyped-def]
    count, at = _get_count(buffer, at, hashes.shape[0])
    for k in range(count):
        hashes[k], at = get_bits(buffer, at, _ID_OCTETS)
        age, at = get_int(buffer, at)
        base -= age
        times[k] = base
    return count, at


@numba.njit(cache=True)
def _is_costlier_twin(p, a, b):  # type: ignore[no-untyped-def]
    same = p.order_at[a] == p.order_at[b] and p.order_id[a] == p.order_id[b]
    return same and p.order_amount[a] > p.order_amount[b]


@numba.njit(cache=True)
def _put_orders(p, buffer, at, base):  # type: ignore[no-untyped-def]
    order = _by_time(p.order_at, p.order_id, p.open_orders)
    # an order id may stand twice, even at the same time: then the amount decides
    for i in range(1, p.open_orders):
        j = i
        while j > 0 and _is_costlier_twin(p, order[j - 1], order[j]):
            order[j - 1], order[j] = order[j], order[j - 1]
            j -= 1
    at = put_uint(buffer, at, p.open_orders)
    before = base
    for k in order[::-1]:
        at = put_bits(buffer, at, p.order_id[k], _ID_OCTETS)
        at = put_int(buffer, at, before - p.order_at[k])
        at = put_int(buffer, at, p.order_amount[k])
        before = p.order_at[k]
    return _put_keyed(buffer, at, p.retraction_id, p.retraction_at, p.retractions, base)


@numba.njit(cache=True)
def _get_orders(p, buffer, at, base):  # type: ignore[no-untyped-def]
    p.open_orders, at = _get_count(buffer, at, MAX_ORDERS)
    before = base
    for k in range(p.open_orders):
        p.order_id[k], at = get_bits(buffer, at, _ID_OCTETS)
        age, at = get_int(buffer, at)
        before -= age
        p.order_at[k] = before
        p.order_amount[k], at = get_int(buffer, at)
    p.retractions, at = _get_keyed(buffer, at, p.retraction_id, p.retraction_at, base)
    return at


@numba.njit(cache=True)
def _put_inputs(buffer, at, inputs):  # type: ignore[no-untyped-def]
    """A bit for each input that is not zero, then those."""
    mask = at
    at += _MASK_OCTETS
    buffer[mask:at] = 0
    for j in range(_INPUTS):
        if inputs[j] != 0:
            buffer[mask + j // 8] |= 1 << (j % 8)
            at = put_int(buffer, at, inputs[j])
    return at


@numba.njit(cache=True)
def _get_inputs(buffer, at, inputs):  # type: ignore[no-untyped-def]
    mask = at
    at += _MASK_OCTETS
    for j in range(_INPUTS):
        inputs[j] = 0
        if buffer[mask + j // 8] & (1 << (j % 8)):
            inputs[j], at = get_int(buffer, at)
    return at


@numba.njit(cache=True)
def _put_pending(p, buffer, at, base):  # type: ignore[no-untyped-def]
    at = put_uint(buffer, at, p.pending)
    for k in range(p.pending):
        at = put_int(buffer, at, base - p.pending_at[k])
        at = put_bits(buffer, at, np.float64(p.pending_risk[k]).view(np.int64), 8)
        at = put_int(buffer, at, p.pending_logit[k])
        at = put_uint(buffer, at, p.pending_version[k])
        at = put_uint(buffer, at, p.pending_orders[k])
        at = put_int(buffer, at, p.pending_spend[k])
        at = _put_inputs(buffer, at, p.pending_input[k])
    return at


@numba.njit(cache=True)
def _get_pending(p, buffer, at, base):  # type: ignore[no-untyped-def]
    p.pending, at = _get_count(buffer, at, MAX_PENDING)
    for k in range(p.pending):
        age, at = get_int(buffer, at)
        p.pending_at[k] = base - age
        bits, at = get_bits(buffer, at, 8)
        p.pending_risk[k] = np.int64(bits).view(np.float64)
        p.pending_logit[k], at = get_int(buffer, at)
        p.pending_version[k], at = get_uint(buffer, at)
        p.pending_orders[k], at = get_uint(buffer, at)
        p.pending_spend[k], at = get_int(buffer, at)
        at = _get_inputs(buffer, at, p.pending_input[k])
    return at


@numba.njit(cache=True)
def _put_history(p, buffer, at, base):  # type: ignore[no-untyped-def]
    for time in (
        p.first_at,
        p.last_click_at,
        p.last_email_at,
        p.unsubscribed_at,
        p.first_order_at,
        p.last_order_at,
        p.settled_first_at,
        p.settled_last_at,
    ):
        at = put_time(buffer, at, time, base)
    at = put_time(buffer, at, p.ids_floor_s, base // 1000)
    for count in (
        p.events,
        p.emails_sent,
        p.emails_opened,
        p.emails_clicked,
        p.orders,
        p.order_days,
        p.refunds,
        p.order_spend,
        p.refund_spend,
    ):
        at = put_int(buffer, at, count)
    return at


@numba.njit(cache=True)
def _get_history(p, buffer, at, base):  # type: ignore[no-untyped-def]
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


@numba.njit(cache=True)
def _put_state(p, buffer, at, base):  # type: ignore[no-untyped-def]
    at = put_uint(buffer, at, p.phase_ms)
    for time in (p.next_landmark_at, p.as_of, p.check_at, p.at_risk_from, p.raised_at, p.cooldown_until):
        at = put_time(buffer, at, time, base)
    at = put_bits(buffer, at, np.float64(p.risk).view(np.int64), 8)
    at = put_uint(buffer, at, p.risk_version)
    at = put_int(buffer, at, p.segment)
    at = put_uint(buffer, at, p.segment_version)
    return put_uint(buffer, at, (1 if p.raised else 0) | (2 if p.check_due else 0))


@numba.njit(cache=True)
def _get_state(p, buffer, at, base):  # type: ignore[no-untyped-def]
    p.phase_ms, at = get_uint(buffer, at)
    p.next_landmark_at, at = get_time(buffer, at, base)
    p.as_of, at = get_time(buffer, at, base)
    p.check_at, at = get_time(buffer, at, base)
    p.at_risk_from, at = get_time(buffer, at, base)
    p.raised_at, at = get_time(buffer, at, base)
    p.cooldown_until, at = get_time(buffer, at, base)
    bits, at = get_bits(buffer, at, 8)
    p.risk = np.int64(bits).view(np.float64)
    p.risk_version, at = get_uint(buffer, at)
    p.segment, at = get_int(buffer, at)
    p.segment_version, at = get_uint(buffer, at)
    flags, at = get_uint(buffer, at)
    p.raised = (flags & 1) != 0
    p.check_due = (flags & 2) != 0
    return at


@numba.njit(cache=True)
def _pack_rows(profiles, count, buffer, ends):  # type: ignore[no-untyped-def]
    """Pack rows 0..count-1 one after the other; return how many fitted."""
    no_spend = np.zeros(1, np.int64)
    at = 0
    for i in range(count):
        if at + _LIMIT > buffer.shape[0]:
            return i
        p = profiles[i]
        apply.forget(p)
        base = p.last_at
        buffer[at] = LAYOUT
        at = put_int(buffer, at + 1, base)
        at = _put_history(p, buffer, at, base)
        at = _put_state(p, buffer, at, base)
        at = _put_tiles(buffer, at, p.day_stamp, p.day_count, p.day_spend, base // DAY_MS, 90)
        at = _put_tiles(buffer, at, p.hour_stamp, p.hour_count, no_spend, base // HOUR_MS, 24)
        at = _put_tiles(buffer, at, p.minute_stamp, p.minute_count, no_spend, base // MINUTE_MS, 12)
        at = _put_orders(p, buffer, at, base)
        at = _put_keyed(buffer, at, p.id_hash, p.id_at_s, p.ids, base // 1000)
        at = _put_pending(p, buffer, at, base)
        ends[i] = at
    return count


@numba.njit(cache=True)
def _unpack_rows(profiles, rows, buffer, starts):  # type: ignore[no-untyped-def]
    """Unpack blobs into the given rows; return the position of a blob that does not end where it should, or -1."""
    no_spend = np.zeros(1, np.int64)
    for i in range(rows.shape[0]):
        at = starts[i]
        p = profiles[rows[i]]
        reset(p, 0)
        if buffer[at] != LAYOUT:
            return i
        base, at = get_int(buffer, at + 1)
        p.last_at = base
        at = _get_history(p, buffer, at, base)
        at = _get_state(p, buffer, at, base)
        at = _get_tiles(buffer, at, p.day_stamp, p.day_count, p.day_spend, base // DAY_MS)
        at = _get_tiles(buffer, at, p.hour_stamp, p.hour_count, no_spend, base // HOUR_MS)
        at = _get_tiles(buffer, at, p.minute_stamp, p.minute_count, no_spend, base // MINUTE_MS)
        at = _get_orders(p, buffer, at, base)
        p.ids, at = _get_keyed(buffer, at, p.id_hash, p.id_at_s, base // 1000)
        at = _get_pending(p, buffer, at, base)
        if at != starts[i + 1]:
            return i
    return -1


def pack(profiles: npt.NDArray[np.void], count: int) -> list[bytes]:
    """Pack the first ``count`` rows of a PROFILE array; rows with no event must not be among them."""
    ends = np.empty(count, np.int64)
    size = _LIMIT + 2048 * count
    while True:
        buffer = np.empty(size, np.uint8)
        if _pack_rows(profiles, count, buffer, ends) == count:
            break
        size *= 2
    octets = buffer[: ends[-1] if count else 0].tobytes()
    starts = [0, *ends[:-1].tolist()] if count else []
    return [octets[start:end] for start, end in zip(starts, ends.tolist(), strict=True)]


def unpack(profiles: npt.NDArray[np.void], rows: Sequence[int], blobs: Sequence[bytes]) -> None:
    """Unpack each blob into the row of a PROFILE array that stands at the same position in ``rows``.

    Raises CodecError when a blob is not of this layout.
    """
    if not blobs:
        return
    starts = np.zeros(len(blobs) + 1, np.int64)
    np.cumsum([len(blob) for blob in blobs], out=starts[1:])
    # the guard octets make reads behind a cut blob harmless: its length check fails afterwards
    buffer = np.frombuffer(b"".join(blobs) + bytes(2 * _LIMIT), np.uint8)
    broken = _unpack_rows(profiles, np.asarray(rows, np.int64), buffer, starts)
    if broken >= 0:
        blob = blobs[broken]
        if blob[:1] == bytes([LAYOUT]):
            raise CodecError(
                f"a stored profile of {len(blob)} octets is damaged: replay the log into a fresh namespace"
            )
        raise CodecError(
            f"a stored profile of {len(blob)} octets, layout {blob[0] if blob else None}, is not of layout {LAYOUT}: "
            "it was written by another version; replay the log into a fresh namespace"
        )
