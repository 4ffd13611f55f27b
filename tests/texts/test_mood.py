import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.texts.mood import MOODS, mood_of_score, mood_prior, valence


def test_the_valence_is_that_of_the_formula() -> None:
    # love 3.2 and great 3.1 in the lexicon: 6.3 / sqrt(6.3^2 + 15)
    assert valence("LOVE it, great") == pytest.approx(6.3 / (6.3**2 + 15) ** 0.5)
    # a negation turns 3.1 into -0.74 * 3.1
    assert valence("not great") == pytest.approx(-2.294 / (2.294**2 + 15) ** 0.5)
    assert valence("no, nothing; but after a few words great") > 0
    assert valence("") == 0.0


@given(st.sampled_from(["LOVE", "awful", "not", "great", "table"]) | st.text(string.ascii_letters, min_size=1))
def test_a_word_alone_has_the_valence_that_it_has_as_a_text(word: str) -> None:
    assert valence(word) == valence(f" {word}.")


def test_a_prior_names_each_mood_and_is_even_for_a_text_without_known_words() -> None:
    assert set(mood_prior("")) == set(MOODS)
    assert set(mood_prior("质量").values()) == {0.0}
    assert mood_prior("awful")["negative"] > 0 > mood_prior("awful")["positive"]


@pytest.mark.parametrize(
    ("stars", "mood"),
    [(1, "negative"), (2, "negative"), (2.5, "negative"), (3, "neutral"), (4, "positive"), (5, "positive")],
)
def test_stars_tell_the_mood(stars: float, mood: str) -> None:
    assert mood_of_score("stars", stars) == mood
