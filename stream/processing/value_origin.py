"""How good the expected value would have been: the protocol of `stream.processing.rolling_origin`, for money.

At week *w* the cut is day ``7 w`` after the day of the first order. Every past buyer is scored with what happened
before the cut and the models as learned from labels that matured before it; what came is the orders, and the orders
less refunds, in ``[cut, cut + horizon)``. Cancelled orders count in neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.errors import EventLogError
from stream.events.columns import MONEY_SCALE
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent, LogRecord
from stream.events.order_book import OrderBook, Purchase
from stream.features.registry import COLUMN, DAY_MS
from stream.processing.replay import Replay
from stream.processing.rules import Rules
from stream.processing.worth import worth_of

__all__ = ["ValueRows", "evaluate_value"]

_WEEK_MS = 7 * DAY_MS
_ORDERS, _TENURE = COLUMN["purchases_total"], COLUMN["tenure"]

Times = npt.NDArray[np.int64]


class ValueRows(NamedTuple):
    """One row for each customer and week. ``last_*``: what came in the horizon before the cut."""

    week: npt.NDArray[np.int64]
    orders: npt.NDArray[np.float64]
    spend: npt.NDArray[np.float64]
    came_orders: npt.NDArray[np.float64]
    came_spend: npt.NDArray[np.float64]
    last_orders: npt.NDArray[np.float64]
    last_spend: npt.NDArray[np.float64]


class _Purchases(NamedTuple):
    """Of one customer, by time: running sums of orders (1, or 0 for a refund) and of money."""

    at: Times
    orders: npt.NDArray[np.float64]
    spend: npt.NDArray[np.float64]

    def between(self, begin: int, end: int) -> tuple[float, float]:
        low, high = np.searchsorted(self.at, (begin, end))
        return float(self.orders[high] - self.orders[low]), float(self.spend[high] - self.spend[low])


def evaluate_value(
    events: Sequence[LogEvent], replay: Replay, decoder: Decoder, now_ms: int, *, rules: Rules, weeks: range
) -> ValueRows:
    """Replay ``events`` (in time order) and compare at each week's cut.

    Weeks before the value model is ready are left out.

    Raises EventLogError when the log ends before the last horizon does, or the model never becomes ready.
    """
    purchases = _purchases(events, decoder, now_ms)
    first = min((int(one.at[0]) for one in purchases.values()), default=None)
    if first is None:
        raise EventLogError("the log has no completed order: there is nothing to predict")
    start = first // DAY_MS * DAY_MS
    end = events[-1].at_ms // DAY_MS * DAY_MS + DAY_MS
    if end < start + weeks[-1] * _WEEK_MS + rules.horizon_ms:
        last = (end - start - rules.horizon_ms) // _WEEK_MS
        raise EventLogError(
            f"the log ends too early for week {weeks[-1]}: the last whole horizon begins in week {last}"
        )
    parts, done = [], 0
    times = [event.at_ms for event in events]
    for week in weeks:
        cut = start + week * _WEEK_MS
        reached = int(np.searchsorted(times, cut))
        for _ in replay.run(events[done:reached]):
            pass
        done = reached
        replay.advance_to(cut)
        parts += list(_score(replay, purchases, cut, rules, week))
    if not parts:
        raise EventLogError("the value model was not ready at any of these weeks: choose later ones")
    return ValueRows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _score(replay: Replay, purchases: dict[str, _Purchases], cut: int, rules: Rules, week: int) -> Iterable[ValueRows]:
    snapshot = replay.scorer.snapshot
    if snapshot is None or snapshot.value is None or not replay.scorer.model.ready:
        return
    # features are of what happened before the cut
    customers, scores = replay.score_all(cut - 1)
    picked = np.flatnonzero(scores.values[:, _ORDERS] > 0)
    worth = worth_of(
        replay.scorer,
        rules,
        inputs=scores.inputs[picked],
        risk=scores.risks[picked],
        net_spend=np.zeros(len(picked)),
        tenure_days=scores.values[picked, _TENURE],
        has_ordered=np.ones(len(picked), np.bool_),
    )
    came = np.array([purchases[customers[k]].between(cut, cut + rules.horizon_ms) for k in picked])
    last = np.array([purchases[customers[k]].between(cut - rules.horizon_ms, cut) for k in picked])
    yield ValueRows(
        week=np.full(len(picked), week),
        orders=worth.orders,
        spend=worth.spend,
        came_orders=came[:, 0],
        came_spend=came[:, 1],
        last_orders=last[:, 0],
        last_spend=last[:, 1],
    )


def _purchases(events: Sequence[LogEvent], decoder: Decoder, now_ms: int) -> dict[str, _Purchases]:
    """Orders that count, and what refunds gave back of them, of each customer."""
    log = [event for event in events if event.event_type is EventType.PURCHASE]
    records = [LogRecord.of(event, now_ms, k) for k, event in enumerate(log)]
    decoded = decoder.decode(EventType.PURCHASE, records)
    book = OrderBook()
    book.add(decoded.customer_ids, decoded.events)
    return {customer: _summed(found) for customer, found in book.purchases().items() if found}


def _summed(purchases: Sequence[Purchase]) -> _Purchases:
    at, spend, orders = zip(*purchases, strict=True)
    return _Purchases(np.array(at, np.int64), _running(orders), _running(spend) / MONEY_SCALE)


def _running(values: Iterable[float]) -> npt.NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(np.array(list(values), np.float64))])
