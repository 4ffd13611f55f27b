"""Guarantees switched off one at a time; the harness must notice each."""

import dataclasses
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

import stream.agents.app
from stream.agents.input_protocols import EventBatch
from stream.agents.outbox import Outbox
from stream.agents.owner import PartitionInputs
from stream.agents.partition_worker import PartitionWorker
from stream.agents.projection_worker import ProjectionWorker
from stream.agents.publisher import Publisher
from stream.agents.received import Received
from stream.agents.wall_clock import WallClock
from stream.features.codec import LAYOUT
from stream.processing import partition
from stream.processing.align import Aligner, Taken
from stream.processing.state import Outgoing
from stream.projections.folding import Outcome
from stream.storage import scripts, step_writes
from stream.storage.connection import Client
from stream.storage.keys import Keys
from stream.storage.partition_store import Commit, PartitionStore
from stream.storage.transaction import Command

__all__ = ["COMMIT_SCRIPT_EDITS", "MUTANTS"]

#: Mutants that edit the commit script: the original text, and its replacement.
COMMIT_SCRIPT_EDITS = {
    "compare-and-set": ("if stored ~= ARGV[1] then", "if false then"),
    "checks-first": ("local failed = first_failure(checks)", "local failed = false"),
}


def _with_commit_script(text: str, instead: str) -> None:
    script = scripts.script

    def edited(name: str) -> str:
        return script(name).replace(text, instead) if name == "commit.lua" else script(name)

    step_writes.script = edited  # type: ignore[attr-defined]


def _without_compare_and_set() -> None:
    """Every write is accepted, also one of a worker that was superseded."""
    _with_commit_script(*COMMIT_SCRIPT_EDITS["compare-and-set"])
    begin = step_writes.begun  # type: ignore[attr-defined]

    def careless(client: Client, watched: Sequence[str], looks: Sequence[Command]) -> Any:
        return begin(client, [f"{watched[0]}:of-nobody"], looks)

    step_writes.begun = careless  # type: ignore[attr-defined]
    step_writes._is_same = lambda stored, expected: True  # noqa: ARG005 - the names are those of what it replaces


def _without_outbox() -> None:
    """Records are published from memory only."""
    commit = PartitionStore.commit

    async def forgetful(self: PartitionStore, what: Commit, due_limit: int) -> list[str]:
        return await commit(self, dataclasses.replace(what, outbox=(), trim=0), due_limit)

    PartitionStore.commit = forgetful  # type: ignore[method-assign,assignment]


def _without_inherited_documents() -> None:
    """Of a predecessor's outbox everything is published except customers' documents."""
    reset, publish = Outbox.reset, Publisher.publish
    inherited: set[bytes | None] = set()

    def noting(self: Outbox, records: Iterable[Outgoing | None], counts: Iterable[int] | None = None) -> None:
        left = [*records]
        inherited.update(record.value for record in left if record is not None and record.topic.endswith("customers"))
        reset(self, left, counts)

    async def selective(self: Publisher, records: Sequence[Outgoing]) -> None:
        await publish(self, [record for record in records if record.value not in inherited])

    Outbox.reset = noting  # type: ignore[method-assign]
    Publisher.publish = selective  # type: ignore[method-assign]


def _without_projection_atomicity() -> None:
    """A projection writes its states first, and then its offsets."""
    commit = ProjectionWorker._commit

    async def in_two(self: ProjectionWorker, outcome: Outcome) -> None:
        await self._store.commit(
            self.partition.state, outcome.written, outcome.forgotten, (), 0, outcome.timers, outcome.idle
        )
        await commit(self, outcome)

    ProjectionWorker._commit = in_two  # type: ignore[method-assign]


def _without_agreed_layout() -> None:
    """The present layout is written at once, although workers of the release before may be there."""
    agree = stream.agents.app.agree_on_layout  # type: ignore[attr-defined]

    async def hasty(client: Client, keys: Keys, partitions: int, *, writes_editions: bool = False) -> int:
        await agree(client, keys, partitions, writes_editions=writes_editions)
        return LAYOUT

    stream.agents.app.agree_on_layout = hasty  # type: ignore[attr-defined]


def _without_rewind() -> None:
    """After a failed write the log goes on behind what was received, not behind what is stored."""
    rewind = PartitionInputs.rewind

    async def go_on(self: PartitionInputs, offsets: Mapping[str, int]) -> None:
        # a rewind that did nothing would only make the run wait for ever for records received and never stored
        positions = {tp.topic: self._intake().position(tp) for tp in self._tps}
        received = {topic: position.next_offset for topic, position in positions.items() if position is not None}
        await rewind(self, {**offsets, **received})

    PartitionInputs.rewind = go_on  # type: ignore[method-assign]


def _without_alignment() -> None:
    """Whatever has arrived is processed at once."""
    take = Aligner.take

    def hasty(self: Aligner, at_end: Sequence[bool], limit: int) -> Taken | None:
        return take(self, [True] * len(at_end), limit)

    def no_one(self: Aligner, at_end: Sequence[bool]) -> list[int]:
        return []

    def at_once(self: Received) -> float:
        return 0.0

    Aligner.take = hasty  # type: ignore[method-assign]
    # a wait for a larger step would also wait for lagging inputs
    Received.gather_s = at_once  # type: ignore[method-assign]
    Aligner.waiting_for = no_one  # type: ignore[method-assign]


def _without_safe_ack() -> None:
    """A batch is acknowledged when it arrives."""
    deliver = PartitionWorker.deliver

    def hasty(self: PartitionWorker, source: int, batch: EventBatch) -> None:
        deliver(self, source, batch)
        batch.ack()

    PartitionWorker.deliver = hasty  # type: ignore[method-assign]


def _without_checks_first() -> None:
    """A script writes until something fails, and leaves what it has written."""
    _with_commit_script(*COMMIT_SCRIPT_EDITS["checks-first"])
    # transactions need no checks of that kind
    step_writes.TRANSACTION_FROM = sys.maxsize  # type: ignore[misc]


def _without_quarantine() -> None:
    """The events of a customer who is set aside are dropped."""

    def eaten(taken: Taken, customers: Collection[str]) -> Taken:
        kept = [k for k, customer in enumerate(taken.customer_ids) if customer not in customers]
        return taken.only(np.array(kept, np.int64))

    partition.set_aside = eaten  # type: ignore[attr-defined]


def _without_second_clock() -> None:
    """Stream time follows whatever clock a worker has."""

    def trusting(self: WallClock) -> bool:
        return True

    WallClock._is_right = trusting  # type: ignore[method-assign]


MUTANTS: Mapping[str, Callable[[], Any]] = {
    "compare-and-set": _without_compare_and_set,
    "outbox": _without_outbox,
    "rewind": _without_rewind,
    "alignment": _without_alignment,
    "safe-ack": _without_safe_ack,
    "checks-first": _without_checks_first,
    "quarantine": _without_quarantine,
    "second-clock": _without_second_clock,
    "inherited-documents": _without_inherited_documents,
    "projection-atomicity": _without_projection_atomicity,
    "agreed-layout": _without_agreed_layout,
}
