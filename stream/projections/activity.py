"""On which days each customer did something, and how often: a calendar of events by type."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import ClassVar, Final

import msgspec

from stream.alerts.alert_records import Alert
from stream.catalogue.windows import DAY_MS
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.projections.fold import Fold
from stream.projections.topic_inputs import EventInput, Happened
from stream.settings import Settings

__all__ = ["MAX_DAYS", "Activity", "Calendar"]

#: Days with events that are kept of a customer, the newest: more than a year of somebody who comes every day.
MAX_DAYS: Final = 400


class Calendar(msgspec.Struct):
    """``days``: events by date (UTC, ``2026-01-31``), oldest first, and type."""

    days: dict[str, dict[str, int]] = {}


class Activity(Fold[Calendar]):
    """Accepted events by customer, day (UTC, event time) and type.

    An event that was sent twice counts twice, unless it came by `arrivals`: `customers` has what counts once.
    Counts commute, so the order of the inputs does not matter. Nor does the limit on days: a day is dropped only for
    newer ones, so none of the newest `MAX_DAYS` was ever dropped.
    """

    name: ClassVar = "activity"
    state: ClassVar = Calendar
    about: ClassVar = "How many events of each type each customer had on each day."
    why: ClassVar = "to show what a customer does"

    def __init__(self, settings: Settings) -> None:
        decoder = Decoder.of(settings)
        self.inputs = tuple(EventInput(event_type, settings.topic_of(event_type), decoder) for event_type in EventType)

    def release(self, customer_id: str) -> Iterable[tuple[str, object]]:
        return self.taken_out(customer_id)

    def fold_one(self, state: Calendar, message: Happened, alerts: list[Alert]) -> Calendar:
        del alerts
        date = _date(message.at_ms // DAY_MS)
        day = state.days.get(date)
        if day is None:
            day = _new_day(state, date)
        day[message.type] = day.get(message.type, 0) + 1
        return state


def _new_day(calendar: Calendar, date: str) -> dict[str, int]:
    """Enter a day in the order of time; the oldest goes when there are too many."""
    day: dict[str, int] = {}
    if calendar.days and date < next(reversed(calendar.days)):
        calendar.days = dict(sorted([*calendar.days.items(), (date, day)]))
    else:
        calendar.days[date] = day
    if len(calendar.days) > MAX_DAYS:
        del calendar.days[next(iter(calendar.days))]
    return day


@lru_cache(maxsize=4096)
def _date(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()
