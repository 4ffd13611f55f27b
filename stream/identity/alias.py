"""What an id remembers so that each of its events goes to one customer, once: a fold, without I/O and clock."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from msgspec import Raw, Struct, field

from stream.events.kinds import EventType
from stream.identity.assignments import AssignedStep, merged
from stream.identity.links import is_known
from stream.identity.sent import RETENTION_S, Sent

__all__ = [
    "MAX_CONSENTS",
    "MAX_HELD",
    "MAX_HELD_BYTES",
    "MAX_PASSED",
    "MAX_PASSED_BYTES",
    "Alias",
    "Arrival",
    "Forward",
]

#: Most events of an id that wait for its customer, and their size. Older ones go on as events of the id itself.
MAX_HELD: Final = 200
MAX_HELD_BYTES: Final = 65_536

#: Most events of an id that are kept after they went on, and their size: so many follow the id to another customer.
MAX_PASSED: Final = 1024
MAX_PASSED_BYTES: Final = 262_144
#: Of those that are older or more than that, the newest that say what was agreed to follow all the same.
MAX_CONSENTS: Final = 50


class Arrival(Struct, frozen=True, array_like=True):
    """An event on its way: ``event_id`` is a 48-bit hash, ``at_ms`` event time, ``due_ms`` the end of its hold."""

    type: EventType
    event_id: int
    at_ms: int
    due_ms: int
    value: Raw

    @property
    def at_s(self) -> int:
        """Event time as `Sent` has it."""
        return self.at_ms // 1000


class Forward(NamedTuple):
    """An event, and the customer to whom it goes."""

    customer: str
    arrival: Arrival


class Alias(Struct, array_like=True):
    """What is remembered of an id.

    ``version``: the place in the log of the link that named its customer, so that an assignment that comes again
    changes nothing. ``sent``: the events that went to the present customer, whose name is empty for the id itself;
    ``before``: to those that it had before. ``held``: events that wait for a customer of the shop. ``steps``: whose it
    was from which place of the log on; those above ``version`` are of notes that this log may have lost.

    Where histories follow their ids, ``passed`` has events that went on (`keep`), and ``edition`` is that of the
    present customer. ``left``: the edition of the latest departure of the customer that the id was, or of their
    coming back, 0 for none (`stream.identity.departures`).
    """

    version: int = -1
    sent: Sent = field(default_factory=lambda: Sent(""))
    before: list[Sent] = field(default_factory=list)
    held: list[Arrival] = field(default_factory=list)
    steps: list[AssignedStep] = field(default_factory=list)
    passed: list[Arrival] = field(default_factory=list)
    edition: int = 0
    left: int = 0

    def customer(self, own_id: str) -> str:
        """Who the id is at present."""
        return self.sent.customer or own_id

    def due_ms(self) -> int | None:
        """When the first hold ends."""
        return min((arrival.due_ms for arrival in self.held), default=None)

    def goes_to(self, own_id: str, event_id: int, at_s: int, *, is_held: bool) -> str | None:
        """The customer to whom an event goes at once, None if it waits; ``is_held``: it may (`hold`).

        An event that came before goes where it went, whoever the id is by now, and the profile there drops it.
        """
        present = self.sent
        if present.covers(event_id, at_s):
            return present.customer or own_id
        for sent in self.before:
            if sent.covers(event_id, at_s):
                return sent.customer or own_id
        customer = present.customer or own_id
        if is_held and not is_known(customer):
            return None
        if self.held and any(event_id == other.event_id for other in self.held):
            return None
        present.note(event_id, at_s)
        return customer

    def has_sent(self, event_id: int) -> bool:
        """Whether an event is known to have gone to a customer; what `goes_to` covers may be too old to tell."""
        return any(sent.has(event_id) for sent in (self.sent, *self.before))

    def hold(self, own_id: str, arrival: Arrival) -> list[Forward]:
        """Let an event wait that does not go at once, if it does not wait already; returns what has no room."""
        if any(arrival.event_id == other.event_id for other in self.held):
            return []
        self.held.append(arrival)
        return self._send_all(own_id, self._too_many())

    def keep(self, arrivals: Iterable[Arrival], keep_ms: int) -> None:
        """Remember events that went on, those of the ``keep_ms`` before the newest, and what was agreed to before."""
        known = {arrival.event_id for arrival in self.passed}
        self.passed += [arrival for arrival in arrivals if arrival.event_id not in known]
        self.passed.sort(key=_by_time)
        edge_ms = self.passed[-1].at_ms - keep_ms if self.passed else 0
        excess = sum(arrival.at_ms < edge_ms for arrival in self.passed)
        size = sum(len(arrival.value) for arrival in self.passed[excess:])
        while len(self.passed) - excess > MAX_PASSED or size > MAX_PASSED_BYTES:
            size -= len(self.passed[excess].value)
            excess += 1
        old = [arrival for arrival in self.passed[:excess] if arrival.type is EventType.CONSENT]
        self.passed[:excess] = old[-MAX_CONSENTS:]

    def assign(self, own_id: str, step: AssignedStep, *, follows: bool = False) -> list[Forward]:
        """Take note of the customer of the id; returns the events that waited for one.

        ``follows``: and those that went on before, when they count for another customer from now on, or count anew.
        """
        if step.version <= self.version:
            return []
        self.steps = merged(self.steps, [step])
        self.version = step.version
        named = "" if step.customer_id == own_id else step.customer_id
        moved: list[Forward] = []
        if follows and (named != self.sent.customer or step.edition > self.edition):
            if named and named != self.sent.customer:
                # events of other ids may have gone to it as well, so that it had none itself says nothing
                self.left = step.version + 1
            elif not named:
                # somebody left them, or they are themselves again: also where nothing of theirs can be sent again
                self.left = max(self.left, step.edition)
            self.sent = Sent(named, self.sent.ids, self.sent.floor_s, self.sent.newest_s)
            moved = [Forward(self.customer(own_id), arrival) for arrival in self.passed]
        elif named != self.sent.customer:
            if self.sent.ids or self.sent.floor_s >= 0:
                self.before.append(self.sent)
                self._forget()
            self.sent = Sent(named)
        self.edition = step.edition
        return moved + (self._send_all(own_id, self.held) if is_known(self.customer(own_id)) else [])

    def has_lost(self, offset: int) -> bool:
        """Whether notes had their places before ``offset``, and have not been read: `catch_up` makes their steps."""
        steps, version = self.steps, self.version
        if not steps or steps[-1].version <= version:
            return False
        return any(step.version > version and step.offset < offset for step in steps)

    def catch_up(self, own_id: str, offset: int, *, follows: bool = False) -> list[Forward]:
        """Make the steps whose notes had their places before ``offset``, and have not been read: the log lost them."""
        lost = [step for step in self.steps if step.version > self.version and step.offset < offset]
        return [forward for step in lost for forward in self.assign(own_id, step, follows=follows)]

    def release(self, own_id: str, up_to_ms: int) -> list[Forward]:
        """The hold of events due by then is over: they belong to whom the id is now."""
        return self._send_all(own_id, [arrival for arrival in self.held if arrival.due_ms <= up_to_ms])

    def _forget(self) -> None:
        """Drop customers before, whose events a later one of them would refuse as too late."""
        newest = max(self.before, key=lambda sent: sent.newest_s)
        edge_s = newest.newest_s - RETENTION_S
        old = [sent.newest_s for sent in self.before if sent.newest_s < edge_s]
        if old:
            newest.floor_s = max(newest.floor_s, *old)
            self.before = [sent for sent in self.before if sent.newest_s >= edge_s]

    def _too_many(self) -> list[Arrival]:
        excess, size = 0, sum(len(arrival.value) for arrival in self.held)
        while len(self.held) - excess > MAX_HELD or size > MAX_HELD_BYTES:
            size -= len(self.held[excess].value)
            excess += 1
        return self.held[:excess]

    def _send_all(self, own_id: str, arrivals: list[Arrival]) -> list[Forward]:
        """Send held events on, in the order of their times."""
        leaving = {arrival.event_id for arrival in arrivals}
        self.held = [arrival for arrival in self.held if arrival.event_id not in leaving]
        return [self._send(own_id, arrival) for arrival in sorted(arrivals, key=_by_time)]

    def _send(self, own_id: str, arrival: Arrival) -> Forward:
        self.sent.note(arrival.event_id, arrival.at_s)
        return Forward(self.customer(own_id), arrival)


def _by_time(arrival: Arrival) -> tuple[int, int]:
    return arrival.at_ms, arrival.event_id
