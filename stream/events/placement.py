"""What must be known of the bytes of an event before the decoder judges them: the type, and whose event it is."""

from typing import Any, NamedTuple

import msgspec

from stream.events.diagnosis import diagnose
from stream.events.kinds import TYPE_OF_NAME, EventType
from stream.events.rejections import Defect, Rejection, printable
from stream.events.screen import BadRecordError, screen

__all__ = ["Placement", "place"]


class Placement(NamedTuple):
    """``event_id`` and ``customer_id`` are empty where the event has no text for them: the decoder refuses it."""

    event_type: EventType
    event_id: str
    customer_id: str


class _Stated(msgspec.Struct):
    type: Any = None
    name: Any = None
    event_id: Any = None
    customer_id: Any = None


_DECODER = msgspec.json.Decoder(_Stated)


def place(value: bytes, event_type: EventType | None = None, *, max_bytes: int = 65_536) -> Placement | Rejection:
    """Return where the event in ``value`` belongs; a `Rejection` (of record 0) if that cannot be told.

    Without ``event_type`` the event's field ``type`` tells it, else its ``name``.

    >>> place(b'{"name": "opened", "customer_id": "c-1"}')
    Placement(event_type=<EventType.EMAIL: 'email'>, event_id='', customer_id='c-1')
    """
    try:
        screen(value, max_bytes)
        stated = _DECODER.decode(value)
    except (BadRecordError, msgspec.DecodeError, UnicodeDecodeError) as error:
        return Rejection(0, *diagnose(error, value))
    if event_type is None:
        event_type = _type_of(stated)
    if event_type is None:
        detail = f"type {stated.type!r} and name {stated.name!r} tell no event type; expected {', '.join(EventType)}"
        return Rejection(0, Defect.UNKNOWN_NAME, printable(detail))
    return Placement(event_type, _text(stated.event_id), _text(stated.customer_id))


def _type_of(stated: _Stated) -> EventType | None:
    if stated.type is None:
        return TYPE_OF_NAME.get(_text(stated.name))
    return next((event_type for event_type in EventType if event_type == stated.type), None)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
