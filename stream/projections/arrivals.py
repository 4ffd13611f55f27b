"""Events under any id of their customer, passed on as events of the customer: see docs/identity.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final, cast

import msgspec

from stream.events.decode import Decoder
from stream.identity.alias import Alias, Arrival, Forward
from stream.identity.arrival_notes import NOTE_HEADERS, Assigned, Released, encode_note
from stream.processing.state import Outgoing
from stream.projections.arrival_input import ArrivalInput, Arrived, ArrivedMessage, Unread
from stream.projections.fold import Fold
from stream.projections.protocol import Folded
from stream.settings import Settings

__all__ = ["ARRIVED_AS", "Arrivals"]

#: A header of every event that was passed on: the id under which it came.
ARRIVED_AS: Final = "arrived-as"
_HOUR_MS: Final = 3_600_000
_HOLD: Final = "hold"
_JSON: Final = ("content-type", b"application/json")
_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODE: Final = msgspec.json.Encoder().encode


class Arrivals(Fold[Alias]):
    """Passes each event on to the topic of its type, under the customer that its id belongs to by then.

    It judges no event: what the core would refuse goes on as it came, and the core makes the dead letter. Only what is
    larger than any event stays.
    """

    name: ClassVar = "arrivals"
    state: ClassVar = Alias
    about: ClassVar = "To which customer the events of each id go."
    key: ClassVar = "id"
    is_timed: ClassVar = True

    def __init__(self, settings: Settings) -> None:
        self._topic_of = settings.topic_of
        self._arrivals = settings.arrivals
        self._hold_ms = round(settings.identity_hold_h * _HOUR_MS)
        self.inputs = (ArrivalInput(settings.arrivals, Decoder.of(settings), _id_of, reports=True),)

    def fold(self, states: Mapping[str, Alias], messages: Sequence[tuple[str, object]]) -> Folded:
        folded: dict[str, Alias | None] = dict(states)
        outgoing: list[Outgoing] = []
        for own_id, message in cast("Sequence[tuple[str, ArrivedMessage]]", messages):
            if isinstance(message, Unread):
                outgoing.append(self._unread(message))
                continue
            state = folded.get(own_id)
            if state is None:
                state = folded[own_id] = Alias()
            outgoing += (self._outgoing(own_id, forward) for forward in self._fold_into(state, own_id, message))
        return Folded(folded, outgoing)

    def timers(self, state: Alias) -> Mapping[str, int]:
        due_ms = state.due_ms()
        return {} if due_ms is None else {_HOLD: due_ms}

    def fire(self, key: str, state: Alias, timer: str) -> Sequence[Outgoing]:
        """The end of a hold is a record of the log like any other, so where events go follows from the log alone."""
        del timer
        due_ms = state.due_ms()
        if due_ms is None:
            return ()
        return (Outgoing(self._arrivals, key.encode(), encode_note(Released(id=key, up_to_ms=due_ms)), NOTE_HEADERS),)

    def _fold_into(self, state: Alias, own_id: str, message: Arrived | Assigned | Released) -> list[Forward]:
        if isinstance(message, Assigned):
            return state.assign(own_id, message.customer_id, message.version)
        if isinstance(message, Released):
            return state.release(own_id, message.up_to_ms)
        due_ms = message.record.timestamp + self._hold_ms
        value = msgspec.Raw(message.record.value or b"")
        arrival = Arrival(message.type, message.event_id, message.at_ms, due_ms, value)
        return state.take(own_id, arrival, is_held=self._hold_ms > 0)

    def _outgoing(self, own_id: str, forward: Forward) -> Outgoing:
        customer, arrival = forward
        value = bytes(arrival.value)
        if customer != own_id:
            fields: dict[str, object] = {**_FIELDS.decode(value), "customer_id": customer}
            value = _ENCODE(fields)
        headers: list[tuple[str, bytes | None]] = [_JSON, (ARRIVED_AS, own_id.encode())]
        return Outgoing(self._topic_of(arrival.type), customer.encode(), value, headers)

    def _unread(self, message: Unread) -> Outgoing:
        record = message.record
        return Outgoing(self._topic_of(message.type), record.key, record.value, [_JSON, (ARRIVED_AS, record.key)])


def _id_of(message: ArrivedMessage) -> Iterable[str]:
    if isinstance(message, Arrived):
        return (message.event.customer_id,)
    return ("",) if isinstance(message, Unread) else (message.id,)
