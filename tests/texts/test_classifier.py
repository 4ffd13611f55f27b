import copy
import pickle

import numpy as np
import pytest
from river.checks import yield_checks

from stream.texts.classifier import MIN_EXAMPLES, TextClassifier
from stream.texts.hashing import Hasher, words_of
from stream.texts.mood import mood_classifier

_CHECKS = list(yield_checks(TextClassifier(bits=10)))


@pytest.mark.parametrize("check", _CHECKS, ids=[f"{k}-{check.__name__}" for k, check in enumerate(_CHECKS)])
def test_rivers_own_checks_pass(check: object) -> None:
    check(TextClassifier(bits=10))  # type: ignore[operator]


_TEXTS = {
    "delivery": ["the parcel never arrived", "still waiting for my package", "delivered to the wrong house"],
    "payment": ["my card was declined", "charged twice for one order", "the refund is missing"],
    "质量": ["质量太差了", "材料很薄", "一洗就坏"],
}


def _learned(rounds: int, bits: int = 15) -> TextClassifier:
    model = TextClassifier(bits)
    for k in range(rounds):
        for label, texts in _TEXTS.items():
            model.learn_one(texts[k % 3], label)
    return model


def test_three_texts_are_enough_to_begin_with() -> None:
    model = _learned(1)
    assert model.predict_one("my parcel?") == "delivery"
    assert sum(model.predict_proba_one("my parcel?").values()) == pytest.approx(1.0)


def test_chinese_without_blanks_is_learned() -> None:
    assert _learned(5).predict_one("质量不行") == "质量"


def test_a_category_is_decided_for_from_its_twentieth_example_on() -> None:
    model = _learned(MIN_EXAMPLES - 1)
    assert model.decide("the parcel never arrived").label is None
    model.learn_one("the parcel never arrived", "delivery")
    assert model.decide("the parcel never arrived").label == "delivery"


def test_an_unknown_text_is_not_decided() -> None:
    assert _learned(30).decide("zzz qqq xxx").label is None


def test_a_category_may_come_at_any_time_and_is_usable_after_twenty_examples() -> None:
    model = _learned(60)
    for k in range(MIN_EXAMPLES):
        model.learn_one(f"the app crashes when I open it {k}", "app")
    assert model.decide("app crashes").label == "app"
    assert model.predict_one("the parcel never arrived") == "delivery"


def test_the_words_that_decided_are_words_of_the_text() -> None:
    decision = _learned(30).decide("Well, my CARD was declined today")
    assert decision.label == "payment"
    assert set(decision.words) <= set(words_of("Well, my CARD was declined today"))
    assert {"card", "declined"} <= set(decision.words)


def test_a_single_class_and_no_class_have_an_answer_and_decide_nothing() -> None:
    model = TextClassifier()
    assert model.predict_one("anything") is None
    assert model.predict_proba_one("anything") == {}
    assert model.decide("anything").label is None
    for _ in range(30):
        model.learn_one("fine", "ok")
    assert model.predict_proba_one("anything") == {"ok": 1.0}
    assert model.decide("fine").label is None
    for _ in range(30):
        model.learn_one("fine", "ok")
        model.learn_one("the parcel never arrived", "delivery")
    assert model.decide("fine").label == "ok"


@pytest.mark.parametrize("text", ["", " \n", "😀" * 50, "\x00\ud800", "a" * 100_000, "长" * 100_000, "x y " * 25_000])
def test_odd_texts_are_learned_and_predicted_without_harm(text: str) -> None:
    model = _learned(10)
    model.learn_one(text, "odd")
    p = model.predict_proba_one(text)
    assert sum(p.values()) == pytest.approx(1.0)
    assert np.isfinite(model.weights).all()
    assert model.predict_one("my card was declined") == "payment"


def test_texts_that_collide_in_a_bucket_change_little() -> None:
    model, small = _learned(40), _learned(40, bits=4)
    # sixteen buckets: everything collides, and still nothing breaks
    assert sum(small.predict_proba_one("my card was declined").values()) == pytest.approx(1.0)
    rng = np.random.default_rng(3)
    for _ in range(300):
        model.learn_one(" ".join(map(chr, rng.integers(97, 123, 400))), "flood")
    assert model.predict_one("my card was declined") == "payment"


def test_equal_examples_give_equal_models_also_after_a_copy() -> None:
    whole, half = _learned(40), _learned(20)
    for going_on in (copy.deepcopy(half), half):
        for k in range(20, 40):
            for label, texts in _TEXTS.items():
                going_on.learn_one(texts[k % 3], label)
        np.testing.assert_array_equal(going_on.weights, whole.weights)
        assert going_on.predict_proba_one("card") == whole.predict_proba_one("card")


def test_predicting_changes_nothing() -> None:
    model = _learned(10)
    state = [name for name in vars(model) if name != "_hasher"]
    before = pickle.dumps([vars(model)[name] for name in state])
    model.predict_proba_one("my card")
    model.decide("my card")
    assert pickle.dumps([vars(model)[name] for name in state]) == before


def test_the_sample_of_examples_is_bounded() -> None:
    model = TextClassifier(bits=10, sample=50)
    for k in range(200):
        model.learn_one(f"text {k}", k % 2)
    assert len(model.replay.examples) == 50


def test_english_moods_are_known_on_the_first_day_and_learned_later() -> None:
    model = mood_classifier()
    assert model.decide("I love this dress, it is beautiful and great").label == "positive"
    assert model.decide("terrible quality, I hate it").label == "negative"
    assert "terrible" in model.decide("terrible quality, I hate it").words
    # here "sick" is praise
    for _ in range(40):
        model.learn_one("sick sneakers", "positive")
        model.learn_one("boring sneakers", "negative")
    assert model.predict_one("sick sneakers") == "positive"


def test_features_are_counted_by_category_once_for_each_example() -> None:
    model, wanted = _learned(5), np.zeros((1 << 15, len(_TEXTS)))
    for position, texts in enumerate(_TEXTS.values()):
        for k in range(5):
            np.add.at(wanted[:, position], Hasher(15).of_text(texts[k % 3]).buckets, 1)
    np.testing.assert_array_equal(model.occurrences[:, : len(_TEXTS)], wanted)
    np.testing.assert_array_equal(model.lengths[: len(_TEXTS)], wanted.sum(axis=0))


def test_a_rare_category_is_learned_again_in_a_quarter_of_the_draws() -> None:
    model = TextClassifier(bits=10)
    for k in range(200):
        model.learn_one(f"text {k}", "rare" if k % 100 == 0 else "frequent")
    drawn = [one.label for number in range(500) for one in model.replay.drawn(8, number, 2)]
    # half of the draws are of a category with equal chances, the others hardly ever of the rare one
    assert drawn.count(model.labels.index("rare")) / 4000 == pytest.approx(0.25 + 0.5 * 0.01, abs=0.03)
