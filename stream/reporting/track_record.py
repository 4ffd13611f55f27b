"""How good the alerts were: of those who were flagged some weeks ago, how many did not come back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from msgspec import Struct

from stream.features.registry import DAY_MS
from stream.reporting.order_log import Orders

__all__ = ["WEEKS", "TrackRecord", "track_record"]

#: How long a flagged customer is watched.
WEEKS: Final = 8
#: Those flagged in so many weeks are taken together.
_TAKEN_TOGETHER: Final = 4

_WEEK_MS: Final = 7 * DAY_MS


class TrackRecord(Struct, frozen=True):
    """``flagged`` customers in the four weeks that ended eight weeks ago; ``stayed_away``: no order in the eight weeks
    after the alert. ``others`` had ordered in the year before, were not flagged, and ``others_stayed_away`` since.
    """

    flagged: int
    stayed_away: int
    others: int
    others_stayed_away: int

    @property
    def sentence(self) -> str:
        """The same for the owner.

        >>> TrackRecord(20, 15, 100, 30).sentence
        'Of 20 customers flagged eight weeks ago, 15 did not come back; of 100 others, 30 did not.'
        """
        if not self.flagged:
            return "Nobody was flagged eight to twelve weeks ago, so the alerts cannot be judged yet."
        people = "customer" if self.flagged == 1 else "customers"
        text = f"Of {self.flagged:,} {people} flagged eight weeks ago, {self.stayed_away:,} did not come back"
        if not self.others:
            return f"{text}."
        return f"{text}; of {self.others:,} others, {self.others_stayed_away:,} did not."


def track_record(raised: Iterable[tuple[str, int]], orders: Orders, now_ms: int) -> TrackRecord:
    """Judge the alerts ``raised`` (customer, time in ms); the first of a customer within the four weeks counts."""
    end_ms = now_ms - WEEKS * _WEEK_MS
    begin_ms = end_ms - _TAKEN_TOGETHER * _WEEK_MS
    flagged: dict[str, int] = {}
    for customer, at_ms in raised:
        if begin_ms < at_ms <= end_ms:
            flagged[customer] = min(at_ms, flagged.get(customer, at_ms))
    positions = {customer: position for position, customer in enumerate(orders.customers)}
    times = {
        position: at_ms for customer, at_ms in flagged.items() if (position := positions.get(customer)) is not None
    }
    came_back = 0
    for position, at_ms in times.items():
        first, last = np.searchsorted(orders.customer, [position, position + 1])
        of_one = orders.at_ms[first:last]
        came_back += bool(((of_one > at_ms) & (of_one <= at_ms + WEEKS * _WEEK_MS)).any())
    bought = (orders.at_ms > end_ms - 365 * DAY_MS) & (orders.at_ms <= end_ms)
    others = np.setdiff1d(np.unique(orders.customer[bought]), np.array([*times], np.int64))
    again = np.unique(orders.customer[(orders.at_ms > end_ms) & (orders.at_ms <= now_ms)])
    return TrackRecord(len(flagged), len(flagged) - came_back, len(others), len(np.setdiff1d(others, again)))
