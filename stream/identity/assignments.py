"""The compacted topic `assignments`: whose each id is, and from which place of the topic `arrivals` on.

The notes of `arrivals` say the same, until Kafka deletes them. An assignment keeps the place of its note, so a rebuild
applies it to the events that came after the note, and to no other.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from stream.events.model import CustomerId
from stream.identity.arrival_notes import LogOffset

__all__ = ["MAX_STEPS", "AssignedStep", "Assignment", "decode_assignment", "encode_assignment", "merged"]

#: Of an id, so many of the newest steps are kept.
MAX_STEPS: Final = 8


class AssignedStep(Struct, frozen=True, array_like=True, order=True, gc=False):
    """From ``offset`` in `arrivals` on, an id is ``customer_id``. ``version``, ``edition``: those of the note."""

    version: LogOffset
    offset: LogOffset
    customer_id: CustomerId
    edition: LogOffset = 0


class Assignment(Struct, frozen=True, kw_only=True):
    """Whose `id` is: its newest ``steps``, each as version, offset in the topic `arrivals`, and customer.

    The record key is the id. A record without a value: the id is erased.
    """

    id: CustomerId
    steps: Annotated[list[AssignedStep], Meta(min_length=1, max_length=MAX_STEPS)]


_ENCODE: Final = msgspec.json.Encoder().encode
_DECODER: Final = msgspec.json.Decoder(Assignment)


def encode_assignment(assignment: Assignment) -> bytes:
    """The value of its record."""
    return _ENCODE(assignment)


def decode_assignment(value: bytes) -> Assignment:
    """Read an assignment. Raises `msgspec.MsgspecError`."""
    return _DECODER.decode(value)


def merged(some: list[AssignedStep], others: list[AssignedStep]) -> list[AssignedStep]:
    """The newest steps of both, in order; of one version the earliest, for a note may have come again.

    >>> both = merged([AssignedStep(4, 9, "c-1")], [AssignedStep(4, 2, "c-1"), AssignedStep(1, 5, "c-2")])
    >>> [(step.version, step.offset, step.customer_id) for step in both]
    [(1, 5, 'c-2'), (4, 2, 'c-1')]
    """
    by_version: dict[int, AssignedStep] = {}
    for step in sorted([*some, *others]):
        by_version.setdefault(step.version, step)
    return [*by_version.values()][-MAX_STEPS:]
