"""What events leave in a packed profile: ids, orders and tiles.

Each part is written as its difference from what the parts before it tell: an order happened in the second of an event
whose id is remembered, and a day's tile counts the orders of that day.
"""

from __future__ import annotations

import numpy as np

from stream.catalogue.windows import MINUTE_MS
from stream.compiling import jit
from stream.events.columns import UNKNOWN_AMOUNT
from stream.features.insertion import sort, sort_orders
from stream.features.packed_tiles import add_orders_to_days, get_tiles, put_tiles
from stream.features.profile import (
    DAY_TILES,
    HOUR_TILES,
    MAX_IDS,
    MAX_ORDERS,
    MAX_REFUNDS,
    MAX_RETRACTIONS,
    MINUTE_TILES,
    NEVER,
)
from stream.features.registry import DAY_MS, HOUR_MS
from stream.features.varint import get_bits, get_count, get_int, get_uint, put_bits, put_int, put_uint

__all__ = [
    "BEFORE_REFUNDS",
    "FIRST_CHANNELS",
    "FIRST_FINE_CHANNELS",
    "MAX_EVENT_BYTES",
    "get_events",
    "get_keyed",
    "put_events",
]

#: Channels that tiles of days, and of hours and five minutes, are written with. Those declared since are in a section
#: of their own (`stream.features.packed_channels`).
FIRST_CHANNELS, FIRST_FINE_CHANNELS = 4, 3

#: The last layout without refunds and without orders of unknown amount.
BEFORE_REFUNDS = 3

_UNKNOWN = int(UNKNOWN_AMOUNT)
_ID_BYTES = 6
#: What `put_events` writes at most, and `get_events` reads at most.
MAX_EVENT_BYTES = (
    64
    + DAY_TILES * (18 + 9 * FIRST_CHANNELS)
    + (HOUR_TILES + MINUTE_TILES) * 36
    + MAX_IDS * 16
    + MAX_ORDERS * 34
    + MAX_REFUNDS * 25
    + MAX_RETRACTIONS * 16
)


@jit
def _put_keyed(buffer, at, hashes, times, count, base):  # type: ignore[no-untyped-def]
    """Write sorted entries, newest first."""
    at = put_uint(buffer, at, count)
    for k in range(count - 1, -1, -1):
        at = put_bits(buffer, at, hashes[k], _ID_BYTES)
        at = put_int(buffer, at, base - times[k])
        base = times[k]
    return at


@jit
def get_keyed(buffer, at, hashes, times, most, base, behind):  # type: ignore[no-untyped-def]
    """Read what `_put_keyed` wrote; return how many entries, and the position after them."""
    count, at = get_count(buffer, at, most, behind)
    for k in range(count - 1, -1, -1):
        hashes[k], at = get_bits(buffer, at, _ID_BYTES)
        age, at = get_int(buffer, at)
        base -= age
        times[k] = base
    return count, at


@jit
def _put_amount(buffer, at, amount):  # type: ignore[no-untyped-def]
    """Write an amount, 0 or more, or `UNKNOWN_AMOUNT`, which is the least number."""
    return put_uint(buffer, at, amount - _UNKNOWN)


@jit
def _get_amount(buffer, at):  # type: ignore[no-untyped-def]
    amount, at = get_uint(buffer, at)
    return amount + _UNKNOWN, at


@jit
def _put_orders(p, buffer, at):  # type: ignore[no-untyped-def]
    """Write sorted orders, newest first, each by how many ids lie between its event and that of the one before.

    An odd number is a distance in time: a full memory may have forgotten the id of an order. Of the amount, an odd
    number says that it was told later than the order, and how much later follows.
    """
    at = put_uint(buffer, at, p.open_orders)
    before = p.last_at
    unused = p.ids - 1
    for k in range(p.open_orders - 1, -1, -1):
        at = put_bits(buffer, at, p.order_id[k], _ID_BYTES)
        second = p.order_at[k] // 1000
        j = unused
        while j >= 0 and p.id_at_s[j] > second:
            j -= 1
        if j >= 0 and p.id_at_s[j] == second:
            at = put_uint(buffer, at, 2 * (1000 * (unused - j) + p.order_at[k] - 1000 * second))
            unused = j - 1
        else:
            at = put_uint(buffer, at, 2 * (before - p.order_at[k]) + 1)
        amount = p.order_amount[k]
        later = p.order_amount_at[k] - p.order_at[k] if amount != _UNKNOWN else np.int64(0)
        at = put_uint(buffer, at, 2 * (amount - _UNKNOWN) + (1 if later != 0 else 0))
        if later != 0:
            at = put_uint(buffer, at, later)
        before = p.order_at[k]
    return at


@jit
def _get_order_amount(p, k, buffer, at, layout):  # type: ignore[no-untyped-def]
    """Read the amount of the order at ``k``, whose time is known, and when it was told."""
    p.order_amount_at[k] = p.order_at[k]
    if layout == BEFORE_REFUNDS:
        p.order_amount[k], at = get_int(buffer, at)
        return at
    z, at = get_uint(buffer, at)
    p.order_amount[k] = (z >> 1) + _UNKNOWN
    if z & 1:
        later, at = get_uint(buffer, at)
        p.order_amount_at[k] += later
    if p.order_amount[k] == _UNKNOWN:
        p.order_amount_at[k] = NEVER
    return at


@jit
def _get_orders(p, buffer, at, layout, behind):  # type: ignore[no-untyped-def]
    p.open_orders, at = get_count(buffer, at, MAX_ORDERS, behind)
    before = p.last_at
    unused = p.ids - 1
    for k in range(p.open_orders - 1, -1, -1):
        p.order_id[k], at = get_bits(buffer, at, _ID_BYTES)
        z, at = get_uint(buffer, at)
        if z & 1:
            before -= z >> 1
        else:
            j = unused - (z >> 1) // 1000
            if j < 0:
                p.open_orders = 0
                return behind
            before = 1000 * p.id_at_s[j] + (z >> 1) % 1000
            unused = j - 1
        p.order_at[k] = before
        at = _get_order_amount(p, k, buffer, at, layout)
    return at


@jit
def _put_refunds(p, buffer, at):  # type: ignore[no-untyped-def]
    """Write refunds, which are in the order of time, newest first."""
    at = _put_keyed(buffer, at, p.refund_id, p.refund_at, p.open_refunds, p.last_at)
    for k in range(p.open_refunds):
        at = _put_amount(buffer, at, p.refund_amount[k])
    return at


@jit
def _get_refunds(p, buffer, at, behind):  # type: ignore[no-untyped-def]
    p.open_refunds, at = get_keyed(buffer, at, p.refund_id, p.refund_at, MAX_REFUNDS, p.last_at, behind)
    for k in range(p.open_refunds):
        p.refund_amount[k], at = _get_amount(buffer, at)
    return at


@jit
def put_events(p, buffer, at, day_channels, fine_channels):  # type: ignore[no-untyped-def]
    """Write ids, orders and tiles of ``p``, sorting them; return the position after them.

    ``day_channels``, ``fine_channels``: how many channels of a day, and of an hour or five minutes, are written.
    `stream.features.apply.forget` must have been called: the day of every open order is in the window then.
    """
    sort(p.id_hash, p.id_at_s, p.ids)
    sort_orders(p)
    sort(p.retraction_id, p.retraction_at, p.retractions)
    at = _put_keyed(buffer, at, p.id_hash, p.id_at_s, p.ids, p.last_at // 1000)
    at = _put_orders(p, buffer, at)
    at = _put_refunds(p, buffer, at)
    at = _put_keyed(buffer, at, p.retraction_id, p.retraction_at, p.retractions, p.last_at)
    add_orders_to_days(p, -1)
    at = put_tiles(p, buffer, at, p.day_stamp, p.day_count, DAY_MS, 90, day_channels, True)
    add_orders_to_days(p, 1)
    at = put_tiles(p, buffer, at, p.hour_stamp, p.hour_count, HOUR_MS, 24, fine_channels, False)
    return put_tiles(p, buffer, at, p.minute_stamp, p.minute_count, MINUTE_MS, 12, fine_channels, False)


@jit
def get_events(p, buffer, at, layout, day_channels, fine_channels, behind):  # type: ignore[no-untyped-def]
    """Read what `put_events` wrote into ``p``, whose ``last_at`` is known; return the position after it.

    ``layout`` may be `BEFORE_REFUNDS`, which had no refunds and no orders of unknown amount. Channels that were not
    written are zero, those that this program does not know are left out. What cannot have been written sends the reader
    to position ``behind``, where zeros stand.
    """
    p.ids, at = get_keyed(buffer, at, p.id_hash, p.id_at_s, MAX_IDS, p.last_at // 1000, behind)
    at = _get_orders(p, buffer, at, layout, behind)
    if layout != BEFORE_REFUNDS:
        at = _get_refunds(p, buffer, at, behind)
    p.retractions, at = get_keyed(buffer, at, p.retraction_id, p.retraction_at, MAX_RETRACTIONS, p.last_at, behind)
    at = get_tiles(p, buffer, at, p.day_stamp, p.day_count, DAY_MS, day_channels, True, behind)
    add_orders_to_days(p, 1)
    at = get_tiles(p, buffer, at, p.hour_stamp, p.hour_count, HOUR_MS, fine_channels, False, behind)
    return get_tiles(p, buffer, at, p.minute_stamp, p.minute_count, MINUTE_MS, fine_channels, False, behind)
