"""What customers wrote, without personal data, for as long as the shop wants to keep it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final, NamedTuple, cast

import msgspec

from stream.alerts.alert_records import Alert
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.model import Event, FeedbackEvent
from stream.events.record import Record
from stream.projections.fold import Fold
from stream.projections.inputs import ContentInput, Told
from stream.projections.protocol import Reading
from stream.settings import Settings
from stream.texts.masking import masked

__all__ = ["MAX_TEXTS", "PERIODS", "Text", "Texts", "Written", "keys_of"]

#: The time for which texts are kept has so many periods. The texts of a customer of one period are one state, which
#: expires a period before that time is over: so no text is kept longer.
PERIODS: Final = 8
#: The newest texts of a customer that are kept of a period.
MAX_TEXTS: Final = 50
_DAY_MS: Final = 86_400_000
_STARS: Final = "stars"


class Text(msgspec.Struct, frozen=True, omit_defaults=True):
    """A masked text. ``id``: a hash of the event's. ``stars``: that were given with it, a label of its mood."""

    id: int
    at_ms: int
    name: str
    text: str
    language: str | None = None
    product_id: str | None = None
    ticket_id: str | None = None
    channel: str | None = None
    stars: float | None = None


class Written(msgspec.Struct):
    """Texts of a customer of one ``period``, a number since the epoch, in the order of their times."""

    period: int = -1
    texts: list[Text] = msgspec.field(default_factory=list)


class _Of(NamedTuple):
    """A text with the period it is of."""

    period: int
    text: Text


class _TextInput:
    """Events of feedback with a text. It is masked when it is read, so a fold never sees personal data."""

    def __init__(self, settings: Settings, period_ms: int) -> None:
        self.topic = settings.topic_of(EventType.FEEDBACK)
        self._period_ms = period_ms
        self._events = ContentInput(
            EventType.FEEDBACK, self.topic, Decoder.of(settings), _customer_of_text, reports=False
        )

    def read(self, records: Sequence[Record]) -> Reading:
        reading = self._events.read(records)
        keyed: list[tuple[str, object]] = []
        for customer, message in reading.keyed:
            told = cast("Told", message)
            period = told.at_ms // self._period_ms
            keyed.append((_key(customer, period), _Of(period, _text_of(told))))
        return reading._replace(keyed=keyed)


class Texts(Fold[Written]):
    """Masked texts of feedback, by customer and period. They do not depend on the order of the events.

    A text that was sent twice is kept once.
    """

    name: ClassVar[str] = "texts"
    state: ClassVar[type[Written]] = Written
    about: ClassVar[str] = "What each customer wrote, masked, for as long as the setting text_keep_days says."
    key: ClassVar[str] = "customer and period"

    def __init__(self, settings: Settings) -> None:
        keep_ms = settings.text_keep_days * _DAY_MS
        period_ms = keep_ms // PERIODS
        self.keep_s = (keep_ms - period_ms) // 1000
        self.inputs = (_TextInput(settings, period_ms),)

    def fold_one(self, state: Written, message: _Of, alerts: list[Alert]) -> Written:
        del alerts
        if message.period > state.period:
            state.period, state.texts = message.period, []
        if message.period == state.period and all(text.id != message.text.id for text in state.texts):
            state.texts.append(message.text)
            state.texts.sort(key=lambda text: (text.at_ms, text.id))
            del state.texts[:-MAX_TEXTS]
        return state

    def erase(self, customer_id: str) -> Iterable[str]:
        return keys_of(customer_id)


def keys_of(customer_id: str) -> list[str]:
    """The keys of all states of a customer."""
    return [_key(customer_id, period) for period in range(PERIODS)]


def _key(customer_id: str, period: int) -> str:
    return f"{period % PERIODS}/{customer_id}"


def _customer_of_text(event: Event) -> Sequence[str]:
    text = cast("FeedbackEvent", event).text
    return (event.customer_id,) if text is not None and text.strip() else ()


def _text_of(told: Told) -> Text:
    event = cast("FeedbackEvent", told.event)
    return Text(
        told.event_id,
        told.at_ms,
        event.name,
        masked(event.text or "").strip(),
        event.language,
        event.product_id,
        event.ticket_id,
        event.channel,
        event.value if event.scale == _STARS else None,
    )
