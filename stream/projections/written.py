"""What customers write, in whatever event, as messages: texts, masked when they are read, and labels of them.

A text under the key of a person stays as it is: its words are nobody's to see here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple, cast

import msgspec

from stream.alerts.action_records import ActionKind
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.model import MAX_TEXT_CHARS, EmailEvent, Event, FeedbackEvent, InteractionEvent
from stream.events.record import Record
from stream.privacy.ciphertexts import is_ciphertext
from stream.projections.protocol import Input, Reading
from stream.projections.topic_inputs import Acted, ActionInput, ContentInput, Told
from stream.settings import Settings
from stream.texts.masking import masked
from stream.texts.mood import mood_of_score
from stream.texts.text_records import Mood

__all__ = ["Labelled", "Text", "Wrote", "inputs_of", "of_event", "of_ticket", "of_told"]

_OF_KIND: dict[str, Mood] = {"complained": "negative", "praised": "positive"}


class Text(msgspec.Struct, frozen=True, omit_defaults=True):
    """A masked text. ``id``: a hash of the event's. ``mood``: told by a score, a complaint or praise."""

    id: int
    event_id: str
    at_ms: int
    name: str
    text: str
    language: str | None = None
    product_id: str | None = None
    ticket_id: str | None = None
    channel: str | None = None
    mood: Mood | None = None


class Wrote(NamedTuple):
    """A customer wrote a text."""

    customer_id: str
    text: Text


class Labelled(NamedTuple):
    """What ``of`` refers to is of a category: `of_event`, `of_told` or `of_ticket`."""

    customer_id: str
    of: str
    category: str


#: Where the state of a message is.
Key = Callable[[Wrote | Labelled], str]


def of_event(event_id: str) -> str:
    """What people say later of an event."""
    return f"event:{event_id}"


def of_told(event_id: str) -> str:
    """What an event says of itself."""
    return f"told:{event_id}"


def of_ticket(ticket_id: str) -> str:
    """What an event says of its ticket."""
    return f"ticket:{ticket_id}"


def inputs_of(settings: Settings, key: Key) -> tuple[Input, ...]:
    """Feedback, interactions, replies to e-mails, and what people have filed texts under."""
    types = (EventType.FEEDBACK, EventType.INTERACTION, EventType.EMAIL)
    actions = ActionInput.of(settings)
    return (*(_TextInput(settings, one, key) for one in types), _LabelInput(actions, key))


class _TextInput:
    """Events of a type with a text or a category. A fold never sees personal data."""

    comes_again: ClassVar[bool] = True

    def __init__(self, settings: Settings, of: EventType, key: Key) -> None:
        self.topic = settings.topic_of(of)
        self._key = key
        self._events = ContentInput(of, self.topic, Decoder.of(settings), _customer, reports=False)

    def read(self, records: Sequence[Record]) -> Reading:
        return _read(self._events, records, lambda message: _messages(cast("Told", message)), self._key)


class _LabelInput:
    """Actions that label a text."""

    comes_again: ClassVar[bool] = False

    def __init__(self, actions: ActionInput, key: Key) -> None:
        self.topic = actions.topic
        self._key = key
        self._actions = actions

    def read(self, records: Sequence[Record]) -> Reading:
        return _read(self._actions, records, lambda message: _labels(cast("Acted", message)), self._key)


def _read(
    events: Input, records: Sequence[Record], messages: Callable[[object], list[Wrote | Labelled]], key: Key
) -> Reading:
    reading = events.read(records)
    found = [
        (position, message)
        for (_, read), position in zip(reading.keyed, reading.positions, strict=True)
        for message in messages(read)
    ]
    keyed: list[tuple[str, object]] = [(key(message), message) for _, message in found]
    return reading._replace(keyed=keyed, positions=[position for position, _ in found])


def _customer(event: Event) -> Sequence[str]:
    has_category = isinstance(event, FeedbackEvent) and event.category
    return (event.customer_id,) if has_category or _words(event) else ()


def _words(event: Event) -> str:
    if isinstance(event, EmailEvent):
        return (event.text or "").strip() if event.name == "replied" else ""
    return (cast("FeedbackEvent | InteractionEvent", event).text or "").strip()


def _messages(told: Told) -> list[Wrote | Labelled]:
    event = told.event
    messages: list[Wrote | Labelled] = []
    if isinstance(event, FeedbackEvent) and event.category:
        of = of_ticket(event.ticket_id) if event.ticket_id else of_told(event.event_id)
        messages.append(Labelled(event.customer_id, of, event.category))
    if _words(event):
        messages.append(Wrote(event.customer_id, _text_of(told)))
    return messages


def _labels(acted: Acted) -> list[Wrote | Labelled]:
    action = acted.action
    if action.action is not ActionKind.LABELLED or action.event_id is None or action.category is None:
        return []
    return [Labelled(action.customer_id, of_event(action.event_id), action.category)]


def _text_of(told: Told) -> Text:
    event = told.event
    words = _words(event)
    if not is_ciphertext(words):
        words = masked(words).strip()[:MAX_TEXT_CHARS]
    if isinstance(event, FeedbackEvent):
        mood = _OF_KIND.get(event.name)
        if event.scale is not None and event.value is not None:
            mood = mood_of_score(event.scale, event.value)
        return Text(
            told.event_id,
            event.event_id,
            told.at_ms,
            event.name,
            words,
            event.language,
            event.product_id,
            event.ticket_id,
            event.channel,
            mood,
        )
    if isinstance(event, InteractionEvent):
        return Text(
            told.event_id,
            event.event_id,
            told.at_ms,
            event.name,
            words,
            event.language,
            event.product_id,
            channel=event.channel,
        )
    return Text(told.event_id, event.event_id, told.at_ms, event.name, words, channel=event.channel or "email")
