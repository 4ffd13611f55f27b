"""The mood of a text: what a lexicon of English knows before anything is learned, and what ratings teach."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from stream.texts.classifier import TextClassifier
from stream.texts.hashing import MAX_CHARACTERS
from stream.texts.text_records import Mood

__all__ = ["MOODS", "mood_classifier", "mood_of_score", "mood_prior", "valence"]

NEGATIVE, NEUTRAL, POSITIVE = MOODS = ("negative", "neutral", "positive")

_WORD: Final = re.compile(r"[a-z']+")
_NEGATIONS: Final = frozenset(
    {
        "not",
        "no",
        "never",
        "none",
        "nothing",
        "nobody",
        "neither",
        "nor",
        "without",
        "hardly",
        "cannot",
        "cant",
        "dont",
        "doesnt",
        "didnt",
        "isnt",
        "wasnt",
        "wont",
        "can't",
        "don't",
        "doesn't",
        "didn't",
        "isn't",
        "wasn't",
        "aren't",
        "weren't",
        "won't",
        "wouldn't",
        "couldn't",
        "shouldn't",
        "haven't",
        "hasn't",
    }
)
#: A negation turns so many words after it, to so much of their valence (Hutto and Gilbert, ICWSM 2014).
_REACH, _TURNED = 3, -0.74
#: The least scores that are neutral, and positive: as detractors and promoters of NPS, and as CSAT and CES count.
_NEUTRAL_AND_POSITIVE: Final = MappingProxyType({"stars": (3, 4), "csat": (3, 4), "ces": (4, 5), "nps": (7, 9)})
#: A sum of valences so large is as much as it is little.
_HALF_SURE: Final = 15.0
#: Score of a mood in a text that says nothing but this mood: probability 0.95 against the opposite one.
_FULL_SCORE: Final = 1.5


def valence(text: str) -> float:
    """The mood of an English text by its words, in (-1, 1); 0 where no word of the lexicon occurs.

    The sum s of the valences becomes s / sqrt(s^2 + 15), as in VADER.

    >>> valence("I love it") > 0.5, valence("not good") < 0, valence("一般")
    (True, True, 0.0)
    """
    known = _lexicon()
    if text.isascii() and text.isalpha():
        # one word: asked of each word of a text when it is said which ones decided
        of_word = known.get(text.lower()) or 0.0
        return of_word / math.sqrt(of_word * of_word + _HALF_SURE)
    words = _WORD.findall(text[:MAX_CHARACTERS].lower().replace("\u2019", "'"))
    total, negated = 0.0, -_REACH - 1
    for position, found in [(position, known[word]) for position, word in enumerate(words) if word in known]:
        if found is None:
            negated = position
        else:
            total += found * (_TURNED if position - negated <= _REACH else 1.0)
    return total / math.sqrt(total * total + _HALF_SURE)


def mood_prior(text: str) -> dict[str, float]:
    """Scores of the `MOODS` of a text before anything is learned."""
    score = _FULL_SCORE * valence(text)
    return {NEGATIVE: -score, NEUTRAL: 0.0, POSITIVE: score}


def mood_classifier() -> TextClassifier:
    """A classifier of `MOODS` that begins with what the lexicon knows."""
    return TextClassifier(prior=mood_prior)


def mood_of_score(scale: str, value: float) -> Mood:
    """The mood that a score on a scale of the catalogue tells.

    >>> mood_of_score("stars", 2), mood_of_score("nps", 8), mood_of_score("ces", 5)
    ('negative', 'neutral', 'positive')
    """
    neutral_from, positive_from = _NEUTRAL_AND_POSITIVE[scale]
    if value < neutral_from:
        return "negative"
    return "neutral" if value < positive_from else "positive"


@functools.cache
def _lexicon() -> Mapping[str, float | None]:
    """Word -> valence, -4 to 4, or None for a negation; the file says where the words come from."""
    lines = files(__package__).joinpath("mood_words.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(" ") for line in lines if not line.startswith("#"))
    # no proxy: each word of each text is looked up
    return {word: float(number) for word, number in pairs} | dict.fromkeys(_NEGATIONS)
