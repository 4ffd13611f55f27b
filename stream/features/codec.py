"""Packing profiles into few bytes, and back.

The packed form is canonical: two profiles that will give the same features for ever have the same tiles and ids in
it, sorted, with what fell out of every window left out. Layout: a version octet, then varints; times are deltas to the
newest event, model inputs two octets at most each, ids six octets, the risk as the eight octets of its double.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stream.compiling import jit
from stream.errors import CodecError
from stream.features import apply
from stream.features.insertion import sort, sort_orders
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

__all__ = ["LAYOUT", "MOST_OCTETS", "damage", "join", "pack", "pack_into", "unpack", "unpack_from"]

#: Version of the packed form; it changes with the layout or the list of features.
LAYOUT = 2

_ID_OCTETS = 6
_INPUTS = PROFILE["pending_input"].shape[1]
_MASK_OCTETS = (_INPUTS + 7) // 8
#: No profile packs to more than this many octets, and no blob whose counts are within bounds makes more be read.
MOST_OCTETS = (
    512
    + DAY_TILES * 54
    + (HOUR_TILES + MINUTE_TILES) * 36
    + MAX_IDS * 16
    + MAX_ORDERS * 26
    + MAX_RETRACTIONS * 16
    + MAX_PENDING * (54 + 9 * _INPUTS)
)


@jit
def _get_count(buffer, at, most):  # type: ignore[no-untyped-def]
    """Read a number of entries; one that no profile has sends the reader behind all blobs, into the zeros there."""
    count, at = get_uint(buffer, at)
    if count > most:
        return 0, buffer.shape[0] - MOST_OCTETS + 1
    return count, at


@jit
def _put_tiles(p, buffer, at, stamps, counts, hop, span, with_spend):  # type: ignore[no-untyped-def]
    """Write the tiles of the window that hold something, oldest first, behind their number (one octet)."""
    newest = p.last_at // hop
    oldest = max(newest - span, p.first_at // hop, 0)
    size = stamps.shape[0]
    live = at
    buffer[live] = 0
    at += 1
    slot = oldest % size
    for index in range(oldest, newest + 1):
        if stamps[slot] == index and (counts[slot].any() or (with_spend and p.day_spend[slot] != 0)):
            buffer[live] += 1
            at = put_uint(buffer, at, newest - index)
            for c in range(counts.shape[1]):
                at = put_int(buffer, at, counts[slot, c])
            if with_spend:
                at = put_int(buffer, at, p.day_spend[slot])
        slot += 1
        if slot == size:
            slot = 0
    return at


@jit
def _get_tiles(p, buffer, at, stamps, counts, hop, with_spend):  # type: ignore[no-untyped-def]
    newest = p.last_at // hop
    live, at = _get_count(buffer, at, stamps.shape[0])
    for _ in range(live):
        age, at = get_uint(buffer, at)
        slot = (newest - age) % stamps.shape[0]
        stamps[slot] = newest - age
        for c in range(counts.shape[1]):
            counts[slot, c], at = get_int(buffer, at)
        if with_spend:
            p.day_spend[slot], at = get_int(buffer, at)
    return at


@jit
def _put_keyed(buffer, at, hashes, times, count, base):  # type: ignore[no-untyped-def]
    """Write sorted entries, newest first."""
    at = put_uint(buffer, at, count)
    for k in range(count - 1, -1, -1):
        at = put_bits(buffer, at, hashes[k], _ID_OCTETS)
        at = put_int(buffer, at, base - times[k])
        base = times[k]
    return at


@jit
def _get_keyed(buffer, at, hashes, times, base):  # type: ignore[no-untyped-def]
    count, at = _get_count(buffer, at, hashes.shape[0])
    for k in range(count - 1, -1, -1):
        hashes[k], at = get_bits(buffer, at, _ID_OCTETS)
        age, at = get_int(buffer, at)
        base -= age
        times[k] = base
    return count, at


@jit
def _put_orders(p, buffer, at, base):  # type: ignore[no-untyped-def]
    sort_orders(p)
    at = put_uint(buffer, at, p.open_orders)
    before = base
    for k in range(p.open_orders - 1, -1, -1):
        at = put_bits(buffer, at, p.order_id[k], _ID_OCTETS)
        at = put_int(buffer, at, before - p.order_at[k])
        at = put_int(buffer, at, p.order_amount[k])
        before = p.order_at[k]
    sort(p.retraction_id, p.retraction_at, p.retractions)
    return _put_keyed(buffer, at, p.retraction_id, p.retraction_at, p.retractions, base)


@jit
def _get_orders(p, buffer, at, base):  # type: ignore[no-untyped-def]
    p.open_orders, at = _get_count(buffer, at, MAX_ORDERS)
    before = base
    for k in range(p.open_orders - 1, -1, -1):
        p.order_id[k], at = get_bits(buffer, at, _ID_OCTETS)
        age, at = get_int(buffer, at)
        before -= age
        p.order_at[k] = before
        p.order_amount[k], at = get_int(buffer, at)
    p.retractions, at = _get_keyed(buffer, at, p.retraction_id, p.retraction_at, base)
    return at


@jit
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


@jit
def _get_inputs(buffer, at, inputs):  # type: ignore[no-untyped-def]
    mask = at
    at += _MASK_OCTETS
    for j in range(_INPUTS):
        inputs[j] = 0
        if buffer[mask + j // 8] & (1 << (j % 8)):
            inputs[j], at = get_int(buffer, at)
    return at


@jit
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


@jit
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


@jit
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


@jit
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


@jit
def _put_state(p, buffer, at, base):  # type: ignore[no-untyped-def]
    at = put_uint(buffer, at, p.phase_ms)
    for time in (p.next_landmark_at, p.as_of, p.check_at, p.at_risk_from, p.raised_at, p.cooldown_until):
        at = put_time(buffer, at, time, base)
    at = put_bits(buffer, at, np.float64(p.risk).view(np.int64), 8)
    at = put_uint(buffer, at, p.risk_version)
    at = put_int(buffer, at, p.segment)
    at = put_uint(buffer, at, p.segment_version)
    return put_uint(buffer, at, (1 if p.raised else 0) | (2 if p.check_due else 0))


@jit
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


@jit
def pack_into(p, buffer, at):  # type: ignore[no-untyped-def]
    """Write the packed form of ``p``, which must have an event, to ``buffer`` (MOST_OCTETS of room).

    Returns the position after it. Drops from ``p`` what it leaves out, and sorts what is in it.
    """
    apply.forget(p)
    base = p.last_at
    buffer[at] = LAYOUT
    at = put_int(buffer, at + 1, base)
    at = _put_history(p, buffer, at, base)
    at = _put_state(p, buffer, at, base)
    at = _put_tiles(p, buffer, at, p.day_stamp, p.day_count, DAY_MS, 90, True)
    at = _put_tiles(p, buffer, at, p.hour_stamp, p.hour_count, HOUR_MS, 24, False)
    at = _put_tiles(p, buffer, at, p.minute_stamp, p.minute_count, MINUTE_MS, 12, False)
    at = _put_orders(p, buffer, at, base)
    sort(p.id_hash, p.id_at_s, p.ids)
    at = _put_keyed(buffer, at, p.id_hash, p.id_at_s, p.ids, base // 1000)
    return _put_pending(p, buffer, at, base)


@jit
def unpack_from(p, octets, begin, end):  # type: ignore[no-untyped-def]
    """Make ``p`` the profile that is packed in ``octets[begin:end]`` (see `join`); False when there is none."""
    reset(p, 0)
    if octets[begin] != LAYOUT:
        return False
    base, at = get_int(octets, begin + 1)
    p.last_at = base
    at = _get_history(p, octets, at, base)
    at = _get_state(p, octets, at, base)
    at = _get_tiles(p, octets, at, p.day_stamp, p.day_count, DAY_MS, True)
    at = _get_tiles(p, octets, at, p.hour_stamp, p.hour_count, HOUR_MS, False)
    at = _get_tiles(p, octets, at, p.minute_stamp, p.minute_count, MINUTE_MS, False)
    at = _get_orders(p, octets, at, base)
    p.ids, at = _get_keyed(octets, at, p.id_hash, p.id_at_s, base // 1000)
    at = _get_pending(p, octets, at, base)
    return at == end


def join(blobs: Sequence[bytes | None]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Packed profiles end to end, for `unpack_from`, and where each begins and the last ends; None takes no room."""
    starts = np.zeros(len(blobs) + 1, np.int64)
    np.cumsum([0 if blob is None else len(blob) for blob in blobs], out=starts[1:])
    # the guard octets make reads behind a cut blob harmless: it does not end where it should
    return np.frombuffer(b"".join(filter(None, blobs)) + bytes(2 * MOST_OCTETS), np.uint8), starts


def damage(blob: bytes) -> CodecError:
    """Why these octets were not unpacked."""
    if blob[:1] == bytes([LAYOUT]):
        return CodecError(f"a stored profile of {len(blob)} octets is damaged: replay the log into a fresh namespace")
    return CodecError(
        f"a stored profile of {len(blob)} octets, layout {blob[0] if blob else None}, is not of layout {LAYOUT}: "
        "it was written by another version; replay the log into a fresh namespace"
    )


def unpack(packed: bytes) -> npt.NDArray[np.void]:
    """The profile, PROFILE[1], of packed octets. Raises CodecError when they are not of this layout."""
    profile = np.zeros(1, PROFILE)
    octets, starts = join([packed])
    if not unpack_from(profile[0], octets, starts[0], starts[1]):
        raise damage(packed)
    return profile


def pack(profile: npt.NDArray[np.void]) -> bytes:
    """The octets of a profile, PROFILE[1], with at least one event; changes it as `pack_into` does."""
    buffer = np.empty(MOST_OCTETS, np.uint8)
    return buffer[: pack_into(profile[0], buffer, 0)].tobytes()
