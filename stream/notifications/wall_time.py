"""Local time: quiet hours, the instants of a schedule, days.

Everything is asked about an instant in ms since the epoch; the time zone says what the clocks on the wall show then. So
an hour that is skipped or repeated when clocks change needs no rule of its own.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from stream.events.times import instant

__all__ = ["DAY_MINUTES", "WEEKDAYS", "DayPeriod", "Schedule", "is_quiet", "local_day", "opened_share"]

DAY_MINUTES: Final = 24 * 60
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_MINUTE_MS: Final = 60_000
#: Quiet hours are looked at this often when a day's open time is measured.
_CELL_MS: Final = 5 * _MINUTE_MS
#: A schedule of local times has an instant on each of these days from today on, even when clocks change.
_DAYS_AHEAD: Final = 3


class DayPeriod(NamedTuple):
    """From ``start`` to before ``end``, minutes of the local day; past midnight when ``end <= start``.

    ``days``: those on which it begins, 0 is Monday.
    """

    start: int
    end: int
    days: frozenset[int]


def is_quiet(periods: Sequence[DayPeriod], zone: ZoneInfo, at_ms: int) -> bool:
    """Whether the wall clock in `zone` shows a time of one of the `periods`."""
    if not periods:
        return False
    local = instant(at_ms).astimezone(zone)
    minute, today = local.hour * 60 + local.minute, local.weekday()
    yesterday = (today - 1) % 7
    for start, end, days in periods:
        if start < end:
            if today in days and start <= minute < end:
                return True
        elif (today in days and minute >= start) or (yesterday in days and minute < end):
            return True
    return False


class Schedule(NamedTuple):
    """Instants at which something may be sent: every so many minutes, at local times, or (neither) at any time.

    ``every_minutes`` counts from the epoch, so that restarts do not shift it.
    """

    zone: ZoneInfo
    every_minutes: int = 0
    at_minutes: tuple[int, ...] = ()

    def first(self, at_ms: int) -> int:
        """The earliest instant of the schedule at or after `at_ms`."""
        if self.every_minutes:
            step = self.every_minutes * _MINUTE_MS
            return -(-at_ms // step) * step
        if not self.at_minutes:
            return at_ms
        today = instant(at_ms).astimezone(self.zone).date()
        return min(due_ms for due_ms in self._around(today) if due_ms >= at_ms)

    def _around(self, today: date) -> Iterator[int]:
        for days in range(-1, _DAYS_AHEAD):
            day = today + timedelta(days=days)
            for minute in self.at_minutes:
                yield _epoch_ms(datetime.combine(day, time(*divmod(minute, 60)), self.zone))


def local_day(zone: ZoneInfo, at_ms: int) -> date:
    """The date on the calendar in `zone`."""
    return instant(at_ms).astimezone(zone).date()


def opened_share(periods: tuple[DayPeriod, ...], zone: ZoneInfo, at_ms: int) -> float:
    """Which share of the local day's time that is not quiet has begun by `at_ms`, in (0, 1]; 0 before any has.

    Measured in cells of five minutes; the present cell counts whole.
    """
    start_ms, opened = _opened(periods, zone, local_day(zone, at_ms))
    cell = min(max((at_ms - start_ms) // _CELL_MS, 0), len(opened) - 1)
    return opened[cell] / opened[-1] if opened[-1] else 0.0


@lru_cache(maxsize=64)
def _opened(periods: tuple[DayPeriod, ...], zone: ZoneInfo, day: date) -> tuple[int, tuple[int, ...]]:
    """Start of the day in ms, and for each of its cells how many cells up to it are not quiet."""
    start_ms = _epoch_ms(datetime.combine(day, time(), zone))
    end_ms = _epoch_ms(datetime.combine(day + timedelta(days=1), time(), zone))
    counts, count = [], 0
    for cell_ms in range(start_ms, end_ms, _CELL_MS):
        count += not is_quiet(periods, zone, cell_ms)
        counts.append(count)
    return start_ms, tuple(counts)


def _epoch_ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
