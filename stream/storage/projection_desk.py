"""Looking at projections and asking for something, from outside of the workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from stream.errors import StorageError
from stream.events.partitioner import partition_of
from stream.processing.state import PartitionState
from stream.settings import Settings
from stream.storage.connection import FAILURES, connect_or_explain, explained
from stream.storage.damage import generation_in
from stream.storage.desk import LOOK_AT_ONCE, Desk, partition_states
from stream.storage.keys import Keys, ProjectionKeys

__all__ = ["ProjectionDesk", "ProjectionProgress", "StatePlace"]

_T = TypeVar("_T")
#: States that are asked for in one round trip, so that neither side has to hold those of all customers.
_AT_ONCE: Final = 10_000


class ProjectionProgress(NamedTuple):
    """``generation``: how often it was built again. ``states``: of each partition that has one."""

    generation: int
    states: Mapping[int, PartitionState]

    @property
    def folded(self) -> int:
        """Messages folded into states."""
        return sum(state.counters.applied for state in self.states.values())

    @property
    def dead_letters(self) -> int:
        return sum(state.counters.dead_letters for state in self.states.values())


class StatePlace(NamedTuple):
    """Where a state is: of a projection by its name and version, a partition, and a key."""

    name: str
    version: int
    partition: int
    key: str


class ProjectionDesk(Desk):
    """Projections in the namespace of ``settings``; raises `StorageError` when Redis fails."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(connect_or_explain(settings, retries=0))
        self._namespace = settings.namespace
        self._partitions = settings.partitions
        #: Of projections, as they were when they were asked for last; 0 until one is built again.
        self._generations: dict[tuple[str, int], int] = {}

    def progress(self, name: str, version: int) -> ProjectionProgress:
        """How far a projection is."""

        def ask(client: Any) -> ProjectionProgress:
            keys = self._keys(name, version)
            return ProjectionProgress(keys.generation, partition_states(client, keys, range(self._partitions)))

        return self._asked("be read", ask)

    def read_to(self, name: str, version: int) -> dict[tuple[str, int], int]:
        """Topic and partition -> the offset up to which a projection has read, of those of which it read something."""
        states = self.progress(name, version).states
        return {(topic, p): offset for p, state in states.items() for topic, offset in state.offsets.items()}

    def unpublished(self, name: str, version: int) -> int:
        """Records of a projection that are stored, and not known to be published."""

        def ask(client: Any) -> int:
            keys = self._keys(name, version)
            return sum(client.llen(keys.outbox(partition)) for partition in range(self._partitions))

        return self._asked("be read", ask)

    def state(self, name: str, version: int, key: str, partition_key: str) -> bytes | None:
        """The stored state of a key, JSON; ``partition_key``: what its messages are keyed by in their topics."""
        partition = partition_of(partition_key, self._partitions)
        return self._asked(
            "be read", lambda client: client.get(self._keys(name, version).customer(partition, key)) or None
        )

    def place(self, name: str, version: int, key: str, partition_key: str) -> StatePlace:
        """Where the state of a key is; ``partition_key``: what its messages are keyed by in their topics."""
        return StatePlace(name, version, partition_of(partition_key, self._partitions), key)

    def stored_at(self, places: Sequence[StatePlace]) -> list[bytes | None]:
        """The stored states, of several projections, in one round trip for each `_AT_ONCE` of them.

        Generations are asked for along with the states; the states are asked for again where a generation has changed.
        """
        found: list[bytes | None] = []
        for begin in range(0, len(places), _AT_ONCE):
            found += self._stored_at(places[begin : begin + _AT_ONCE])
        return found

    def _stored_at(self, places: Sequence[StatePlace]) -> list[bytes | None]:
        keys, namespace = Keys(self._namespace), self._namespace
        of = [*dict.fromkeys((place.name, place.version) for place in places)]
        while True:
            known = {one: self._generations.get(one, 0) for one in of}
            stored = {one: ProjectionKeys(namespace, *one, generation) for one, generation in known.items()}
            commands = [("GET", keys.projection_generation(*one)) for one in of]
            for name, version, partition, key in places:
                commands.append(("GET", stored[name, version].customer(partition, key)))
            answers = self._pipelined([*commands])
            found = {one: generation_in(generation, one[0]) for one, generation in zip(of, answers, strict=False)}
            if found == known:
                return answers[len(of) :]
            self._generations |= found

    def states_at(self, name: str, version: int, keys: Sequence[str], partition_key: str) -> list[bytes | None]:
        """The stored states of keys whose messages have one key in their topics, as `state`, in one round trip."""
        return self.stored_at([self.place(name, version, key, partition_key) for key in keys])

    def states_of(self, name: str, version: int, keys: Sequence[tuple[str, str]]) -> list[bytes | None]:
        """The stored states of keys, each with what its messages are keyed by in their topics, in one round trip."""
        return self.stored_at([self.place(name, version, *of) for of in keys])

    def shared(self, name: str, version: int, *keys: str) -> list[bytes]:
        """The stored states of keys that several partitions have a part of, JSON."""
        return [state for of_key in self.shared_of(name, version, keys).values() for state in of_key]

    def shared_of(self, name: str, version: int, keys: Iterable[str]) -> dict[str, list[bytes]]:
        """The parts of each of ``keys``, as `shared`, in one round trip."""
        asked = [StatePlace(name, version, partition, key) for key in keys for partition in range(self._partitions)]
        found: dict[str, list[bytes]] = {place.key: [] for place in asked}
        for place, state in zip(asked, self.stored_at(asked), strict=True):
            if state:
                found[place.key].append(state)
        return found

    def states(self, name: str, version: int) -> Iterator[bytes]:
        """All stored states, JSON, in no order; those written meanwhile may be missing or come twice."""
        keys = self._keys_of(name, version)
        return (state for state in self._every(keys.customer_pattern()) if state)

    def keyed_states(self, name: str, version: int) -> Iterator[tuple[str, bytes]]:
        """All stored states with their keys, as `states`."""
        keys = self._keys_of(name, version)
        # the state of a partition ends where the key begins
        before = keys.customer(0, "").partition("}")[2]
        found = self._every_item(keys.customer_pattern())
        return ((key.decode().partition(before)[2], state) for key, state in found if state)

    def keys(self, name: str, version: int) -> Iterator[str]:
        """The keys of all stored states, as `states`, without reading these."""
        keys = self._keys_of(name, version)
        before = keys.customer(0, "").partition("}")[2]
        try:
            for key in self._client.scan_iter(match=keys.customer_pattern(), count=LOOK_AT_ONCE):
                yield key.decode().partition(before)[2]
        except FAILURES as error:
            raise StorageError(f"projections cannot be read: {explained(error)}") from error

    def rebuild(self, name: str, version: int) -> int:
        """Ask that a projection be folded anew from the start of the log; returns the number of the generation."""
        key = Keys(self._namespace).projection_generation(name, version)
        return self._asked("be asked", lambda client: int(client.incr(key)))

    def erase(self, name: str, version: int, customer_id: str, erased_in: Iterable[str] | None) -> None:
        """Ask that the states of a customer be forgotten; ``erased_in``: see `Projection`."""

        def ask(client: Any) -> None:
            keys = self._keys(name, version)
            for partition in self._partitions_of(erased_in):
                client.sadd(keys.released(partition), customer_id)

        self._asked("be asked", ask)

    def erasing(self, name: str, version: int, customer_id: str, erased_in: Iterable[str] | None) -> bool:
        """Whether the customer is still to be erased."""

        def ask(client: Any) -> bool:
            keys = self._keys(name, version)
            return any(
                client.sismember(keys.released(partition), customer_id) for partition in self._partitions_of(erased_in)
            )

        return self._asked("be read", ask)

    def _partitions_of(self, keys: Iterable[str] | None) -> set[int]:
        if keys is None:
            return {*range(self._partitions)}
        return {partition_of(key, self._partitions) for key in keys}

    def _keys_of(self, name: str, version: int) -> ProjectionKeys:
        """Where the present generation is."""
        return self._asked("be read", lambda _: self._keys(name, version))

    def _keys(self, name: str, version: int) -> ProjectionKeys:
        stored = self._client.get(Keys(self._namespace).projection_generation(name, version))
        return ProjectionKeys(self._namespace, name, version, generation_in(stored, name))

    def _asked(self, what: str, ask: Callable[[Any], _T]) -> _T:
        try:
            return ask(self._client)
        except FAILURES as error:
            raise StorageError(f"projections cannot {what}: {explained(error)}") from error
