"""Applying one event to a profile."""

from __future__ import annotations

import numpy as np

from stream.catalogue.events import CHANNELS, EVENT_NAMES, PLACE_OF_CHANNEL
from stream.compiling import jit
from stream.events.columns import UNKNOWN_AMOUNT
from stream.events.kinds import EventKind
from stream.features import orders, tiles
from stream.features.insertion import rotate, sort
from stream.features.profile import CLICK, EMAIL, MAX_IDS, NEVER, RETENTION_MS

__all__ = ["APPLIED", "DUPLICATE", "MAX_MONEY", "TOO_LATE", "TOO_MUCH", "UNKNOWN_ORDER", "apply", "forget"]

#: What became of an event. Only one that was applied has changed anything.
APPLIED, DUPLICATE, TOO_LATE = np.uint8(0), np.uint8(1), np.uint8(2)
#: A refund that leaves its amount to an order that is not remembered; more money than can be counted of a customer.
UNKNOWN_ORDER, TOO_MUCH = np.uint8(3), np.uint8(4)

#: Orders, or refunds, of a customer add up to no more than this (1/MONEY_SCALE): differences of sums must not wrap.
MAX_MONEY = 2**60

# Numba freezes plain integers into the compiled code; enum members it would look up.
_SENT = int(EventKind.EMAIL_SENT)
_OPENED = int(EventKind.EMAIL_OPENED)
_CLICKED = int(EventKind.EMAIL_CLICKED)
_COMPLAINED = int(EventKind.EMAIL_COMPLAINED)
_UNSUBSCRIBED = int(EventKind.EMAIL_UNSUBSCRIBED)
_COMPLETED = int(EventKind.ORDER_COMPLETED)
_REFUNDED = int(EventKind.ORDER_REFUNDED)
_CANCELLED = int(EventKind.ORDER_CANCELLED)
_UNKNOWN = int(UNKNOWN_AMOUNT)

_COUNTED = {channel.name: PLACE_OF_CHANNEL[channel.name] for channel in CHANNELS if not channel.kept_by}
#: A bit for each channel in which an event of a kind counts, but for those that other parts of the kernel keep.
_CHANNELS_OF = np.array(
    [sum(1 << place for name, place in _COUNTED.items() if name in one.counts) for one in EVENT_NAMES.values()]
)


@jit
def _oldest_id(p):  # type: ignore[no-untyped-def]
    """Position of the oldest id of a full memory.

    Up to ``ids_turned`` entries were replaced since all were in order, by ids of ``ids_added_s`` or later; where the
    next one is older than those it is the oldest of all, and the others need no comparison.
    """
    if p.ids_turned == MAX_IDS:
        sort(p.id_hash, p.id_at_s, MAX_IDS)
        p.ids_turned = 0
        p.ids_added_s = -NEVER
    k = p.ids_turned
    if p.id_at_s[k] >= p.ids_added_s:
        k = orders.oldest(p.id_at_s, p.id_hash, MAX_IDS)
    return k


@jit
def _remember(p, event_id, at_s):  # type: ignore[no-untyped-def]
    """Store an id; when the memory is full the oldest goes, and the floor rises to its second."""
    k = p.ids
    if k == MAX_IDS:
        k = _oldest_id(p)
        if at_s <= p.id_at_s[k]:
            p.ids_floor_s = max(p.ids_floor_s, at_s)
            return
        p.ids_floor_s = max(p.ids_floor_s, p.id_at_s[k])
        p.ids_added_s = min(p.ids_added_s, at_s)
        if k == p.ids_turned:
            p.ids_turned += 1
    else:
        p.ids = k + 1
    p.id_hash[k] = event_id
    p.id_at_s[k] = at_s


@jit
def _check(p, event_id, at):  # type: ignore[no-untyped-def]
    # age first: whether an id older than the retention is still remembered depends on when the profile was packed
    if at < p.last_at - RETENTION_MS:
        return TOO_LATE
    # all of them, though one is enough: without a way out the loop compares several at a time, in a tenth of the time
    seen = 0
    for k in range(p.ids):
        seen += 1 if p.id_hash[k] == event_id else 0
    if seen > 0:
        return DUPLICATE
    return TOO_LATE if at // 1000 <= p.ids_floor_s else APPLIED


@jit
def _count(p, kind, at):  # type: ignore[no-untyped-def]
    """Count an event of ``kind`` in the channels that it is declared to count in."""
    held = _CHANNELS_OF[kind]
    if held & 1 << CLICK:
        p.last_click_at = max(p.last_click_at, at)
    if held & 1 << EMAIL:
        p.last_email_at = max(p.last_email_at, at)
    channel = 0
    while held:
        if held & 1:
            tiles.add(p, at, channel, 1, 0)
        held >>= 1
        channel += 1


@jit
def _note_email(p, kind, at):  # type: ignore[no-untyped-def]
    if kind == _SENT:
        p.emails_sent += 1
    elif kind == _OPENED:
        p.emails_opened += 1
    elif kind == _CLICKED:
        p.emails_clicked += 1
    elif kind == _UNSUBSCRIBED or kind == _COMPLAINED:
        p.unsubscribed_at = max(p.unsubscribed_at, at)


@jit
def _admits(p, kind, event):  # type: ignore[no-untyped-def]
    """Whether an event on an order can be counted: APPLIED, or why not."""
    if kind == _REFUNDED:
        if event.amount == _UNKNOWN and not orders.is_known(p, event.order_id, event.time):
            return UNKNOWN_ORDER
        if p.refund_spend > MAX_MONEY - event.amount:
            return TOO_MUCH
    if kind == _COMPLETED and p.order_spend > MAX_MONEY - event.amount:
        return TOO_MUCH
    return APPLIED


@jit
def _apply_purchase(p, kind, event):  # type: ignore[no-untyped-def]
    if kind == _COMPLETED:
        if orders.complete(p, event.order_id, event.time, event.amount):
            p.at_risk_from = -NEVER
    elif kind == _REFUNDED:
        orders.refund(p, event.order_id, event.time, event.amount)
    elif kind == _CANCELLED:
        orders.cancel(p, event.order_id, event.time)


@jit
def apply(p, event):  # type: ignore[no-untyped-def]
    """Apply ``event`` (an EVENT record) to profile ``p`` and return what became of it.

    Within the retention the result does not depend on the order of the calls. One thing does: a refund without an
    amount must come after its order.
    """
    at = event.time
    kind = event.kind
    status = _check(p, event.event_id, at)
    if status == APPLIED:
        status = _admits(p, kind, event)
    if status != APPLIED:
        return status
    _remember(p, event.event_id, at // 1000)
    p.events += 1
    p.first_at = min(p.first_at, at)
    p.last_at = max(p.last_at, at)
    p.habit_due = True
    _count(p, kind, at)
    _note_email(p, kind, at)
    _apply_purchase(p, kind, event)
    return APPLIED


@jit
def forget(p):  # type: ignore[no-untyped-def]
    """Drop what the retention has left behind: ids, settled orders, old cancellations."""
    if p.ids_turned < MAX_IDS:
        # what was replaced is mostly newer than all the rest: behind it, it is in order, or nearly
        rotate(p.id_hash, p.id_at_s, p.ids_turned, MAX_IDS)
        p.ids_turned = MAX_IDS
    edge_s = (p.last_at - RETENTION_MS) // 1000
    kept = 0
    for k in range(p.ids):
        if p.id_at_s[k] >= edge_s:
            p.id_hash[kept] = p.id_hash[k]
            p.id_at_s[kept] = p.id_at_s[k]
            kept += 1
    p.ids = kept
    if p.ids_floor_s < edge_s:
        p.ids_floor_s = NEVER
    orders.forget(p)
