"""What the topic `arrivals` holds beside events: who an id is, and that events have waited long enough.

It is in the topic of the events, because one partition has one order: where an event goes follows from the log alone.
"""

from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta, Struct

from stream.events.model import CustomerId

__all__ = [
    "NOTE_HEADERS",
    "TYPE_HEADER",
    "ArrivalNote",
    "Assigned",
    "LogOffset",
    "Released",
    "decode_note",
    "encode_note",
    "is_note",
]

#: Says of which type an event is. Without it the event's field `type` does, or its name.
TYPE_HEADER: Final = "event-type"
_HEADER: Final = ("record", b"note")

#: No offset is larger, and each reader of JSON knows numbers up to this one.
LogOffset: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
Milliseconds: TypeAlias = Annotated[int, Meta(description="since the epoch, UTC")]


class Assigned(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="name", tag="assigned"):
    """`id` is customer `customer_id`. ``version``: the offset of the link that made it so; an older note is void.

    ``edition``: of the customer; it grows when somebody is taken away from them, or when they come back.
    """

    id: CustomerId
    customer_id: CustomerId
    version: LogOffset
    edition: LogOffset = 0


class Released(Struct, frozen=True, kw_only=True, tag_field="name", tag="released"):
    """Events of `id` whose hold ended by ``up_to_ms`` wait no longer."""

    id: CustomerId
    up_to_ms: Milliseconds


ArrivalNote: TypeAlias = Assigned | Released

_ENCODE: Final = msgspec.json.Encoder().encode
_DECODER: Final[msgspec.json.Decoder[ArrivalNote]] = msgspec.json.Decoder(ArrivalNote)

#: The headers of a note; an event has none of this name.
NOTE_HEADERS: Final[list[tuple[str, bytes | None]]] = [_HEADER, ("content-type", b"application/json")]


def is_note(headers: object) -> bool:
    """Whether the headers of a record say that it is a note."""
    return isinstance(headers, list | tuple) and _HEADER in headers


def encode_note(note: ArrivalNote) -> bytes:
    """The value of its record."""
    return _ENCODE(note)


def decode_note(value: bytes) -> ArrivalNote:
    """Read a note. Raises `msgspec.MsgspecError`."""
    return _DECODER.decode(value)
