"""How a customer leaves: from some time on they are another one, and their events count there.

When somebody takes the two apart again, the one comes back, and the other has to be as if the first had never come. So
a customer has *editions*. Each departure, each return, and each loss of an id, begins one. What is sent of a customer
has the number of the edition in a header. What was on its way before has a smaller one, or none, and is void: it is
sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from stream.events.model import CustomerId
from stream.events.record import Record
from stream.identity.arrival_notes import LogOffset
from stream.identity.note_proof import NoteProof

__all__ = [
    "AGAIN",
    "ARRIVED_AS",
    "REPEATED",
    "Departure",
    "arrived_as",
    "departure_of",
    "departure_record",
    "edition_header",
    "edition_of",
    "is_again",
    "is_repeat",
]

_Headers = Sequence[tuple[str, bytes | None]]
_EDITION: Final = "edition"
#: A header of every event that was passed on: the id under which it came.
ARRIVED_AS: Final = "arrived-as"
#: A header of events that went on before, and are sent again.
AGAIN: Final = "again"
#: The header of an event that its producer sent again. It goes where it went first, for the core to say so.
REPEATED: Final[tuple[str, bytes | None]] = (AGAIN, b"repeated")
_MAX_DIGITS: Final = 17
_MARK: Final[tuple[str, bytes | None]] = ("record", b"departure")
_JSON: Final[tuple[str, bytes | None]] = ("content-type", b"application/json")


class Departure(Struct, frozen=True, kw_only=True):
    """Customer `customer_id` is `merged_into` from now on; what is sent of them with a smaller `edition` is void.

    With ``merged_into`` the customer itself, they have come back, or somebody was taken away from them: they are as
    they were before, and what is theirs is sent again.
    """

    customer_id: CustomerId
    merged_into: CustomerId
    edition: LogOffset


_ENCODE: Final = msgspec.json.Encoder().encode
_DECODER: Final = msgspec.json.Decoder(Departure)


def departure_record(departure: Departure, proof: NoteProof) -> tuple[bytes, bytes, list[tuple[str, bytes | None]]]:
    """Key, value and headers of the record."""
    key, value = departure.customer_id.encode(), _ENCODE(departure)
    return key, value, [_MARK, _JSON, *proof.headers(key, value)]


def departure_of(record: Record, proof: NoteProof) -> Departure | None:
    """What a record of events says of a departure; None for any other, and for what workers did not write."""
    if _MARK not in record.headers or record.value is None or not proof.holds(record.headers, record.key, record.value):
        return None
    try:
        departure = _DECODER.decode(record.value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return departure if departure.customer_id.encode() == record.key else None


def edition_header(edition: int) -> tuple[str, bytes | None]:
    """The header of what is sent of a customer who has lost somebody, or came back."""
    return _EDITION, b"%d" % edition


def edition_of(headers: _Headers) -> int:
    """The edition that a record is of.

    >>> edition_of([edition_header(7)]), edition_of([])
    (7, 0)
    """
    found = _value_of(headers, _EDITION)
    return int(found) if found is not None and len(found) < _MAX_DIGITS and found.isdigit() else 0


def arrived_as(headers: _Headers) -> str:
    """The id under which an event came to the topic `arrivals`; empty: it did not come there.

    >>> arrived_as([(ARRIVED_AS, b"c-2")]), arrived_as([])
    ('c-2', '')
    """
    return (_value_of(headers, ARRIVED_AS) or b"").decode(errors="replace")


def _value_of(headers: _Headers, wanted: str) -> bytes | None:
    """The first value of a header. A loop, as a generator takes twice as long, and this is done for each event."""
    for name, value in headers:
        if name == wanted:
            return value
    return None


def is_again(headers: _Headers) -> bool:
    """Whether an event went on before: it is sent again for another customer or a later edition, or came twice.

    >>> is_again([(AGAIN, b"1")]), is_again([edition_header(7)])
    (True, False)
    """
    return any(name == AGAIN for name, _ in headers)


def is_repeat(headers: _Headers) -> bool:
    """Whether the producer of an event sent it again, and those who read it know it.

    >>> is_repeat([REPEATED]), is_repeat([(AGAIN, b"1")])
    (True, False)
    """
    return REPEATED in headers
