"""Channels declared after the first ones: what a packed profile has of them, in a section of its own.

    how many channels, then for each: its number, its days, and for each day, newest first: how much older it is than
    the one before, and what it counts

A customer in whose window none of them counts has no such section, so a channel costs nothing before it is used. One
that is not in the section counts nothing. A program that does not know a channel leaves it out when it writes the
customer again (``docs/upgrading.md``).
"""

from __future__ import annotations

import numpy as np

from stream.catalogue.declaring import MAX_NUMBERS
from stream.catalogue.events import CHANNELS
from stream.compiling import jit
from stream.features.packed_events import FIRST_CHANNELS
from stream.features.profile import DAY_TILES
from stream.features.registry import DAY_MS
from stream.features.varint import get_count, get_int, get_uint, put_int, put_uint

__all__ = ["MAX_ADDED_BYTES", "get_added_channels", "put_added_channels"]

_CHANNELS = len(CHANNELS)
_NUMBERS = np.array([channel.number for channel in CHANNELS], np.int64)
#: The place of each number in the tiles, -1 for a number that no channel has.
_PLACE_OF_NUMBER = np.full(MAX_NUMBERS, -1, np.int64)
_PLACE_OF_NUMBER[_NUMBERS] = range(_CHANNELS)
_WINDOW_DAYS = 90
_MAX_VARINT = 10
_MAX_CHANNEL_BYTES = 2 * _MAX_VARINT * (DAY_TILES + 1)
#: What `put_added_channels` writes at most, and how far behind its end `get_added_channels` reads at most.
MAX_ADDED_BYTES = _MAX_VARINT + _MAX_CHANNEL_BYTES * max(_CHANNELS - FIRST_CHANNELS, 1)


@jit
def _put_channel(p, buffer, at, channel, newest, oldest):  # type: ignore[no-untyped-def]
    """Write one channel; return the position after it, ``at`` where no day of the window counts in it."""
    begin = at
    at = put_uint(buffer, at, _NUMBERS[channel])
    days = at
    buffer[days] = 0
    at += 1
    before = newest
    for day in range(newest, oldest - 1, -1):
        slot = day % DAY_TILES
        count = p.day_count[slot, channel] if p.day_stamp[slot] == day else 0
        if count != 0:
            buffer[days] += 1
            at = put_int(buffer, put_uint(buffer, at, before - day), count)
            before = day
    return at if buffer[days] > 0 else begin


@jit
def put_added_channels(p, buffer, at):  # type: ignore[no-untyped-def]
    """Write the channels after the first ones; return the position after them, ``at`` where none counts anything."""
    newest = p.last_at // DAY_MS
    oldest = max(newest - _WINDOW_DAYS, p.first_at // DAY_MS, 0)
    begin = at
    buffer[begin] = 0
    at += 1
    for channel in range(FIRST_CHANNELS, _CHANNELS):
        before = at
        at = _put_channel(p, buffer, at, channel, newest, oldest)
        buffer[begin] += 1 if at > before else 0
    return at if buffer[begin] > 0 else begin


@jit
def _set_count(p, day, channel, count):  # type: ignore[no-untyped-def]
    slot = day % DAY_TILES
    if p.day_stamp[slot] != day:
        p.day_stamp[slot] = day
        p.day_count[slot, :] = 0
        p.day_spend[slot] = 0
    p.day_count[slot, channel] = count


@jit
def get_added_channels(p, buffer, at, end, behind):  # type: ignore[no-untyped-def]
    """Read what `put_added_channels` wrote into ``p``, whose tiles of days are read; return the position after it.

    Channels that this program does not know are left out.
    """
    channels, at = get_count(buffer, at, MAX_NUMBERS, behind)
    for _ in range(channels):
        number, at = get_uint(buffer, at)
        channel = _PLACE_OF_NUMBER[number] if 0 <= number < MAX_NUMBERS else -1
        days, at = get_count(buffer, at, DAY_TILES, behind)
        day = p.last_at // DAY_MS
        for _ in range(days):
            older, at = get_uint(buffer, at)
            count, at = get_int(buffer, at)
            day -= older
            if channel >= FIRST_CHANNELS:
                _set_count(p, day, channel, count)
        if at > end:
            return behind
    return at
