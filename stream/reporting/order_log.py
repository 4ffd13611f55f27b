"""The orders of a shop from its purchase events: each once, less what was cancelled and refunded.

The rules are those of the workers (``stream.features.orders``), without their bound of 90 days: an event told twice
counts once; an order told twice is one order, at the time of its first ``completed`` and with the amount of the newest
that names one; a cancelled order counts nothing, nor do its refunds; refunds take from an order no more than is left
of it, and fall on the day on which they are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from stream.events.columns import MONEY_SCALE
from stream.events.decode import Decoder
from stream.events.kinds import EventKind, EventType
from stream.events.record import Record
from stream.identity.departures import arrived_as

__all__ = ["OrderLog", "Orders"]

Ints = npt.NDArray[np.int64]

_ROW: Final = np.dtype(
    [
        ("customer", np.int64),
        ("order_id", np.int64),
        ("at_ms", np.int64),
        ("amount", np.int64),
        ("event_id", np.int64),
        ("kind", np.uint8),
    ]
)


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders and refunds, each by customer and then by time.

    ``customer`` int64[N]: position in ``customers``. Times are ms since the epoch, amounts 1/MONEY_SCALE of the
    currency, negative where an order has none. Refunds are positive.
    """

    customers: Sequence[str]
    customer: Ints
    at_ms: Ints
    amount: Ints
    refund_customer: Ints
    refund_at_ms: Ints
    refunded: Ints

    @property
    def first_ms(self) -> Ints:
        """Time of each row's customer's first order, int64[N]."""
        starts = np.flatnonzero(np.diff(self.customer, prepend=-1))
        return np.repeat(self.at_ms[starts], np.diff(np.append(starts, len(self.customer))))

    def revenue(self, begin_ms: int, end_ms: int) -> float:
        """Orders less refunds of a span of time, its end not included."""
        gained = self.amount[(self.at_ms >= begin_ms) & (self.at_ms < end_ms) & (self.amount > 0)].sum()
        returned = self.refunded[(self.refund_at_ms >= begin_ms) & (self.refund_at_ms < end_ms)].sum()
        return int(gained - returned) / MONEY_SCALE

    def until(self, now_ms: int) -> Orders:
        """What was known at ``now_ms``."""
        ordered, returned = self.at_ms <= now_ms, self.refund_at_ms <= now_ms
        return Orders(
            self.customers,
            self.customer[ordered],
            self.at_ms[ordered],
            self.amount[ordered],
            self.refund_customer[returned],
            self.refund_at_ms[returned],
            self.refunded[returned],
        )


class OrderLog:
    """Collects the purchase topic; 48 bytes an event, and the ids under which events came."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._positions: dict[str, int] = {}
        self._parts: list[npt.NDArray[np.void]] = []
        self.rejected = 0

    def add(self, records: Sequence[Record]) -> None:
        """Take records of the purchase topic; those that are no events count in ``rejected``."""
        decoded = self._decoder.decode(EventType.PURCHASE, records)
        self.rejected += len(decoded.rejections)
        part = np.empty(len(decoded.events), _ROW)
        for name in ("order_id", "amount", "event_id", "kind"):
            part[name] = decoded.events[name]
        part["at_ms"] = decoded.events["time"]
        positions = self._positions
        came = (arrived_as(records[at].headers) for at in decoded.events["record"].tolist())
        ids = (own_id or customer for own_id, customer in zip(came, decoded.customer_ids, strict=True))
        part["customer"] = [positions.setdefault(one, len(positions)) for one in ids]
        self._parts.append(part)

    @property
    def ids(self) -> Sequence[str]:
        """The ids under which events came."""
        return [*self._positions]

    def orders(self, customers: Mapping[str, str] | None = None) -> Orders:
        """What stands after all that was added. ``customers``: of ids that belong to another customer, which."""
        owners = [(customers or {}).get(one, one) for one in self._positions]
        names = {name: at for at, name in enumerate(dict.fromkeys(owners))}
        rows = np.concatenate([np.empty(0, _ROW), *self._parts])
        rows["customer"] = np.array([names[name] for name in owners], np.int64)[rows["customer"]]
        # the first telling of an event id counts: lexsort keeps the order of equal keys
        rows = rows[np.lexsort((rows["event_id"], rows["customer"]))]
        rows = rows[_starts(rows["customer"], rows["event_id"])]
        return _settled(rows, [*names])


def _starts(*keys: Ints) -> npt.NDArray[np.bool_]:
    """Whether a row begins a group of equal keys."""
    begins = np.zeros(len(keys[0]), np.bool_)
    begins[:1] = True
    for key in keys:
        begins[1:] |= key[1:] != key[:-1]
    return begins


def _settled(rows: npt.NDArray[np.void], customers: Sequence[str]) -> Orders:
    rows = rows[np.lexsort((rows["event_id"], rows["at_ms"], rows["order_id"], rows["customer"]))]
    completed = rows["kind"] == EventKind.ORDER_COMPLETED
    # events that name no order have the id 0, and are each for themselves
    group = np.cumsum(_starts(rows["customer"], rows["order_id"]) | (rows["order_id"] == 0)) - 1
    groups = int(group[-1]) + 1 if len(group) else 0
    cancelled = np.zeros(groups, np.bool_)
    cancelled[group[rows["kind"] == EventKind.ORDER_CANCELLED]] = True
    stands = ~cancelled[group]

    total = np.full(groups, -1, np.int64)
    priced = completed & (rows["amount"] >= 0)
    total[group[priced]] = rows["amount"][priced]  # by time within a group: the newest is the last to be written
    known = np.zeros(groups, np.bool_)
    known[group[completed]] = True

    told = np.flatnonzero(completed & stands)
    told = told[_starts(group[told])] if len(told) else told
    refunds = np.flatnonzero((rows["kind"] == EventKind.ORDER_REFUNDED) & stands)
    taken = _taken(group[refunds], rows["amount"][refunds], total, known)
    order_rows, refund_rows = rows[told], rows[refunds]
    by_time = np.lexsort((order_rows["at_ms"], order_rows["customer"]))
    refund_by_time = np.lexsort((refund_rows["at_ms"], refund_rows["customer"]))
    return Orders(
        customers,
        order_rows["customer"][by_time],
        order_rows["at_ms"][by_time],
        total[group[told]][by_time],
        refund_rows["customer"][refund_by_time],
        refund_rows["at_ms"][refund_by_time],
        taken[refund_by_time],
    )


def _taken(group: Ints, amount: Ints, total: Ints, known: npt.NDArray[np.bool_]) -> Ints:
    """The part of each refund that counts: at most what is left of its order; all of it without a known order."""
    if not len(group):
        return np.zeros(0, np.int64)
    limit = np.where(known[group], np.maximum(total[group], 0), np.int64(2**62))
    asked = np.where(amount < 0, np.where(known[group], limit, 0), amount)
    sums = np.cumsum(asked.astype(np.float64))  # only to know where an order is used up; amounts stay integers
    begins = np.flatnonzero(_starts(group))
    before = np.repeat(np.append(0.0, sums)[begins], np.diff(np.append(begins, len(group))))
    used_after = np.minimum(sums - before, limit.astype(np.float64))
    used_before = np.minimum(np.append(0.0, sums)[:-1] - before, limit.astype(np.float64))
    return np.asarray(np.round(used_after - used_before), np.int64)
