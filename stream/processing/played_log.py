"""A log of events through decoder and kernel without Kafka and Redis, under models that somebody else provides."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from msgspec.json import Decoder as JsonDecoder

from stream.catalogue.declaring import Money
from stream.catalogue.events import KERNEL_TYPES
from stream.catalogue.wording import plain_money
from stream.events.decode import Decoder
from stream.events.log_event import LogEvent, LogRecord
from stream.features.registry import DAY_MS
from stream.processing.align import Aligner
from stream.processing.kernel import Kernel, Scores
from stream.processing.outgoing import Topics
from stream.processing.partition import Partition
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer
from stream.processing.state import Counters, Outgoing
from stream.processing.step_outcome import OutcomeBuilder, StepOutcome

__all__ = ["Models", "PlayedLog", "PlayedPlace"]

_TYPES = KERNEL_TYPES
_AT_END = [True] * len(_TYPES)
_TOPICS = Topics()
_SWEEP_CUSTOMERS = 5_000
#: The longest run of events that the model does not learn from before they are scored, in event time.
RUN_MS = DAY_MS


class _Spent(Struct, gc=False):
    spend: float


_spent = JsonDecoder(_Spent)


class PlayedPlace(NamedTuple):
    """Where a log is played, in the same way under all rules.

    ``phase``: how often sweeps of timers have begun or ended; ``part``: outcomes accepted since.
    """

    phase: int
    part: int


class Models(Protocol):
    """What scores while a log is played: models that learn from it, or such as are known beforehand."""

    @property
    def scorer(self) -> Scorer:
        """What scores from now on."""
        ...

    def accept(self, outcome: StepOutcome, place: PlayedPlace) -> None:
        """A step has been taken at ``place``."""
        ...

    def swept(self, phase: int) -> None:
        """All timers of a sweep have fired, or there were none."""
        ...


class PlayedLog:
    """Folds an event log; `documents` are what Redis would hold.

    A run is at most ``run_records`` events of one day.
    ``on_outgoing`` sees every record that a worker would publish, in order. ``builder`` makes the outcomes of steps:
    `BareOutcomes` has no documents.
    """

    def __init__(
        self,
        rules: Rules,
        models: Models,
        decoder: Decoder,
        now_ms: int,
        *,
        run_records: int = 1000,
        on_outgoing: Callable[[Outgoing], None] = lambda _: None,
        money: Money = plain_money,
        builder: Callable[..., OutcomeBuilder] = OutcomeBuilder,
    ) -> None:
        self.documents: dict[str, bytes] = {}
        self._models = models
        self._decoder = decoder
        self._now_ms = now_ms
        self._run_records = run_records
        self._on_outgoing = on_outgoing
        self._kernel = Kernel(rules)
        self._partition = Partition(
            0,
            rules,
            self._kernel,
            _TOPICS,
            [t.value for t in _TYPES],
            2**62,
            money=money,
            builder=builder,
        )
        #: The packed profiles of all customers, in the order of their first events.
        self._profiles: dict[str, bytes] = {}
        self._timers: dict[str, int] = {}
        #: (when, customer) of all `_timers`, and of some that have moved since.
        self._due: list[tuple[int, str]] = []
        self._aligner = Aligner(len(_TYPES))
        self._offsets = [0] * len(_TYPES)
        self._phase = self._part = 0

    @property
    def scorer(self) -> Scorer:
        """What scores now."""
        return self._models.scorer

    @property
    def counters(self) -> Counters:
        """Totals so far."""
        return self._partition.state.counters

    @property
    def stream_time_ms(self) -> int | None:
        """Stream time so far."""
        return self._partition.state.stream_time_ms

    def run(self, events: Iterable[LogEvent]) -> Iterator[int]:
        """Process ``events`` in their order; yields the number of records taken after each run."""
        for chunk in _runs(events, self._run_records):
            self._push(chunk)
            while (taken := self._aligner.take(_AT_END, self._run_records)) is not None:
                if len(taken.events):
                    self._pass_time(int(taken.events["time"].min()))
                self._remember(taken.customer_ids)
                self._accept(self._partition.step(taken, self.scorer, self._now_ms))
            self._sweep()
            yield self.counters.events_in

    def score_all(self, now_ms: int) -> tuple[list[str], Scores]:
        """Every customer, in the order of their first events, scored at ``now_ms`` with the present model."""
        customers = self.customers
        return customers, self._kernel.score(customers, [*self._profiles.values()], now_ms, self.scorer.model)

    @property
    def customers(self) -> list[str]:
        """All customers so far, in the order of their first events."""
        return [*self._profiles]

    def net_spend(self) -> npt.NDArray[np.float64]:
        """Orders less refunds of every customer so far, in the order of `score_all`, in the base currency.

        They are read from the documents, so not with `BareOutcomes`.
        """
        spent = (_spent.decode(document).spend for document in self.documents.values())
        return np.fromiter(spent, np.float64, len(self.documents))

    def advance_to(self, stream_time_ms: int) -> None:
        """Let time pass without events."""
        self._partition.at_time(stream_time_ms, live=False)
        self._sweep()

    def _pass_time(self, until_ms: int) -> None:
        """Let the days before ``until_ms`` pass, one at a time."""
        now = self.stream_time_ms
        while now is not None and now // RUN_MS < until_ms // RUN_MS:
            now = min((now // RUN_MS + 1) * RUN_MS, until_ms)
            self.advance_to(now)

    def _push(self, chunk: list[LogEvent]) -> None:
        for source, event_type in enumerate(_TYPES):
            of_type = [event for event in chunk if event.event_type is event_type]
            if not of_type:
                continue
            first = self._offsets[source]
            records = [LogRecord.of(event, self._now_ms, first + k) for k, event in enumerate(of_type)]
            self._offsets[source] += len(records)
            offsets = np.arange(first, first + len(records))
            self._aligner.push(source, None, offsets, records, self._decoder.decode(event_type, records))

    def _sweep(self) -> None:
        """Fire what is due before stream time; learning goes in between, as the timers go through time."""
        self._turn()
        now = self.stream_time_ms
        if now is not None:
            self._fire(now)
        self._models.swept(self._phase)
        self._turn()

    def _turn(self) -> None:
        self._phase += 1
        self._part = 0

    def _fire(self, now: int) -> None:
        found: dict[str, None] = {}
        while self._due and self._due[0][0] < now:
            at, customer = heapq.heappop(self._due)
            if self._timers.get(customer) == at:
                found[customer] = None
        due = list(found)
        for start in range(0, len(due), _SWEEP_CUSTOMERS):
            customers = due[start : start + _SWEEP_CUSTOMERS]
            self._remember(customers)
            self._accept(self._partition.sweep(customers, self.scorer, self._now_ms))

    def _remember(self, customers: Iterable[str]) -> None:
        missing = self._partition.missing(customers)
        self._partition.remember(missing, [self.documents.get(customer) for customer in missing])

    def _accept(self, outcome: StepOutcome) -> None:
        self._part += 1
        self._partition.accept(outcome)
        self.documents.update(outcome.documents)
        self._profiles.update(outcome.packed)
        for customer, at in outcome.timers.items():
            if self._timers.get(customer) != at:
                self._timers[customer] = at
                heapq.heappush(self._due, (at, customer))
        for customer in outcome.idle:
            self._timers.pop(customer, None)
        for record in outcome.outgoing:
            self._on_outgoing(record)
        self._models.accept(outcome, PlayedPlace(self._phase, self._part))


def _runs(events: Iterable[LogEvent], max_records: int) -> Iterator[list[LogEvent]]:
    """Consecutive ``events`` of one day; a day that was before, in a log that is not in order, does not end a run."""
    run: list[LogEvent] = []
    day = 0
    for event in events:
        later = event.at_ms // RUN_MS
        if run and (len(run) == max_records or later > day):
            yield run
            run = []
        day = later if not run else max(day, later)
        run.append(event)
    if run:
        yield run
