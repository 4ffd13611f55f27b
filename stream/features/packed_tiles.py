"""What tiles leave in a packed profile: counts of a day, an hour or five minutes, and the money of a day."""

from __future__ import annotations

import numpy as np

from stream.compiling import jit
from stream.features.profile import DAY_TILES, PURCHASE
from stream.features.registry import DAY_MS
from stream.features.varint import get_count, get_int, get_uint, put_int, put_uint

__all__ = ["add_orders_to_days", "get_tiles", "put_tiles"]


@jit
def add_orders_to_days(p, sign):  # type: ignore[no-untyped-def]
    """Count the open orders in the tiles of their days (``sign`` 1), or take them out (-1)."""
    for k in range(p.open_orders):
        day = p.order_at[k] // DAY_MS
        slot = day % DAY_TILES
        if p.day_stamp[slot] != day:
            p.day_stamp[slot] = day
            p.day_count[slot, :] = 0
            p.day_spend[slot] = 0
        p.day_count[slot, PURCHASE] += sign
        p.day_spend[slot] += sign * max(p.order_amount[k], np.int64(0))


@jit
def _held(p, counts, slot, channels, with_spend):  # type: ignore[no-untyped-def]
    """A bit for each channel of a tile that is not zero, and one more for money."""
    held = 0
    for c in range(min(channels, counts.shape[1])):
        held |= (1 << c) if counts[slot, c] != 0 else 0
    return held | (1 << channels) if with_spend and p.day_spend[slot] != 0 else held


@jit
def put_tiles(p, buffer, at, stamps, counts, hop, span, channels, with_spend):  # type: ignore[no-untyped-def]
    """Write the tiles of the window that hold something, newest first, behind their number (one byte).

    Each begins with how much older it is than the one before, and a bit for each thing that it holds.
    """
    newest = p.last_at // hop
    oldest = max(newest - span, p.first_at // hop, 0)
    size = stamps.shape[0]
    live = at
    buffer[live] = 0
    at += 1
    before = newest
    slot = newest % size
    for index in range(newest, oldest - 1, -1):
        held = _held(p, counts, slot, channels, with_spend) if stamps[slot] == index else 0
        if held != 0:
            buffer[live] += 1
            at = put_uint(buffer, at, (before - index) << (channels + 1) | held)
            before = index
            for c in range(channels):
                if held >> c & 1:
                    at = put_int(buffer, at, counts[slot, c])
            if held >> channels & 1:
                at = put_int(buffer, at, p.day_spend[slot])
        slot -= 1
        if slot < 0:
            slot = size - 1
    return at


@jit
def get_tiles(p, buffer, at, stamps, counts, hop, channels, with_spend, behind):  # type: ignore[no-untyped-def]
    """Read what `put_tiles` wrote; return the position after it."""
    size, known = counts.shape
    index = p.last_at // hop
    live, at = get_count(buffer, at, size, behind)
    for _ in range(live):
        z, at = get_uint(buffer, at)
        index -= z >> (channels + 1)
        slot = index % size
        stamps[slot] = index
        for c in range(known):
            counts[slot, c] = 0
        for c in range(channels):
            if z >> c & 1:
                count, at = get_int(buffer, at)
                if c < known:
                    counts[slot, c] = count
        if with_spend:
            p.day_spend[slot] = 0
            if z >> channels & 1:
                p.day_spend[slot], at = get_int(buffer, at)
    return at
