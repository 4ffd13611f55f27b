"""Which ids are one person: the links of events and of people, grouped by the rules of `stream.identity.resolver`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final, NamedTuple, cast

from stream.catalogue.identifiers import IDENTIFIERS
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.model import Event
from stream.events.record import Record
from stream.events.rejections import Defect, Rejection
from stream.identity.arrival_notes import NOTE_HEADERS, Assigned, encode_note
from stream.identity.departures import ARRIVED_AS
from stream.identity.links import Link, LinkName, Node
from stream.identity.note_proof import NoteProof
from stream.identity.records import KEY, IdentityLink, encode_link, read_link
from stream.identity.resolver import LinkLimits, Resolver, reached
from stream.processing.state import Outgoing
from stream.projections.arrival_input import ArrivalInput, Arrived, ArrivedMessage
from stream.projections.fold import Fold
from stream.projections.protocol import Folded, Reading
from stream.projections.topic_inputs import ContentInput, Told
from stream.settings import Settings

__all__ = ["Identity", "LinkInput", "Linked"]

#: Begins the key of what the events of a customer have said; no id has a control character.
_SAID: Final = "\x1f"


class Linked(NamedTuple):
    """A link and its place in the log."""

    link: Link
    offset: int


class Forgotten(NamedTuple):
    """An id that is to be erased."""

    customer_id: str


class LinkInput:
    """The topic of links. Those with another key than `KEY` would be in another partition, and are refused."""

    comes_again: ClassVar[bool] = False

    def __init__(self, topic: str) -> None:
        self.topic = topic

    def read(self, records: Sequence[Record]) -> Reading:
        keyed: list[tuple[str, object]] = []
        positions: list[int] = []
        rejections: list[Rejection] = []
        for position, record in enumerate(records):
            link = self._link(position, record)
            if isinstance(link, Rejection):
                rejections.append(link)
            elif not link.tells_nobody:
                keyed.append((link.one, Linked(link, record.offset)))
                positions.append(position)
        return Reading(keyed, positions, rejections, len(records) - len(positions) - len(rejections))

    def _link(self, position: int, record: Record) -> Link | Rejection:
        if record.value is None:
            return Rejection(position, Defect.NULL_VALUE, "expected a JSON object; there is no value")
        if record.key != KEY.encode():
            return Rejection(position, Defect.KEY_MISMATCH, f"expected the record key {KEY!r}")
        link = read_link(record.value)
        return link._replace(record=position) if isinstance(link, Rejection) else link


class _Published:
    """A topic of events without those that came from `arrivals`: they were read there, under the id that they name."""

    comes_again: ClassVar[bool] = True

    def __init__(self, events: ContentInput) -> None:
        self.topic = events.topic
        self._events = events

    def read(self, records: Sequence[Record]) -> Reading:
        own = [at for at, record in enumerate(records) if not any(name == ARRIVED_AS for name, _ in record.headers)]
        reading = self._events.read([records[at] for at in own])
        return reading._replace(
            positions=[own[at] for at in reading.positions], skipped=reading.skipped + len(records) - len(own)
        )


class Identity(Fold[Node]):
    """Groups of ids, from the identifiers of events and the links of the topic `identities`.

    Two folds in one. In the partition of a customer: what their events have said, so that only what is new becomes a
    link. In the one partition of links: a `Node` for each id.
    """

    name: ClassVar = "identity"
    state: ClassVar = Node
    about: ClassVar = "Which ids are one person."
    why: ClassVar = "to know which ids are one person"
    key: ClassVar = "id"

    def __init__(self, settings: Settings) -> None:
        decoder = Decoder.of(settings)
        self._proof = NoteProof.of(settings)
        self._links = settings.identities
        #: Where assignments go; empty: nobody needs them.
        self._arrivals = settings.arrivals if settings.join_identities else ""
        self._follows = settings.follows_identities
        self._limits = LinkLimits()
        self.inputs = (
            *(
                _Published(ContentInput(event_type, settings.topic_of(event_type), decoder, _said_by, reports=False))
                for event_type in EventType
            ),
            LinkInput(self._links),
            *(
                [ArrivalInput(self._arrivals, decoder, self._proof, _said_on_arrival, reports=False)]
                if self._arrivals
                else ()
            ),
        )

    def release(self, customer_id: str) -> None:
        """Which ids are one person is what this finds out."""

    def reach(self, states: Mapping[str, Node], messages: Sequence[tuple[str, object]]) -> Iterable[str]:
        """The ids that a link may join, and all that are connected with them."""
        ends: list[str] = []
        for _, message in messages:
            if isinstance(message, Linked | Forgotten):
                ends += (message.customer_id,) if isinstance(message, Forgotten) else message.link[1:3]
        nodes = {name: node for name, node in states.items() if not name.startswith(_SAID)}
        return reached(ends, nodes, self._limits)

    def fold(self, states: Mapping[str, Node], messages: Sequence[tuple[str, object]]) -> Folded:
        nodes = dict(states)
        resolver = Resolver(nodes, self._limits)
        outgoing: list[Outgoing] = []
        for key, message in messages:
            if isinstance(message, Linked):
                changed = resolver.take(message.link, message.offset + 1 if self._follows else None)
                outgoing += self._assignments(changed, message.offset, resolver)
            elif isinstance(message, Forgotten):
                nodes.pop(f"{_SAID}{message.customer_id}", None)
                resolver.forget(message.customer_id)
            else:
                outgoing += self._new_links(nodes, key, cast("Told | Arrived", message))
        return Folded({**dict.fromkeys(states), **nodes}, outgoing)

    def erase(self, customer_id: str) -> Iterable[str]:
        return customer_id, f"{_SAID}{customer_id}"

    def erased_in(self, customer_id: str) -> Iterable[str]:
        return customer_id, KEY

    def forget(self, customer_id: str) -> Iterable[tuple[str, object]]:
        forgotten = Forgotten(customer_id)
        return (customer_id, forgotten), (f"{_SAID}{customer_id}", forgotten)

    def _assignments(self, changed: Mapping[str, str], offset: int, resolver: Resolver) -> Iterable[Outgoing]:
        """Tell the projection `arrivals` who an id is from now on."""
        for one, customer in changed.items() if self._arrivals else ():
            edition = resolver.edition_of(customer) if self._follows else 0
            note = encode_note(Assigned(id=one, customer_id=customer, version=offset, edition=edition))
            key = one.encode()
            yield Outgoing(self._arrivals, key, note, [*NOTE_HEADERS, *self._proof.headers(key, note)])

    def _new_links(self, nodes: dict[str, Node], key: str, told: Told | Arrived) -> Iterable[Outgoing]:
        """The links of an event that its customer's events have not said yet, or not of so early a time."""
        customer = told.event.customer_id
        said = nodes.setdefault(key, Node())
        for one in _identifiers_of(told.event):
            link = Link(LinkName.IDENTIFIED, customer, one, told.at_ms, told.event.event_id)
            if said.take(customer, one, link, self._limits.max_members):
                record = IdentityLink(
                    link_id=link.link_id,
                    name="identified",
                    one=customer,
                    other=one,
                    occurred_at=told.at_ms / 1000,
                )
                yield Outgoing(self._links, KEY.encode(), encode_link(record), [])


def _said_by(event: Event) -> Sequence[str]:
    return (f"{_SAID}{event.customer_id}",) if _identifiers_of(event) else ()


def _said_on_arrival(message: ArrivedMessage) -> Sequence[str]:
    return _said_by(message.event) if isinstance(message, Arrived) else ()


def _identifiers_of(event: Event) -> list[str]:
    """The identifiers of an event as ids, beside its customer."""
    given = event.identifiers
    if given is None:
        return []
    found = ((kind, getattr(given, kind)) for kind in IDENTIFIERS)
    ids = [f"{kind}:{token}" for kind, token in found if token is not None]
    return [one for one in ids if one != event.customer_id]
