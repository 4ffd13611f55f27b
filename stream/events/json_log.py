"""Native events as JSON Lines, or as one JSON array of them."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
import orjson

from stream.errors import EventLogError
from stream.events.kept_bytes import kept
from stream.events.kinds import TYPE_OF_NAME, EventType
from stream.events.log_event import LogEvent
from stream.events.log_report import LogReport
from stream.events.model import Instant
from stream.events.parsing_times import epoch_seconds
from stream.events.rejections import Defect
from stream.events.times import epoch_ms

__all__ = ["read_json_array", "read_json_lines"]

#: An array is held in memory whole; longer ones must be JSON Lines.
MAX_ARRAY_BYTES: Final = 256 * 2**20
_LATEST_MS = 2**62

#: No name belongs to two types, so a native event need not state its own (a test holds this).


class _Placement(msgspec.Struct):
    """What must be known of a native event to publish it; the decoder judges the rest."""

    occurred_at: Instant
    type: EventType | None = None
    name: Any = None
    customer_id: Any = None


_place = msgspec.json.Decoder(_Placement).decode
_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode


def read_json_lines(lines: Iterable[bytes], report: LogReport) -> Iterator[LogEvent]:
    """Yield the events, in the order of the lines. A line that cannot be placed in time and type is rejected."""
    milliseconds = 0
    for number, line in enumerate(lines, 1):
        value = line.strip()
        if not value:
            continue
        event = _event(value, number, report)
        if event is not None:
            milliseconds += event.value is not value
            yield event
    _note(milliseconds, report)


def read_json_array(lines: Iterable[bytes], report: LogReport) -> Iterator[LogEvent]:
    """Yield the events of a JSON array, in its order; what cannot be placed is rejected by its position, from 1.

    Raises EventLogError for what is no array, or longer than `MAX_ARRAY_BYTES`.
    """
    content = bytearray()
    for line in lines:
        content += line
        if len(content) > MAX_ARRAY_BYTES:
            raise EventLogError(
                f"{report.source}: a JSON array of over {MAX_ARRAY_BYTES:,} bytes; write one event a line:"
                " jq -c '.[]' FILE"
            )
    try:
        elements = _elements(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EventLogError(f"{report.source}: expected a JSON array of events: {error}") from error
    report.place = "element"
    milliseconds = 0
    for number, element in enumerate(elements, 1):
        value = bytes(element)
        event = _event(value, number, report)
        if event is not None:
            milliseconds += event.value is not value
            yield event
    _note(milliseconds, report)


def _note(milliseconds: int, report: LogReport) -> None:
    if milliseconds:
        are = "time is in" if milliseconds == 1 else "times are in"
        report.note(f"{milliseconds:,} {are} milliseconds since the epoch or finer: taken as such")


def _event(value: bytes, number: int, report: LogReport) -> LogEvent | None:
    report.read += 1
    try:
        placed = _place(value)
        at_ms = epoch_ms(placed.occurred_at)
        if (
            isinstance(placed.occurred_at, float)
            and (seconds := epoch_seconds(placed.occurred_at)) != placed.occurred_at
        ):
            value = kept(orjson.dumps({**orjson.loads(value), "occurred_at": seconds}))
            at_ms = epoch_ms(seconds)
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError, RecursionError, orjson.JSONDecodeError) as error:
        report.reject(_reason(error), number, f"expected a native event: {error}")
        return None
    if abs(at_ms) > _LATEST_MS:
        report.reject(Defect.TIMESTAMP_OUT_OF_RANGE, number, f"expected a native event: no time: {at_ms / 1000:.3g} s")
        return None
    event_type = placed.type
    if event_type is None:
        event_type = TYPE_OF_NAME.get(placed.name) if isinstance(placed.name, str) else None
    if event_type is None:
        told = f"the name {placed.name!r} tells no event type; add a `type` of {', '.join(EventType)}"
        report.reject(Defect.UNKNOWN_NAME, number, told)
        return None
    customer_id = placed.customer_id if isinstance(placed.customer_id, str) else ""
    return LogEvent(event_type, customer_id, at_ms, value, number)


def _reason(error: Exception) -> Defect:
    text = str(error)
    if isinstance(error, OverflowError) or "out of range" in text:
        return Defect.TIMESTAMP_OUT_OF_RANGE
    if isinstance(error, UnicodeDecodeError):
        return Defect.BAD_UTF8
    if not isinstance(error, msgspec.ValidationError):
        return Defect.MALFORMED_JSON
    if "missing required field" in text:
        return Defect.MISSING_FIELD
    return Defect.BAD_TIMESTAMP if "occurred_at" in text or "RFC3339" in text else Defect.WRONG_TYPE
