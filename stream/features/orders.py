"""Orders and their cancellation: the part of a profile where one event takes back another.

A cancelled ``order_id`` counts for nothing, whichever of order and cancellation arrives first: a cancellation
retracts the orders that are remembered and is itself remembered, so that an order that comes later is not counted.
Both reach back one retention from the newest event, whether or not what is older has been dropped yet: when a profile
is packed depends on where batches end, and must not show.
"""

from __future__ import annotations

from stream.compiling import jit
from stream.features import tiles
from stream.features.profile import (
    MAX_ORDERS,
    MAX_RETRACTIONS,
    NEVER,
    PURCHASE,
    RETENTION_MS,
)

__all__ = ["cancel", "complete", "forget", "oldest"]


@jit
def _drop_order(p, k):  # type: ignore[no-untyped-def]
    last = p.open_orders - 1
    p.order_id[k] = p.order_id[last]
    p.order_at[k] = p.order_at[last]
    p.order_amount[k] = p.order_amount[last]
    p.open_orders = last


@jit
def _settle(p, k):  # type: ignore[no-untyped-def]
    at = p.order_at[k]
    p.settled_first_at = min(p.settled_first_at, at)
    p.settled_last_at = max(p.settled_last_at, at)
    _drop_order(p, k)


@jit
def oldest(times, keys, count):  # type: ignore[no-untyped-def]
    """Position of the entry with the least (time, key), whatever the order of the entries."""
    found = 0
    for k in range(1, count):
        if times[k] < times[found] or (times[k] == times[found] and keys[k] < keys[found]):
            found = k
    return found


@jit
def complete(p, order_id, at, amount):  # type: ignore[no-untyped-def]
    """Count a completed order unless its id was cancelled."""
    edge = p.last_at - RETENTION_MS
    for k in range(p.retractions):
        if p.retraction_id[k] == order_id and p.retraction_at[k] >= edge:
            return
    p.orders += 1
    p.order_spend += amount
    p.first_order_at = min(p.first_order_at, at)
    p.last_order_at = max(p.last_order_at, at)
    tiles.add(p, at, PURCHASE, 1, amount)
    if tiles.day_count(p, at, PURCHASE) == 1:
        p.order_days += 1
    if p.open_orders == MAX_ORDERS:
        k = oldest(p.order_at, p.order_id, MAX_ORDERS)
        if at <= p.order_at[k]:
            p.settled_first_at = min(p.settled_first_at, at)
            p.settled_last_at = max(p.settled_last_at, at)
            return
        _settle(p, k)
    k = p.open_orders
    p.order_id[k] = order_id
    p.order_at[k] = at
    p.order_amount[k] = amount
    p.open_orders = k + 1


@jit
def cancel(p, order_id, at):  # type: ignore[no-untyped-def]
    """Retract every remembered order with this id, and remember the cancellation."""
    edge = p.last_at - RETENTION_MS
    k = 0
    while k < p.open_orders:
        if p.order_id[k] == order_id and p.order_at[k] >= edge:
            tiles.add(p, p.order_at[k], PURCHASE, -1, -p.order_amount[k])
            if tiles.day_count(p, p.order_at[k], PURCHASE) == 0:
                p.order_days -= 1
            p.orders -= 1
            p.order_spend -= p.order_amount[k]
            _drop_order(p, k)
        else:
            k += 1
    p.first_order_at = p.settled_first_at
    p.last_order_at = p.settled_last_at
    for j in range(p.open_orders):
        p.first_order_at = min(p.first_order_at, p.order_at[j])
        p.last_order_at = max(p.last_order_at, p.order_at[j])
    k = p.retractions
    if k == MAX_RETRACTIONS:
        k = oldest(p.retraction_at, p.retraction_id, MAX_RETRACTIONS)
        if at <= p.retraction_at[k]:
            return
    else:
        p.retractions = k + 1
    p.retraction_id[k] = order_id
    p.retraction_at[k] = at


@jit
def forget(p):  # type: ignore[no-untyped-def]
    """Settle orders, and drop cancellations, that the retention has left behind."""
    if p.last_at == NEVER:
        return
    edge = p.last_at - RETENTION_MS
    k = 0
    while k < p.open_orders:
        if p.order_at[k] < edge:
            _settle(p, k)
        else:
            k += 1
    k = 0
    while k < p.retractions:
        if p.retraction_at[k] < edge:
            last = p.retractions - 1
            p.retraction_id[k] = p.retraction_id[last]
            p.retraction_at[k] = p.retraction_at[last]
            p.retractions = last
        else:
            k += 1
