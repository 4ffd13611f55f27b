"""The store of one partition of a projection: that of the core under keys of its own, and its generations.

A generation is a run through the log. Asking for another one (`stream.storage.projection_desk`) makes owners leave the
present one within seconds: they begin the next with no states at the start of the log. Each has keys of its own, so
a late writer to the former one does no harm.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence

from stream.errors import CodecError, RebuildError
from stream.processing.state import PartitionState
from stream.storage.connection import FAILURES, Client, is_cluster
from stream.storage.damage import failure, generation_in
from stream.storage.keys import Keys, ProjectionKeys
from stream.storage.partition_store import Claim, Commit, PartitionStore
from stream.storage.round_trips import measured

__all__ = ["ProjectionStore", "present_generation"]

_LOG = logging.getLogger(__name__)

#: A forgotten state is overwritten with nothing, which expires after this time (s).
_FORGOTTEN_TTL_S = 1
#: Keys looked at in one step of dropping a former generation.
_KEYS_AT_ONCE = 1000


class ProjectionStore:
    """Reads and writes one partition of a projection on behalf of the worker that claimed it.

    ``keep_s``: states expire so long (s) after they were written; None: never.
    """

    def __init__(
        self,
        client: Client,
        keys: Keys,
        name: str,
        version: int,
        partition: int,
        worker: str,
        *,
        keep_s: int | None = None,
    ) -> None:
        self._client = client
        self._base = keys
        self._name = name
        self._version = version
        self._partition = partition
        self._worker = worker
        self._keep_s = keep_s
        self._generation = 0
        self._keys, self._store = self._of(0)

    def _of(self, generation: int) -> tuple[ProjectionKeys, PartitionStore]:
        keys = ProjectionKeys(self._base.namespace, self._name, self._version, generation)
        ttl_s = self._keep_s or _FORGOTTEN_TTL_S
        return keys, PartitionStore(self._client, keys, self._partition, self._worker, ttl_s=ttl_s)

    @property
    def generation(self) -> int:
        """The one that is claimed."""
        return self._generation

    async def claim(self) -> Claim:
        """Become the owner of the present generation: writes under any earlier token are rejected from now on.

        If Redis failed in the middle of a step, some states are ahead of the offsets. Then the projection is built
        anew.
        """
        while True:
            self._generation = await self._present()
            self._keys, self._store = self._of(self._generation)
            claim = await self._store.claim()
            if claim.is_torn:
                _LOG.error(
                    "Redis failed in the middle of a step of partition %d of projection %s: it is rebuilt",
                    self._partition,
                    self._name,
                )
                await self._begin_another()
            elif await self._present() == self._generation:
                return claim

    async def _begin_another(self) -> None:
        key = self._base.projection_generation(self._name, self._version)
        try:
            await self._client.set(key, self._generation + 1)
        except FAILURES as error:
            raise failure(f"a new generation of projection {self._name} cannot be started", error) from error

    async def check(self) -> None:
        """Look whether the partition is still this worker's, and its generation the present one.

        Raises `FencedError` if it is not, `RebuildError` if the generation is not, `StorageError` when Redis fails.
        """
        if (present := await self._present()) != self._generation:
            raise RebuildError(
                f"projection {self._name} must be rebuilt: generation {present} follows {self._generation}"
            )
        await self._store.verify()

    async def commit(
        self,
        state: PartitionState,
        written: Mapping[str, bytes],
        forgotten: Sequence[str],
        outbox: Sequence[bytes],
        trim: int,
        timers: Mapping[str, int],
        idle: Sequence[str],
    ) -> None:
        """Write one step: states, timers, offsets and outbox, all or nothing.

        Raises what `PartitionStore.commit` does.
        """
        if written:
            documents = {**written, **dict.fromkeys(forgotten, b"")}
            expiring = forgotten if self._keep_s is None else [*documents]
            step = Commit(state, documents, timers, idle, retired=expiring, outbox=outbox, trim=trim)
        else:
            step = Commit(state, {}, timers, idle, outbox=outbox, trim=trim, forgotten=forgotten)
        await self._store.commit(step, due_limit=0)

    def server_now_ms(self) -> int | None:
        """The time of day at Redis, None before its first answer."""
        return self._store.server_clock.now_ms()

    @measured("timers")
    async def due(self, before_ms: int, at_most: int) -> list[str]:
        """Timers that are due before a time, the earliest first."""
        try:
            found = await self._client.zrangebyscore(
                self._keys.timers(self._partition), "-inf", f"({before_ms}", start=0, num=at_most
            )
        except FAILURES as error:
            raise failure(f"timers of projection {self._name} cannot be read", error) from error
        return [timer.decode() for timer in found]

    async def states(self, keys: Sequence[str]) -> list[bytes | None]:
        """Read stored states, None for keys that have none. Raises `CodecError` for a key of another type."""
        found = []
        for state in await self._store.documents(keys):
            if isinstance(state, CodecError):
                raise CodecError(
                    f"a stored state of projection {self._name} cannot be read: {state}; restore it from a backup, or "
                    f"call `stream projections rebuild {self._name}`"
                )
            found.append(state)
        return found

    async def keys(self, cursor: int, count: int) -> tuple[int, list[str]]:
        """Some keys that have a state, as `PartitionStore.customers`."""
        return await self._store.customers(cursor, count)

    async def to_erase(self) -> set[str]:
        """Customers whom an operator wants erased from this projection."""
        return await self._store.released()

    async def erased(self, customers: Collection[str]) -> None:
        """What was wanted for these customers is done."""
        await self._store.forget_released(customers)

    @measured("drop")
    async def drop_former(self, cursor: int) -> int:
        """Let some keys of former generations expire, from ``cursor`` (0: the beginning) on; returns where to go on."""
        if self._generation == 0:
            return 0
        try:
            pattern = self._keys.pattern_of_version(self._partition)
            where = {"target_nodes": self._client.get_node_from_key(pattern)} if is_cluster(self._client) else {}
            following, found = await self._client.scan(cursor, match=pattern, count=_KEYS_AT_ONCE, **where)
            if isinstance(following, dict):
                (following,) = following.values()
            # a later generation is that of a successor, while this worker does not know of it yet
            former = [key for key in found if self._keys.generation_of(self._partition, key) < self._generation]
            if former:
                async with self._client.pipeline(transaction=False) as asked:
                    for key in former:
                        asked.expire(key, _FORGOTTEN_TTL_S)
                    await asked.execute()
        except FAILURES as error:
            raise failure(f"former states of projection {self._name} cannot be dropped", error) from error
        return int(following)

    async def _present(self) -> int:
        return await present_generation(self._client, self._base, self._name, self._version)


async def present_generation(client: Client, keys: Keys, name: str, version: int) -> int:
    """How often operators have had the projection built again. Raises `StorageError`, `SystematicError` for damage."""
    try:
        found = await client.get(keys.projection_generation(name, version))
    except FAILURES as error:
        raise failure(f"the generation of projection {name} cannot be read", error) from error
    return generation_in(found, name)
