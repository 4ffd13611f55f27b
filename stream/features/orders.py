"""The orders of a profile: any number of events of one `order_id`, in any order.

Of an order that is remembered three things are known: when it was first told complete, the amount that was told last,
and, in lists of their own, its refunds and whether it was cancelled. What it counts for follows from those alone, so it
is taken out before something new is noted, and put back afterwards; who came first leaves no trace:

* it counts once, on the day of its first `completed`, with the amount of the newest that names one;
* its refunds take from it, in their order of time and each on its own day, until nothing is left of it;
* cancelled, it counts for nothing, and neither do its refunds;
* a refund of an order that is not remembered counts as it was told.

An order is remembered for one retention before the newest event, whether or not what is older has been dropped by
then: when a profile is packed depends on where batches end, and must not show. What falls out stays counted as it
was then (*settled*): an order together with its refunds.
"""

from __future__ import annotations

import numpy as np

from stream.compiling import jit
from stream.events.columns import UNKNOWN_AMOUNT
from stream.features import tiles
from stream.features.insertion import insert_refund, remove_refund
from stream.features.profile import (
    CART,
    MAX_ORDERS,
    MAX_REFUNDS,
    MAX_RETRACTIONS,
    NEVER,
    PURCHASE,
    RETENTION_MS,
)

__all__ = ["cancel", "complete", "forget", "is_known", "join_twins", "oldest", "refund"]

# Numba freezes plain integers into the compiled code
_UNKNOWN = int(UNKNOWN_AMOUNT)
_ALL = np.int64(2**62)


@jit
def oldest(times, keys, count):  # type: ignore[no-untyped-def]
    """Position of the entry with the smallest (time, key); entries may be in any order."""
    found = 0
    for k in range(1, count):
        if times[k] < times[found] or (times[k] == times[found] and keys[k] < keys[found]):
            found = k
    return found


@jit
def _order(p, order_id, edge):  # type: ignore[no-untyped-def]
    """Position of the order that is remembered since ``edge``, or -1."""
    for k in range(p.open_orders):
        if p.order_id[k] == order_id and p.order_at[k] >= edge:
            return k
    return -1


@jit
def _cancellation(p, order_id, edge):  # type: ignore[no-untyped-def]
    for k in range(p.retractions):
        if p.retraction_id[k] == order_id and p.retraction_at[k] >= edge:
            return k
    return -1


@jit
def is_known(p, order_id, at):  # type: ignore[no-untyped-def]
    """Whether the order, or its cancellation, will be remembered at an event of time ``at``."""
    edge = max(p.last_at, at) - RETENTION_MS
    return _order(p, order_id, edge) >= 0 or _cancellation(p, order_id, edge) >= 0


@jit
def _count_refunds(p, order_id, amount, sign):  # type: ignore[no-untyped-def]
    """Count the money of the refunds of an order of which ``amount`` can be taken (``sign`` 1), or take it out (-1)."""
    left = amount
    for k in range(p.open_refunds):
        if p.refund_id[k] != order_id:
            continue
        told = p.refund_amount[k]
        # without an amount it is a refund of the whole order, which is none while that is not known
        money = left if told == _UNKNOWN else min(told, left)
        if told == _UNKNOWN and amount == _ALL:
            money = np.int64(0)
        left -= money
        p.refund_spend += sign * money
        # a refund is no purchase: only the money of its day changes, and only day tiles have a CART channel
        tiles.add(p, p.refund_at[k], CART, 0, -sign * money)


@jit
def _count_order(p, k, sign):  # type: ignore[no-untyped-def]
    """Count the order at position ``k`` with its refunds (``sign`` 1), or take them out (-1)."""
    at = p.order_at[k]
    amount = p.order_amount[k]
    if amount == _UNKNOWN:
        p.unpriced += sign
        amount = np.int64(0)
    p.orders += sign
    p.order_spend += sign * amount
    tiles.add(p, at, PURCHASE, sign, sign * amount)
    if tiles.day_count(p, at, PURCHASE) == (1 if sign > 0 else 0):
        p.order_days += sign
    _count_refunds(p, p.order_id[k], amount, sign)


@jit
def _find_first_and_last(p):  # type: ignore[no-untyped-def]
    p.first_order_at = p.settled_first_at
    p.last_order_at = p.settled_last_at
    for k in range(p.open_orders):
        p.first_order_at = min(p.first_order_at, p.order_at[k])
        p.last_order_at = max(p.last_order_at, p.order_at[k])


@jit
def _drop_refunds(p, order_id):  # type: ignore[no-untyped-def]
    """Drop the refunds of an order from the list; return how many they were."""
    kept = 0
    for k in range(p.open_refunds):
        if p.refund_id[k] != order_id:
            p.refund_id[kept] = p.refund_id[k]
            p.refund_at[kept] = p.refund_at[k]
            p.refund_amount[kept] = p.refund_amount[k]
            kept += 1
    dropped = p.open_refunds - kept
    p.open_refunds = kept
    return dropped


@jit
def _drop_order(p, k):  # type: ignore[no-untyped-def]
    last = p.open_orders - 1
    p.order_id[k] = p.order_id[last]
    p.order_at[k] = p.order_at[last]
    p.order_amount[k] = p.order_amount[last]
    p.order_amount_at[k] = p.order_amount_at[last]
    p.open_orders = last


@jit
def _settle(p, k):  # type: ignore[no-untyped-def]
    """Forget the order at position ``k``; what it counts stays for good."""
    at = p.order_at[k]
    p.settled_first_at = min(p.settled_first_at, at)
    p.settled_last_at = max(p.settled_last_at, at)
    if p.open_refunds > 0:
        _drop_refunds(p, p.order_id[k])
    _drop_order(p, k)


@jit
def _settle_refund(p, k):  # type: ignore[no-untyped-def]
    """Forget the refund at position ``k``, and with it its order; what they count stays."""
    order = _order(p, p.refund_id[k], NEVER)
    if order >= 0:
        _settle(p, order)
    else:
        remove_refund(p, k)


@jit
def _tell(p, k, at, amount, amount_at):  # type: ignore[no-untyped-def]
    """Note that the order at position ``k``, which is taken out, is also told complete at ``at``."""
    p.order_at[k] = min(p.order_at[k], at)
    if amount != _UNKNOWN and (
        amount_at > p.order_amount_at[k] or (amount_at == p.order_amount_at[k] and amount > p.order_amount[k])
    ):
        p.order_amount[k] = amount
        p.order_amount_at[k] = amount_at


@jit
def complete(p, order_id, at, amount):  # type: ignore[no-untyped-def]
    """Count a completed order, or what is new of a known one; return whether it is one more order.

    ``amount`` may be unknown (`UNKNOWN_AMOUNT`): it counts as an order then, and not as money.
    """
    forget(p)
    if _cancellation(p, order_id, NEVER) >= 0:
        return False
    k = _order(p, order_id, NEVER)
    if k >= 0:
        _count_order(p, k, -1)
        _tell(p, k, at, amount, at)
        _count_order(p, k, 1)
        _find_first_and_last(p)
        return False
    _count_refunds(p, order_id, _ALL, -1)
    k = p.open_orders
    p.order_id[k] = order_id
    p.order_at[k] = at
    p.order_amount[k] = amount
    p.order_amount_at[k] = at if amount != _UNKNOWN else NEVER
    p.open_orders = k + 1
    _count_order(p, k, 1)
    p.first_order_at = min(p.first_order_at, at)
    p.last_order_at = max(p.last_order_at, at)
    if p.open_orders > MAX_ORDERS:
        _settle(p, oldest(p.order_at, p.order_id, p.open_orders))
    return True


@jit
def refund(p, order_id, at, amount):  # type: ignore[no-untyped-def]
    """Count a refund; without an amount (`UNKNOWN_AMOUNT`) it is one of all that is left of the order."""
    forget(p)
    if _cancellation(p, order_id, NEVER) >= 0:
        return
    k = _order(p, order_id, NEVER)
    left = max(p.order_amount[k], np.int64(0)) if k >= 0 else _ALL
    _count_refunds(p, order_id, left, -1)
    insert_refund(p, order_id, at, amount)
    _count_refunds(p, order_id, left, 1)
    p.refunds += 1
    if p.open_refunds > MAX_REFUNDS:
        _settle_refund(p, 0)


@jit
def cancel(p, order_id, at):  # type: ignore[no-untyped-def]
    """Take back the remembered order with this id and its refunds, and remember the cancellation."""
    forget(p)
    k = _order(p, order_id, NEVER)
    if k >= 0:
        _count_order(p, k, -1)
        _drop_order(p, k)
        _find_first_and_last(p)
    else:
        _count_refunds(p, order_id, _ALL, -1)
    p.refunds -= _drop_refunds(p, order_id)
    k = _cancellation(p, order_id, NEVER)
    if k >= 0:
        p.retraction_at[k] = max(p.retraction_at[k], at)
        return
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
    """Settle orders and refunds, and drop cancellations, that the retention has left behind."""
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
    # they are in the order of time; a cancellation whose order is remembered leaves with that order
    while k < p.open_refunds and p.refund_at[k] < edge:
        if _order(p, p.refund_id[k], NEVER) < 0:
            remove_refund(p, k)
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


@jit
def join_twins(p):  # type: ignore[no-untyped-def]
    """Make one of orders that stand twice, as an earlier version counted them: told again, an order was one more."""
    k = 0
    while k < p.open_orders:
        j = k + 1
        while j < p.open_orders:
            if p.order_id[j] == p.order_id[k]:
                _count_order(p, j, -1)
                _count_order(p, k, -1)
                _tell(p, k, p.order_at[j], p.order_amount[j], p.order_amount_at[j])
                _count_order(p, k, 1)
                _drop_order(p, j)
            else:
                j += 1
        k += 1
    _find_first_and_last(p)
