"""Evaluation under a rolling origin, through the production path.

Day 0 is the day of the first order of the log. At week *w* the cut is day ``7 w``: every past buyer is scored with the
features of what happened before the cut and with the model as learned from the labels that matured before it. Churned
is who places no order in ``[cut, cut + horizon)``; what the value model expects is compared with the orders, and the
orders less their refunds, of the same time. Cancelled orders count in neither. Figures are pooled over all (customer,
week) rows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from stream.errors import EventLogError
from stream.events.decode import Decoder
from stream.events.kinds import EventKind, EventType
from stream.events.log_event import LogEvent, LogRecord
from stream.events.order_book import Bought, OrderBook
from stream.features.registry import COLUMN, DAY_MS
from stream.online_models.components.purchases import Purchases, histories_of
from stream.processing.kernel import Scores
from stream.processing.replay import Replay
from stream.processing.rules import Rules
from stream.processing.worth import worth_of

__all__ = ["RollingOrigin", "Rows", "evaluate", "is_order"]

_WEEK_MS: Final = 7 * DAY_MS
_RECENCY = COLUMN["days_since_purchase"]
_ORDERS = COLUMN["purchases_total"]
_TENURE = COLUMN["tenure"]
_PURCHASES_AT_ONCE: Final = 1000

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Rows(NamedTuple):
    """One row for each customer and week: arrays of equal length.

    ``customer``: a number for each, in the order of their first events. ``orders``: so far. ``process_risk``: what the
    purchase process, which learns from orders alone, gives for the horizon. ``expected_*``: over the
    horizon, NaN while nothing is expected of anybody; ``came_*``: what came in it; ``last_*``: in the horizon before
    the cut. Spend is in the base currency.
    """

    week: Integers
    customer: Integers
    risk: Floats
    churned: npt.NDArray[np.bool_]
    recency_days: Floats
    orders: Floats
    base_rate: Floats
    process_risk: Floats
    expected_orders: Floats
    expected_spend: Floats
    came_orders: Floats
    came_spend: Floats
    last_orders: Floats
    last_spend: Floats

    def where(self, chosen: npt.NDArray[np.bool_]) -> Rows:
        """The chosen rows."""
        return Rows._make(column[chosen] for column in self)


class _Cut(NamedTuple):
    """What was known at a cut of the past buyers; who of them came back is not known yet."""

    week: int
    ready: bool
    customers: list[str]
    numbers: Integers
    risk: Floats
    recency_days: Floats
    orders: Floats
    base_rate: float
    process_risk: Floats
    expected_orders: Floats
    expected_spend: Floats


class RollingOrigin:
    """Takes a log through a replay and scores every past buyer at each weekly cut on the way.

    ``rules``: those of the replay; who does not order for their horizon after a cut has churned. ``active_days``: only
    customers whose last order is at most this old. ``until_week``: the last cut; events from then on tell who came
    back, and are not replayed. ``now_ms``: the wall clock.
    """

    def __init__(
        self,
        replay: Replay,
        decoder: Decoder,
        now_ms: int,
        *,
        rules: Rules,
        active_days: float | None = None,
        until_week: int | None = None,
    ) -> None:
        self._replay = replay
        self._decoder = decoder
        self._now_ms = now_ms
        self._rules = rules
        self._horizon_ms = rules.horizon_ms
        self._active_days = active_days
        self._until_week = until_week
        self._book = OrderBook()
        self._purchases: list[LogEvent] = []
        self._start: int | None = None
        self._end = 0
        self._week = 0
        self._cuts: list[_Cut] = []

    def run(self, events: Iterable[LogEvent]) -> Iterator[int]:
        """Process ``events``, in time order; yields the number of records taken after each run."""
        for week, group in groupby(events, self._week_of):
            while self._week < week:
                self._week += 1
                if self._is_wanted(self._week):
                    self._cut(self._week)
            noted = self._noted(group)
            if self._until_week is None or week < self._until_week:
                yield from self._replay.run(noted)
            else:
                deque(noted, maxlen=0)
        self._count_purchases()

    @property
    def last_week(self) -> int:
        """The last week whose whole horizon the log covers, 0 if none."""
        return 0 if self._start is None else _last_week(self._start, self._end, self._horizon_ms)

    def rows(self, weeks: range | None = None) -> Rows:
        """The rows of ``weeks``, by default of those whose horizon the log covers and whose model was ready."""
        purchases = self._book.purchases()
        row_of = {customer: row for row, customer in enumerate(purchases)}
        bought = Bought.of([*purchases.values()])
        parts = [
            self._with_outcome(cut, row_of, bought)
            for cut in self._cuts
            if (cut.week in weeks if weeks is not None else cut.ready and cut.week <= self.last_week)
        ]
        if not parts:
            nothing = Rows._make([np.zeros(0)] * len(Rows._fields))
            numbers: Integers = np.zeros(0, np.int64)
            return nothing._replace(week=numbers, customer=numbers, churned=np.zeros(0, np.bool_))
        return Rows._make(np.concatenate(columns) for columns in zip(*parts, strict=True))

    def _is_wanted(self, week: int) -> bool:
        return self._until_week is None or week <= self._until_week

    def _week_of(self, event: LogEvent) -> int:
        """The week in which an event lies; it never goes back, and is 0 until the week after the first order."""
        if self._start is None and is_order(event, self._decoder, self._now_ms):
            self._start = event.at_ms // DAY_MS * DAY_MS
        if self._start is None:
            return 0
        return max(self._week, (event.at_ms - self._start) // _WEEK_MS)

    def _noted(self, events: Iterable[LogEvent]) -> Iterator[LogEvent]:
        for event in events:
            self._end = max(self._end, event.at_ms)
            if event.event_type is EventType.PURCHASE:
                self._purchases.append(event)
                if len(self._purchases) >= _PURCHASES_AT_ONCE:
                    self._count_purchases()
            yield event

    def _count_purchases(self) -> None:
        records = [LogRecord.of(event, self._now_ms, k) for k, event in enumerate(self._purchases)]
        decoded = self._decoder.decode(EventType.PURCHASE, records)
        self._book.add(decoded.customer_ids, decoded.events)
        self._purchases.clear()

    def _cut(self, week: int) -> None:
        if self._start is None:
            raise AssertionError("weeks begin with the first order")
        cut = self._start + week * _WEEK_MS
        self._replay.advance_to(cut)
        # features are of what happened before the cut
        customers, scores = self._replay.score_all(cut - 1)
        recency = scores.values[:, _RECENCY]
        chosen = scores.values[:, _ORDERS] > 0
        if self._active_days is not None:
            chosen &= recency <= self._active_days
        picked = np.flatnonzero(chosen)
        snapshot = self._replay.learner.snapshot(0).churn
        base_rate = (snapshot.churned_seen + 1) / (snapshot.labels_seen + 2)
        risk = scores.risks[picked] if self._replay.scorer.model.ready else np.full(len(picked), base_rate)
        expected_orders, expected_spend = self._expected(scores, picked, risk)
        process = self._replay.learner.of(Purchases).process
        self._cuts.append(
            _Cut(
                week=week,
                ready=snapshot.ready,
                customers=[customers[k] for k in picked],
                numbers=picked,
                risk=risk,
                recency_days=recency[picked],
                orders=scores.values[picked, _ORDERS],
                base_rate=base_rate,
                process_risk=process.no_order(histories_of(scores.inputs[picked]), self._horizon_ms / DAY_MS),
                expected_orders=expected_orders,
                expected_spend=expected_spend,
            )
        )

    def _expected(self, scores: Scores, picked: Integers, risk: Floats) -> tuple[Floats, Floats]:
        """Orders and spend of the customers at the positions ``picked`` over the horizon; NaN while nothing is."""
        snapshot = self._replay.scorer.snapshot
        if snapshot is None or snapshot.value is None:
            return np.full(len(picked), np.nan), np.full(len(picked), np.nan)
        worth = worth_of(
            self._replay.scorer,
            self._rules,
            inputs=scores.inputs[picked],
            risk=risk,
            net_spend=self._replay.net_spend()[picked],
            tenure_days=scores.values[picked, _TENURE],
            has_ordered=np.ones(len(picked), np.bool_),
        )
        return worth.orders, worth.spend

    def _with_outcome(self, cut: _Cut, row_of: dict[str, int], bought: Bought) -> Rows:
        begin = (self._start or 0) + cut.week * _WEEK_MS
        count = len(cut.customers)
        buyers = np.fromiter(map(row_of.__getitem__, cut.customers), np.int64, count)
        came_orders, came_spend = (sums[buyers] for sums in bought.between(begin, begin + self._horizon_ms))
        last_orders, last_spend = (sums[buyers] for sums in bought.between(begin - self._horizon_ms, begin))
        return Rows(
            week=np.full(count, cut.week),
            customer=cut.numbers,
            risk=cut.risk,
            churned=came_orders == 0.0,
            recency_days=cut.recency_days,
            orders=cut.orders,
            base_rate=np.full(count, cut.base_rate),
            process_risk=cut.process_risk,
            expected_orders=cut.expected_orders,
            expected_spend=cut.expected_spend,
            came_orders=came_orders,
            came_spend=came_spend,
            last_orders=last_orders,
            last_spend=last_spend,
        )


def evaluate(
    events: Sequence[LogEvent],
    replay: Replay,
    decoder: Decoder,
    now_ms: int,
    *,
    rules: Rules,
    weeks: range | None,
    active_days: float | None = None,
) -> Rows:
    """Replay ``events`` (in time order) and score at each week's cut; for the default weeks see `RollingOrigin.rows`.

    ``active_days``: only customers whose last order is at most this old. Raises EventLogError when the log has no order
    or ends before the horizon of the last week does, or no week can be evaluated.
    """
    first = next((event.at_ms for event in events if is_order(event, decoder, now_ms)), None)
    if first is None:
        raise EventLogError("the log has no completed order: there is nothing to predict")
    last_week = _last_week(first // DAY_MS * DAY_MS, events[-1].at_ms, rules.horizon_ms)
    if weeks is not None and weeks[-1] > last_week:
        raise EventLogError(
            f"the log ends too early for week {weeks[-1]}: the last whole horizon begins in week {last_week}"
        )
    until_week = last_week if weeks is None else weeks[-1]
    origin = RollingOrigin(replay, decoder, now_ms, rules=rules, active_days=active_days, until_week=until_week)
    deque(origin.run(events), maxlen=0)
    rows = origin.rows(weeks)
    if weeks is None and len(rows.week) == 0:
        raise EventLogError(
            f"the model was not ready in any week whose horizon the log covers (to week {last_week}): the log is too"
            " short, or has too few customers"
        )
    return rows


def is_order(event: LogEvent, decoder: Decoder, now_ms: int) -> bool:
    """Whether workers would take ``event`` for an order at ``now_ms``."""
    if event.event_type is not EventType.PURCHASE:
        return False
    decoded = decoder.decode(event.event_type, [LogRecord.of(event, now_ms, 0)])
    return EventKind.ORDER_COMPLETED in decoded.events["kind"]


def _last_week(start: int, end: int, horizon_ms: int) -> int:
    return max((end // DAY_MS * DAY_MS + DAY_MS - start - horizon_ms) // _WEEK_MS, 0)
