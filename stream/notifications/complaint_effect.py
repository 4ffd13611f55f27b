"""What answering complaints fast does: customers who were answered in time compared with those who waited.

Nobody drew who is answered fast, so the groups may differ in more than that; `stream.notifications.effect` compares by
a draw. Both groups are looked at from the moment at which they part, ``within_hours`` after the complaint: an order
before it would count only for those who wait. That is the method of landmarks: Anderson, J. R., Cain, K. C. and Gelber,
R. D. (1983), Analysis of survival by tumor response, Journal of Clinical Oncology 1, 710-719. A customer counts once,
with the first complaint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import NamedTuple

from stream.alerts.intervals import Interval, mean_difference, share, share_difference
from stream.catalogue.windows import DAY_MS, HOUR_MS
from stream.notifications.effect import MIN_CUSTOMERS, Orders

__all__ = ["Answered", "Complained", "ComplaintEffect", "complaint_effect"]


class Complained(NamedTuple):
    """A complaint. ``answers_ms``: when people acted on the customer, or the ticket was resolved.

    ``said``: when the customer said how satisfied they were, and how much that is, in [0, 1].
    """

    customer_id: str
    at_ms: int
    answers_ms: Sequence[int]
    said: Sequence[tuple[int, float]] = ()

    @property
    def waited_ms(self) -> int | None:
        """From the complaint to the first answer after it, None: there is none."""
        return min((at_ms - self.at_ms for at_ms in self.answers_ms if at_ms >= self.at_ms), default=None)


@dataclass(frozen=True, slots=True)
class Answered:
    """One group: how many ordered again within the horizon, and their mean net spend in it.

    ``satisfaction``: the mean of the ``heard``, those who said in the horizon how satisfied they were.
    """

    customers: int
    ordered: Interval
    spend: float
    heard: int
    satisfaction: Interval


@dataclass(frozen=True, slots=True)
class ComplaintEffect:
    """``complaints`` in all, ``answered`` of them with ``median_hours`` (None: none). ``ordered``, ``spend`` and
    ``satisfaction``: those answered within ``within_hours`` less those who waited. ``pending``: customers whose horizon
    is not over.
    """

    within_hours: float
    complaints: int
    answered: int
    median_hours: float | None
    fast: Answered
    waited: Answered
    ordered: Interval
    spend: Interval
    satisfaction: Interval
    pending: int
    warnings: Sequence[str]


def complaint_effect(
    complaints: Sequence[Complained],
    orders: Orders,
    *,
    within_hours: float,
    horizon_days: float,
    as_of_ms: int | None,
) -> ComplaintEffect:
    """Compare over one horizon; customers whose horizon ends after ``as_of_ms`` wait."""
    waits = [one.waited_ms for one in complaints if one.waited_ms is not None]
    within_ms = round(within_hours * HOUR_MS)
    firsts: dict[str, Complained] = {}
    for one in sorted(complaints, key=lambda one: one.at_ms):
        firsts.setdefault(one.customer_id, one)
    length_ms = within_ms + round(horizon_days * DAY_MS)
    over = [one for one in firsts.values() if as_of_ms is not None and one.at_ms + length_ms <= as_of_ms]
    groups = {
        is_fast: [one for one in over if (one.waited_ms is not None and one.waited_ms <= within_ms) is is_fast]
        for is_fast in (True, False)
    }
    ordered, spends, satisfied = {}, {}, {}
    for is_fast, members in groups.items():
        found = [_after(one, orders, within_ms, length_ms) for one in members]
        ordered[is_fast] = sum(has_ordered for has_ordered, _ in found)
        spends[is_fast] = [spend for _, spend in found]
        satisfied[is_fast] = [told for one in members if (told := _satisfied(one, within_ms, length_ms)) is not None]
    fast, waited = (_group(ordered[is_fast], spends[is_fast], satisfied[is_fast]) for is_fast in (True, False))
    return ComplaintEffect(
        within_hours=within_hours,
        complaints=len(complaints),
        answered=len(waits),
        median_hours=median(waits) / HOUR_MS if waits else None,
        fast=fast,
        waited=waited,
        ordered=share_difference(ordered[True], fast.customers, ordered[False], waited.customers),
        spend=mean_difference(spends[True], spends[False]),
        satisfaction=mean_difference(satisfied[True], satisfied[False]),
        pending=len(firsts) - len(over),
        warnings=_warnings({"answered in time": fast, "who waited": waited}),
    )


def _after(one: Complained, orders: Orders, within_ms: int, length_ms: int) -> tuple[bool, float]:
    """Whether the customer ordered in the horizon, and their net spend in it."""
    span = _horizon(one, within_ms, length_ms)
    found = [order for order in orders.get(one.customer_id, ()) if order.at_ms in span]
    return any(order.is_order for order in found), sum(order.amount for order in found)


def _satisfied(one: Complained, within_ms: int, length_ms: int) -> float | None:
    """The mean of what the customer said in the horizon; None: nothing that tells how satisfied they were."""
    span = _horizon(one, within_ms, length_ms)
    found = [satisfaction for at_ms, satisfaction in one.said if at_ms in span]
    return mean(found) if found else None


def _horizon(one: Complained, within_ms: int, length_ms: int) -> range:
    return range(one.at_ms + within_ms + 1, one.at_ms + length_ms + 1)


def _group(ordered: int, spends: Sequence[float], satisfied: Sequence[float]) -> Answered:
    """A mean of satisfactions has the interval of a share, as one customer's mean has."""
    return Answered(
        len(spends),
        share(ordered, len(spends)),
        sum(spends) / len(spends) if spends else 0.0,
        len(satisfied),
        share(sum(satisfied), len(satisfied)),
    )


def _warnings(groups: Mapping[str, Answered]) -> list[str]:
    return [
        f"only {group.customers} customers {name}: at least {MIN_CUSTOMERS} are needed"
        for name, group in groups.items()
        if group.customers < MIN_CUSTOMERS
    ]
