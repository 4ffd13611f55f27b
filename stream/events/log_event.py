"""One event of an event-log file."""

from typing import NamedTuple

from stream.events.kinds import EventType

__all__ = ["LogEvent"]


class LogEvent(NamedTuple):
    """An event as a producer would publish it: ``value`` is the native JSON, ``customer_id`` the record key.

    ``at_ms`` is event time. The value may be bad in every other respect: judging it is the decoder's
    business.
    """

    event_type: EventType
    customer_id: str
    at_ms: int
    value: bytes
