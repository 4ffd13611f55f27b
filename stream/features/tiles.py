"""Tiles: sawtooth windows as rings of integer counters.

A tile covers ``[index * hop, (index + 1) * hop)``. The window of length *W* at time *t* is the sum over the tiles
``t // hop - W / hop .. t // hop``: exact at the head, up to one hop longer than *W* at the tail::

        t - W                              t
          |                                |
    |--+--|--+-----+-----+-----+-----+-----|-.-|      tiles
       └──────────── summed ───────────────┘

Adding to a tile commutes, so the order in which events arrive does not matter.
"""

from __future__ import annotations

from stream.catalogue.windows import MINUTE_MS
from stream.compiling import jit
from stream.features.profile import DAY_TILES, HOUR_TILES, MINUTE_TILES
from stream.features.registry import DAY_MS, HOUR_MS

__all__ = ["add", "day_count"]


@jit
def _claim(stamps, counts, index, length):  # type: ignore[no-untyped-def]
    """Return the ring slot of tile ``index``, cleared if it held an older tile; -1 if a newer one holds it."""
    slot = index % length
    if stamps[slot] != index:
        if stamps[slot] > index:
            return -1
        stamps[slot] = index
        counts[slot, :] = 0
    return slot


@jit
def add(p, at, channel, count, amount):  # type: ignore[no-untyped-def]
    """Add ``count`` to ``channel`` and ``amount`` of money to the tiles of time ``at`` (ms).

    ``count`` and ``amount`` may be negative (retraction). A tile that its ring has left behind is out of its window
    for good and is passed over.
    """
    day = at // DAY_MS
    slot = day % DAY_TILES
    if p.day_stamp[slot] < day:
        p.day_spend[slot] = 0
    slot = _claim(p.day_stamp, p.day_count, day, DAY_TILES)
    if slot >= 0:
        p.day_count[slot, channel] += count
        p.day_spend[slot] += amount
    if channel < p.hour_count.shape[1]:
        slot = _claim(p.hour_stamp, p.hour_count, at // HOUR_MS, HOUR_TILES)
        if slot >= 0:
            p.hour_count[slot, channel] += count
        slot = _claim(p.minute_stamp, p.minute_count, at // MINUTE_MS, MINUTE_TILES)
        if slot >= 0:
            p.minute_count[slot, channel] += count


@jit
def day_count(p, at, channel):  # type: ignore[no-untyped-def]
    """What ``channel`` counts on the day of ``at`` (ms); 0 for a day that the ring has left behind."""
    day = at // DAY_MS
    slot = day % DAY_TILES
    return p.day_count[slot, channel] if p.day_stamp[slot] == day else 0
