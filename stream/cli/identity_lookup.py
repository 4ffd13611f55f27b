"""Ids as people type them, and the groups of ids that the projection `identity` has stored."""

from collections.abc import Iterator, Sequence

import msgspec

from stream.catalogue.identifiers import IDENTIFIERS
from stream.cli.data_files import contacts_file
from stream.errors import SettingsError
from stream.identity.alias import Alias
from stream.identity.links import Node
from stream.identity.persons_of_ids import owner_in
from stream.identity.records import KEY
from stream.identity.resolver import LinkLimits, Resolver, is_shared, reached
from stream.identity.sealing import Sealer
from stream.identity.sent import RETENTION_S
from stream.imports.contacts import ContactsFile
from stream.privacy.revealing import Revealer
from stream.projections.arrivals import Arrivals
from stream.projections.identity import Identity
from stream.settings import Settings
from stream.storage.projection_desk import ProjectionDesk, StatePlace

__all__ = [
    "customer_of",
    "events_lately",
    "id_of",
    "is_decided",
    "names_like",
    "place_of_node",
    "resolver_near",
    "shared_in",
    "stored_id",
]


def id_of(settings: Settings, text: str) -> str:
    """The id that ``text`` means.

    A customer id; the name, e-mail address or telephone number of an imported customer; or with its kind before it an
    identifier, in clear or as its token. With `privacy_keys`, the pseudonym of that. Raises `SettingsError` for a name
    of several customers, for an identifier in clear that is none, or without an `identity_key`.
    """
    return stored_id(settings, _id_in_clear(settings, text))


def stored_id(settings: Settings, one_id: str) -> str:
    """What stores have for an id: with `privacy_keys` its pseudonym, the id itself where there is none."""
    with Revealer.of(settings) as revealer:
        return revealer.pseudonyms([one_id])[one_id]


def _id_in_clear(settings: Settings, text: str) -> str:
    with contacts_file(settings) as people:
        called = [] if people.find([text]) else people.called(text)
        if len(called) > 1:
            told = ", ".join(_apart(people, called[:_SHOWN], text)) + (" ..." if len(called) > _SHOWN else "")
            raise SettingsError(f"{len(called)} customers are called {text!r}; say which one: {told}")
    if called:
        return called[0]
    kind, colon, found = text.partition(":")
    if not colon or kind not in IDENTIFIERS or (kind == "email" and "@" not in found and len(found) == _DIGEST_CHARS):
        return text
    token = Sealer.of(settings).token(kind, found)
    if not token:
        why = "this is none" if settings.identity_key else "set STREAM_IDENTITY_KEY"
        raise SettingsError(f"expected {IDENTIFIERS[kind].what} after {kind}: {why}")
    return f"{kind}:{token}"


def _apart(people: ContactsFile, ids: Sequence[str], text: str) -> Iterator[str]:
    """What tells customers of one name apart: an e-mail address that no other one has, else the id."""
    known = people.find(ids)
    for one in ids:
        email = known[one].email
        is_own = email and email.casefold() != text.strip().casefold() and people.called(email) == [one]
        yield email if is_own else one


def names_like(settings: Settings, text: str) -> str:
    """Imported customers of a similar name, for a message about one that is unknown; empty if there are none."""
    with contacts_file(settings) as people:
        found = people.like(text, _SHOWN)
    return "" if not found else "; did you mean " + ", ".join(f"{of.called!r} ({id_})" for id_, of in found) + "?"


def customer_of(desk: ProjectionDesk, customer_id: str) -> str:
    """The customer to whom an id belongs; the id itself without the projection."""
    return owner_in(desk.state(Identity.name, Identity.version, customer_id, KEY), customer_id)


def place_of_node(desk: ProjectionDesk, customer_id: str) -> StatePlace:
    """Where is stored to whom an id belongs, for who reads other states as well in the same round trip."""
    return desk.place(Identity.name, Identity.version, customer_id, KEY)


def resolver_near(desk: ProjectionDesk, customer_id: str) -> Resolver:
    """What is stored of an id and of all ids that links may join with it."""
    resolver, asked = Resolver(), set[str]()
    while wanted := [
        *dict.fromkeys(one for one in reached([customer_id], resolver.nodes, resolver.limits) if one not in asked)
    ]:
        asked.update(wanted)
        stored = desk.states_of(Identity.name, Identity.version, [(one, KEY) for one in wanted])
        nodes = ((one, _decoded(state or None)) for one, state in zip(wanted, stored, strict=True))
        resolver.nodes |= {one: node for one, node in nodes if node is not None}
    return resolver


def events_lately(desk: ProjectionDesk, ids: Sequence[str]) -> int:
    """Events of the 90 days before the newest one that `arrivals` keeps of ids; 0 where histories do not follow."""
    stored = desk.states_of(Arrivals.name, Arrivals.version, [(one, one) for one in ids])
    decode = msgspec.json.Decoder(Alias).decode
    times_s = [arrival.at_s for state in stored if state for arrival in decode(state).passed]
    edge_s = max(times_s, default=0) - RETENTION_S
    return sum(at_s >= edge_s for at_s in times_s)


def is_decided(desk: ProjectionDesk, one: str, other: str) -> bool:
    """Whether two customers are one person already, or people have decided that they are two."""
    if customer_of(desk, one) == customer_of(desk, other):
        return True
    node = _node(desk, one)
    return node is not None and other in node.pairs and node.pairs[other].decision is not None


def shared_in(desk: ProjectionDesk) -> dict[str, Node]:
    """What is stored of the identifiers that too many customers share, in order."""
    limits = LinkLimits()
    decode = msgspec.json.Decoder(Node).decode
    states = ((name, decode(state)) for name, state in desk.keyed_states(Identity.name, Identity.version))
    found = {name: node for name, node in states if name.isprintable() and is_shared(name, node, limits)}
    return dict(sorted(found.items()))


#: Customers of the same name that are listed.
_SHOWN = 5
#: Of an address that was hashed without a key (`stream.identity.addresses`).
_DIGEST_CHARS = 64


def _node(desk: ProjectionDesk, customer_id: str) -> Node | None:
    return _decoded(desk.state(Identity.name, Identity.version, customer_id, KEY))


def _decoded(stored: bytes | None) -> Node | None:
    return None if stored is None else msgspec.json.decode(stored, type=Node)
