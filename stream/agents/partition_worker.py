"""The task that owns one partition index: decode, align, step, commit, ack, sweep."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from stream import metrics
from stream.agents.observation import observe_delays, observe_outcome
from stream.agents.outbox import Outbox
from stream.agents.pace import Rest, follows_wall_clock
from stream.agents.rescoring import Rescoring
from stream.agents.waiting import pause, wait_until_set
from stream.clock import Clock
from stream.errors import CodecError, DamagedProfileError, FencedError, StorageError, SystematicError
from stream.events.decode import Decoder, Record
from stream.events.kinds import EventType
from stream.events.withheld import without_text
from stream.processing.align import Aligner, Taken
from stream.processing.isolation import NOT_OF_AN_EVENT, isolate
from stream.processing.partition import Outcome, Partition
from stream.processing.scorer import Scorer
from stream.storage.partition_store import Claim, Commit, PartitionStore, TimerStanding, decode_record, encode_record

__all__ = ["Batch", "Inputs", "PartitionWorker", "WorkerOptions", "no_probe"]

_LOG = logging.getLogger(__name__)

_TYPES = tuple(EventType)
#: How often an idle partition looks for timers that the wall clock has made due.
_TICK_S = 1.0
#: About so many customers at most in a step: one script call writes all their documents, and Redis does nothing else.
_STEP_CUSTOMERS = 8000
#: The wall clock moves stream time this much behind itself, so that events under way still arrive in order.
_CLOCK_GRACE_MS = 10_000
_FIRST_RETRY_S, _LAST_RETRY_S = 0.05, 5.0
#: How long a worker that stops waits for the broker to confirm its outbox.
_HAND_OVER_S = 2.0


class Batch(Protocol):
    """A fetched batch of records of one topic partition."""

    @property
    def records(self) -> Sequence[Record]: ...
    @property
    def is_current(self) -> bool: ...
    def ack(self) -> object: ...


class Inputs(Protocol):
    """The transport as one partition index sees it; ``source`` is the position of the topic."""

    def at_end(self, source: int) -> bool:
        """Whether everything that is in the log of this input has been received."""
        ...

    def hold(self, source: int) -> None:
        """Stop fetching this input for now."""
        ...

    def release(self, source: int) -> None:
        """Fetch this input again."""
        ...

    async def rewind(self, offsets: Mapping[str, int]) -> None:
        """Go back to these offsets by topic, without one to the beginning; older batches are not current any more."""
        ...


def no_probe(_point: str) -> None:
    """Do nothing at a named point of a step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """``clock``, ``clock_quiet_s``: see `stream.agents.pace`. ``rescore``: ``auto``, or only when ``asked``, which
    counts requests; ``rest_s``: for how long nothing new must have come before; ``period_ms``: of landmarks, see
    `stream.processing.rescoring`. ``gather_s``: how long a partition that lags waits for a larger step.
    ``outbox_limit``: unpublished records at which a partition stops taking events. ``sweep_customers``: most due
    customers in one sweep. ``fenced_wait_s``: how long a worker that was superseded waits for its revocation before it
    claims again. ``probe``: called at the named points of a step (fault injection in tests).
    """

    clock: str = "auto"
    clock_quiet_s: float = 300.0
    rescore: str = "auto"
    asked: Callable[[], int] = lambda: 0
    rest_s: float = 5.0
    period_ms: int = 7 * 86_400_000
    step_records: int = 2000
    align_wait_s: float = 5.0
    gather_s: float = 0.2
    outbox_limit: int = 20_000
    sweep_customers: int = 4000
    fenced_wait_s: float = 10.0
    probe: Callable[[str], None] = no_probe


class PartitionWorker:
    """Runs the steps of one partition, one after the other.

    Commit order, see `PartitionStore`: store, then ack, then publish; a failure before the store has answered leads
    back to what is stored (`_recover`), never forward.
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
        self._decoder = decoder
        self.inputs = inputs
        self._scorer = scorer
        self._clock = clock
        self._options = options
        self._aligner = Aligner(len(_TYPES))
        self._rest = Rest()
        self._rescoring = Rescoring(
            store,
            options.asked,
            is_automatic=options.rescore == "auto",
            rest_s=options.rest_s,
            period_ms=options.period_ms,
        )
        #: Whether the last turn was one of rescoring: events that wait come in between.
        self._has_rescored = False
        self._held: set[int] = set()
        self._given_up: set[int] = set()
        #: Records of an input that are enough to have in memory: the inputs together fill a step.
        self._enough = math.ceil(options.step_records / len(_TYPES))
        #: Of the last step; customers who come again soon are written once.
        self._customers_per_record = 1.0
        self._due: list[str] = []
        self._knows_due = False
        self._wake = asyncio.Event()
        self._waiting_since: float | None = None
        self._gathering_since: float | None = None
        self._released_looked_at = -math.inf
        self._stopping = False
        self._publishing: asyncio.Task[None] | None = None
        self.steps = 0
        self.records_stored = 0
        #: Moves with every step, and whenever a server, or an input that lags, is why there is none.
        self.signs = 0
        #: When features of customers were last stored by this worker, None before.
        self.stored_at_ms: int | None = None
        #: Whether a failure has led back to what is stored, and the way there is not done yet.
        self.recovering = False

    async def claim(self) -> dict[str, int]:
        """Take the partition over; return the stored offset of each input topic that has one."""
        claim = await self._store.claim()
        self._begin(claim)
        return self.partition.state.offsets

    def deliver(self, source: int, batch: Batch) -> None:
        """Take a fetched batch of input ``source`` in; it is acked when its last record has been stored."""
        if not batch.is_current:
            return
        records = batch.records
        with metrics.STEP.labels("decode").time():
            decoded = self._decoder.decode(_TYPES[source], records)
        offsets = np.fromiter((record.offset for record in records), np.int64, len(records))
        self._aligner.push(source, batch, offsets, records, decoded)
        self._given_up.discard(source)
        if self._aligner.buffered(source) >= self._enough and source not in self._held:
            self._held.add(source)
            self.inputs.hold(source)
        self._wake.set()

    def buffered(self, source: int) -> int:
        """Records of an input that were received and not yet stored."""
        return self._aligner.buffered(source)

    def oldest_appended_at_ms(self, source: int) -> int | None:
        """When the oldest record of an input that was received and not yet stored was appended; None: there is none."""
        record = self._aligner.oldest(source)
        return None if record is None else int(record.timestamp)

    async def timers(self) -> TimerStanding:
        """How the timers stand at stream time, from the store. Raises `StorageError`."""
        return await self._store.timers(self.partition.state.stream_time_ms or 0)

    async def run(self) -> None:
        """Step until `stop`."""
        self._start_publishing()
        try:
            while not self._stopping:
                try:
                    await self._turn()
                except CodecError as error:
                    raise SystematicError(f"stored bytes cannot be read: {error}") from error
                except StorageError as error:
                    await self._recover(error)
            await self._hand_over()
        finally:
            await self._stop_publishing()

    def stop(self) -> None:
        """End `run` after the step that is under way."""
        self._stopping = True
        self._wake.set()

    async def _turn(self) -> None:
        if self._publishing is not None and self._publishing.done():
            self._publishing.result()  # it ends only by an error that no code expected: nothing would be published
        if self.outbox.depth >= self._options.outbox_limit:
            # back-pressure while the broker is away; bounded, so that `stop` is seen
            self.signs += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self.outbox.below(self._options.outbox_limit)
        elif self.partition.state.quarantined and self._may_look_for_released():
            await self._release()
        elif self._due:
            await self._sweep(self._due)
        elif self._rescores():
            await self._rescore()
        elif (gather_s := self._gather_s()) > 0.0:
            await wait_until_set(self._wake, gather_s)
        elif (taken := self._take()) is not None:
            await self._step(taken)
        elif self.outbox.confirmed or not self._knows_due or self._clock_moved():
            await self._commit(self.partition.sweep((), self._scorer(), self._clock.now_ms()))
        else:
            await self._wait()

    def _rescores(self) -> bool:
        """Whether to look at some of all customers now; note whether there is rest."""
        now_s, scorer = asyncio.get_running_loop().time(), self._scorer()
        self._rest.look(now_s, is_idle=self._is_idle(), version=scorer.model.version)
        if self._rescoring.is_under_way and self._has_rescored and not self._rest.is_idle:
            self._has_rescored = False
            return False
        self._has_rescored = self._knows_due and self._rescoring.begin_if_due(
            self.partition.state, scorer, self._rest, now_s, self._clock.now_ms()
        )
        return self._has_rescored

    def _is_idle(self) -> bool:
        return not any(
            self._aligner.buffered(source) or not self.inputs.at_end(source) for source in range(len(_TYPES))
        )

    async def _rescore(self) -> None:
        customers = await self._rescoring.customers(asyncio.get_running_loop().time())
        self._options.probe("rescoring")
        await self._load(customers)
        outcome = self._fire(customers, looks_at_all=True)
        if not self._rescoring.is_under_way:
            outcome.state.rescored = done = self._rescoring.done(outcome.state, self._scorer())
            count = done.customers
            _LOG.info("partition %d: everybody is scored again, %d in all", self.partition.partition, count)
        elif not customers:
            return
        await self._commit(outcome)

    def _may_look_for_released(self) -> bool:
        now = asyncio.get_running_loop().time()
        if now < self._released_looked_at + _TICK_S:
            return False
        self._released_looked_at = now
        return True

    async def _release(self) -> None:
        """Process customers again whom an operator has released; a request for any other is done already."""
        wanted = await self._store.released()
        if wanted & self.partition.state.quarantined.keys():
            await self._commit(self.partition.release(wanted, self._scorer(), self._clock.now_ms()))
        if wanted:
            await self._store.forget_released(wanted)

    async def _hand_over(self) -> None:
        """Publish and trim what is left; whatever is not trimmed the next owner sends again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_HAND_OVER_S):
                await self.outbox.below(1)
        if self.outbox.confirmed:
            try:
                await self._commit(self.partition.sweep((), self._scorer(), self._clock.now_ms()))
            except StorageError as error:
                _LOG.info("the outbox of partition %d is left untrimmed: %s", self.partition.partition, error)

    async def _wait(self) -> None:
        timeout_s = _TICK_S
        if self._waiting_since is not None:
            # an input that lags gives no signal when its log turns out to be at its end: look again soon
            timeout_s = min(timeout_s, 0.05)
        if not await wait_until_set(self._wake, timeout_s) and timeout_s == _TICK_S:
            # an idle partition writes nothing, and would not notice that it was taken over or that its state is gone
            await self._store.verify()

    def _gather_s(self) -> float:
        """How long to wait for more records of an input that lags, 0.0 if not at all.

        Nobody waits for a partition that lags; what it needs is that the many events of a customer are written once.
        An input that brings little holds back the others, of which there may be plenty.
        """
        counts = [self._aligner.buffered(source) for source in range(len(_TYPES))]
        little = [source for source, count in enumerate(counts) if count < self._enough]
        if not any(counts) or all(self._holds_nothing_back(source) for source in little):
            self._gathering_since = None
            return 0.0
        now = asyncio.get_running_loop().time()
        if self._gathering_since is None:
            self._gathering_since = now
        return self._gathering_since + self._options.gather_s - now

    def _take(self) -> Taken | None:
        self._gathering_since = None
        most = min(self._options.step_records, math.ceil(_STEP_CUSTOMERS / self._customers_per_record))
        taken = self._aligner.take(self._at_end(), most)
        for source in tuple(self._held):
            if self._aligner.buffered(source) < self._enough // 2 + 1:
                self._held.remove(source)
                self.inputs.release(source)
        return taken

    def _at_end(self) -> list[bool]:
        """Inputs that hold nothing back: at the end of their log, or given up until they bring something."""
        at_end = [self._holds_nothing_back(source) for source in range(len(_TYPES))]
        lagging = self._aligner.waiting_for(at_end)
        now = asyncio.get_running_loop().time()
        self.signs += bool(lagging)
        if not lagging:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now
        elif now - self._waiting_since >= self._options.align_wait_s:
            _LOG.warning("partition %d goes on without inputs %s, which lag", self.partition.partition, lagging)
            self._given_up.update(lagging)
            self._waiting_since = None
            at_end = [end or source in self._given_up for source, end in enumerate(at_end)]
        return at_end

    def _holds_nothing_back(self, source: int) -> bool:
        return self.inputs.at_end(source) or source in self._given_up

    async def _step(self, taken: Taken) -> None:
        self._options.probe("polled")
        taken = self.partition.sort_out(taken)
        with metrics.STEP.labels("load").time():
            await self._load(taken.row_of)
        with metrics.STEP.labels("advance").time():
            outcome = self._compute(taken)
        self._options.probe("computed")
        await self._commit(outcome)
        self._customers_per_record = max(len(outcome.documents), 1) / taken.records_in
        self.records_stored += taken.records_in
        observe_delays(taken, self._clock.now_ms())
        for batch in taken.finished:
            batch.ack()
        self._options.probe("acked")
        metrics.BATCHES.inc()
        metrics.BATCH_EVENTS.observe(taken.records_in)
        metrics.BATCH_CUSTOMERS.observe(len(outcome.documents))

    def _compute(self, taken: Taken) -> Outcome:
        while True:
            try:
                return self._compute_isolated(self.partition.set_aside(taken))
            except DamagedProfileError as error:
                self._quarantine(error)

    def _quarantine(self, error: DamagedProfileError) -> None:
        self.partition.quarantine(error)
        self._tell_of(error)

    def _tell_of(self, error: DamagedProfileError) -> None:
        number = self.partition.partition  # who it is stays out of logs
        _LOG.error("a customer of partition %d is set aside; `stream quarantine list` says who: %s", number, error)

    def _compute_isolated(self, taken: Taken) -> Outcome:
        scorer, now_ms = self._scorer(), self._clock.now_ms()
        try:
            return self.partition.step(taken, scorer, now_ms)
        except NOT_OF_AN_EVENT:
            raise
        except Exception as error:  # noqa: BLE001 - one bad record must not stop a partition; what is not one is raised
            number = self.partition.partition
            _LOG.error("a step of partition %d failed; looking for the event", number, exc_info=without_text(error))
            good = isolate(taken, lambda part: self.partition.step(part, scorer, now_ms))
            return self.partition.step(good, scorer, now_ms)

    async def _sweep(self, due: Sequence[str]) -> None:
        await self._load(due)
        await self._commit(self._fire(due))

    def _fire(self, customers: Sequence[str], *, looks_at_all: bool = False) -> Outcome:
        while True:
            try:
                return self.partition.sweep(customers, self._scorer(), self._clock.now_ms(), looks_at_all=looks_at_all)
            except DamagedProfileError as error:
                self._quarantine(error)

    async def _load(self, customers: Iterable[str]) -> None:
        missing = self.partition.missing(customers)
        if missing:
            documents = await self._store.documents(missing)
            for error in self.partition.remember(missing, documents):
                self._tell_of(error)

    async def _commit(self, outcome: Outcome) -> None:
        trim = self.outbox.confirmed
        commit = Commit(
            state=outcome.state,
            documents=outcome.documents,
            timers=outcome.timers,
            idle=outcome.idle,
            retired=outcome.retired,
            outbox=[encode_record(record) for record in outcome.outgoing],
            trim=trim,
        )
        self._options.probe("script sent")
        with metrics.STEP.labels("commit").time():
            self._due = await self._store.commit(commit, self._options.sweep_customers)
        self._knows_due = True
        self._options.probe("script done")
        self.partition.accept(outcome)
        self.outbox.trimmed(trim)
        self.outbox.add(outcome.outgoing)
        self.steps += 1
        self.signs += 1
        if outcome.documents:
            self.stored_at_ms = self._clock.now_ms()
        observe_outcome(outcome)

    def _clock_moved(self) -> bool:
        """Move stream time with the wall clock, where that is what this partition lives by."""
        if not self._is_idle():
            return False
        state, now_ms = self.partition.state, self._clock.now_ms()
        idle_s = self._rest.idle_s(asyncio.get_running_loop().time())
        if not follows_wall_clock(
            self._options.clock, state, now_ms, idle_s=idle_s, quiet_s=self._options.clock_quiet_s
        ):
            return False
        target_ms = now_ms - _CLOCK_GRACE_MS
        if state.stream_time_ms is not None and target_ms < state.stream_time_ms + _TICK_S * 1000:
            return False
        return self.partition.at_time(target_ms, live=True)

    async def _recover(self, error: StorageError) -> None:
        """Go back to what is stored: claim, forget everything in flight, read the log again from there."""
        reason = "fenced" if isinstance(error, FencedError) else "storage"
        metrics.COMMIT_REJECTED.labels(reason).inc()
        self.recovering = True
        self.signs += 1
        _LOG.warning("partition %d goes back to what is stored: %s", self.partition.partition, error)
        await self._stop_publishing()
        if isinstance(error, FencedError) and error.superseded:
            # within a session timeout the group tells who the owner is; claiming at once would only fence that one
            await pause(self._options.fenced_wait_s, self._wake, lambda: self._stopping)
        retry_s = _FIRST_RETRY_S
        while not self._stopping:
            try:
                offsets = await self.claim()
            except StorageError as failure:
                self.signs += 1
                _LOG.warning("%s; retrying in %.1f s", failure, retry_s)
                await pause(retry_s, self._wake, lambda: self._stopping)
                retry_s = min(2 * retry_s, _LAST_RETRY_S)
            else:
                await self.inputs.rewind(offsets)
                self.recovering = False
                self._start_publishing()
                return

    def _begin(self, claim: Claim) -> None:
        self.partition.restore(claim.state)
        self.outbox.reset(decode_record(octets) for octets in claim.outbox)
        self._aligner.clear()
        self._due = []
        self._rescoring.reset()
        # only a commit tells what is due, and the former owner may have died before it fired that
        self._knows_due = self.partition.state.stream_time_ms is None
        self._waiting_since = None
        for source in self._held:
            self.inputs.release(source)
        self._held.clear()
        self._given_up.clear()

    def _start_publishing(self) -> None:
        self._publishing = asyncio.create_task(self.outbox.run(), name=f"outbox-{self.partition.partition}")

    async def _stop_publishing(self) -> None:
        if self._publishing is not None:
            self._publishing.cancel()
            await asyncio.gather(self._publishing, return_exceptions=True)
            self._publishing = None
