"""Inputs of projections: the event topics as the core reads them, actions, and topics of JSON objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import starmap
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar

import msgspec

from stream.alerts.action_records import Action
from stream.alerts.decoding import decode_action
from stream.events.decode import Decoder
from stream.events.diagnosis import diagnose
from stream.events.kinds import EventType
from stream.events.model import Event
from stream.events.record import Record
from stream.events.rejections import Defect, Rejection
from stream.events.times import epoch_ms
from stream.projections.protocol import Reading
from stream.settings import Settings

__all__ = ["Acted", "ActionInput", "ContentInput", "EventInput", "Happened", "JsonInput", "Told"]

S = TypeVar("S", bound=msgspec.Struct)


class Happened(NamedTuple):
    """An accepted event. ``kind``: an `EventKind`. ``at_ms``: event time. ``event_id``: a 48-bit hash."""

    type: EventType
    kind: int
    at_ms: int
    event_id: int


class EventInput:
    """An event topic by the rules of the core: what is no event for the core is none here, and is skipped.

    The key is the customer. An event that comes twice is two messages: only the core remembers the ids of 90 days.
    Events that ``is_left_out`` says are skipped as well.
    """

    comes_again: ClassVar[bool] = True

    def __init__(
        self,
        event_type: EventType,
        topic: str,
        decoder: Decoder,
        is_left_out: Callable[[Event], bool] | None = None,
    ) -> None:
        self._is_left_out = is_left_out
        self.topic = topic
        self._type = event_type
        self._decoder = decoder

    def read(self, records: Sequence[Record]) -> Reading:
        customers, events, rejections, contents = self._decoder.decode(self._type, records)
        skipped = len(rejections)
        if self._is_left_out is not None:
            kept = [at for at, event in enumerate(contents) if not self._is_left_out(event)]
            skipped += len(contents) - len(kept)
            customers, events = [customers[at] for at in kept], events[kept]
        columns = (events["kind"].tolist(), events["time"].tolist(), events["event_id"].tolist())
        of_type = [self._type] * len(customers)
        happened = starmap(Happened, zip(of_type, *columns, strict=True))
        keyed: list[tuple[str, object]] = [*zip(customers, happened, strict=True)]
        return Reading(keyed, events["record"].tolist(), [], skipped, max(columns[1], default=None))


class Told(NamedTuple):
    """An accepted event and what it says. ``at_ms``: event time. ``event_id``: a 48-bit hash."""

    event: Event
    at_ms: int
    event_id: int


class ContentInput:
    """An event topic beside the core, with what the events say.

    ``keys`` names the states of an event. The core does not read these topics: with ``reports``, what is no event
    becomes a dead letter of the projection, else it is skipped. One projection of a topic should report.
    """

    comes_again: ClassVar[bool] = True

    def __init__(
        self,
        event_type: EventType,
        topic: str,
        decoder: Decoder,
        keys: Callable[[Event], Sequence[str]],
        *,
        reports: bool,
    ) -> None:
        self._reports = reports
        self.topic = topic
        self._type = event_type
        self._decoder = decoder
        self._keys = keys

    def read(self, records: Sequence[Record]) -> Reading:
        _, events, rejections, contents = self._decoder.decode(self._type, records)
        columns = (events["record"].tolist(), events["time"].tolist(), events["event_id"].tolist())
        keyed: list[tuple[str, object]] = []
        positions: list[int] = []
        for event, position, at_ms, event_id in zip(contents, *columns, strict=True):
            told = Told(event, at_ms, event_id)
            keys = self._keys(event)
            keyed += [(key, told) for key in keys]
            positions += [position] * len(keys)
        newest_ms = max(columns[1], default=None)
        if self._reports:
            return Reading(keyed, positions, rejections, newest_ms=newest_ms)
        return Reading(keyed, positions, [], len(rejections), newest_ms)


class Acted(NamedTuple):
    """What someone did about a customer. ``at_ms``: when."""

    action: Action
    at_ms: int


class ActionInput:
    """The topic of what people do, keyed by customer. What is no action is skipped: the notifier reports it.

    With ``responses_only`` so is what does nothing for a customer: a label of a text begins no state then.
    """

    comes_again: ClassVar[bool] = False

    def __init__(self, topic: str, skew_ms: int, *, responses_only: bool = False) -> None:
        self.topic = topic
        self._skew_ms = skew_ms
        self._responses_only = responses_only

    @classmethod
    def of(cls, settings: Settings, *, responses_only: bool = False) -> Self:
        """The input of an installation."""
        return cls(settings.actions, round(settings.skew_s * 1000), responses_only=responses_only)

    def read(self, records: Sequence[Record]) -> Reading:
        keyed: list[tuple[str, object]] = []
        positions: list[int] = []
        newest_ms: int | None = None
        for position, record in enumerate(records):
            action = decode_action(record, self._skew_ms)
            if isinstance(action, Rejection):
                continue
            at_ms = epoch_ms(action.occurred_at)
            newest_ms = at_ms if newest_ms is None else max(newest_ms, at_ms)
            if self._responses_only and not action.is_response:
                continue
            keyed.append((action.customer_id, Acted(action, at_ms)))
            positions.append(position)
        return Reading(keyed, positions, [], len(records) - len(keyed), newest_ms)


class JsonInput(Generic[S]):
    """A topic of JSON objects of one contract; ``key`` says which state a message belongs to."""

    comes_again: ClassVar[bool] = False

    def __init__(self, topic: str, contract: type[S], key: Callable[[S], str]) -> None:
        self.topic = topic
        self._decoder = msgspec.json.Decoder(contract)
        self._key = key

    def read(self, records: Sequence[Record]) -> Reading:
        keyed: list[tuple[str, Any]] = []
        positions: list[int] = []
        rejections: list[Rejection] = []
        for position, record in enumerate(records):
            if record.value is None:
                rejections.append(Rejection(position, Defect.NULL_VALUE, "expected a JSON object; there is no value"))
                continue
            try:
                message = self._decoder.decode(record.value)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                rejections.append(Rejection(position, *diagnose(error, record.value)))
                continue
            keyed.append((self._key(message), message))
            positions.append(position)
        return Reading(keyed, positions, rejections)
