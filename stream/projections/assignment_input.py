"""The topic `assignments`, which the projection `arrivals` reads before all else and writes itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import msgspec

from stream.events.diagnosis import diagnose
from stream.events.record import Record
from stream.events.rejections import Defect, Rejection
from stream.identity.assignments import Assignment, decode_assignment
from stream.identity.note_proof import NoteProof
from stream.projections.protocol import Reading

__all__ = ["AssignmentInput", "Vacated"]


class Vacated(NamedTuple):
    """An id that was erased."""

    id: str


class AssignmentInput:
    """Gives an `Assignment` or `Vacated` of each record. Those that the workers did not write are refused."""

    comes_again: ClassVar[bool] = False

    def __init__(self, topic: str, proof: NoteProof) -> None:
        self.topic = topic
        self._proof = proof

    def read(self, records: Sequence[Record]) -> Reading:
        keyed: list[tuple[str, object]] = []
        positions: list[int] = []
        rejections: list[Rejection] = []
        for position, record in enumerate(records):
            found = self._read_one(record)
            if isinstance(found, Rejection):
                rejections.append(found._replace(record=position))
            else:
                keyed.append((found.id, found))
                positions.append(position)
        return Reading(keyed, positions, rejections)

    def _read_one(self, record: Record) -> Assignment | Vacated | Rejection:
        if not self._proof.holds(record.headers, record.key, record.value):
            return Rejection(0, Defect.BAD_IDENTIFIER, "not written with the identity_key of the workers")
        try:
            own_id = (record.key or b"").decode()
            found = Vacated(own_id) if record.value is None else decode_assignment(record.value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return Rejection(0, *diagnose(error, record.value))
        if not own_id or found.id != own_id:
            return Rejection(0, Defect.KEY_MISMATCH, "expected the id as the record key")
        return found
