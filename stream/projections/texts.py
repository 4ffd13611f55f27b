"""What customers wrote, without personal data, for as long as the shop wants to keep it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final, cast

import msgspec

from stream.catalogue.declaring import Retention
from stream.catalogue.windows import DAY_MS
from stream.privacy.ciphertexts import is_ciphertext
from stream.processing.state import Outgoing
from stream.projections.fold import Fold
from stream.projections.protocol import Folded
from stream.projections.written import Labelled, Text, Wrote, inputs_of, of_event, of_ticket, of_told
from stream.settings import Settings
from stream.texts.text_records import KEY, FeedbackText, encode_text

__all__ = ["MAX_LABELS", "MAX_TEXTS", "PERIODS", "Text", "Texts", "Written", "keys_of"]

#: The time for which texts are kept has so many periods. The texts of a customer of one period are one state, which
#: expires a period before that time is over: so no text is kept longer.
PERIODS: Final = 8
#: The newest texts of a customer that are kept of a period.
MAX_TEXTS: Final = 50
#: The newest labels of a customer that are kept, for texts that come after them.
MAX_LABELS: Final = 200


class Written(msgspec.Struct, omit_defaults=True):
    """Texts of a customer of one ``period``, a number since the epoch, in the order of their times.

    In a state of its own: ``labels``, the categories that people told, by what they are of
    (`stream.projections.written`).
    """

    customer_id: str = ""
    period: int = -1
    texts: list[Text] = msgspec.field(default_factory=list)
    labels: dict[str, str] = msgspec.field(default_factory=dict)


class Texts(Fold[Written]):
    """Masked texts, by customer and period. They do not depend on the order of the events.

    A text that was sent twice is kept once. Each text is published for the projection `classification`, and again when
    its category becomes known. What people say of a text counts before what its event says, and that before the label
    of its ticket: they are in different topics, so the later one is not the one that is read later. A text under the
    key of a person is kept and never published, as nothing can be learned of it.
    """

    name: ClassVar[str] = "texts"
    version: ClassVar[int] = 2
    state: ClassVar[type[Written]] = Written
    about: ClassVar[str] = "What each customer wrote, masked, for as long as the setting text_keep_days says."
    why: ClassVar[str] = "to show what a customer wrote"
    kept: ClassVar[Retention] = Retention.TEXTS
    key: ClassVar[str] = "customer and period"

    def __init__(self, settings: Settings) -> None:
        keep_ms = settings.text_keep_days * DAY_MS
        self._period_ms = keep_ms // PERIODS
        self._topic = settings.feedback_texts
        self.keep_s = (keep_ms - self._period_ms) // 1000
        self.inputs = inputs_of(settings, self._key_of)

    def release(self, customer_id: str) -> None:
        """Texts and labels stay where they came first, for a model would learn from a text that came again twice.

        Readers take those of all ids of a person.
        """

    def reach(self, states: Mapping[str, Written], messages: Sequence[tuple[str, object]]) -> Iterable[str]:
        """The labels of those who wrote, and the texts of those whose texts are labelled."""
        del states
        for _, message in messages:
            if isinstance(message, Labelled):
                yield from _periods(message.customer_id)
            else:
                yield _labels_key(cast("Wrote", message).customer_id)

    def fold(self, states: Mapping[str, Written], messages: Sequence[tuple[str, object]]) -> Folded:
        written = dict(states)
        outgoing: list[Outgoing] = []
        for key, message in messages:
            if isinstance(message, Labelled):
                outgoing += self._label(written, key, message)
            else:
                outgoing += self._write(written, key, cast("Wrote", message))
        return Folded(written, outgoing)

    def erase(self, customer_id: str) -> Iterable[str]:
        return keys_of(customer_id)

    def _key_of(self, message: Wrote | Labelled) -> str:
        if isinstance(message, Labelled):
            return _labels_key(message.customer_id)
        return _key(message.customer_id, message.text.at_ms // self._period_ms)

    def _write(self, written: dict[str, Written], key: str, wrote: Wrote) -> Iterable[Outgoing]:
        customer_id, text = wrote
        state = written.setdefault(key, Written())
        period = text.at_ms // self._period_ms
        if period > state.period:
            state.customer_id, state.period, state.texts = customer_id, period, []
        if period < state.period or any(one.id == text.id for one in state.texts):
            return
        state.texts.append(text)
        state.texts.sort(key=lambda one: (one.at_ms, one.id))
        del state.texts[:-MAX_TEXTS]
        if text in state.texts and not is_ciphertext(text.text):
            labels = written.get(_labels_key(customer_id), Written()).labels
            yield self._published(customer_id, text, _category(text, labels))

    def _label(self, written: dict[str, Written], key: str, labelled: Labelled) -> Iterable[Outgoing]:
        state = written.setdefault(key, Written(customer_id=labelled.customer_id))
        before = dict(state.labels)
        state.labels.pop(labelled.of, None)
        state.labels[labelled.of] = labelled.category
        for excess in [*state.labels][:-MAX_LABELS]:
            del state.labels[excess]
        for period in _periods(labelled.customer_id):
            for text in written[period].texts if period in written else ():
                if is_ciphertext(text.text):
                    continue
                category = _category(text, state.labels)
                if category is not None and category != _category(text, before):
                    yield self._published(labelled.customer_id, text, category)

    def _published(self, customer_id: str, text: Text, category: str | None) -> Outgoing:
        record = FeedbackText(
            text_id=text.event_id,
            customer_id=customer_id,
            occurred_at=text.at_ms / 1000,
            name=text.name,
            text=text.text,
            language=text.language,
            product_id=text.product_id,
            channel=text.channel,
            mood=text.mood,
            category=category,
        )
        return Outgoing(self._topic, KEY.encode(), encode_text(record), [])


def keys_of(customer_id: str) -> list[str]:
    """The keys of all states of a customer."""
    return [*_periods(customer_id), _labels_key(customer_id)]


def _periods(customer_id: str) -> list[str]:
    return [_key(customer_id, period) for period in range(PERIODS)]


def _key(customer_id: str, period: int) -> str:
    return f"{period % PERIODS}/{customer_id}"


def _labels_key(customer_id: str) -> str:
    return f"labels/{customer_id}"


def _category(text: Text, labels: Mapping[str, str]) -> str | None:
    said = [of_event(text.event_id), of_told(text.event_id)]
    if text.ticket_id is not None:
        said.append(of_ticket(text.ticket_id))
    return next((labels[of] for of in said if of in labels), None)
