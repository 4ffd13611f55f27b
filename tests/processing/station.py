"""A partition with its store and its three logs in memory, driven like a worker, one action at a time."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

import msgspec
import numpy as np

from stream.catalogue.declaring import Money
from stream.catalogue.events import KERNEL_TYPES
from stream.catalogue.wording import plain_money
from stream.events.decode import Decoder
from stream.processing.align import Aligner
from stream.processing.emission import EmissionKind
from stream.processing.kernel import Kernel
from stream.processing.misplaced import PartitionPlacement
from stream.processing.outgoing import Topics
from stream.processing.partition import Partition
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer
from stream.processing.state import Counters, Outgoing, PartitionState
from stream.processing.step_outcome import StepOutcome
from tests.oracle.event import Event
from tests.oracle.record import LogEntry, logs_of

__all__ = ["EVERYTHING", "NOW_MS", "Log", "Station"]

#: The wall clock; later than all events.
NOW_MS = 1_900_000_000_000
EVERYTHING = 10**9
_TYPES = KERNEL_TYPES
_AT_END = [True] * len(_TYPES)

Log = Sequence[tuple[str, Event]]


class Station:
    """Runs one partition over the given logs. `step`, `sweep` and `restart` may come in any order."""

    def __init__(
        self,
        log: Iterable[LogEntry],
        rules: Rules,
        scorer: Scorer,
        placement: PartitionPlacement | None = None,
        money: Money = plain_money,
        published: Collection[EmissionKind] = (),
    ) -> None:
        self.documents: dict[str, bytes] = {}
        self.timers: dict[str, int] = {}
        self.outgoing: list[Outgoing] = []
        self._rules = rules
        self._scorer = scorer
        self._placement = placement
        self._money = money
        self._published = published
        self._kernel = Kernel(rules)
        self._state: bytes | None = None
        self._logs = logs_of(log)
        self.restart()

    @property
    def counters(self) -> Counters:
        return self._partition.state.counters

    @property
    def stream_time_ms(self) -> int:
        assert self._partition.state.stream_time_ms is not None
        return self._partition.state.stream_time_ms

    def restart(self, cache_bytes: int = EVERYTHING, chunk: int = 7) -> None:
        """Begin again from what is stored, as after a crash; logs are fetched in pieces of ``chunk`` records."""
        topics = [event_type.value for event_type in _TYPES]
        number = 0 if self._placement is None else self._placement.partition
        self._partition = Partition(
            number,
            self._rules,
            self._kernel,
            Topics(),
            topics,
            cache_bytes,
            self._placement,
            self._money,
            self._published,
        )
        state = None if self._state is None else msgspec.json.decode(self._state, type=PartitionState)
        self._partition.restore(state)
        self._aligner = Aligner(len(_TYPES))
        for source, event_type in enumerate(_TYPES):
            records = self._logs[event_type]
            for first in range(self._partition.state.offsets.get(event_type.value, 0), len(records), chunk):
                part = records[first : first + chunk]
                decoded = Decoder().decode(event_type, part)
                offsets = np.array([record.offset for record in part])
                self._aligner.push(source, None, offsets, part, decoded)

    def step(self, limit: int = EVERYTHING) -> bool:
        """Process up to ``limit`` records; False when there are none."""
        taken = self._aligner.take(_AT_END, limit)
        if taken is None:
            return False
        taken = self._partition.sort_out(taken)
        self._load(taken.customer_ids)
        self._store(self._partition.step(taken, self._scorer, NOW_MS))
        return True

    def sweep(self, limit: int = EVERYTHING) -> bool:
        """Fire the timers of up to ``limit`` customers that are due; False when there are none."""
        if self._partition.state.stream_time_ms is None:
            return False
        due = sorted((at, customer) for customer, at in self.timers.items() if at < self.stream_time_ms)
        customers = [customer for _, customer in due[:limit]]
        self._load(customers)
        self._store(self._partition.sweep(customers, self._scorer, NOW_MS))
        return bool(customers)

    def advance_to(self, stream_time_ms: int) -> None:
        """Let time pass without events, and fire what is due."""
        self._partition.at_time(stream_time_ms, live=False)
        while self.sweep():
            pass

    def change_scorer(self, scorer: Scorer) -> None:
        """Continue with other models."""
        self._scorer = scorer

    def finish(self) -> None:
        """Process and fire everything that is left."""
        while self.step() or self.sweep():
            pass

    def per_customer(self) -> dict[tuple[str, bytes | None], list[Outgoing]]:
        """What was published, in order, by topic and key: between customers there is no order."""
        found = defaultdict(list)
        for record in self.outgoing:
            found[record.topic, record.key].append(record)
        return dict(found)

    def _load(self, customers: Sequence[str]) -> None:
        missing = self._partition.missing(customers)
        self._partition.remember(missing, [self.documents.get(customer) for customer in missing])

    def _store(self, outcome: StepOutcome) -> None:
        self._state = msgspec.json.encode(outcome.state)
        self.documents.update(outcome.documents)
        self.timers.update(outcome.timers)
        for customer in outcome.idle:
            self.timers.pop(customer, None)
        # exactly the documents without a timer expire
        assert set(outcome.retired) == outcome.documents.keys() - self.timers.keys()
        self.outgoing += outcome.outgoing
        self._partition.accept(outcome)
