"""A projection for tests: it adds, publishes, forgets and fails."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import orjson

from stream.alerts.alert_records import Alert, Heard
from stream.alerts.feedback_alerts import complaint
from stream.errors import StorageError
from stream.processing.state import Outgoing
from stream.projections.fold import Fold
from stream.projections.protocol import Folded
from stream.projections.topic_inputs import JsonInput
from tests.oracle.record import Record

__all__ = ["Adding", "Reminding", "record"]


class SaidNumber(msgspec.Struct):
    who: str
    number: int


class Sum(msgspec.Struct):
    total: int


class Adding(Fold[Sum]):
    """Adds numbers by name. A total of 0 is forgotten, every tenth is published, and 13 cannot be folded."""

    name = "adding"
    version = 1
    state = Sum
    about = "Adds."
    key = "name"

    def __init__(self) -> None:
        self.inputs = (JsonInput("numbers", SaidNumber, lambda said: said.who),)

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


class Reminding(Adding):
    """Publishes each total above zero at as many seconds after 1970 as the total."""

    is_timed = True

    def __init__(self) -> None:
        super().__init__()
        self.fired = False

    def timers(self, state: Sum) -> Mapping[str, int]:
        return {"total": state.total * 1000} if state.total > 0 else {}

    def fire(self, key: str, state: Sum, timer: str) -> Sequence[Alert]:
        assert timer == "total"
        self.fired = True
        return (complaint(key, Heard(feedback_id=str(state.total), said_at=""), state.total * 1000),)


def record(offset: int, who: str, number: int) -> Record:
    return Record(who.encode(), orjson.dumps({"who": who, "number": number}), 0, offset)
