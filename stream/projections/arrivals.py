"""Events under any id of their customer, passed on as events of the customer: see docs/identity.md."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final, NamedTuple, Self, TypeAlias, cast

import msgspec

from stream.catalogue.windows import DAY_MS, HOUR_MS
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.model import Event
from stream.events.partitioner import partition_of
from stream.events.record import Record
from stream.identity.alias import Alias, Arrival, Forward
from stream.identity.arrival_notes import NOTE_HEADERS, Released, encode_note
from stream.identity.assignments import AssignedStep, Assignment, encode_assignment, merged
from stream.identity.departures import AGAIN, ARRIVED_AS, REPEATED, Departure, departure_record, edition_header
from stream.identity.note_proof import NoteProof
from stream.identity.places import Place, appended_ms, place_header
from stream.identity.renaming import as_of_customer, with_fields
from stream.privacy.concealed_fields import PERSONS
from stream.privacy.pseudonym import Pseudonyms
from stream.processing.misplaced import FORWARDED_FROM
from stream.processing.state import Outgoing
from stream.projections.arrival_input import ArrivalInput, Arrived, ArrivedMessage, Noted, Unread
from stream.projections.assignment_input import AssignmentInput, Vacated
from stream.projections.fold import Fold
from stream.projections.protocol import Folded
from stream.settings import Settings

__all__ = ["Arrivals"]

_HOLD: Final = "hold"
#: The first number of what follows from lost notes: larger than those of what follows from one record.
_LOST: Final = 50_000
_JSON: Final = ("content-type", b"application/json")


class _Erased(NamedTuple):
    """An id that is to be erased."""

    id: str


_Message: TypeAlias = ArrivedMessage | Assignment | Vacated | _Erased


class Arrivals(Fold[Alias]):
    """Passes each event on to the topic of its type, under the customer that its id belongs to by then.

    It judges no event: what the core would refuse goes on as it came, and the core makes the dead letter. Only what is
    larger than any event stays. An event in another partition than that of its id is sent there first, as in the core.

    Whose an id is it reads from notes among the events. It publishes that to the compacted topic `assignments` as well,
    and reads it back before all else when it begins anew: the log may have lost notes by then.
    """

    name: ClassVar = "arrivals"
    state: ClassVar = Alias
    about: ClassVar = "To which customer the events of each id go."
    why: ClassVar = "to give each event to the person who it is of"
    key: ClassVar = "id"
    is_timed: ClassVar = True

    def __init__(self, settings: Settings) -> None:
        self._topics = {event_type: settings.topic_of(event_type) for event_type in EventType}
        self._arrivals = settings.arrivals
        self._assignments = settings.assignments
        self._hold_ms = round(settings.identity_hold_h * HOUR_MS)
        self._keep_ms = settings.identity_history_days * DAY_MS if settings.follows_identities else 0
        self._proof = NoteProof.of(settings)
        self._pseudonyms = Pseudonyms(settings.identity_key.encode())
        self._has_keys = bool(settings.privacy_keys)
        self._partition, self._partitions = 0, settings.partitions
        self._repairs = settings.misplaced_events == "forward"
        self.inputs = (
            ArrivalInput(settings.arrivals, Decoder.of(settings), self._proof, _id_of, reports=True),
            AssignmentInput(settings.assignments, self._proof),
        )

    def placed(self, partition: int) -> Self:
        found = copy.copy(self)
        found._partition = partition  # noqa: SLF001 - of the same class
        return found

    def release(self, customer_id: str) -> None:
        """Events are sent again from here."""

    @property
    def leading(self) -> str:
        return self._assignments

    def forget(self, customer_id: str) -> Iterable[tuple[str, object]]:
        return ((customer_id, _Erased(customer_id)),)

    def fold(self, states: Mapping[str, Alias], messages: Sequence[tuple[str, object]]) -> Folded:
        folded: dict[str, Alias | None] = dict(states)
        outgoing: list[Outgoing] = []
        for own_id, message in cast("Sequence[tuple[str, _Message]]", messages):
            if isinstance(message, Unread):
                outgoing += self._placed(message.record, [self._unread(message)])
                continue
            if isinstance(message, _Erased):
                folded[own_id] = None
                outgoing.append(self._published(own_id, None))
                continue
            state = folded.get(own_id)
            if state is None:
                if isinstance(message, Arrived) and self._is_misplaced(own_id, message.record):
                    outgoing += self._placed(message.record, [self._sent_on(message.record)])
                    continue
                state = folded[own_id] = Alias()
            if isinstance(message, Arrived):
                outgoing += self._passed_on(state, own_id, message)
                continue
            outgoing += self._told(state, own_id, message)
            if isinstance(message, Vacated) and state == Alias():
                folded[own_id] = None
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
        own_key, note = key.encode(), encode_note(Released(id=key, up_to_ms=due_ms))
        headers = [*NOTE_HEADERS, *self._proof.headers(own_key, note)]
        return (Outgoing(self._arrivals, own_key, note, headers),)

    def _is_misplaced(self, own_id: str, record: Record) -> bool:
        """Whether an event of an id that is not known here is in another partition than all else of the id.

        One that was sent on once stays: then topics and settings differ in their partitions.
        """
        return (
            self._repairs
            and partition_of(own_id, self._partitions) != self._partition
            and all(name != FORWARDED_FROM for name, _ in record.headers)
        )

    def _sent_on(self, record: Record) -> Outgoing:
        """A misplaced event for the partition of its id, where whose it is is known."""
        headers = [*record.headers, (FORWARDED_FROM, b"%d" % self._partition)]
        return Outgoing(self._arrivals, record.key, record.value, headers)

    def _told(self, state: Alias, own_id: str, message: Noted | Assignment | Vacated) -> Iterable[Outgoing]:
        """What follows from what is said of an id."""
        if isinstance(message, Assignment):
            return self._recall(state, own_id, message.steps)
        if isinstance(message, Vacated):
            state.steps = [step for step in state.steps if step.version <= state.version]
            return ()
        record, known = message.record, state.steps
        before = self._caught_up(state, own_id, record.offset)
        left = state.left
        outgoing = self._placed(record, self._went(state, own_id, left, self._noted(state, own_id, message)), before)
        if state.steps != known:
            outgoing.append(self._published(own_id, state))
        return outgoing

    def _passed_on(self, state: Alias, own_id: str, message: Arrived) -> list[Outgoing]:
        """What follows from an event: it goes on, or waits."""
        event_type, event, event_id, at_ms, record = message
        before = self._caught_up(state, own_id, record.offset)
        value, sent_before = record.value or b"", state.sent.ids
        customer = state.goes_to(own_id, event_id, at_ms // 1000, is_held=self._hold_ms > 0)
        if customer is None:
            due_ms = appended_ms(record) + self._hold_ms
            arrival = Arrival(event_type, event_id, at_ms, due_ms, self._kept(event, value))
            return self._placed(record, self._went(state, own_id, state.left, state.hold(own_id, arrival)), before)
        is_new = state.sent.ids is not sent_before
        if self._keep_ms and is_new:
            state.keep([Arrival(event_type, event_id, at_ms, 0, self._kept(event, value))], self._keep_ms)
        sent = self._sent(state, own_id, customer, event_type, value)
        if not is_new and state.has_sent(event_id):
            sent.headers.append(REPEATED)
        if before:
            return self._placed(record, [sent], before)
        # as `_placed` does, for nearly every record
        sent.headers.append(place_header(Place(self._partition, record.offset, 0, appended_ms(record))))
        return [sent]

    def _kept(self, event: Event, value: bytes) -> msgspec.Raw:
        """An event as it is kept: whom it names beside its customer is a keyed hash, as no erasure finds that id."""
        others = {name: other for name in PERSONS if (other := getattr(event, name, None))}
        if others and not self._has_keys:
            value = with_fields(value, {name: self._pseudonyms.of(other) for name, other in others.items()})
        return msgspec.Raw(value)

    def _placed(self, record: Record, outgoing: Sequence[Outgoing], before: Sequence[Outgoing] = ()) -> list[Outgoing]:
        """What follows from a record, with its place.

        ``before``: what follows from notes that the log has lost. Its places are before that of the record, which has
        the same one as when the log had all of them.
        """
        at_ms = appended_ms(record)
        for number, one in enumerate(before, _LOST):
            one.headers.append(place_header(Place(self._partition, record.offset - 1, number, at_ms)))
        for number, one in enumerate(outgoing):
            one.headers.append(place_header(Place(self._partition, record.offset, number, at_ms)))
        return [*before, *outgoing]

    def _caught_up(self, state: Alias, own_id: str, offset: int) -> list[Outgoing]:
        """What follows from notes before ``offset`` that the log has lost; mostly there are none."""
        if not state.has_lost(offset):
            return []
        left = state.left
        return self._went(state, own_id, left, state.catch_up(own_id, offset, follows=self._keep_ms > 0))

    def _went(self, state: Alias, own_id: str, left: int, forwards: Sequence[Forward]) -> list[Outgoing]:
        """What is published of events that go on; ``left``: that of the state before."""
        if not self._keep_ms:
            return [self._outgoing(state, own_id, forward) for forward in forwards]
        outgoing: list[Outgoing] = []
        if state.left != left:
            departure = Departure(customer_id=own_id, merged_into=state.customer(own_id), edition=state.left)
            key, value, headers = departure_record(departure, self._proof)
            outgoing += [Outgoing(topic, key, value, [*headers]) for topic in self._topics.values()]
        known = {arrival.event_id for arrival in state.passed}
        state.keep([forward.arrival for forward in forwards], self._keep_ms)
        for forward in forwards:
            outgoing.append(one := self._outgoing(state, own_id, forward))
            if forward.arrival.event_id in known:
                one.headers.append((AGAIN, b"1"))
        return outgoing

    def _noted(self, state: Alias, own_id: str, message: Noted) -> list[Forward]:
        note = message.note
        if isinstance(note, Released):
            return state.release(own_id, note.up_to_ms)
        step = AssignedStep(note.version, message.record.offset, note.customer_id, note.edition)
        return state.assign(own_id, step, follows=self._keep_ms > 0)

    def _recall(self, state: Alias, own_id: str, steps: Sequence[AssignedStep]) -> Iterable[Outgoing]:
        """Remember what was published; what came later than that is published again, in case a late write hides it."""
        state.steps = merged(state.steps, [*steps])
        return () if state.steps[-1] == steps[-1] else (self._published(own_id, state),)

    def _published(self, own_id: str, state: Alias | None) -> Outgoing:
        """The record of an id in `assignments`; without a state a tombstone."""
        key = own_id.encode()
        value = None if state is None else encode_assignment(Assignment(id=own_id, steps=state.steps))
        return Outgoing(self._assignments, key, value, [_JSON, *self._proof.headers(key, value)])

    def _outgoing(self, state: Alias, own_id: str, forward: Forward) -> Outgoing:
        customer, arrival = forward
        return self._sent(state, own_id, customer, arrival.type, bytes(arrival.value))

    def _sent(self, state: Alias, own_id: str, customer: str, event_type: EventType, value: bytes) -> Outgoing:
        """The event for the topic of its type: as it came, if it names its customer."""
        headers: list[tuple[str, bytes | None]] = [_JSON, (ARRIVED_AS, own_id.encode())]
        if customer != own_id:
            value = as_of_customer(value, customer)
        if state.edition and customer == state.customer(own_id):
            headers.append(edition_header(state.edition))
        return Outgoing(self._topics[event_type], customer.encode(), value, headers)

    def _unread(self, message: Unread) -> Outgoing:
        record = message.record
        return Outgoing(self._topics[message.type], record.key, record.value, [_JSON, (ARRIVED_AS, record.key)])


def _id_of(message: ArrivedMessage) -> Iterable[str]:
    if isinstance(message, Arrived):
        return (message.event.customer_id,)
    return ("",) if isinstance(message, Unread) else (message.note.id,)
