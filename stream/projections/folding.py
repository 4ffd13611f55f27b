"""One partition of a projection: batches in, one outcome out. Pure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from stream.alerts.alert_records import Alert, cloud_event_headers
from stream.events.dead_letters import HEADER_PREFIX, dead_letter
from stream.events.record import Record
from stream.events.rejections import Defect, Rejection, printable
from stream.events.times import rfc3339
from stream.events.withheld import without_text
from stream.identity.note_proof import NoteProof
from stream.identity.places import first_of_each
from stream.privacy.erasures import Erasures
from stream.processing.isolation import NOT_OF_AN_EVENT, failing
from stream.processing.state import Outgoing, PartitionState
from stream.projections.fold_outcome import Outcome, Part, ProjectionTopics
from stream.projections.moving import Moves
from stream.projections.protocol import Folded, Forgetting, Placed, Projection
from stream.projections.state_cache import StateCache
from stream.projections.subjects import of_others
from stream.projections.timer_names import key_of_timer, parts_of_timer, timer_of

__all__ = ["FoldingPartition", "Outcome", "Part", "ProjectionTopics"]

_LOG = logging.getLogger(__name__)
_encoder = msgspec.json.Encoder()
#: Says in a dead letter which projection could not use the record.
PROJECTION_HEADER = f"{HEADER_PREFIX}projection"


class _Folding(NamedTuple):
    """A fold, and the timers that it adds and takes away."""

    folded: Folded
    timers: Mapping[str, int]
    idle: Sequence[str]


class _Refused(NamedTuple):
    source: int
    record: Record
    rejection: Rejection


class FoldingPartition:
    """State of one partition of a projection between steps, and the cache of its states as they are stored.

    A step is: `read` -> read missing states -> `remember` -> `further`, until none is missing -> `step` -> store ->
    `accept`. States are decoded anew for each fold, so what a fold does to them is lost with a step that is not stored.

    ``erasures``: who is erased; records about them are skipped. None: nobody. ``departures``: by what to know records
    of customers who are others from now on. None: there are none.
    """

    def __init__(
        self,
        projection: Projection[Any],
        partition: int,
        topics: ProjectionTopics,
        cache_bytes: int,
        erasures: Erasures | None = None,
        departures: NoteProof | None = None,
    ) -> None:
        self.projection = projection.placed(partition) if isinstance(projection, Placed) else projection
        self.partition = partition
        self.state = PartitionState()
        self._topics = topics
        self._erasures = erasures or Erasures()
        self._moves = Moves(projection, departures)
        self._editions: dict[str, int] = {}
        self._places: dict[str, tuple[int, int, int]] = {}
        self._cache = StateCache(projection, cache_bytes)
        self._parts: list[Part] = []
        self.messages: list[tuple[str, object]] = []  # what was read last
        self._decoded: dict[str, Any] = {}  # states of the messages read last, which no fold has seen
        self._needed: Iterable[str] = ()  # keys that they need
        self._is_whole = False  # whether these are all that the messages need
        self._origins: list[tuple[int, Record]] = []
        self._refused: list[_Refused] = []
        self._skipped = 0
        self._newest_ms: int | None = None

    def restore(self, state: PartitionState | None) -> None:
        """Begin from a stored state (None: at the start of the log), with nothing cached."""
        self.state = state if state is not None else PartitionState()
        self._cache.clear()

    @property
    def cached(self) -> int:
        """Number of states in the cache."""
        return len(self._cache)

    def read(self, parts: Sequence[Part]) -> list[str]:
        """Take records in as the next step; returns the keys they touch whose state is not cached, as `further`."""
        self._parts = [*parts]
        self.messages, self._origins, self._refused, self._skipped = [], [], [], 0
        self._needed, self._decoded, self._is_whole = (), {}, False
        self._newest_ms = self.state.stream_time_ms
        self._editions, self._places = dict(self.state.editions), dict(self.state.places)
        for part in parts:
            self._read_part(part)
        return self.further()

    def _read_part(self, part: Part) -> None:
        source = self.projection.inputs[part.source]
        own = first_of_each(of_others(part.records, self._erasures), source.topic, self._places)
        self._skipped += len(part.records)
        for stretch in self._moves.stretches(source, own, self._editions):
            self.messages += stretch.released
            if stretch.cause is not None:
                self._origins += [(part.source, stretch.cause)] * len(stretch.released)
            records = stretch.records
            reading = source.read(records)
            self.messages += reading.keyed
            self._origins += [(part.source, records[position]) for position in reading.positions]
            self._refused += [
                _Refused(part.source, records[rejection.record], rejection) for rejection in reading.rejections
            ]
            self._skipped += reading.skipped - len(records)
            if reading.newest_ms is not None:
                self._newest_ms = max(reading.newest_ms, self._newest_ms or reading.newest_ms)

    def leave_out(self, is_left_out: Callable[[object], bool]) -> list[str]:
        """Pass such messages of those that were read last over; returns what `read` does."""
        kept = [k for k, (_, message) in enumerate(self.messages) if not is_left_out(message)]
        self._skipped += len(self.messages) - len(kept)
        self.messages, self._origins = [self.messages[k] for k in kept], [self._origins[k] for k in kept]
        self._needed, self._decoded, self._is_whole = (), {}, False
        return self.further()

    def further(self) -> list[str]:
        """Keys whose state the next step needs, as far as can be told, and that are not cached."""
        missing = self._cache.missing(key for key, _ in self.messages)
        if not missing:
            self._needed, self._decoded = self._cache.needed(self.messages, self._needed, self._decoded)
            missing = self._cache.missing(self._needed)
            self._is_whole = not missing
        return missing

    def missing(self, keys: Iterable[str]) -> list[str]:
        """Keys, each once, that are not cached."""
        return self._cache.missing(keys)

    def remember(self, keys: Sequence[str], stored: Sequence[bytes | None]) -> None:
        """Cache states just read; None is a key that has none."""
        self._cache.remember(keys, stored)

    def step(self, now_ms: int) -> Outcome:
        """Fold what was read last. Raises `CodecError` for a stored state that cannot be read."""
        messages, refused = self.messages, self._refused
        try:
            folding = self._fold(messages)
        except NOT_OF_AN_EVENT:
            raise
        except Exception as error:  # noqa: BLE001 - one bad record must not stop a partition; what is not one is raised
            _LOG.error(
                "a step of projection %s failed; looking for the record",
                self.projection.name,
                exc_info=without_text(error),
            )
            bad = failing(len(messages), lambda part: self._fold([messages[k] for k in part]))
            refused = refused + [self._isolated(k, why) for k, why in bad.items()]
            messages = [message for k, message in enumerate(messages) if k not in bad]
            folding = self._fold(messages)
        return self._outcome(folding, messages, refused, now_ms)

    def read_erasure(self, customers: Iterable[str]) -> list[str]:
        """Take the erasure of customers in as the next step of a `Forgetting` projection; returns what `read` does."""
        self.read(())
        if isinstance(self.projection, Forgetting):
            self.messages = [message for customer in customers for message in self.projection.forget(customer)]
        return self.further()

    def erase(self, customers: Iterable[str]) -> list[str]:
        """The keys of the states of these customers."""
        return [*dict.fromkeys(key for customer in customers for key in self.projection.erase(customer))]

    def without(self, keys: Sequence[str], customers: Iterable[str] = ()) -> Outcome:
        """An outcome that only forgets these states, cached if they have timers, and the editions of ``customers``."""
        state, gone = self._next_state(), {*customers}
        state.editions = {who: edition for who, edition in state.editions.items() if who not in gone}
        return Outcome(state, forgotten=[*keys], idle=[*self._timers(self._cache.states(keys))])

    @staticmethod
    def keys_of(timers: Iterable[str]) -> list[str]:
        """The keys of the states to which timers belong, each once."""
        return [*dict.fromkeys(map(key_of_timer, timers))]

    def fire(self, timers: Sequence[str], now_ms: int) -> Outcome:
        """An outcome that publishes what is due, and does not change a state. The states of the timers are cached.

        Raises `CodecError` for a stored state that cannot be read.
        """
        states = self._cache.states(self.keys_of(timers))
        alerts: list[Alert] = []
        outgoing: list[Outgoing] = []
        for timer in timers:
            key, name = parts_of_timer(timer)
            for fired in self.projection.fire(key, states[key], name) if key in states else ():
                if isinstance(fired, Outgoing):
                    outgoing.append(fired)
                else:
                    alerts.append(self._stamped(fired, now_ms))
        return Outcome(self._next_state(), outgoing=[*outgoing, *map(self._alert, alerts)], idle=timers, alerts=alerts)

    def accept(self, outcome: Outcome) -> None:
        """The store has written the outcome: it is the state from now on."""
        self.state = outcome.state
        self._cache.accept(outcome.written, outcome.forgotten)

    def _fold(self, messages: Sequence[tuple[str, object]]) -> _Folding:
        is_whole = self._is_whole and messages is self.messages
        states = self._decoded if is_whole else self._cache.needed(messages, (), self._decoded)[1]
        self._needed, self._decoded, self._is_whole = (), {}, False
        before = self._timers(states)
        folded = self.projection.fold(states, messages)
        after = self._timers(folded.states)
        timers = {timer: due_ms for timer, due_ms in after.items() if before.get(timer) != due_ms}
        return _Folding(folded, timers, [timer for timer in before if timer not in after])

    def _timers(self, states: Mapping[str, Any]) -> dict[str, int]:
        if not self.projection.is_timed:
            return {}
        return {
            timer_of(key, name): due_ms
            for key, state in states.items()
            if state is not None
            for name, due_ms in self.projection.timers(state).items()
        }

    def _isolated(self, position: int, error: Exception) -> _Refused:
        source, record = self._origins[position]
        _LOG.error("a record cannot be folded and is rejected", exc_info=without_text(error))
        detail = printable(f"{type(error).__name__}: {error}")
        return _Refused(source, record, Rejection(0, Defect.PROCESSING_FAILED, detail))

    def _outcome(
        self, folding: _Folding, messages: Sequence[object], refused: Sequence[_Refused], now_ms: int
    ) -> Outcome:
        folded = folding.folded
        state = self._next_state()
        state.stream_time_ms = self._newest_ms
        state.editions, state.places = self._editions, self._places
        records = 0
        for part in self._parts:
            state.offsets[self.projection.inputs[part.source].topic] = part.next_offset
            records += len(part.records)
        state.counters.events_in += records
        # an erasure is no record of the log
        state.counters.applied += len(messages) if self._parts else 0
        state.counters.dead_letters += len(refused)
        encoded = {key: _encoder.encode(of) for key, of in folded.states.items() if of is not None}
        in_order = sorted(refused, key=lambda one: (one.source, one.record.offset))
        alerts = [self._stamped(alert, now_ms) for alert in folded.alerts]
        return Outcome(
            state=state,
            written={key: text for key, text in encoded.items() if text != self._cache.get(key)},
            forgotten=[key for key, of in folded.states.items() if of is None and not self._cache.lacks(key)],
            outgoing=[
                *(self._dead_letter(one, now_ms) for one in in_order),
                *folded.outgoing,
                *map(self._alert, alerts),
            ],
            timers=folding.timers,
            idle=folding.idle,
            alerts=alerts,
            records=records,
            folded=len(messages) if self._parts else 0,
            skipped=self._skipped,
            rejected=tuple(one.rejection.reason for one in in_order),
        )

    def _next_state(self) -> PartitionState:
        counters = msgspec.structs.replace(self.state.counters)
        return msgspec.structs.replace(self.state, offsets=dict(self.state.offsets), counters=counters)

    @staticmethod
    def _stamped(alert: Alert, now_ms: int) -> Alert:
        return msgspec.structs.replace(alert, emitted_at=rfc3339(now_ms))

    def _alert(self, alert: Alert) -> Outgoing:
        key, value = alert.customer_id.encode(), _encoder.encode(alert)
        return Outgoing(self._topics.alerts, key, value, cloud_event_headers(alert))

    def _dead_letter(self, refused: _Refused, now_ms: int) -> Outgoing:
        letter = dead_letter(
            refused.record,
            refused.rejection,
            topic=self.projection.inputs[refused.source].topic,
            partition=self.partition,
            at_ms=now_ms,
        )
        by: tuple[str, bytes | None] = (PROJECTION_HEADER, self.projection.name.encode())
        return Outgoing(self._topics.dead_letters, letter.key, letter.value, [*letter.headers, by])
