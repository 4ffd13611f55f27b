"""The topics of the directory, read as the projections beside the core read theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from stream.alerts.alert_records import Alert, StageChange
from stream.catalogue.outputs import Customer
from stream.directory.timeline import acted, alerted, document_of, happened, moved
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.record import Record
from stream.events.rejections import Defect, Rejection
from stream.identity.departures import arrived_as, is_again
from stream.projections.identity import LinkInput
from stream.projections.protocol import Input, Reading
from stream.projections.topic_inputs import ActionInput, JsonInput
from stream.settings import Settings

__all__ = ["inputs_of"]


class _EventInput:
    """An event topic, with all that its events say. What is no event is skipped: others make it a dead letter.

    So is what is sent again because its id is another customer's: each event is there once, under the id under which it
    came. Whose that is, links say.
    """

    comes_again: ClassVar[bool] = True

    def __init__(self, event_type: EventType, topic: str, decoder: Decoder) -> None:
        self.topic = topic
        self._type = event_type
        self._decoder = decoder

    def read(self, records: Sequence[Record]) -> Reading:
        own = [position for position, record in enumerate(records) if not is_again(record.headers)]
        customers, events, rejections, contents = self._decoder.decode(self._type, [records[one] for one in own])
        columns = (events["time"].tolist(), events["event_id"].tolist(), events["amount"].tolist())
        positions = [own[at] for at in events["record"].tolist()]
        keyed: list[tuple[str, object]] = []
        for customer, event, place, *figures in zip(customers, contents, positions, *columns, strict=True):
            entry = happened(self._type, event, *figures)
            came_as = arrived_as(records[place].headers)
            keyed.append((customer, entry._replace(customer_id=came_as) if came_as else entry))
        return Reading(keyed, positions, [], len(rejections) + len(records) - len(own))


class _Translated:
    """An input whose messages become entries or documents."""

    def __init__(self, source: Input, translate: Callable[[Any], object]) -> None:
        self.topic, self.comes_again = source.topic, source.comes_again
        self._source = source
        self._translate = translate

    def read(self, records: Sequence[Record]) -> Reading:
        read = self._source.read(records)
        keyed: list[tuple[str, object]] = []
        positions: list[int] = []
        rejections = [*read.rejections]
        for (key, message), position in zip(read.keyed, read.positions, strict=True):
            try:
                keyed.append((key, self._translate(message)))
            except (ValueError, OverflowError):  # of instants, which contracts have as texts
                rejections.append(Rejection(position, Defect.BAD_TIMESTAMP, "expected RFC 3339"))
            else:
                positions.append(position)
        return read._replace(keyed=keyed, positions=positions, rejections=rejections)


def inputs_of(settings: Settings) -> dict[str, Input]:
    """What reads each topic. Messages are `TimelineEntry`, `Document` or `Linked`."""
    decoder = Decoder.of(settings)
    published: list[tuple[str, type[Any], Callable[[Any], object]]] = [
        (settings.customers, Customer, document_of),
        (settings.alerts, Alert, alerted),
        (settings.stages, StageChange, moved),
    ]
    actions = ActionInput.of(settings)
    inputs: list[Input] = [
        *(_EventInput(event_type, settings.topic_of(event_type), decoder) for event_type in EventType),
        *(
            _Translated(JsonInput(topic, contract, lambda message: message.customer_id), translate)
            for topic, contract, translate in published
        ),
        _Translated(actions, lambda message: acted(message.action, message.at_ms)),
        LinkInput(settings.identities),
    ]
    return {source.topic: source for source in inputs}
