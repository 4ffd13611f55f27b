"""The store of one partition: claimed by one worker at a time, written in atomic steps.

Commit order: (1) one atomic write has documents, timers, outbox, offsets and the new token, if the stored token is
still the one that this worker wrote last; (2) the records of the step are acked to Kafka; (3) the outbox is published;
(4) the next step trims what the broker has confirmed. A crash between any two of them repeats the later ones only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from redis.exceptions import ResponseError

from stream.errors import CodecError, FencedError, StorageError, SystematicError
from stream.processing.state import PartitionState
from stream.storage.connection import FAILURES, Client, is_cluster
from stream.storage.damage import failure, state_in
from stream.storage.keys import Keys
from stream.storage.round_trips import measured
from stream.storage.scripts import script
from stream.storage.server_clock import ServerClock
from stream.storage.step_writes import Commit, StepWrites
from stream.storage.tokens import epoch_of, with_nonce

__all__ = ["Claim", "Commit", "PartitionStore", "TimerStanding"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What the new owner finds: the state (None: a partition never written) and the unpublished outbox.

    ``is_torn``: Redis failed in the middle of the latest step. Its events are processed again, and those of customers
    who were written count as duplicates.
    """

    state: PartitionState | None
    outbox: tuple[bytes, ...]
    is_torn: bool = False


@dataclass(frozen=True, slots=True)
class TimerStanding:
    """``scheduled`` timers, ``due`` of them before the time asked for, ``earliest_ms`` of all (None: there is none)."""

    scheduled: int
    due: int
    earliest_ms: int | None


class PartitionStore:
    """Reads and writes one partition on behalf of the worker that claimed it.

    ``ttl_s``: for how long the document of a customer without a timer is kept.
    """

    def __init__(self, client: Client, keys: Keys, partition: int, worker: str, *, ttl_s: int) -> None:
        self._client = client
        self._keys = keys
        self._partition = partition
        self._worker = worker
        self._token = ""
        self._sequence = 0
        self._writes = StepWrites(client, keys, partition, ttl_s=ttl_s)
        self._claim_script = client.register_script(script("claim.lua"))
        self._verify_script = client.register_script(script("verify.lua"))
        self.server_clock = ServerClock()

    @property
    def token(self) -> str:
        """The token of the last write, ``epoch:worker:sequence``."""
        return self._token

    @measured("claim")
    async def claim(self) -> Claim:
        """Become the owner: writes under any earlier token are rejected from now on."""
        p = self._partition
        keys = [self._keys.meta(p), self._keys.outbox(p), self._keys.writing(p)]
        try:
            token, state, seconds, microseconds, torn, *outbox = await self._claim_script(
                keys=keys, args=[with_nonce(self._worker)]
            )
        except FAILURES as error:
            raise failure(f"partition {p} cannot be claimed in Redis", error) from error
        self.server_clock.note(seconds, microseconds)
        self._token = token.decode()
        self._sequence = 0
        try:
            decoded = state_in(state, p)
        except StorageError as error:  # no waiting changes what is stored
            raise SystematicError(str(error)) from error
        return Claim(decoded, tuple(outbox), torn == 1)

    @measured("verify")
    async def verify(self) -> None:
        """Look whether the partition is still at the token of this worker. Raises what `commit` raises."""
        try:
            stored, *time = await self._verify_script(keys=[self._keys.meta(self._partition)])
        except FAILURES as error:
            raise failure(f"the token of partition {self._partition} cannot be read", error) from error
        self.server_clock.note(*time)
        if stored != self._token.encode():
            raise self._fenced(stored.decode(errors="replace") if stored else "")

    def _fenced(self, stored: str) -> FencedError:
        return FencedError(
            f"partition {self._partition} is at token {stored or 'none'}, not at {self._token}: "
            "another worker took it over, or Redis lost its last writes",
            superseded=epoch_of(stored) > epoch_of(self._token),
        )

    @measured("commit")
    async def commit(self, commit: Commit, due_limit: int) -> list[str]:
        """Write one step; return up to ``due_limit`` customers with a timer due before the state's stream time.

        Raises FencedError when the partition is not at this worker's token any more (nothing is written), and
        StorageError when Redis fails (the outcome is unknown: claim again and compare).
        """
        self._sequence += 1
        token = f"{self._token.rpartition(':')[0]}:{self._sequence}"
        try:
            accepted, *rest = await self._writes.write(commit, self._token, token, due_limit)
        except FAILURES as error:
            raise failure(f"the step of partition {self._partition} may not have been written", error) from error
        if accepted != 1:
            raise self._fenced(rest[0].decode(errors="replace") if rest else "")
        self._token = token
        seconds, microseconds, *due = rest
        self.server_clock.note(seconds, microseconds)
        return [customer.decode() for customer in due]

    @measured("documents")
    async def documents(self, customers: Sequence[str]) -> list[bytes | CodecError | None]:
        """Read the documents of ``customers``: None for those that have none, an error for a key of another type.

        To read many keys at once shows those of another type as missing, and a damaged customer must not begin anew. So
        it is asked at the same time how many of them exist: new customers cost no round trip of their own.
        """
        if not customers:
            return []
        prefix = self._keys.customer(self._partition, "").encode()
        keys = list(map(prefix.__add__, map(str.encode, customers)))
        try:
            found: list[bytes | CodecError | None]
            there: int
            found, there = await asyncio.gather(self._client.mget(keys), self._client.exists(*keys))
            missing = [position for position, document in enumerate(found) if document is None]
            if there > len(keys) - len(missing):
                for position in missing:
                    found[position] = await self._document(keys[position])
        except FAILURES as error:
            raise StorageError(f"documents of partition {self._partition} cannot be read: {error}") from error
        return found

    async def _document(self, key: bytes) -> bytes | CodecError | None:
        try:
            found: bytes | None = await self._client.get(key)
        except ResponseError as error:
            if "WRONGTYPE" not in str(error):
                raise
            return CodecError("its key holds another type than a document")
        return found

    @measured("customers")
    async def customers(self, cursor: int, count: int) -> tuple[int, list[str]]:
        """Some customers who have a document, from position ``cursor`` (0: the beginning) on, and where to go on.

        Looks at about ``count`` keys of the server, which may be those of others. The next position is 0 at the end;
        by then everybody who was there all the time has been named, some perhaps twice.
        """
        prefix = self._keys.customer(self._partition, "")
        try:
            where = {"target_nodes": self._client.get_node_from_key(prefix)} if is_cluster(self._client) else {}
            following, found = await self._client.scan(cursor, match=f"{prefix}*", count=count, **where)
        except FAILURES as error:
            raise StorageError(f"the customers of partition {self._partition} cannot be listed: {error}") from error
        if isinstance(following, dict):
            (following,) = following.values()
        return int(following), [key.decode().removeprefix(prefix) for key in found]

    @measured("released")
    async def released(self) -> set[str]:
        """Customers whom an operator wants processed again."""
        try:
            found = await self._client.smembers(self._keys.released(self._partition))
        except FAILURES as error:
            raise failure(f"partition {self._partition} cannot see who is released", error) from error
        return {customer.decode() for customer in found}

    @measured("released")
    async def forget_released(self, customers: Collection[str]) -> None:
        """What was wanted for these customers is done."""
        try:
            await self._client.srem(self._keys.released(self._partition), *customers)
        except FAILURES as error:
            raise failure(f"partition {self._partition} cannot store who is released", error) from error

    @measured("timers")
    async def timers(self, before_ms: int) -> TimerStanding:
        """Count timers, for monitoring: those due before ``before_ms`` should be none, or about to fire."""
        key = self._keys.timers(self._partition)
        try:
            async with self._client.pipeline(transaction=False) as asked:
                asked.zcard(key)
                asked.zcount(key, "-inf", f"({before_ms}")
                asked.zrange(key, 0, 0, withscores=True)
                scheduled, due, first = await asked.execute()
        except FAILURES as error:
            raise failure(f"timers of partition {self._partition} cannot be counted", error) from error
        return TimerStanding(scheduled, due, int(first[0][1]) if first else None)
