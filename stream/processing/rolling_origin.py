"""Evaluation under a rolling origin, through the production path.

Day 0 is the day of the first order of the log. At week *w* the cut is day ``7 w``: every past buyer is scored with the
features of what happened before the cut and with the model as learned from the labels that matured before it. Churned
is who places no order in ``[cut, cut + horizon)``. Figures are pooled over all (customer, week) rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.errors import EventLogError
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent
from stream.events.order_book import OrderBook
from stream.features.registry import COLUMN, DAY_MS
from stream.processing.replay import LogRecord, Replay

__all__ = ["Rows", "evaluate"]

_WEEK_MS = 7 * DAY_MS
_RECENCY = COLUMN["days_since_purchase"]
_ORDERS = COLUMN["purchases_total"]


class Rows(NamedTuple):
    """One row for each customer and week: arrays of equal length."""

    week: npt.NDArray[np.int64]
    risk: npt.NDArray[np.float64]
    churned: npt.NDArray[np.bool_]
    recency_days: npt.NDArray[np.float64]
    orders: npt.NDArray[np.float64]
    base_rate: npt.NDArray[np.float64]


def evaluate(
    events: Sequence[LogEvent],
    replay: Replay,
    decoder: Decoder,
    now_ms: int,
    *,
    horizon_ms: int,
    weeks: range,
    active_days: float | None = None,
) -> Rows:
    """Replay ``events`` (in time order) and score at each week's cut.

    ``active_days``: only customers whose last order is at most this old. Raises EventLogError when the log ends before
    the horizon of the last week does.
    """
    orders = _orders(events, decoder, now_ms)
    first = min((times[0] for times in orders.values() if len(times)), default=None)
    if first is None:
        raise EventLogError("the log has no completed order: there is nothing to predict")
    start = first // DAY_MS * DAY_MS
    end = max(event.at_ms for event in events)
    needed = start + weeks[-1] * _WEEK_MS + horizon_ms
    if end // DAY_MS * DAY_MS + DAY_MS < needed:
        last = (end + DAY_MS - start - horizon_ms) // _WEEK_MS
        raise EventLogError(
            f"the log ends too early for week {weeks[-1]}: the last whole horizon begins in week {last}"
        )
    parts = []
    log = iter(events)
    held: list[LogEvent] = []
    for week in weeks:
        cut = start + week * _WEEK_MS
        _run_before(replay, log, held, cut)
        parts.append(_score(replay, orders, cut, horizon_ms, week, active_days))
    return Rows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _run_before(replay: Replay, log: Iterable[LogEvent], held: list[LogEvent], cut: int) -> None:
    """Run the events before ``cut``; the one that ends the run is held for the next."""
    before = [event for event in held if event.at_ms < cut]
    rest = [event for event in held if event.at_ms >= cut]
    if not rest:

        def is_before(event: LogEvent) -> bool:
            if event.at_ms < cut:
                return True
            rest.append(event)
            return False

        before += takewhile(is_before, log)
    held[:] = rest
    for _ in replay.run(before):
        pass
    replay.advance_to(cut)


def _score(
    replay: Replay,
    orders: dict[str, npt.NDArray[np.int64]],
    cut: int,
    horizon_ms: int,
    week: int,
    active_days: float | None,
) -> Rows:
    # features are of what happened before the cut
    customers, scores = replay.score_all(cut - 1)
    recency = scores.values[:, _RECENCY]
    chosen = scores.values[:, _ORDERS] > 0
    if active_days is not None:
        chosen &= recency <= active_days
    picked = np.flatnonzero(chosen)
    churned = np.array([_is_silent(orders[customers[k]], cut, cut + horizon_ms) for k in picked], np.bool_)
    snapshot = replay.learner.snapshot(0).churn
    base_rate = (snapshot.churned_seen + 1) / (snapshot.labels_seen + 2)
    risk = scores.risks[picked] if replay.scorer.model.ready else np.full(len(picked), base_rate)
    return Rows(
        week=np.full(len(picked), week),
        risk=risk,
        churned=churned,
        recency_days=recency[picked],
        orders=scores.values[picked, _ORDERS],
        base_rate=np.full(len(picked), base_rate),
    )


def _is_silent(times: npt.NDArray[np.int64], begin: int, end: int) -> bool:
    low, high = np.searchsorted(times, (begin, end))
    return bool(low == high)


def _orders(events: Sequence[LogEvent], decoder: Decoder, now_ms: int) -> dict[str, npt.NDArray[np.int64]]:
    """Times of each customer's orders that count, ascending."""
    purchases = [event for event in events if event.event_type is EventType.PURCHASE]
    records = [LogRecord(event.customer_id.encode(), event.value, now_ms, k) for k, event in enumerate(purchases)]
    decoded = decoder.decode(EventType.PURCHASE, records)
    book = OrderBook()
    book.add(decoded.customer_ids, decoded.events)
    return {
        customer: np.array([purchase.at_ms for purchase in found if purchase.is_order], np.int64)
        for customer, found in book.purchases().items()
    }
