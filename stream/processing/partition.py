"""One partition: a run of merged records in, one outcome out. Pure: time and model are arguments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from stream.catalogue.declaring import Money
from stream.catalogue.wording import plain_money
from stream.errors import CodecError, DamagedProfileError
from stream.features.apply import APPLIED, DUPLICATE
from stream.identity.departures import Departure
from stream.processing.align import Taken
from stream.processing.departed import MAX_HISTORY_MS, Departed
from stream.processing.emission import EmissionKind
from stream.processing.kernel import Kernel, StoredProfiles
from stream.processing.misplaced import PartitionPlacement
from stream.processing.outgoing import Topics
from stream.processing.prepared import Prepared
from stream.processing.profile_cache import Cached, ProfileCache
from stream.processing.quarantine import admit, set_aside
from stream.processing.refused import refused
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer
from stream.processing.state import PartitionState
from stream.processing.step_outcome import OutcomeBuilder, StepOutcome, appended_at_ms
from stream.processing.stored_profile import profile_in
from stream.processing.written_run import WrittenRun

__all__ = ["Partition"]


class Partition:
    """State of one partition between steps, and the cache of its customers.

    The cache is valid because the partition has one writer, and a step that is not accepted by the store drops it.
    A step is: `missing` -> read their documents -> `remember` -> `step` or `sweep` -> store -> `accept`. Whoever has a
    thread for the kernel takes the halves of the fourth apart: `prepare_step` or `prepare_sweep`, `Prepared.run`,
    `Prepared.finish`.
    """

    def __init__(
        self,
        partition: int,
        rules: Rules,
        kernel: Kernel,
        topics: Topics,
        input_topics: Sequence[str],
        cache_bytes: int,
        placement: PartitionPlacement | None = None,
        money: Money = plain_money,
        published: Collection[EmissionKind] = (),
        builder: Callable[..., OutcomeBuilder] = OutcomeBuilder,
        history_ms: int = MAX_HISTORY_MS,
    ) -> None:
        self.partition = partition
        self.state = PartitionState()
        self._rules = rules
        self._kernel = kernel
        self.input_topics = tuple(input_topics)
        self._cache = ProfileCache(cache_bytes)
        self._placement = placement
        self._outcomes = builder(partition, self.input_topics, rules, topics, money, published)
        #: Customers set aside since the last accepted outcome, with why.
        self._damaged: dict[str, str] = {}
        self._departed = Departed(self._cache, history_ms)
        self._customers_topic = topics.customers if published else ""

    def restore(self, state: PartitionState | None) -> None:
        """Begin from a stored state (None: an empty partition), with nothing cached."""
        self.state = state if state is not None else PartitionState()
        self._cache.clear()
        self._damaged.clear()
        self._departed.clear()

    @property
    def cached(self) -> int:
        """Number of customers in the cache."""
        return len(self._cache)

    def missing(self, customer_ids: Iterable[str]) -> list[str]:
        """Customers, each once, whose profile must be read before a step over them."""
        return self._cache.missing(customer_ids)

    def sort_out(self, taken: Taken) -> Taken:
        """Take out the events of customers who belong to another partition."""
        if self._placement is None:
            return taken
        return self._placement.sort_out(taken, self._placement.misplaced([*taken.row_of]))

    def remember(
        self, customer_ids: Sequence[str], documents: Sequence[bytes | CodecError | None]
    ) -> list[DamagedProfileError]:
        """Cache the profiles of documents just read; None: a new customer; an error: a damaged profile.

        Customers without a whole profile are set aside and returned. Raises `SystematicError` for too many.
        """
        packed: list[bytes | None] = []
        damaged = []
        for customer, found in zip(customer_ids, documents, strict=True):
            self._departed.forget(customer)
            try:
                packed.append(self._profile_of(customer, found))
            except CodecError as error:
                packed.append(None)
                if customer not in self.quarantined:
                    damaged.append(DamagedProfileError(str(error), customer=customer))
                    self.quarantine(damaged[-1])
        self._cache.put(customer_ids, packed)
        return damaged

    def forget(self, customer: str) -> None:
        """Read a customer again before their next step."""
        self._cache.drop(customer)

    @property
    def quarantined(self) -> dict[str, str]:
        """Customers who are set aside, with why; see `stream.processing.quarantine`."""
        return {**self.state.quarantined, **self._damaged} if self._damaged else self.state.quarantined

    def quarantine(self, error: DamagedProfileError) -> None:
        """Set a customer aside with the next outcome. Raises `SystematicError` when too many are."""
        self._damaged = admit(self._damaged, self.state.quarantined, error.customer, str(error))

    def follow(self, taken: Taken, departures: Mapping[str, Departure]) -> Taken:
        """``taken`` without what counts elsewhere; see `stream.processing.departed`. All customers are cached."""
        return self._departed.follow(taken, departures, self.state.stream_time_ms or 0)

    def leave(self, outcome: StepOutcome, scorer: Scorer, now_ms: int) -> StepOutcome:
        """The outcome of the step after `follow`, with those who leave, or begin again without an event."""
        if silent := self._departed.silent(outcome):
            outcome = outcome.joined(self.sweep(silent, scorer, now_ms, looks_at_all=True))
        return self._departed.noted(outcome, self._customers_topic, self._outcomes.tombstone)

    def set_aside(self, taken: Taken) -> Taken:
        """Reject the events of customers who are set aside, as they came."""
        return set_aside(taken, self.quarantined)

    def release(self, customers: Iterable[str], scorer: Scorer, now_ms: int) -> StepOutcome:
        """Process these customers again: read their profiles again, and check their timers."""
        released = self.state.quarantined.keys() & set(customers)
        outcome = self._outcomes.build(self.state.next(self.quarantined), None, scorer, now_ms, [])
        for customer in released:
            del outcome.state.quarantined[customer]
            self._cache.drop(customer)
        due_ms = (self.state.stream_time_ms or 0) - 1
        return replace(outcome, timers=dict.fromkeys(sorted(released), due_ms))

    def erase(self, customers: Sequence[str], scorer: Scorer, now_ms: int) -> StepOutcome:
        """An outcome that forgets these customers: documents without content, no timers, tombstones."""
        outcome = self._outcomes.build(self.state.next(self.quarantined), None, scorer, now_ms, [])
        for customer in customers:
            outcome.state.quarantined.pop(customer, None)
            self._damaged.pop(customer, None)
            self._cache.drop(customer)
            self._departed.forget(customer)
        tombstones = [self._outcomes.tombstone(customer) for customer in customers]
        return replace(outcome, forgotten=[*customers], idle=[*customers], outgoing=outcome.outgoing + tombstones)

    def step(self, taken: Taken, scorer: Scorer, now_ms: int) -> StepOutcome:
        """Apply a run of merged records at wall clock ``now_ms``."""
        return self.prepare_step(taken, scorer, now_ms).outcome()

    def prepare_step(self, taken: Taken, scorer: Scorer, now_ms: int) -> Prepared:
        """`step` up to the run of the kernel."""
        state = self.state.next(self.quarantined)
        for source, offset in taken.next_offsets.items():
            state.offsets[self.input_topics[source]] = offset
        counters = state.counters
        counters.events_in += taken.records_in
        counters.forwarded += len(taken.forwarded)
        counters.duplicates += taken.passed_over
        customers = list(taken.row_of)
        finish = partial(self._stepped, taken, state, scorer, now_ms)
        if not taken.customer_ids:
            return Prepared(finish)
        rows = np.fromiter(map(taken.row_of.__getitem__, taken.customer_ids), np.int64, len(taken.customer_ids))
        stream_time = np.maximum.accumulate(taken.events["time"])
        if state.stream_time_ms is not None:
            stream_time = np.maximum(stream_time, state.stream_time_ms)
        state.stream_time_ms = int(stream_time[-1])
        known, cached = self._known(customers)
        counters.customers += known.blobs.count(None)
        make = self._kernel.advance(known, rows, taken.events, stream_time, scorer.model)
        write = partial(self._outcomes.write, make, customers, cached, scorer)
        return Prepared(finish, customers, write, size=len(taken.events))

    def _stepped(
        self, taken: Taken, state: PartitionState, scorer: Scorer, now_ms: int, written: WrittenRun | None
    ) -> StepOutcome:
        rejections = list(taken.rejections)
        if written is None:
            outcome = self._outcomes.build(state, None, scorer, now_ms, rejections)
            return self._with_forwarded(outcome, taken)
        status = written.run.status
        for k in np.flatnonzero(status > DUPLICATE).tolist():
            rejection = refused(int(status[k]), taken.customer_ids[k])
            rejections.append((int(taken.sources[k]), taken.records[k], rejection))
        duplicate = status == DUPLICATE
        applied = status == APPLIED
        counters = state.counters
        counters.duplicates += int(duplicate.sum())
        counters.applied += int(applied.sum())
        counters.customers -= len(taken.row_of) - len(written.customers)
        appended_ms = appended_at_ms(taken.events, written.run.emissions)
        outcome = self._outcomes.build(state, written, scorer, now_ms, rejections, appended_ms)
        outcome = replace(outcome, applied=taken.by_input(applied), duplicates=taken.by_input(duplicate))
        return self._with_forwarded(self._departed.with_editions(outcome), taken)

    def sweep(
        self, customer_ids: Sequence[str], scorer: Scorer, now_ms: int, *, looks_at_all: bool = False
    ) -> StepOutcome:
        """Fire the timers of customers that are due before the partition's stream time.

        ``looks_at_all``: score each as of stream time, due or not.
        """
        return self.prepare_sweep(customer_ids, scorer, now_ms, looks_at_all=looks_at_all).outcome()

    def prepare_sweep(
        self,
        customer_ids: Sequence[str],
        scorer: Scorer,
        now_ms: int,
        *,
        looks_at_all: bool = False,
        tells_all: bool = False,
    ) -> Prepared:
        """`sweep` up to the run of the kernel. ``tells_all``: publish the document of each."""
        state = self.state.next(self.quarantined)
        aside = self.quarantined
        swept = [c for c in customer_ids if self._cache.get(c) is not None and c not in aside]
        takes_part = set(swept)
        gone = [c for c in customer_ids if c not in takes_part]

        def finish(written: WrittenRun | None) -> StepOutcome:
            outcome = self._outcomes.build(state, written, scorer, now_ms, (), tells_all=tells_all)
            return replace(self._departed.with_editions(outcome), idle=outcome.idle + gone)

        if state.stream_time_ms is None or not swept:
            return Prepared(finish)
        known, cached = self._known(swept)
        make = self._kernel.sweep(known, state.stream_time_ms, scorer.model, looks_at_all=looks_at_all)
        return Prepared(finish, swept, partial(self._outcomes.write, make, swept, cached, scorer), size=len(swept))

    def at_time(self, stream_time_ms: int, *, live: bool) -> bool:
        """Move stream time forward to the wall clock; return whether it moved. Never moves it back."""
        self.state.live = live
        if self.state.stream_time_ms is not None and stream_time_ms <= self.state.stream_time_ms:
            return False
        self.state.stream_time_ms = stream_time_ms
        return True

    def accept(self, outcome: StepOutcome) -> None:
        """The store has written the outcome: it is the state from now on."""
        self.state = outcome.state
        self._departed.accept()
        self._damaged = {c: why for c, why in self._damaged.items() if c not in outcome.state.quarantined}
        self._cache.accept(outcome.packed, outcome.rows, outcome.due, outcome.idle)

    def _known(self, customers: Sequence[str]) -> tuple[StoredProfiles, Cached]:
        """The cached profiles of customers, and what else is cached of them."""
        rows = self._cache.rows_of(customers)
        profiles = StoredProfiles.of(customers, self._cache.packed_at(rows), self._rules.landmark_ms)
        return profiles, Cached(rows, self._cache.due_at(rows))

    def _profile_of(self, customer: str, found: bytes | CodecError | None) -> bytes | None:
        if isinstance(found, CodecError):
            raise found
        if found is None:
            return None
        self._departed.read(customer, found)
        return profile_in(found, customer)

    def _with_forwarded(self, outcome: StepOutcome, taken: Taken) -> StepOutcome:
        if self._placement is None or not taken.forwarded:
            return outcome
        again = [self._placement.forwarding(record, self.input_topics[source]) for source, record in taken.forwarded]
        return replace(
            outcome, outgoing=outcome.outgoing + again, forwarded=Counter(source for source, _ in taken.forwarded)
        )
