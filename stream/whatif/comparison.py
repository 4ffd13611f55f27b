"""Two policies over one log: which alerts differ, how often each was right, and what it costs to follow them.

An alert was *right* when its customer lapsed: no order within three of their usual gaps after the last one. It is
judged once the log goes on until then. A customer whom the shop contacted in between, by mail or by an action, may have
come back, or left, because of that. Such alerts are counted as touched: so many may bias the precision.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from stream.alerts.alert_records import Alert, AlertKind
from stream.alerts.decoding import occurred_ms
from stream.alerts.intervals import CONFIDENCE, Interval
from stream.features.habit import LOST_HABITS
from stream.features.registry import DAY_MS
from stream.whatif.deliveries import ChannelLoad

__all__ = ["AlertChange", "Differences", "PolicySide", "WhatHappened", "WhatIf", "compared"]

_DRAWS: Final = 2_000
_SEED: Final = 20_110_605
_WEEK_MS: Final = 7 * DAY_MS


class WhatHappened(NamedTuple):
    """Times (ms, ascending) of the orders of customers, and of contacts; and when the log begins and ends."""

    orders: Mapping[str, Sequence[int]]
    contacts: Mapping[str, Sequence[int]]
    begin_ms: int
    end_ms: int

    @property
    def weeks(self) -> float:
        return max(self.end_ms - self.begin_ms, DAY_MS) / _WEEK_MS


class AlertChange(Struct, frozen=True, kw_only=True):
    """An alert that only one policy gives, or that ``later_days`` move it (negative: earlier).

    ``days_since_order`` and ``usual_gap_days`` are the figures of its sentence, null where it has none.
    """

    customer_id: str
    kind: AlertKind
    at_ms: int
    sentence: str
    value_at_risk: float
    later_days: float | None = None
    days_since_order: float | None = None
    usual_gap_days: float | None = None


class PolicySide(Struct, frozen=True, kw_only=True):
    """One policy. ``kinds``: alerts by kind; all else is of those that are raised.

    ``judged``: alerts whose outcome the log shows, ``right``: the customer lapsed, ``touched``: contacted before.
    ``value``: money at risk of the customers alerted, ``value_right``: of those alerted rightly.
    """

    kinds: dict[str, int]
    a_week: Interval
    customers: int
    judged: int
    right: int
    touched: int
    precision: Interval
    value: float
    value_right: float
    channels: dict[str, ChannelLoad] | None = None


class Differences(Struct, frozen=True, kw_only=True):
    """The second policy less the first: alerts a week, precision, and money at risk of right alerts, a week."""

    a_week: Interval
    precision: Interval
    value_right_a_week: Interval


class WhatIf(Struct, frozen=True, kw_only=True):
    """``old`` and ``new`` policy over the log, and what differs."""

    begin_ms: int
    end_ms: int
    old: PolicySide
    new: PolicySide
    difference: Differences
    added: list[AlertChange]
    removed: list[AlertChange]
    moved: list[AlertChange]


#: Of an alert: whether it was judged, right, touched.
_Verdict = tuple[bool, bool, bool]
#: Columns of what customers add up to: alerts, judged, right, money at risk, that of right alerts.
_ALERTS, _JUDGED, _RIGHT, _VALUE_RIGHT = range(4)


def compared(
    old: Sequence[Alert],
    new: Sequence[Alert],
    happened: WhatHappened,
    loads: tuple[dict[str, ChannelLoad] | None, dict[str, ChannelLoad] | None] = (None, None),
) -> WhatIf:
    """Compare the alerts of two policies over one log. Intervals: of a bootstrap over customers, 95 %."""
    customers = {one.customer_id for one in (*old, *new) if one.kind is AlertKind.RAISED}
    row_of = {customer: row for row, customer in enumerate(sorted(customers))}
    sums = [_sums(alerts, happened, row_of) for alerts in (old, new)]
    # customers as draws, each with a Poisson weight of mean 1: as drawing them with replacement, for many customers
    weights = np.random.default_rng(_SEED).poisson(1.0, (_DRAWS, len(row_of))).astype(np.float64)
    drawn = [weights @ of_one for of_one in sums]
    totals = [of_one.sum(axis=0) for of_one in sums]

    def interval(figure: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]], side: int | None) -> Interval:
        if side is None:
            return _interval(figure(totals[1]) - figure(totals[0]), figure(drawn[1]) - figure(drawn[0]))
        return _interval(figure(totals[side]), figure(drawn[side]))

    def a_week(of: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(of[..., _ALERTS] / happened.weeks)

    def value_a_week(of: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(of[..., _VALUE_RIGHT] / happened.weeks)

    sides = [
        _side(alerts, happened, interval(a_week, k), interval(_precision, k), loads[k])
        for k, alerts in enumerate((old, new))
    ]
    added, removed, moved = _changes(old, new, happened)
    return WhatIf(
        begin_ms=happened.begin_ms,
        end_ms=happened.end_ms,
        old=sides[0],
        new=sides[1],
        difference=Differences(
            a_week=interval(a_week, None),
            precision=interval(_precision, None),
            value_right_a_week=interval(value_a_week, None),
        ),
        added=added,
        removed=removed,
        moved=moved,
    )


def _precision(of: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    judged = of[..., _JUDGED]
    return np.where(judged > 0, of[..., _RIGHT] / np.maximum(judged, 1), np.nan)


def _interval(estimate: npt.NDArray[np.float64], drawn: npt.NDArray[np.float64]) -> Interval:
    known = drawn[~np.isnan(drawn)]
    if np.isnan(estimate) or not len(known):
        return Interval(None, None, None)
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(known, (tail, 1.0 - tail))
    return Interval(float(estimate), float(low), float(high))


def _verdict(alert: Alert, happened: WhatHappened) -> _Verdict:
    at_ms, orders = occurred_ms(alert), happened.orders.get(alert.customer_id, ())
    ordered = bisect_right(orders, at_ms)
    if alert.usual_gap_days is None or not ordered:
        return False, False, False
    lapsed_ms = orders[ordered - 1] + round(LOST_HABITS * alert.usual_gap_days * DAY_MS)
    contacts = happened.contacts.get(alert.customer_id, ())
    if lapsed_ms > happened.end_ms:
        return False, False, False
    is_touched = bisect_right(contacts, at_ms) < bisect_right(contacts, lapsed_ms)
    came_back = ordered < len(orders) and orders[ordered] <= lapsed_ms
    return True, not came_back, is_touched


def _sums(alerts: Iterable[Alert], happened: WhatHappened, row_of: Mapping[str, int]) -> npt.NDArray[np.float64]:
    sums = np.zeros((len(row_of), 4))
    for alert in alerts:
        if alert.kind is AlertKind.RAISED:
            judged, right, _ = _verdict(alert, happened)
            sums[row_of[alert.customer_id]] += (1.0, judged, right, alert.value_at_risk * right)
    return sums


def _side(
    alerts: Sequence[Alert],
    happened: WhatHappened,
    a_week: Interval,
    precision: Interval,
    channels: dict[str, ChannelLoad] | None,
) -> PolicySide:
    raised = [alert for alert in alerts if alert.kind is AlertKind.RAISED]
    verdicts = [_verdict(alert, happened) for alert in raised]
    return PolicySide(
        kinds={str(kind): count for kind, count in sorted(Counter(alert.kind for alert in alerts).items())},
        a_week=a_week,
        customers=len({alert.customer_id for alert in raised}),
        judged=sum(judged for judged, _, _ in verdicts),
        right=sum(right for _, right, _ in verdicts),
        touched=sum(touched for _, _, touched in verdicts),
        precision=precision,
        value=sum(alert.value_at_risk for alert in raised),
        value_right=sum(one.value_at_risk for one, verdict in zip(raised, verdicts, strict=True) if verdict[1]),
        channels=channels,
    )


def _changes(
    old: Sequence[Alert], new: Sequence[Alert], happened: WhatHappened
) -> tuple[list[AlertChange], list[AlertChange], list[AlertChange]]:
    """Alerts of the same kind, about the same silence of a customer, are the same alert at another time."""
    silences: dict[tuple[str, AlertKind, int], tuple[list[Alert], list[Alert]]] = defaultdict(lambda: ([], []))
    for side, alerts in enumerate((old, new)):
        for alert in alerts:
            orders = bisect_right(happened.orders.get(alert.customer_id, ()), occurred_ms(alert))
            silences[alert.customer_id, alert.kind, orders][side].append(alert)
    added, removed, moved = [], [], []
    for before, after in silences.values():
        for first, second in zip(before, after, strict=False):
            if (later_ms := occurred_ms(second) - occurred_ms(first)) != 0:
                moved.append(_change(second, later_ms / DAY_MS))
        removed += [_change(one) for one in before[len(after) :]]
        added += [_change(one) for one in after[len(before) :]]
    for changes in (added, removed, moved):
        changes.sort(key=lambda one: (one.at_ms, one.customer_id))
    return added, removed, moved


def _change(alert: Alert, later_days: float | None = None) -> AlertChange:
    return AlertChange(
        customer_id=alert.customer_id,
        kind=alert.kind,
        at_ms=occurred_ms(alert),
        sentence=alert.sentence,
        value_at_risk=alert.value_at_risk,
        later_days=later_days,
        days_since_order=alert.days_since_order,
        usual_gap_days=alert.usual_gap_days,
    )
