"""The task that owns one partition of a projection: read, load, fold, commit, ack, publish."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence

from stream import metrics
from stream.agents.agreeing import LOOK_S, Agreeing
from stream.agents.every import Every
from stream.agents.fold_gauges import show_step
from stream.agents.outbox import Outbox
from stream.agents.partition_erasing import Erasing
from stream.agents.projection_inputs import ProjectionBatch, ProjectionInputs, unnoted_ends
from stream.agents.stepping import Stepping
from stream.agents.worker_options import WorkerOptions
from stream.clock import Clock
from stream.events.partitioner import partition_of
from stream.projections.fold_outcome import Outcome
from stream.projections.folding import FoldingPartition, Part
from stream.projections.protocol import Forgetting, Leading
from stream.projections.subjects import ids_in
from stream.storage.outbox_records import decode_record, encode_records
from stream.storage.projection_store import ProjectionStore

__all__ = ["ProjectionWorker"]

#: How often a partition looks what operators want (s); timers that fire in one step.
_LOOK_S, _FIRED_AT_ONCE = 1.0, 1000


class ProjectionWorker:
    """Runs the steps of one partition of a projection, one after the other.

    The order is the core's: store, then ack, then publish. What the store refuses, or does not answer, leads back to
    what is stored. Timers that are due fire between two steps (`stream.projections.protocol`). ``options``: of the
    core, as far as they are of the clock, steps, the outbox and fencing.
    """

    def __init__(
        self,
        partition: FoldingPartition,
        store: ProjectionStore,
        outbox: Outbox,
        inputs: ProjectionInputs,
        clock: Clock,
        options: WorkerOptions,
    ) -> None:
        self.partition = partition
        self.outbox = outbox
        self.inputs = inputs
        self._store = store
        self._clock = clock
        self._options = options
        self._name = partition.projection.name
        self._topics = [source.topic for source in partition.projection.inputs]
        self._erasing = Erasing(options.erasures, store.keys, ids_in)
        self._agreeing = Agreeing(partition, options.consents, options.unread, clock)
        what = f"partition {partition.partition} of projection {self._name}"
        self._stepping = Stepping(what, partition.partition, outbox, inputs, self.claim, options)
        self._waiting: list[deque[ProjectionBatch]] = [deque() for _ in self._topics]
        self._held: set[int] = set()
        #: The input that is read to its end first; None when that is done.
        self._leading: int | None = None
        self._looking = Every(_LOOK_S)
        #: Where dropping the former generation goes on, None when it is done.
        self._dropping: int | None = None
        self.records_stored = 0

    @property
    def signs(self) -> int:
        """Moves with every step, and whenever a server is why there is none."""
        return self._stepping.signs

    @property
    def recovering(self) -> bool:
        """Whether a failure has led back to what is stored, and the way there is not done yet."""
        return self._stepping.is_recovering

    def buffered(self, source: int) -> int:
        """Records of an input that were received and not yet stored."""
        return sum(len(batch.records) for batch in tuple(self._waiting[source]))

    async def claim(self) -> dict[str, int]:
        """Take the partition over; return the stored offset of each input topic that has one."""
        claim = await self._store.claim()
        self.partition.restore(claim.state)
        self.outbox.reset(decode_record(record) for record in claim.outbox)
        self._erasing.reset()
        for waiting in self._waiting:
            waiting.clear()
        for source in self._held:
            self.inputs.release(source)
        self._held.clear()
        self._dropping = 0 if self._store.generation and claim.state is None else None
        self._leading = self._leading_source()
        return self.partition.state.offsets

    def _leading_source(self) -> int | None:
        """The input that leads, unless what is stored has begun with another."""
        projection, stored = self.partition.projection, self.partition.state.offsets
        if not isinstance(projection, Leading) or stored.keys() - {projection.leading}:
            return None
        return self._topics.index(projection.leading)

    def deliver(self, source: int, batch: ProjectionBatch) -> None:
        """Take a fetched batch of input ``source`` in; it is acked when it has been stored."""
        if batch.is_current:
            self._waiting[source].append(batch)
            if source not in self._held and self.buffered(source) >= self._options.step_records:
                self._held.add(source)
                self.inputs.hold(source)
            self._stepping.wake.set()

    async def run(self) -> None:
        """Step until `stop`."""
        await self._stepping.run(self._turn, self._commit_nothing, self._store.check)

    def stop(self, *, lost: bool = False) -> None:
        """End `run` after the step that is under way; of a partition that is ``lost`` nothing more is published."""
        self._stepping.stop(lost=lost)

    async def _turn(self) -> None:
        if self._erasing.is_due(self.partition.state.erased_up_to):
            await self._erase_requested()
        if self._looking.is_due(asyncio.get_running_loop().time()):
            await self._look()
        if await self._stepping.held_back():
            return
        if not (must_wait := any(self._waiting) and await self._agreeing.must_wait()) and (batches := self._take()):
            await self._step(batches)
        elif self.outbox.confirmed or self._erasing.to_note() is not None:
            await self._commit_nothing()
        elif self._dropping is not None:
            self._dropping = await self._store.drop_former(self._dropping) or None
        elif must_wait:
            self._stepping.waited()
            await self._stepping.pause(LOOK_S)
        else:
            await self._stepping.idle(_LOOK_S)

    async def _look(self) -> None:
        """Notice a successor, a new generation, and customers who are to be erased."""
        await self._store.check()
        if customers := await self._store.to_erase():
            await self._erase(sorted(customers))
            await self._store.erased(customers)
        if self.partition.projection.is_timed:
            await self._fire()
        if self._has_read_all() and (ends := unnoted_ends(self.inputs, self._topics, self.partition.state.offsets)):
            self.partition.read(ends)
            await self._commit(self.partition.step(self._clock.now_ms()))

    async def _erase_requested(self) -> None:
        """Delete what is stored of people who are to be erased; that it is done is noted by a later step."""
        up_to, ids = await self._erasing.ids(self.partition.state.erased_up_to)
        self._options.probe("erasing")
        if own := [one for one in ids if self._has(one)]:
            await self._erase(own)
        self._options.probe("erased")
        self._erasing.deleted(up_to, self.outbox.entries)

    def _has(self, customer_id: str) -> bool:
        """Whether something of the customer may be in this partition."""
        count = self._options.partition_count
        erased_in = self.partition.projection.erased_in(customer_id)
        if not count or erased_in is None:
            return True
        return any(partition_of(key, count) == self.partition.partition for key in erased_in)

    async def _erase(self, customers: Sequence[str]) -> None:
        if isinstance(self.partition.projection, Forgetting):
            await self._load_all(self.partition.read_erasure(customers))
            await self._commit(self.partition.step(self._clock.now_ms()))
            return
        keys = self.partition.erase(customers)
        await self._load(keys)
        await self._commit(self.partition.without(keys, customers))

    async def _fire(self) -> None:
        """Publish what is due, once everything that may have been done in time has been read."""
        while (now_ms := self._now_ms()) is not None and self._has_read_all():
            timers = await self._store.due(now_ms, _FIRED_AT_ONCE)
            if not timers:
                return
            await self._load(self.partition.keys_of(timers))
            await self._commit(self.partition.fire(timers, self._clock.now_ms()))

    def _has_read_all(self) -> bool:
        return all(not waiting and self.inputs.at_end(source) for source, waiting in enumerate(self._waiting))

    def _now_ms(self) -> int | None:
        """The time that timers go by: the earlier of two clocks, so that one that is fast does no harm.

        With ``clock=event`` it is the newest event that was folded. None: not known yet.
        """
        if self._options.clock == "event":
            return self.partition.state.stream_time_ms
        at_server_ms = self._store.server_now_ms()
        return None if at_server_ms is None else min(self._clock.now_ms(), at_server_ms)

    async def _load_all(self, missing: Sequence[str]) -> None:
        """Cache the states that the next step needs; ``missing``: the first of them."""
        while missing:
            with self._timed("load"):
                self.partition.remember(missing, await self._store.states(missing))
                missing = self.partition.further()

    async def _load(self, keys: Sequence[str]) -> None:
        """Cache the states of keys that are not cached."""
        if missing := self.partition.missing(keys):
            self.partition.remember(missing, await self._store.states(missing))

    def _take(self) -> list[tuple[int, ProjectionBatch]]:
        """Batches for a step, of each input in its order: whole ones, until there are records enough."""
        taken: list[tuple[int, ProjectionBatch]] = []
        left = self._options.step_records
        first = self._leading
        if first is not None and not self._waiting[first] and self.inputs.at_end(first):
            first = self._leading = None
        for source, waiting in enumerate(self._waiting):
            if first not in {None, source}:
                continue
            while waiting and left > 0:
                taken.append((source, waiting.popleft()))
                left -= len(taken[-1][1].records)
            if source in self._held and self.buffered(source) < self._options.step_records // 2 + 1:
                self._held.remove(source)
                self.inputs.release(source)
        return taken

    async def _step(self, batches: Sequence[tuple[int, ProjectionBatch]]) -> None:
        self._options.probe("polled")
        with self._timed("read"):
            missing = self.partition.read([Part(source, batch.records, batch.next_offset) for source, batch in batches])
        await self._load_all(await self._agreeing.left_out(missing))
        with self._timed("fold"):
            outcome = self.partition.step(self._clock.now_ms())
        self._options.probe("computed")
        await self._commit(outcome)
        self.records_stored += outcome.records
        for _, batch in batches:
            batch.ack()
        self._options.probe("acked")

    async def _commit_nothing(self) -> None:
        """Commit a step without records: it trims the outbox."""
        await self._commit(self.partition.without(()))

    async def _commit(self, outcome: Outcome) -> None:
        trim = self.outbox.confirmed
        if (erased_up_to := self._erasing.to_note()) is not None:
            outcome.state.erased_up_to = erased_up_to
        records = encode_records(outcome.outgoing)
        self._options.probe("script sent")
        with self._timed("commit"):
            await self._store.commit(
                outcome.state, outcome.written, outcome.forgotten, records, trim, outcome.timers, outcome.idle
            )
        self._options.probe("script done")
        self.partition.accept(outcome)
        self._erasing.stored(erased_up_to, trim)
        self.outbox.trimmed(trim)
        self.outbox.add(outcome.outgoing)
        self._stepping.stepped()
        show_step(self._name, outcome)

    def _timed(self, phase: str) -> contextlib.AbstractContextManager[object]:
        return metrics.PROJECTION_STEP.labels(self._name, phase).time()
