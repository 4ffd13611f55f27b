"""The projection that learns texts: with any steps and losses, states are those of one pass."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.errors import CodecError
from stream.projections import text_model
from stream.projections.classification import Classification, State, customer_key
from stream.projections.judgements import MAX_JUDGED
from stream.settings import Settings
from stream.texts.classifier import MIN_EXAMPLES, TextClassifier
from stream.texts.text_records import FeedbackText
from tests.projections.text_store import SAID, TextStore, labelled, text


def stored_after(texts: Sequence[FeedbackText]) -> dict[str, bytes]:
    store = TextStore()
    for one in texts:
        store.append(one)
    # one record at a time, by one process that never stops
    while store.done < len(store.log):
        store.step(1)
    return store.stored


@st.composite
def written(draw: st.DrawFn) -> list[FeedbackText]:
    drawn = draw(st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["", *SAID]), st.booleans()), max_size=40))
    return [
        text(
            number,
            [*SAID.values()][number % 2][number % 3],
            customer=f"c-{number % 3}",
            category=category or None,
            mood="negative" if is_told else None,
            product_id="p-1" if number % 4 == 0 else None,
        )
        for number, category, is_told in drawn
    ]


@settings(max_examples=25, deadline=None)
@given(written(), st.lists(st.integers(1, 5), max_size=40), st.lists(st.sampled_from("-lr"), max_size=30))
def test_states_are_those_of_one_pass_however_it_is_cut(
    texts: list[FeedbackText], sizes: list[int], faults: list[str]
) -> None:
    store = TextStore(cache=0)
    for one in texts:
        store.append(one)
    while store.done < len(store.log):
        fault = faults.pop() if faults else "-"
        store.step(sizes.pop() if sizes else 7, lost=fault == "l")
        if fault == "r":
            store.restart()
    assert readable(store.stored) == readable(stored_after(texts))


def readable(stored: dict[str, bytes]) -> dict[str, State]:
    """Without the times of snapshots, which depend on the steps."""
    found = {key: msgspec.json.decode(state, type=State) for key, state in stored.items() if "/piece/" not in key}
    for state in found.values():
        if state.head is not None:
            state.head.snapshot = state.head.pieces = state.head.size = state.head.since = 0
    return {key: state for key, state in found.items() if "/example/" not in key}


def test_a_model_of_stored_states_is_the_one_that_learned_bit_for_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_model, "_MIN_SNAPSHOT", 4_000)
    store = TextStore(cache=0)
    expected = TextClassifier()
    for number in range(160):
        one = labelled(number)
        store.append(one)
        expected.learn_one(one.text, str(one.category))
    while store.done < len(store.log):
        store.step(9)
    head = store.state("category").head
    assert head is not None
    assert 0 < head.snapshot < head.examples == 160
    store.restart()
    store.append(text(999, "my card was declined again"))
    store.step(1)
    projection: Any = store.partition.projection
    (live,) = projection._category._live.values()
    for name in ("weights", "squares", "seen", "counts", "biases"):
        assert getattr(live.model, name).tobytes() == getattr(expected, name).tobytes(), name
    assert live.model.confidence == expected.confidence
    decision = expected.decide("my card was declined again")
    judged = store.state(customer_key("c-1")).texts[-1].category
    assert (judged.decided, judged.words) == (decision.label, decision.words)


def test_examples_that_are_in_the_snapshot_and_not_drawn_again_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_model, "_MIN_SNAPSHOT", 4_000)
    store = TextStore()
    projection: Any = store.partition.projection
    projection._category._make = lambda: TextClassifier(sample=10)
    for number in range(160):
        store.append(labelled(number))
    while store.done < len(store.log):
        store.step(9)
    head = store.state("category").head
    assert head is not None
    examples = [key for key in store.stored if key.startswith("category/example/")]
    assert len(examples) <= 10 + head.examples - head.snapshot
    assert len([key for key in store.stored if key.startswith("category/piece/")]) == head.pieces


def test_states_stored_by_another_process_meanwhile_are_forgotten_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process folds and may not store; another one stores the same with a snapshot; the first comes back."""
    monkeypatch.setattr(Classification, "__init__", sampling(Classification.__init__))
    store, other = TextStore(cache=0), TextStore(cache=0).partition
    first = store.partition
    for number in range(400):
        store.append(labelled(number))
    monkeypatch.setattr(text_model, "_MIN_SNAPSHOT", 10**9)
    store.step(20)
    store.step(80, lost=True)
    store.own.partition = other
    other.restore(first.state)
    monkeypatch.setattr(text_model, "_MIN_SNAPSHOT", 0)
    store.step(40)
    monkeypatch.setattr(text_model, "_MIN_SNAPSHOT", 10**9)
    store.step(40)
    store.own.partition = first
    first.restore(other.state)
    monkeypatch.setattr(text_model, "_MIN_SNAPSHOT", 0)
    while store.done < len(store.log):
        store.step(20)
    head = store.state("category").head
    assert head is not None
    assert head.snapshot > 100
    examples = {int(key.rpartition("/")[2]) for key in store.stored if key.startswith("category/example/")}
    assert examples >= {*range(head.snapshot + 1, head.examples + 1)}
    assert len(examples) <= 10 + head.examples - head.snapshot


def sampling(begin: Callable[[Classification, Settings], None]) -> Callable[[Classification, Settings], None]:
    """The projection with models that keep few examples."""

    def begin_small(self: Any, settings: Settings) -> None:
        begin(self, settings)
        self._category._make = lambda: TextClassifier(sample=10)

    return begin_small


def test_categories_beyond_the_first_are_counted_and_not_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_model, "MAX_CATEGORIES", 3)
    store = TextStore(cache=0)
    for number, category in enumerate("abcdeab"):
        store.append(text(number, "the parcel never arrived", category=category))
    while store.done < len(store.log):
        store.step(2)
        store.restart()
    head, tally = store.state("category").head, store.state("shop").tally
    assert head is not None
    assert tally is not None
    assert (head.examples, head.labels) == (5, {"a": 2, "b": 2, "c": 1})
    assert tally.categories["2026-01"] == {"a": 2, "b": 2, "c": 1, "d": 1, "e": 1}
    assert {key for key in store.stored if "/example/" in key} == {f"category/example/{k}" for k in range(1, 6)}


def test_a_category_is_decided_for_after_twenty_labels_and_says_which_words_decided() -> None:
    store = TextStore()
    for number in range(2 * MIN_EXAMPLES):
        store.append(labelled(number))
    store.append(text(900, "where is my parcel", product_id="p-1", channel="web"))
    store.run()
    judged = store.state(customer_key("c-1")).texts[-1]
    assert judged.category.decided == judged.category.label == "delivery"
    assert "parcel" in judged.category.words
    tally = store.state("shop").tally
    assert tally is not None
    assert sum(tally.categories["2026-01"].values()) == 2 * MIN_EXAMPLES + 1
    assert tally.category_tested.labels == 2 * MIN_EXAMPLES
    assert store.state("product/p-1").tally is not None


def test_a_label_that_comes_late_takes_the_place_of_the_decision_and_tests_it() -> None:
    store = TextStore()
    store.append(text(1, "the parcel never arrived", channel="web"))
    store.run()
    tally = store.state("shop").tally
    assert tally is not None
    assert tally.categories == {"2026-01": {"": 1}}
    for _ in range(2):  # a label that comes twice counts once
        store.append(text(1, "the parcel never arrived", channel="web", category="delivery"))
    store.run()
    tally, head = store.state("shop").tally, store.state("category").head
    assert tally is not None
    assert head is not None
    assert (tally.categories, tally.category_channels) == ({"2026-01": {"delivery": 1}}, {"web": {"delivery": 1}})
    assert (tally.category_tested.labels, tally.category_tested.abstained, head.labels) == (1, 1, {"delivery": 1})


def test_a_mood_is_known_on_the_first_day() -> None:
    store = TextStore()
    store.append(text(1, "I love it, it is great and beautiful"))
    store.append(text(2, "terrible quality, I hate it"))
    store.run()
    assert [one.mood.label for one in store.state(customer_key("c-1")).texts] == ["positive", "negative"]


def test_older_texts_than_those_that_are_known_are_not_learned_again() -> None:
    store = TextStore()
    for number in range(MAX_JUDGED + 5):
        store.append(text(number, "fine", mood="positive"))
    store.append(text(0, "fine", mood="positive"))
    store.run()
    head = store.state("mood").head
    assert head is not None
    assert head.examples == MAX_JUDGED + 5
    assert len(store.state(customer_key("c-1")).texts) == MAX_JUDGED


def test_a_record_with_another_key_is_refused() -> None:
    store = TextStore()
    store.append(text(1, "fine"), key="c-1")
    store.append(text(2, "fine"))
    assert [str(reason) for reason in store.step(10)] == ["key_mismatch"]
    assert [one.text_id for one in store.state(customer_key("c-1")).texts] == ["t-2"]


def test_a_model_that_lacks_a_state_is_not_made_up() -> None:
    store = TextStore(cache=0)
    store.append(labelled(0))
    store.run()
    del store.stored["category/example/1"]
    store.restart()
    store.append(labelled(1))
    with pytest.raises(CodecError, match="example 1 of the model category"):
        store.run()
