"""The task that owns one partition index: decode, align, step, commit, ack, sweep."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from stream import metrics
from stream.agents.computing import Computing
from stream.agents.every import Every
from stream.agents.input_protocols import EventBatch, Inputs
from stream.agents.observation import observe_outcome, observe_step
from stream.agents.outbox import Outbox
from stream.agents.pace import Rest
from stream.agents.partition_erasing import Erasing
from stream.agents.received import Received
from stream.agents.rescoring_task import Rescoring
from stream.agents.stepping import Stepping
from stream.agents.storing import commit_of, tell_of_torn_step, unpublished
from stream.agents.wall_clock import WallClock
from stream.agents.worker_options import WorkerOptions
from stream.clock import Clock
from stream.events.decode import Decoder
from stream.events.partitioner import partition_of
from stream.processing.align import Taken
from stream.processing.erased import refuse_erased
from stream.processing.partition import Partition
from stream.processing.scorer import Scorer
from stream.processing.state import Outgoing
from stream.processing.step_outcome import StepOutcome
from stream.storage.partition_store import Claim, PartitionStore, TimerStanding

__all__ = ["PartitionWorker"]

_LOG = logging.getLogger(__name__)

#: How often an idle partition looks for timers that the wall clock has made due.
_TICK_S = 1.0


class PartitionWorker:
    """Runs the steps of one partition, one after the other.

    Commit order, see `PartitionStore`: store, then ack, then publish; a failure before the store has answered leads
    back to what is stored (`Recovery`), never forward.
    """

    def __init__(
        self,
        partition: Partition,
        store: PartitionStore,
        decoder: Decoder,
        outbox: Outbox,
        inputs: Inputs,
        scorer: Callable[[], Scorer],
        clock: Clock,
        options: WorkerOptions,
    ) -> None:
        self.partition = partition
        self.outbox = outbox
        self._store = store
        self.inputs = inputs
        self._scorer = scorer
        self._clock = clock
        self._options = options
        self._received = Received(partition.partition, decoder, inputs, clock, options)
        self._computing = Computing(partition, store, scorer, clock, options)
        self._rest = Rest()
        self._looking_for_released = Every(_TICK_S)
        self.wall_clock = WallClock(
            partition, self._rest, clock, options.second_clock or store.server_clock.now_ms, options
        )
        self._rescoring = Rescoring(store, options)
        self._erasing = Erasing(options.erasures, store.customers, lambda customer: (customer,))
        #: Whether the last turn was one of rescoring: events that wait come in between.
        self._has_rescored = False
        self._due: list[str] = []
        self._knows_due = False
        self.steps = 0
        self.records_stored = 0
        #: When features of customers were last stored by this worker, None before.
        self.stored_at_ms: int | None = None
        what = f"partition {partition.partition}"
        self._stepping = Stepping(what, partition.partition, outbox, inputs, self.claim, options)

    async def claim(self) -> dict[str, int]:
        """Take the partition over; return the stored offset of each input topic that has one."""
        claim = await self._store.claim()
        self._begin(claim, *await unpublished(claim, self._store))
        return self.partition.state.offsets

    def deliver(self, source: int, batch: EventBatch) -> None:
        """Take a fetched batch of input ``source`` in; it is acked when its last record has been stored."""
        if batch.is_current:
            self._received.add(source, batch)
            self._stepping.wake.set()

    @property
    def signs(self) -> int:
        """Moves with every step, and whenever a server, or an input that lags, is why there is none."""
        return self._stepping.signs + self._received.waits

    @property
    def recovering(self) -> bool:
        """Whether a failure has led back to what is stored, and the way there is not done yet."""
        return self._stepping.is_recovering

    @property
    def is_behind(self) -> bool:
        """Whether events have waited for long; see `Received.is_behind`."""
        return self._received.is_behind

    def buffered(self, source: int) -> int:
        """Records of an input that were received and not yet stored."""
        return self._received.count(source)

    def oldest_appended_at_ms(self, source: int) -> int | None:
        """When the oldest record of an input that was received and not yet stored was appended; None: there is none."""
        return self._received.oldest_appended_at_ms(source)

    async def timers(self) -> TimerStanding:
        """How the timers stand at stream time, from the store. Raises `StorageError`."""
        return await self._store.timers(self.partition.state.stream_time_ms or 0)

    async def run(self) -> None:
        """Step until `stop`."""
        await self._stepping.run(self._turn, self._commit_nothing, self._store.verify)

    def stop(self, *, lost: bool = False) -> None:
        """End `run` after the step that is under way; of a partition that is ``lost`` nothing more is published."""
        self._stepping.stop(lost=lost)

    async def _turn(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if await self._stepping.held_back():
            return
        if self._erasing.is_due(self.partition.state.erased_up_to):
            await self._erase()
        elif self.partition.state.quarantined and self._looking_for_released.is_due(now_s):
            await self._release()
        elif self._due:
            await self._sweep(self._due)
        elif self._rescores(now_s):
            await self._rescore(now_s)
        elif (gather_s := self._received.gather_s()) > 0.0:
            await self._stepping.idle(gather_s)
        elif (taken := self._received.take()) is not None:
            await self._step(taken)
        elif self._has_something_to_note() or self.wall_clock.moves(now_s):
            await self._commit_nothing()
        else:
            await self._wait()

    def _has_something_to_note(self) -> bool:
        return bool(self.outbox.confirmed) or not self._knows_due or self._erasing.to_note() is not None

    def _rescores(self, now_s: float) -> bool:
        """Whether to look at some of all customers now; note whether there is rest."""
        scorer = self._scorer()
        self._rest.look(now_s, is_idle=self._received.is_idle, version=scorer.model.version)
        if self._rescoring.is_under_way and self._has_rescored and not self._rest.is_idle:
            self._has_rescored = False
            return False
        self._has_rescored = self._knows_due and self._rescoring.is_next(
            self.partition.state, scorer, self._rest, now_s, self._clock.now_ms()
        )
        return self._has_rescored

    async def _rescore(self, now_s: float) -> None:
        customers = await self._rescoring.customers(now_s)
        self._options.probe("rescoring")
        await self._computing.load(customers)
        tells_all = self._rescoring.is_asked_for(self.partition.state)
        outcome = await self._computing.sweep(customers, looks_at_all=True, tells_all=tells_all)
        if not self._rescoring.is_under_way:
            outcome.state.rescored = done = self._rescoring.done(outcome.state, self._scorer())
            count = done.customers
            _LOG.info("partition %d: all %d customers are scored again", self.partition.partition, count)
        elif not customers:
            return
        await self._commit(outcome)
        metrics.RESCORED_CUSTOMERS.inc(len(customers))

    async def _erase(self) -> None:
        """Delete what is stored of people who are to be erased; that it is done is noted by a later step."""
        up_to, ids = await self._erasing.ids(self.partition.state.erased_up_to)
        of_partition = self._options.partition_count
        own = [one for one in ids if not of_partition or partition_of(one, of_partition) == self.partition.partition]
        self._options.probe("erasing")
        if own:
            await self._commit(self.partition.erase(own, self._scorer(), self._clock.now_ms()))
        self._options.probe("erased")
        self._erasing.deleted(up_to, self.outbox.entries)

    async def _release(self) -> None:
        """Process customers again whom an operator has released; a request for any other is done already."""
        wanted = await self._store.released()
        if wanted & self.partition.state.quarantined.keys():
            await self._commit(self.partition.release(wanted, self._scorer(), self._clock.now_ms()))
        if wanted:
            await self._store.forget_released(wanted)

    async def _wait(self) -> None:
        timeout_s = _TICK_S
        if self._received.is_waiting:
            # its end gives no signal: look again soon
            timeout_s = min(timeout_s, 0.05)
        if not await self._stepping.idle(timeout_s) and timeout_s == _TICK_S:
            # an idle partition writes nothing, and would not notice that it was taken over or that its state is gone
            await self._store.verify()

    async def _step(self, taken: Taken) -> None:
        self._options.probe("polled")
        taken, erasures = self.partition.sort_out(taken), self._options.erasures
        if not erasures.is_empty:
            taken = refuse_erased(taken, erasures.refuses)
        with metrics.STEP.labels("load").time():
            taken = await self._computing.load_step(taken)
        with metrics.STEP.labels("advance").time():
            outcome = await self._computing.step(taken)
        self._options.probe("computed")
        await self._commit(outcome)
        self._received.note_step(taken.records_in, len(outcome.documents))
        self.records_stored += taken.records_in
        observe_step(taken, len(outcome.documents), self._clock.now_ms())
        for batch in taken.finished:
            batch.ack()
        self._options.probe("acked")

    async def _sweep(self, due: Sequence[str]) -> None:
        await self._computing.load(due)
        await self._commit(await self._computing.sweep(due))

    async def _commit_nothing(self) -> None:
        """Commit a step without events: it trims the outbox, follows the clock, and learns which timers are due."""
        await self._commit(self.partition.sweep((), self._scorer(), self._clock.now_ms()))

    async def _commit(self, outcome: StepOutcome) -> None:
        trim = self.outbox.confirmed
        if (erased_up_to := self._erasing.to_note()) is not None:
            outcome.state.erased_up_to = erased_up_to
        commit = commit_of(outcome, trim, for_release_before=self._options.for_release_before)
        self._options.probe("script sent")
        with metrics.STEP.labels("commit").time():
            self._due = await self._store.commit(commit, self._options.sweep_customers)
        self._knows_due = True
        self._options.probe("script done")
        self.partition.accept(outcome)
        self._erasing.stored(erased_up_to, trim)
        self.outbox.trimmed(trim)
        self.outbox.add(outcome.outgoing, commit.outbox_counts)
        self.steps += 1
        self._stepping.stepped()
        if outcome.documents:
            self.stored_at_ms = self._clock.now_ms()
        observe_outcome(outcome)

    def _begin(self, claim: Claim, records: Iterable[Outgoing | None], counts: Iterable[int]) -> None:
        tell_of_torn_step(self.partition.partition, claim)
        self.partition.restore(claim.state)
        self.outbox.reset(records, counts)
        self._received.clear()
        self._due = []
        self._rescoring.reset()
        self._erasing.reset()
        # only a commit tells what is due, and the former owner may have died before it fired that
        self._knows_due = self.partition.state.stream_time_ms is None
