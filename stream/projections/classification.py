"""Which category and mood each text of a customer has, by models that learn from the texts themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple, cast

import msgspec

from stream.events.record import Record
from stream.events.rejections import Defect, Rejection
from stream.events.times import epoch_ms
from stream.projections.fold import Fold
from stream.projections.judgements import MAX_JUDGED, Judged, Judgement, TextTally
from stream.projections.protocol import Folded, Reading
from stream.projections.text_model import Learning, Stored, StoredModel
from stream.projections.topic_inputs import JsonInput
from stream.settings import Settings
from stream.texts.classifier import TextClassifier
from stream.texts.mood import mood_classifier
from stream.texts.text_records import KEY, FeedbackText

__all__ = ["CATEGORY", "MOOD", "SHOP", "Classification", "State", "customer_key", "product_key"]

#: Keys of the heads of the two models, and of the counts of the whole shop.
CATEGORY, MOOD, SHOP = "category", "mood", "shop"


class State(Stored, omit_defaults=True):
    """A state of a model, or of a customer (``texts``, in the order of their times), or counts (``tally``)."""

    texts: list[Judged] = msgspec.field(default_factory=list)
    tally: TextTally | None = None


class _Models(NamedTuple):
    category: Learning
    mood: Learning


class _TextInput:
    """The topic of texts. Those with another key than `KEY` would be in another partition, and are refused."""

    comes_again: ClassVar[bool] = False

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self._json = JsonInput(topic, FeedbackText, lambda text: customer_key(text.customer_id))

    def read(self, records: Sequence[Record]) -> Reading:
        own = [position for position, record in enumerate(records) if record.key == KEY.encode()]
        reading = self._json.read([records[position] for position in own])
        strangers = {*range(len(records))} - {*own}
        refused = [
            Rejection(position, Defect.KEY_MISMATCH, f"expected the record key {KEY!r}")
            for position in sorted(strangers)
        ]
        return reading._replace(
            positions=[own[position] for position in reading.positions],
            rejections=refused + [one._replace(record=own[one.record]) for one in reading.rejections],
        )


class Classification(Fold[State]):
    """Category and mood of every text, decided before anything is learned of it, and the models that decide.

    All states are in the partition of `KEY`, so that one model learns from all texts, in the order of the topic. A text
    that comes again is known, as long as it is among the newest `MAX_JUDGED` of its customer, and so is an older one.
    Texts of who does not agree to profiling then are passed over (`Asking`).
    """

    name: ClassVar[str] = "classification"
    version: ClassVar[int] = 2
    state: ClassVar[type[State]] = State
    about: ClassVar[str] = "Which category and mood each text has, and how often each came, by month, channel, product."
    why: ClassVar[str] = "to know what customers write about"
    key: ClassVar[str] = "customer (customer/ID), product (product/ID), the shop, and parts of the models"
    home: ClassVar[str | None] = KEY

    def __init__(self, settings: Settings) -> None:
        self.inputs = (_TextInput(settings.feedback_texts),)
        self._category = StoredModel(CATEGORY, TextClassifier)
        self._mood = StoredModel(MOOD, mood_classifier)

    def release(self, customer_id: str) -> None:
        """Texts are judged once, where they came first. Readers take those of all ids of a person."""

    def learned_from(self, message: object) -> str | None:
        return message.customer_id if isinstance(message, FeedbackText) else None

    def reach(self, states: Mapping[str, State], messages: Sequence[tuple[str, object]]) -> Iterable[str]:
        """The counts of the shop and of products, and what the models need."""
        if not messages:
            return
        for _, message in messages:
            if product := cast("FeedbackText", message).product_id:
                yield product_key(product)
        yield SHOP
        yield from self._category.reach(states)
        yield from self._mood.reach(states)

    def fold(self, states: Mapping[str, State], messages: Sequence[tuple[str, object]]) -> Folded:
        if not messages:
            return Folded({})
        # states of the models may be many, and only those that change are given back
        folded: dict[str, State | None] = {}
        models = _Models(self._category.open(states), self._mood.open(states))
        for key, message in messages:
            text = cast("FeedbackText", message)
            tallies = [SHOP, *([product_key(text.product_id)] if text.product_id else [])]
            of = {name: folded.get(name) or states.get(name) or State() for name in (key, *tallies)}
            if _take(of[key].texts, [_tally(of[name]) for name in tallies], text, models):
                folded |= of
        for model in models:
            folded |= {key: _state(stored) for key, stored in model.close().items()}
        return Folded(folded)

    def erase(self, customer_id: str) -> Iterable[str]:
        return (customer_key(customer_id),)


def customer_key(customer_id: str) -> str:
    return f"customer/{customer_id}"


def product_key(product_id: str) -> str:
    return f"product/{product_id}"


def _take(texts: list[Judged], tallies: Sequence[TextTally], text: FeedbackText, models: _Models) -> bool:
    """Whether a text says anything new."""
    known = next((one for one in texts if one.text_id == text.text_id), None)
    if known is None:
        return _judge(texts, tallies, text, models)
    if text.category is None or text.category == known.category.told:
        return False
    for tally in tallies:
        tally.count(known, -1)
        if known.category.told is None:
            tally.category_tested.test(known.category, text.category)
    known.category.told = text.category
    for tally in tallies:
        tally.count(known)
    models.category.learn(models.category.model.hashed(text.text), text.category)
    return True


def _judge(texts: list[Judged], tallies: Sequence[TextTally], text: FeedbackText, models: _Models) -> bool:
    at_ms = epoch_ms(text.occurred_at)
    if len(texts) >= MAX_JUDGED and (at_ms, text.text_id) < (texts[0].at_ms, texts[0].text_id):
        return False
    hashed = models.category.model.hashed(text.text)
    hashed_mood = models.mood.model.hashed(text.text, hashed.features)
    judged = Judged(
        text.text_id,
        at_ms,
        text.name,
        Judgement.of(models.category.decide(text.text, hashed), text.category),
        Judgement.of(models.mood.decide(text.text, hashed_mood), text.mood),
        text.product_id,
        text.channel,
    )
    texts.append(judged)
    texts.sort(key=lambda one: (one.at_ms, one.text_id))
    del texts[:-MAX_JUDGED]
    for tally in tallies:
        tally.count(judged)
        if text.category is not None:
            tally.category_tested.test(judged.category, text.category)
        if text.mood is not None:
            tally.mood_tested.test(judged.mood, text.mood)
    if text.category is not None:
        models.category.learn(hashed, text.category)
    if text.mood is not None:
        models.mood.learn(hashed_mood, text.mood)
    return True


def _tally(state: State) -> TextTally:
    if state.tally is None:
        state.tally = TextTally()
    return state.tally


def _state(stored: Stored | None) -> State | None:
    return None if stored is None else State(head=stored.head, piece=stored.piece, example=stored.example)
