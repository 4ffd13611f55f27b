"""The whole path over an event log without Kafka and Redis: same decoder, kernel, learner; deterministic.

The model learns in step with the events: examples that mature in one run of the log are learned before the next run is
scored, so the result is what a worker would give whose trainer is never behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np

from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent
from stream.online_models.example import InvalidExample, Label, decode_example
from stream.online_models.learner import Learner
from stream.processing.align import Aligner
from stream.processing.document import packed_state
from stream.processing.kernel import Kernel, Scores
from stream.processing.outgoing import Topics
from stream.processing.partition import Outcome, Partition
from stream.processing.rules import Rules
from stream.processing.scorer import WARMING, Scorer
from stream.processing.state import Counters, Outgoing

__all__ = ["LogRecord", "Replay"]

_TYPES = tuple(EventType)
_AT_END = [True] * len(_TYPES)
_TOPICS = Topics()
_SWEEP_CUSTOMERS = 5_000


class LogRecord(NamedTuple):
    """A log event in the shape of a consumed record. ``timestamp``: when it is taken to have been appended, in ms."""

    key: bytes
    value: bytes
    timestamp: int
    offset: int
    headers: tuple[()] = ()


class Replay:
    """Folds an event log; `documents` are what Redis would hold.

    ``on_outgoing`` sees every record that a worker would publish, in order.
    """

    def __init__(
        self,
        rules: Rules,
        learner: Learner,
        decoder: Decoder,
        now_ms: int,
        *,
        run_records: int = 1000,
        on_outgoing: Callable[[Outgoing], None] = lambda _: None,
    ) -> None:
        self.learner = learner
        self.documents: dict[str, bytes] = {}
        self.scorer: Scorer = WARMING
        self._decoder = decoder
        self._now_ms = now_ms
        self._run_records = run_records
        self._on_outgoing = on_outgoing
        self._kernel = Kernel(rules)
        self._partition = Partition(0, rules, self._kernel, _TOPICS, [t.value for t in _TYPES], 2**62)
        self._timers: dict[str, int] = {}
        self._aligner = Aligner(len(_TYPES))
        self._offsets = [0] * len(_TYPES)

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
        source = iter(events)
        while chunk := list(islice(source, self._run_records)):
            self._push(chunk)
            while (taken := self._aligner.take(_AT_END, self._run_records)) is not None:
                self._remember(taken.customer_ids)
                self._accept(self._partition.step(taken, self.scorer, self._now_ms))
            self._sweep()
            yield self.counters.events_in

    def score_all(self, now_ms: int) -> tuple[list[str], Scores]:
        """Every customer, in the order of their first events, scored at ``now_ms`` with the model as it is."""
        customers = list(self.documents)
        blobs = [packed_state(document) for document in self.documents.values()]
        return customers, self._kernel.score(blobs, now_ms, self.scorer.model)

    def advance_to(self, stream_time_ms: int) -> None:
        """Let time pass without events."""
        self._partition.at_time(stream_time_ms, live=False)
        self._sweep()

    def _push(self, chunk: list[LogEvent]) -> None:
        for source, event_type in enumerate(_TYPES):
            of_type = [event for event in chunk if event.event_type is event_type]
            if not of_type:
                continue
            first = self._offsets[source]
            records = [
                LogRecord(event.customer_id.encode(), event.value, self._now_ms, first + k)
                for k, event in enumerate(of_type)
            ]
            self._offsets[source] += len(records)
            offsets = np.arange(first, first + len(records))
            self._aligner.push(source, None, offsets, records, self._decoder.decode(event_type, records))

    def _sweep(self) -> None:
        """Fire what is due before stream time; learning goes in between, as the timers go through time."""
        now = self.stream_time_ms
        if now is None:
            return
        due = sorted((at, customer) for customer, at in self._timers.items() if at < now)
        for start in range(0, len(due), _SWEEP_CUSTOMERS):
            customers = [customer for _, customer in due[start : start + _SWEEP_CUSTOMERS]]
            self._remember(customers)
            self._accept(self._partition.sweep(customers, self.scorer, self._now_ms))

    def _remember(self, customers: Iterable[str]) -> None:
        missing = self._partition.missing(customers)
        self._partition.remember(missing, [self.documents.get(customer) for customer in missing])

    def _accept(self, outcome: Outcome) -> None:
        self._partition.accept(outcome)
        self.documents.update(outcome.documents)
        self._timers.update(outcome.timers)
        for customer in outcome.idle:
            self._timers.pop(customer, None)
        labels = False
        for record in outcome.outgoing:
            self._on_outgoing(record)
            if record.topic == _TOPICS.training_examples:
                example = decode_example(record.value or b"")
                if isinstance(example, InvalidExample):
                    raise AssertionError(f"the kernel emitted an example that no model may learn: {example}")
                self.learner.learn(example)
                labels = labels or isinstance(example, Label)
        if labels:
            self.scorer = Scorer.of(self.learner.snapshot(self._now_ms))
