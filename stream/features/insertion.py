"""Sorting the entries of a profile, in place and compiled."""

from __future__ import annotations

from stream.compiling import jit

__all__ = ["insert_refund", "remove_refund", "rotate", "sort", "sort_orders"]


@jit
def _comes_after(times, keys, k, time, key):  # type: ignore[no-untyped-def]
    return times[k] > time or (times[k] == time and keys[k] > key)


@jit
def sort(keys, times, count):  # type: ignore[no-untyped-def]
    """Bring entries into the order of (time, key), oldest first.

    By insertion: they come sorted but for what this step has added at the end, which is mostly newer than the rest.
    """
    for i in range(1, count):
        time = times[i]
        key = keys[i]
        k = i
        while k > 0 and _comes_after(times, keys, k - 1, time, key):
            times[k] = times[k - 1]
            keys[k] = keys[k - 1]
            k -= 1
        times[k] = time
        keys[k] = key


@jit
def _reverse(keys, times, begin, end):  # type: ignore[no-untyped-def]
    low = begin
    high = end - 1
    while low < high:
        keys[low], keys[high] = keys[high], keys[low]
        times[low], times[high] = times[high], times[low]
        low += 1
        high -= 1


@jit
def rotate(keys, times, begin, end):  # type: ignore[no-untyped-def]
    """Put the entries before position ``begin`` behind those up to ``end``.

    By three reversals. Source: J. Bentley, "Programming Pearls", column 2.
    """
    _reverse(keys, times, 0, begin)
    _reverse(keys, times, begin, end)
    _reverse(keys, times, 0, end)


@jit
def sort_orders(p):  # type: ignore[no-untyped-def]
    """As `sort` for the open orders of a profile."""
    for i in range(1, p.open_orders):
        at = p.order_at[i]
        order_id = p.order_id[i]
        amount = p.order_amount[i]
        amount_at = p.order_amount_at[i]
        k = i
        while k > 0 and _comes_after(p.order_at, p.order_id, k - 1, at, order_id):
            p.order_at[k] = p.order_at[k - 1]
            p.order_id[k] = p.order_id[k - 1]
            p.order_amount[k] = p.order_amount[k - 1]
            p.order_amount_at[k] = p.order_amount_at[k - 1]
            k -= 1
        p.order_at[k] = at
        p.order_id[k] = order_id
        p.order_amount[k] = amount
        p.order_amount_at[k] = amount_at


@jit
def _refund_comes_after(p, k, at, order_id, amount):  # type: ignore[no-untyped-def]
    # an order may be refunded twice at the same time: then the amount decides
    twins = p.refund_at[k] == at and p.refund_id[k] == order_id
    return p.refund_amount[k] > amount if twins else _comes_after(p.refund_at, p.refund_id, k, at, order_id)


@jit
def insert_refund(p, order_id, at, amount):  # type: ignore[no-untyped-def]
    """Put a refund into the list of a profile, which stays in the order of (time, order, amount)."""
    k = p.open_refunds
    while k > 0 and _refund_comes_after(p, k - 1, at, order_id, amount):
        p.refund_at[k] = p.refund_at[k - 1]
        p.refund_id[k] = p.refund_id[k - 1]
        p.refund_amount[k] = p.refund_amount[k - 1]
        k -= 1
    p.refund_at[k] = at
    p.refund_id[k] = order_id
    p.refund_amount[k] = amount
    p.open_refunds += 1


@jit
def remove_refund(p, position):  # type: ignore[no-untyped-def]
    """Take the refund at ``position`` out of the list."""
    p.open_refunds -= 1
    for k in range(position, p.open_refunds):
        p.refund_at[k] = p.refund_at[k + 1]
        p.refund_id[k] = p.refund_id[k + 1]
        p.refund_amount[k] = p.refund_amount[k + 1]
