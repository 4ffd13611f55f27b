"""Packing profiles into few bytes, and back.

The packed form is canonical: two profiles that will give the same features for ever have the same tiles and ids in
it, sorted, with what fell out of every window left out. Layout: a version octet, then varints, most of them differences
from what is known by then: times from the newest event, or in days on the customer's own grid. Ids take six octets, the
risk the eight of its double.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stream.compiling import jit
from stream.errors import CodecError
from stream.features import apply, orders
from stream.features.packed_events import BEFORE_REFUNDS, MOST_EVENT_OCTETS, get_events, put_events
from stream.features.packed_landmarks import MOST_LANDMARK_OCTETS, get_landmarks, put_landmarks
from stream.features.profile import PROFILE, reset
from stream.features.varint import (
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

__all__ = ["LAYOUT", "MOST_OCTETS", "damage", "join", "pack", "pack_into", "unpack", "unpack_from"]

#: Version of the packed form; it changes with the layout, the list of features and what stands for unknown ones.
LAYOUT = 4

#: No profile packs to more than this many octets, and no blob whose counts are within bounds makes more be read.
MOST_OCTETS = 512 + MOST_EVENT_OCTETS + MOST_LANDMARK_OCTETS


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
    flags, at = get_uint(buffer, at)
    p.raised = (flags & 1) != 0
    p.check_due = (flags & 2) != 0
    p.unpriced = flags >> 2
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
    at = put_events(p, buffer, at)
    return put_landmarks(p, buffer, at)


@jit
def unpack_from(p, octets, begin, end):  # type: ignore[no-untyped-def]
    """Make ``p`` the profile that is packed in ``octets[begin:end]`` (see `join`); False when there is none.

    What the version before has written is read, too, and is of this layout when it is packed next.
    """
    reset(p, 0)
    layout = octets[begin]
    if layout != LAYOUT and layout != BEFORE_REFUNDS:
        return False
    base, at = get_int(octets, begin + 1)
    p.last_at = base
    behind = octets.shape[0] - MOST_OCTETS + 1
    at = _get_history(p, octets, at, base)
    at = _get_state(p, octets, at, base)
    at = get_events(p, octets, at, layout, behind)
    at = get_landmarks(p, octets, at, behind)
    if layout == BEFORE_REFUNDS:
        orders.join_twins(p)
    return at == end


def join(blobs: Sequence[bytes | None]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Packed profiles end to end, for `unpack_from`, and where each begins and the last ends; None takes no room."""
    starts = np.zeros(len(blobs) + 1, np.int64)
    np.cumsum([0 if blob is None else len(blob) for blob in blobs], out=starts[1:])
    # the guard octets make reads behind a cut blob harmless: it does not end where it should
    return np.frombuffer(b"".join(filter(None, blobs)) + bytes(2 * MOST_OCTETS), np.uint8), starts


def damage(blob: bytes, row: int | None = None) -> CodecError:
    """Why these octets, at position ``row`` among others, were not unpacked."""
    if blob[:1] in {bytes([LAYOUT]), bytes([BEFORE_REFUNDS])}:
        return CodecError(f"a stored profile of {len(blob)} octets is damaged", row=row)
    return CodecError(
        f"a stored profile of {len(blob)} octets, layout {blob[0] if blob else None}, is not of layout {LAYOUT} "
        f"or {BEFORE_REFUNDS}: it was written by another version",
        row=row,
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
