"""An old log as if it happened now."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import orjson

from stream.events.kept_bytes import kept
from stream.events.log_event import LogEvent
from stream.events.times import rfc3339

__all__ = ["WEEK_MS", "moved", "weeks_to_end_after"]

WEEK_MS: Final = 7 * 24 * 3600 * 1000


def weeks_to_end_after(log: Sequence[LogEvent], now_ms: int) -> int:
    """By how many ms, whole weeks, ``log`` (in time order) must be moved to end after ``now_ms``, within a week.

    Whole weeks keep weekdays and hours. Moved so, the log goes through the present: there is no silence at its end.

    >>> from stream.events.kinds import EventType
    >>> weeks_to_end_after([LogEvent(EventType.CLICK, "c", 5, b"")], 2 * WEEK_MS) == 2 * WEEK_MS
    True
    """
    return ((now_ms - log[-1].at_ms) // WEEK_MS + 1) * WEEK_MS if log else 0


def moved(events: Iterable[LogEvent], by_ms: int) -> Iterator[LogEvent]:
    """Yield ``events`` as if each had occurred ``by_ms`` later; their ids stay."""
    for event in events:
        at_ms = event.at_ms + by_ms
        native = orjson.loads(event.value)
        native["occurred_at"] = rfc3339(at_ms)
        yield event._replace(at_ms=at_ms, value=kept(orjson.dumps(native)))
