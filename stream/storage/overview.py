"""Reading what workers have stored, from outside: totals, models, customers. Writes nothing, claims nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from stream.errors import CodecError, StorageError
from stream.events.partitioner import partition_of
from stream.processing.editions import is_empty, merged_into
from stream.processing.state import Counters, PartitionState
from stream.settings import Settings
from stream.storage.connection import connect_or_explain
from stream.storage.damage import OR_REPLAY, state_in
from stream.storage.desk import LOOK_AT_ONCE, Desk
from stream.storage.keys import Keys
from stream.storage.tokens import worker_of

__all__ = ["MAX_PARTITIONS", "Overview", "PartitionTotals", "TrainerPosition"]

#: As many partitions as the settings allow; a customer is looked for in all of them.
MAX_PARTITIONS = 10_000

_TIMEOUT_S = 15.0


class _LastEvent(msgspec.Struct):
    last_at: datetime | None = None


_last_at = msgspec.json.Decoder(_LastEvent)


@dataclass(frozen=True, slots=True)
class PartitionTotals:
    """All partitions together.

    ``claimed``: partitions that have had an owner. ``owners``: the workers that own them now. ``stream_time_ms``: of
    the partition that is furthest. ``due``: timers that stream time has passed and that have not fired yet; ``outbox``:
    records stored and not yet published. ``quarantined``: customers who are set aside.
    ``never_rescored``: partitions with events whose customers have not all been looked at with a model.
    """

    counters: Counters
    claimed: int
    owners: frozenset[str]
    stream_time_ms: int | None
    due: int
    outbox: int
    quarantined: int = 0
    never_rescored: int = 0


@dataclass(frozen=True, slots=True)
class TrainerPosition:
    """``owner``: the worker that learns, empty before there was one. ``offset``: of the next example to learn."""

    owner: str
    offset: int


class Overview(Desk):
    """A reader of the namespace of ``settings``. Every method raises `StorageError` when Redis fails."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(connect_or_explain(settings, timeout_s=_TIMEOUT_S))
        self._keys = Keys(settings.namespace)
        self._partitions = settings.partitions

    def totals(self) -> PartitionTotals:
        """Add up the partitions.

        Counters, timers and outboxes are read in this order: when the counters say that all events are in, no timer is
        due and the outboxes are empty, then nothing more will come.
        """
        metas = self._pipelined([("HMGET", self._keys.meta(p), "epoch", "token", "state") for p in self._range])
        states = [state_in(state, p) or PartitionState() for p, (_, _, state) in zip(self._range, metas, strict=True)]
        times = [state.stream_time_ms for state in states]
        due = self._pipelined(
            [
                ("ZCOUNT", self._keys.timers(p), "-inf", f"({times[p]}" if times[p] is not None else "-inf")
                for p in self._range
            ]
        )
        outbox = self._pipelined([("LLEN", self._keys.outbox(p)) for p in self._range])
        return PartitionTotals(
            counters=_sum([state.counters for state in states]),
            claimed=sum(epoch is not None for epoch, _, _ in metas),
            owners=frozenset(worker_of(token) for _, token, _ in metas if token),
            stream_time_ms=max((time for time in times if time is not None), default=None),
            due=sum(due),
            outbox=sum(outbox),
            quarantined=sum(len(state.quarantined) for state in states),
            never_rescored=sum(
                state.stream_time_ms is not None and state.rescored.stream_time_ms is None for state in states
            ),
        )

    def offsets(self) -> dict[tuple[str, int], int]:
        """The next offset to take in, by topic and partition; without those of which nothing was taken in."""
        states = self._pipelined([("HGET", self._keys.meta(p), "state") for p in self._range])
        return {
            (topic, partition): offset
            for partition, stored in zip(self._range, states, strict=True)
            if (state := state_in(stored, partition)) is not None
            for topic, offset in state.offsets.items()
        }

    def trainer(self) -> TrainerPosition:
        """How far the trainer's checkpoint is."""
        ((token, offset),) = self._pipelined([("HMGET", self._keys.checkpoint(), "token", "offset")])
        if offset is not None and not offset.isdigit():
            raise StorageError(
                f"the offset of the trainer in Redis is {offset[:40]!r}, not a number: restore the key "
                f"{self._keys.checkpoint()} from a backup, {OR_REPLAY}"
            )
        return TrainerPosition(worker_of(token or b""), int(offset or 0))

    def snapshot(self) -> bytes | None:
        """Return the encoded model snapshot, None while there is none."""
        (found,) = self._pipelined([("GET", self._keys.snapshot())])
        return None if found is None else bytes(found)

    def documents(self) -> Iterator[bytes]:
        """All customer documents, in no order; those written meanwhile may be missing or come twice.

        Without those of customers who are others now. Damaged ones are among them; one is empty where its key holds
        another type.
        """
        found = self._every(self._keys.customer_pattern(), otherwise=b"")
        return (document for document in found if not _is_empty(document))

    def found_as(self, customer_id: str) -> tuple[str, tuple[int, bytes] | None]:
        """Who a customer is now, and what `find` finds of them: of one who is another one now, that of the other."""
        found, seen = self.find(customer_id), {customer_id}
        while found is not None and (into := merged_into(found[1])) is not None and into not in seen:
            seen.add(into)
            customer_id, found = into, self.find(into)
        return customer_id, None if found is None or is_empty(found[1]) else found

    def find(self, customer_id: str) -> tuple[int, bytes] | None:
        """Partition and document of a customer.

        It is looked for where the number of partitions in the settings says, and then everywhere: the number may be
        set wrong here.
        """
        expected = partition_of(customer_id, self._partitions)
        (found,) = self._pipelined([("GET", self._keys.customer(expected, customer_id))])
        if found is not None:
            return expected, bytes(found)
        for first in range(0, MAX_PARTITIONS, LOOK_AT_ONCE):
            there = self._pipelined(
                [("GET", self._keys.customer(p, customer_id)) for p in range(first, first + LOOK_AT_ONCE)]
            )
            for offset, found in enumerate(there):
                if found is not None:
                    return first + offset, bytes(found)
        return None

    def last_events(self, customer_ids: Sequence[str]) -> dict[str, int]:
        """For those of ``customer_ids`` that workers know: the time of their newest event, ms since the epoch.

        Customers are looked for in their own partition only. Of those who are others now, and of those whose document
        cannot be read, workers know none.
        """
        keys = [self._keys.customer(partition_of(one, self._partitions), one) for one in customer_ids]
        found = self._pipelined([("GET", key) for key in keys])
        documents = zip(customer_ids, found, strict=True)
        times = {one: _last_event_at(document) for one, document in documents if document is not None}
        return {one: round(at.timestamp() * 1000) for one, at in times.items() if at is not None}

    def key(self, partition: int, customer_id: str) -> str:
        """Key of a customer's document."""
        return self._keys.customer(partition, customer_id)

    @property
    def _range(self) -> range:
        return range(self._partitions)


def _is_empty(document: bytes) -> bool:
    try:
        return is_empty(document)
    except CodecError:
        return False  # whoever reads it says that it is damaged


def _last_event_at(document: bytes) -> datetime | None:
    """When the newest event was that a document counts; None: there is none, or it is damaged."""
    try:
        return None if is_empty(document) else _last_at.decode(document).last_at
    except (CodecError, msgspec.MsgspecError):
        return None


def _sum(counters: list[Counters]) -> Counters:
    return Counters(*(sum(getattr(of_one, name) for of_one in counters) for name in Counters.__struct_fields__))
