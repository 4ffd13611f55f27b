"""What is stored of a person for notifications, under whichever of their ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import TracebackType

from stream.identity.persons_of_ids import Persons, finding_persons, owner_in
from stream.identity.records import KEY
from stream.projections.identity import Identity
from stream.settings import Settings
from stream.storage.notification_store import NotificationStore, StoredCustomer
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["PersonNotifications", "customers_of", "ids_of_one", "persons_of"]


def persons_of(desk: ProjectionDesk, ids: Sequence[str]) -> Persons:
    """The persons of ``ids``, by what the projection `identity` has stored.

    A round trip for each step from one id to the next; an id that nothing links takes one (two the first time after a
    rebuild). Raises `StorageError` when Redis fails.
    """
    search = finding_persons(ids)
    wanted = next(search)
    while True:
        try:
            wanted = search.send(desk.states_at(Identity.name, Identity.version, wanted, KEY))
        except StopIteration as found:
            persons: Persons = found.value
            return persons


def ids_of_one(desk: ProjectionDesk, customer_id: str) -> list[str]:
    """All ids of the person of an id, that one first; only that one where nothing is linked. As `persons_of`."""
    return persons_of(desk, [customer_id]).ids_of(customer_id)


def customers_of(desk: ProjectionDesk, ids: Sequence[str]) -> dict[str, str]:
    """The customers of those of any number of ``ids`` that belong to another one.

    Raises `StorageError` when Redis fails.
    """
    if not desk.progress(Identity.name, Identity.version).folded:
        return {}
    nodes = desk.states_at(Identity.name, Identity.version, ids, KEY)
    return {one: into for one, node in zip(ids, nodes, strict=True) if (into := owner_in(node, one)) != one}


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
        found_persons = persons_of(self._persons, customer_ids)
        persons = {one: found_persons.ids_of(one) for one in customer_ids}
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
