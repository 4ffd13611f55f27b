"""A projection for tests: it adds, publishes, forgets and fails."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import orjson

from stream.errors import StorageError
from stream.processing.state import Outgoing
from stream.projections.inputs import JsonInput
from stream.projections.protocol import Description, Folded
from tests.oracle.record import Record

__all__ = ["Adding", "record"]


class Said(msgspec.Struct):
    who: str
    number: int


class Sum(msgspec.Struct):
    total: int


class Adding:
    """Adds numbers by name. A total of 0 is forgotten, every tenth is published, and 13 cannot be folded."""

    name = "adding"
    version = 1
    state = Sum

    def __init__(self) -> None:
        self.inputs = (JsonInput("numbers", Said, lambda said: said.who),)

    def fold(self, states: Mapping[str, Sum], messages: Sequence[tuple[str, Any]]) -> Folded:
        folded: dict[str, Sum | None] = dict(states)
        outgoing = []
        for who, said in messages:
            if said.number == 13:
                raise ArithmeticError("13 is made to fail")
            if said.number == 666:
                raise StorageError("not of a message")
            before = folded.get(who)
            total = (before.total if before else 0) + said.number
            folded[who] = Sum(total) if total else None
            if said.number == 10:
                outgoing.append(Outgoing("tens", who.encode(), b"%d" % total, []))
        return Folded(folded, outgoing)

    def erase(self, customer_id: str) -> Iterable[str]:
        return (customer_id,)

    def describe(self) -> Description:
        return Description(self.name, self.version, "Adds.", "name", ("numbers",))


def record(offset: int, who: str, number: int) -> Record:
    return Record(who.encode(), orjson.dumps({"who": who, "number": number}), 0, offset)
