"""The topic `arrivals`: events of all types under any id of their customer, and notes about ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final, NamedTuple, TypeAlias

import msgspec

from stream.events.decode import Decoder
from stream.events.diagnosis import diagnose
from stream.events.kinds import EventType
from stream.events.model import Event
from stream.events.placement import place
from stream.events.record import Record
from stream.events.rejections import Defect, Rejection
from stream.identity.arrival_notes import TYPE_HEADER, ArrivalNote, decode_note, is_note
from stream.identity.note_proof import NoteProof
from stream.identity.places import appended_ms
from stream.projections.protocol import Reading

__all__ = ["ArrivalInput", "Arrived", "ArrivedMessage", "Noted", "Unread"]

#: No larger record is an event, and one of the size that the broker takes could not go on with another header.
_MAX_BYTES: Final = 65_536
_TYPES: Final = {event_type.value.encode(): event_type for event_type in EventType}


class Arrived(NamedTuple):
    """An event that the core would accept. ``event_id``: a 48-bit hash; ``at_ms``: event time."""

    type: EventType
    event: Event
    event_id: int
    at_ms: int
    record: Record


class Unread(NamedTuple):
    """What the core would make a dead letter of. What is larger than any event becomes one here."""

    type: EventType
    record: Record


class Noted(NamedTuple):
    """A note, and its record."""

    note: ArrivalNote
    record: Record


ArrivedMessage: TypeAlias = Arrived | Unread | Noted


class ArrivalInput:
    """Reads the topic; ``keys`` names the states of a message. ``reports``: see `ContentInput`."""

    comes_again: ClassVar[bool] = True

    def __init__(
        self,
        topic: str,
        decoder: Decoder,
        proof: NoteProof,
        keys: Callable[[ArrivedMessage], Iterable[str]],
        *,
        reports: bool,
    ) -> None:
        self.topic = topic
        self._decoder = decoder
        self._proof = proof
        self._keys = keys
        self._reports = reports

    def read(self, records: Sequence[Record]) -> Reading:
        found: dict[int, ArrivedMessage] = {}
        of_type: dict[EventType, list[int]] = {}
        rejections: list[Rejection] = []
        for position, record in enumerate(records):
            placed = self._type_of(record)
            if isinstance(placed, EventType):
                of_type.setdefault(placed, []).append(position)
            elif isinstance(placed, Rejection):
                rejections.append(placed._replace(record=position))
            else:
                found[position] = placed
        for event_type, positions in of_type.items():
            found.update(self._events(event_type, positions, records, rejections))
        keyed: list[tuple[str, object]] = []
        taken: list[int] = []
        for position in sorted(found):
            message = found[position]
            for key in self._keys(message):
                keyed.append((key, message))
                taken.append(position)
        return Reading(
            keyed,
            taken,
            rejections if self._reports else [],
            len(records) - len(set(taken)) - (len(rejections) if self._reports else 0),
            # a hold is counted from when an event came, so that a history that is imported waits for its links too
            max(map(appended_ms, records), default=None),
        )

    def _events(
        self,
        event_type: EventType,
        positions: Sequence[int],
        records: Sequence[Record],
        rejections: list[Rejection],
    ) -> Iterable[tuple[int, ArrivedMessage]]:
        some = [records[at] for at in positions]
        _, events, refused, contents = self._decoder.decode(event_type, some)
        columns = (events["record"].tolist(), events["event_id"].tolist(), events["time"].tolist())
        for event, row, event_id, at_ms in zip(contents, *columns, strict=True):
            yield positions[row], Arrived(event_type, event, event_id, at_ms, some[row])
        for rejection in refused:
            position, record = positions[rejection.record], some[rejection.record]
            if len(record.key or b"") + len(record.value or b"") > _MAX_BYTES:
                rejections.append(rejection._replace(record=position))
            else:
                yield position, Unread(event_type, record)

    def _type_of(self, record: Record) -> EventType | Noted | Rejection:
        """What a record is: an event of a type, or a note."""
        for name, value in record.headers:
            if name == TYPE_HEADER and value in _TYPES:
                return _TYPES[value]
        if record.value is None:
            return Rejection(0, Defect.NULL_VALUE, "expected a JSON object; the record has no value")
        if not is_note(record.headers):
            placed = place(record.value)
            return placed if isinstance(placed, Rejection) else placed.event_type
        return self._noted(record, record.value)

    def _noted(self, record: Record, value: bytes) -> Noted | Rejection:
        try:
            note = decode_note(value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return Rejection(0, *diagnose(error, value))
        if record.key != note.id.encode():
            return Rejection(0, Defect.KEY_MISMATCH, "expected the id of the note as the record key")
        if not self._proof.holds(record.headers, record.key, value):
            return Rejection(0, Defect.BAD_IDENTIFIER, "the note was not written with the identity_key of the workers")
        return Noted(note, record)
