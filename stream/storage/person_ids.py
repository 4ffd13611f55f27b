"""What is stored of a person for notifications, under whichever of their ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Final

import msgspec

from stream.identity.links import Node
from stream.identity.records import KEY
from stream.identity.resolver import LinkLimits, Resolver, neighbours
from stream.projections.identity import Identity
from stream.settings import Settings
from stream.storage.notification_store import NotificationStore, StoredCustomer
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["PersonNotifications", "ids_of", "others_of"]

_decoder: Final = msgspec.json.Decoder(Node)


def ids_of(desk: ProjectionDesk, ids: Sequence[str]) -> dict[str, list[str]]:
    """All ids of the person of each id, that one first; only that one where nothing is linked.

    Goes by what the projection `identity` has stored. A round trip for each step from one id to the next; an id that
    nothing links takes two in all. Raises `StorageError` when Redis fails.
    """
    resolver, asked = _resolved(desk, ids)
    members: dict[str, list[str]] = {}
    for name in asked:
        members.setdefault(resolver.customer_of(name), []).append(name)
    return {
        one: [one, *sorted(other for other in members.get(resolver.customer_of(one), ()) if other != one)]
        for one in ids
    }


def others_of(settings: Settings, customer_id: str) -> list[str]:
    """The further ids of the person whose customer this is; none of an id that belongs to another customer.

    What came under them counts for the customer. Raises `StorageError` when Redis fails.
    """
    with ProjectionDesk(settings) as desk:
        resolver, asked = _resolved(desk, [customer_id])
    if resolver.customer_of(customer_id) != customer_id:
        return []
    return sorted(one for one in asked if one != customer_id and resolver.customer_of(one) == customer_id)


def _resolved(desk: ProjectionDesk, ids: Sequence[str]) -> tuple[Resolver, set[str]]:
    """What is stored of all ids of the persons of ``ids``, and which ids were asked for."""
    resolver, limits = Resolver(), LinkLimits()
    asked: set[str] = set()
    persons: set[str] = set()
    wanted = [*dict.fromkeys(ids)]
    while wanted:
        stored = desk.states_at(Identity.name, Identity.version, wanted, KEY)
        nodes = {one: _decoder.decode(state) for one, state in zip(wanted, stored, strict=True) if state}
        resolver.nodes |= nodes
        if not asked:
            persons = {*map(resolver.customer_of, nodes)}
        asked.update(wanted)
        # links join the ids of a person through ids of the same person
        own = {name: node for name, node in nodes.items() if resolver.customer_of(name) in persons}
        linked = {other for name, node in own.items() for other in neighbours(name, node, limits)}
        wanted = [*(linked | persons) - asked]
    return resolver, asked


class PersonNotifications(NotificationStore):
    """A store that knows of each customer what it has under any id of the person.

    What people did about somebody, and that they are held out, was stored under the id of that time. It stays there,
    so what is taken apart is as before.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._persons = ProjectionDesk(settings)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._persons.__exit__(kind, error, trace)
        super().__exit__(kind, error, trace)

    def known(self, customer_ids: Sequence[str]) -> list[StoredCustomer]:
        persons = ids_of(self._persons, customer_ids)
        ids = [*dict.fromkeys(one for of_person in persons.values() for one in of_person)]
        found = dict(zip(ids, super().known(ids), strict=True))
        return [_joined(found[one], [found[other] for other in persons[one][1:]]) for one in customer_ids]


def _joined(own: StoredCustomer, others: Iterable[StoredCustomer]) -> StoredCustomer:
    """What is stored of a person: the latest action of each kind."""
    for other in others:
        newer = [kind for kind, at_ms in other.acted_ms.items() if at_ms > own.acted_ms.get(kind, -1)]
        own = StoredCustomer(
            {**own.actions, **{kind: other.actions[kind] for kind in newer}},
            own.held_out or other.held_out,
            {**own.acted_ms, **{kind: other.acted_ms[kind] for kind in newer}},
            is_told=own.is_told,
            is_told_as_other=own.is_told_as_other or other.is_told,
        )
    return own
