"""All ids of a person, from the groups that the projection `identity` has stored: which states to read, without I/O."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Final, TypeAlias

import msgspec

from stream.identity.links import Node
from stream.identity.resolver import LinkLimits, Resolver, neighbours

__all__ = ["FindingPersons", "Persons", "finding_persons", "owner_in"]

_decoder: Final = msgspec.json.Decoder(Node)


def owner_in(stored: bytes | None, customer_id: str) -> str:
    """The customer to whom an id belongs by what is stored; the id itself if nothing is."""
    return (_decoder.decode(stored).canonical if stored else "") or customer_id


class Persons:
    """``resolver``: what is stored of all ids of some persons. ``ids``: those that were read."""

    def __init__(self, resolver: Resolver, ids: Iterable[str]) -> None:
        self._resolver = resolver
        self._members: dict[str, list[str]] = {}
        for one in ids:
            self._members.setdefault(resolver.customer_of(one), []).append(one)

    def customer_of(self, one: str) -> str:
        """The customer to whom an id belongs."""
        return self._resolver.customer_of(one)

    def ids_of(self, one: str) -> list[str]:
        """All ids of the person of an id, that one first; only that one where nothing is linked."""
        return [one, *sorted(other for other in self._members.get(self.customer_of(one), ()) if other != one)]

    def were_others(self, one: str) -> bool:
        """Whether an id of the person may have been another customer than one of these ids.

        They were taken apart, or an identifier of theirs has become one that many share.
        """
        ids = self.ids_of(one)
        nodes = [self._resolver.nodes[name] for name in ids if name in self._resolver.nodes]
        return any(node.overflowed or not node.pairs.keys() <= {*ids} for node in nodes)


#: Yields keys of states of the projection `identity`, is sent the states (JSON, None for none), returns the persons.
FindingPersons: TypeAlias = Generator[list[str], Sequence[bytes | None], Persons]


def finding_persons(ids: Sequence[str]) -> FindingPersons:
    """Find the persons of ``ids``: a question for each step from one id to the next, one where nothing is linked."""
    resolver, limits = Resolver(), LinkLimits()
    asked: set[str] = set()
    persons: set[str] = set()
    wanted = [*dict.fromkeys(ids)]
    while True:
        stored = yield wanted
        nodes = {one: _decoder.decode(state) for one, state in zip(wanted, stored, strict=True) if state}
        resolver.nodes |= nodes
        if not asked:
            persons = {*map(resolver.customer_of, nodes)}
        asked.update(wanted)
        # links join the ids of a person through ids of the same person
        own = {name: node for name, node in nodes.items() if resolver.customer_of(name) in persons}
        linked = {other for name, node in own.items() for other in neighbours(name, node, limits)}
        wanted = [*(linked | persons) - asked]
        if not wanted:
            return Persons(resolver, asked)
