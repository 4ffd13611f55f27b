"""One event of an event-log file."""

from typing import NamedTuple

from stream.events.kinds import EventType

__all__ = ["LINE_HEADER", "LogEvent", "LogRecord"]

#: The header of a `LogRecord` that tells where in its log it stands.
LINE_HEADER = "log.line"


class LogEvent(NamedTuple):
    """An event as a producer would publish it: ``value`` is the native JSON, ``customer_id`` the record key.

    ``at_ms`` is event time. ``line`` is where in the log it begins, counted from 1 (0: in none); of an array of JSON it
    is the position. The value may be bad in every other respect: judging it is the decoder's business.
    """

    event_type: EventType
    customer_id: str
    at_ms: int
    value: bytes
    line: int = 0


class LogRecord(NamedTuple):
    """A log event in the shape of a consumed record. ``timestamp``: when it is taken to have been appended, in ms."""

    key: bytes
    value: bytes
    timestamp: int
    offset: int
    line: int = 0

    @property
    def headers(self) -> tuple[tuple[str, bytes | None], ...]:
        """Where in its log the event stands, so that a dead letter tells."""
        return ((LINE_HEADER, str(self.line).encode()),) if self.line else ()

    @classmethod
    def of(cls, event: LogEvent, appended_at_ms: int, offset: int) -> "LogRecord":
        return cls(event.customer_id.encode(), event.value, appended_at_ms, offset, event.line)
