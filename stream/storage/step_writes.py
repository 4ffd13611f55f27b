"""What one step writes, and the two ways in which Redis is told: commit.lua, and a transaction."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from stream.processing.state import PartitionState
from stream.storage.connection import Client, is_cluster
from stream.storage.keys import Keys
from stream.storage.scripts import script
from stream.storage.transaction import Command, TransactionsRefusedError, begun

__all__ = ["TRANSACTION_FROM", "Commit", "StepWrites"]

_LOG = logging.getLogger(__name__)

#: Steps of so many documents are written by a transaction. It has one round trip more than the script, which takes as
#: long as the script's copies of some 30 documents.
TRANSACTION_FROM: Final = 200

#: Each document that expires is a command of its own, with an answer of its own: many of them are for the script.
_MAX_EXPIRING: Final = 100

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Commit:
    """One atomic write.

    ``timers``: customer -> due (ms). ``idle``: customers whose timer is removed. ``retired``: customers of
    ``documents`` who have no timer now; nothing would write their documents again, so those expire.
    ``outbox_counts``: of how many records each of ``outbox`` consists. ``trim``: entries at the head of the outbox all
    of whose records are confirmed. ``forgotten``: customers whose documents are deleted; not
    together with ``retired``.
    """

    state: PartitionState
    documents: Mapping[str, bytes] = field(default_factory=dict)
    timers: Mapping[str, int] = field(default_factory=dict)
    idle: Sequence[str] = ()
    retired: Sequence[str] = ()
    outbox: Sequence[bytes] = ()
    outbox_counts: Sequence[int] = ()
    trim: int = 0
    forgotten: Sequence[str] = ()

    @property
    def encoded_state(self) -> bytes:
        """The state as it is stored."""
        return _encoder.encode(self.state)

    @property
    def due_before(self) -> str:
        """The bound of timers that are due, as Redis reads it."""
        time_ms = self.state.stream_time_ms
        return "(-inf" if time_ms is None else f"({time_ms}"


class StepWrites:
    """Writes steps of one partition: all of a step, if the stored token is the expected one, or nothing.

    Large steps go by a transaction, for a script is given copies of all texts. A cluster moves keys between its nodes,
    which transactions cannot follow; there, for small steps, for many documents that expire, and for users without the
    rights of transactions it is the script.
    """

    def __init__(self, client: Client, keys: Keys, partition: int, *, ttl_s: int) -> None:
        self._client = client
        self._ttl_s = ttl_s
        self._keys = [of(partition) for of in (keys.meta, keys.timers, keys.outbox, keys.writing)]
        self._prefix = keys.customer(partition, "")
        self._prefix_bytes = self._prefix.encode()
        self._script = client.register_script(script("tried.lua") + script("commit.lua"))
        self._may_begin = not is_cluster(client)

    async def write(self, commit: Commit, expected: str, token: str, due_limit: int) -> Sequence[Any]:
        """Return what commit.lua does. Raises what redis-py raises."""
        expiring = len(commit.retired) + len(commit.forgotten)
        if self._may_begin and len(commit.documents) >= TRANSACTION_FROM and expiring <= _MAX_EXPIRING:
            try:
                return await self._by_transaction(commit, expected, token, due_limit)
            except TransactionsRefusedError as error:
                _LOG.warning("large steps would take less of Redis's time with the rights of transactions: %s", error)
                self._may_begin = False
        return await self._by_script(commit, expected, token, due_limit)

    async def _by_script(self, commit: Commit, expected: str, token: str, due_limit: int) -> Sequence[Any]:
        documents = dict(commit.documents)
        for customer in commit.retired:
            documents[customer] = documents.pop(customer)
        documents |= dict.fromkeys(commit.forgotten, b"")
        keys = [*self._keys, *map(self._prefix.__add__, documents)]
        arguments: list[bytes | str | int] = [
            expected,
            token,
            commit.encoded_state,
            len(commit.retired) + len(commit.forgotten),
            0 if commit.forgotten else self._ttl_s,
            commit.trim,
            len(commit.timers),
            len(commit.idle),
            len(commit.outbox),
            commit.due_before,
            due_limit,
            *commit.outbox,
            *documents.values(),
            *_scores(commit.timers),
            *commit.idle,
        ]
        return await self._script(keys=keys, args=arguments)  # type: ignore[no-any-return]  # redis-py has no type

    async def _by_transaction(self, commit: Commit, expected: str, token: str, due_limit: int) -> Sequence[Any]:
        """What can fail fails before the first write.

        Looking finds keys of another type, and those keys are watched. For a command without its right, a full memory
        or disk, and a server that may not write, Redis refuses the whole.
        """
        meta, timers, outbox, _ = self._keys
        looks: list[Command] = [("HGET", meta, "token"), ("ZCARD", timers), ("LRANGE", outbox, 0, 0)]
        commands = self._commands(commit, expected, token, due_limit)
        while True:
            async with begun(self._client, self._keys, looks) as transaction:
                stored = transaction.found[0] or b""
                if not _is_same(stored, expected):
                    return [0, stored]
                answers = await transaction.execute(commands)
            if answers is not None:
                return [1, *answers[0], *answers[-1]]
            # somebody wrote to a watched key after it was looked at: who claimed the partition, unless it is damage

    def _commands(self, commit: Commit, expected: str, token: str, due_limit: int) -> list[Command]:
        """In the order of commit.lua: if one failed in the middle all the same, the next claim would know."""
        meta, timers, outbox, writing = self._keys
        lasting = dict(commit.documents)
        retired = [(self._prefix + who, lasting.pop(who)) for who in commit.retired]
        commands: list[Command] = [("TIME",), ("SET", writing, f"{expected} {token}")]
        if commit.trim:
            commands.append(("LTRIM", outbox, commit.trim, -1))
        if commit.outbox:
            commands.append(("RPUSH", outbox, *commit.outbox))
        if lasting:
            # also ends the ttl of a document whose customer has come back
            keys = map(self._prefix_bytes.__add__, map(str.encode, lasting))
            commands.append(("MSET", *_in_turns(keys, lasting.values(), len(lasting))))
        commands += [("SET", key, text, "EX", self._ttl_s) for key, text in retired]
        commands += [("EXPIRE", self._prefix + who, 0) for who in commit.forgotten]
        if commit.timers:
            commands.append(("ZADD", timers, *_scores(commit.timers)))
        if commit.idle:
            commands.append(("ZREM", timers, *commit.idle))
        commands.append(("HSET", meta, "token", token, "state", commit.encoded_state))
        commands.append(("ZRANGEBYSCORE", timers, "-inf", commit.due_before, "LIMIT", 0, due_limit))
        return commands


def _is_same(stored: bytes, expected: str) -> bool:
    return stored == expected.encode()


def _scores(timers: Mapping[str, int]) -> list[bytes]:
    """The arguments of ZADD, by time: Redis finds the place of each near that of the one before, still in its cache."""
    by_time = sorted(timers, key=timers.__getitem__)
    times = map(timers.__getitem__, by_time)
    return _in_turns(map(b"%d".__mod__, times), map(str.encode, by_time), len(timers))


def _in_turns(first: Iterable[bytes], second: Iterable[bytes], count: int) -> list[bytes]:
    """The arguments of a command that takes pairs: bytes already, for a step has ten thousands of them."""
    pairs = [b""] * (2 * count)
    pairs[::2] = first
    pairs[1::2] = second
    return pairs
