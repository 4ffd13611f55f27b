"""What customers have said about the use of their data, from the projection `consents`.

What was said under any id of a person holds for all of them. Which ids are one person says the projection `identity`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from stream.consent.agreements import Agreements, ConsentDefault
from stream.consent.consented import Consented
from stream.errors import StorageError
from stream.events.partitioner import partition_of
from stream.identity.persons_of_ids import Persons, finding_persons
from stream.identity.records import KEY
from stream.projections.consents import Consents
from stream.projections.identity import Identity
from stream.settings import Settings
from stream.storage.connection import FAILURES, Client, explained
from stream.storage.damage import generation_in
from stream.storage.keys import Keys, ProjectionKeys
from stream.storage.person_ids import persons_of
from stream.storage.projection_desk import ProjectionDesk, StatePlace

__all__ = ["ConsentDesk", "read_consents"]

_decoder = msgspec.json.Decoder(Agreements)
_PROJECTION: Final = (Consents.name, Consents.version)
_IDENTITY: Final = (Identity.name, Identity.version)


class ConsentDesk(ProjectionDesk):
    """Raises `StorageError` when Redis fails."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._settings = settings

    def read(self, customer_ids: Sequence[str], now_ms: int = 0, persons: Persons | None = None) -> Consented:
        """What these customers have said, under any id of theirs.

        Two round trips where nothing is linked. ``now_ms``: see `Consented`. ``persons``: whoever knows their persons.
        """
        persons = persons_of(self, customer_ids) if persons is None else persons
        places = _places(persons, customer_ids, self._settings.partitions)
        stored = self.stored_at([StatePlace(*_PROJECTION, *place) for place in places])
        states = zip((own_id for _, own_id in places), stored, strict=True)
        return _consented(self._settings, _of_persons(persons, customer_ids, _decoded(states)), now_ms)

    def place_of(self, customer_id: str) -> StatePlace:
        """Where is stored what somebody said who has one id, for who reads other states in the same round trip."""
        return self.place(*_PROJECTION, customer_id, customer_id)

    def said_in(self, customer_id: str, state: bytes | None) -> Consented:
        """What somebody who has one id has said, from the state of `place_of`."""
        return _consented(self._settings, _decoded([(customer_id, state)]))

    def everybody(self, now_ms: int = 0) -> Consented:
        """What all customers have said who have said something. The whole of Redis is gone through if somebody has.

        ``now_ms``: see `Consented`.
        """
        has_run = self.progress(*_PROJECTION).folded
        said = _decoded(self.keyed_states(*_PROJECTION) if has_run else ())
        persons = persons_of(self, [*said] if self.progress(*_IDENTITY).folded else [])
        ids = [*dict.fromkeys(one for own_id in said for one in persons.ids_of(own_id))]
        return _consented(self._settings, _of_persons(persons, ids, said), now_ms)


async def read_consents(client: Client, settings: Settings, customer_ids: Sequence[str]) -> Consented:
    """As `ConsentDesk.read`, for the event loop of a worker; one round trip more, and none for states without any."""
    try:
        keys, identities = await _present_keys(client, settings)
        if not await _has_run(client, settings, keys):
            return _consented(settings, {})
        persons = await _persons(client, identities, partition_of(KEY, settings.partitions), customer_ids)
        places = _places(persons, customer_ids, settings.partitions)
        stored = await _all_of(client, [keys.customer(*place) for place in places])
    except FAILURES as error:
        raise StorageError(f"what customers agreed to cannot be read: {explained(error)}") from error
    states = zip((own_id for _, own_id in places), stored, strict=True)
    return _consented(settings, _of_persons(persons, customer_ids, _decoded(states)))


async def _persons(client: Client, keys: ProjectionKeys, home: int, ids: Sequence[str]) -> Persons:
    """As `persons_of`."""
    search = finding_persons(ids)
    wanted = next(search)
    while True:
        try:
            wanted = search.send(await _all_of(client, [keys.customer(home, one) for one in wanted]))
        except StopIteration as found:
            persons: Persons = found.value
            return persons


async def _present_keys(client: Client, settings: Settings) -> tuple[ProjectionKeys, ProjectionKeys]:
    """Those of consents and of ids, in their present generations."""
    names, keys = (_PROJECTION, _IDENTITY), Keys(settings.namespace)
    generations = await _all_of(client, [keys.projection_generation(*name) for name in names])
    consents, identities = (
        ProjectionKeys(settings.namespace, *name, generation_in(generation, name[0]))
        for name, generation in zip(names, generations, strict=True)
    )
    return consents, identities


async def _all_of(client: Client, keys: Iterable[str]) -> list[bytes | None]:
    async with client.pipeline(transaction=False) as asked:
        for key in keys:
            asked.get(key)
        found: list[bytes | None] = await asked.execute()
    return found


async def _has_run(client: Client, settings: Settings, keys: ProjectionKeys) -> bool:
    async with client.pipeline(transaction=False) as asked:
        for partition in range(settings.partitions):
            asked.exists(keys.meta(partition))
        return any(await asked.execute())


def _places(persons: Persons, customer_ids: Iterable[str], partitions: int) -> list[tuple[int, str]]:
    """Partition and key of every state that may have what these persons said.

    It is where the customer is whose the id was: among the ids of the person, unless these were others before.
    """
    places: dict[tuple[int, str], None] = {}
    for one in dict.fromkeys(customer_ids):
        ids = persons.ids_of(one)
        where = range(partitions) if persons.were_others(one) else {partition_of(own, partitions) for own in ids}
        places |= dict.fromkeys((partition, own) for own in ids for partition in where)
    return [*places]


def _of_persons(persons: Persons, ids: Iterable[str], said: Mapping[str, Agreements]) -> dict[str, Agreements]:
    """What the person of each id said under all of theirs."""
    found: dict[str, Agreements] = {}
    for one in dict.fromkeys(ids):
        of_person = [said[own] for own in persons.ids_of(one) if own in said]
        if of_person:
            found[one] = _together(of_person)
    return found


def _together(some: Sequence[Agreements]) -> Agreements:
    if len(some) == 1:
        return some[0]
    together = Agreements()
    for one in some:
        together.add_all(one)
    return together


def _decoded(states: Iterable[tuple[str, bytes | None]]) -> dict[str, Agreements]:
    """What was said under each id, in all partitions."""
    said: dict[str, Agreements] = {}
    for own_id, state in states:
        if state:
            found = _decoder.decode(state)
            said[own_id] = _together([said[own_id], found]) if own_id in said else found
    return said


def _consented(settings: Settings, said: Mapping[str, Agreements], now_ms: int = 0) -> Consented:
    default: ConsentDefault = "opt-in" if settings.consent_default == "opt-in" else "opt-out"
    return Consented(said, default, now_ms)
