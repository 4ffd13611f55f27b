import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.texts.hashing import MAX_CHARACTERS, Hasher, words_of

_HASHER = Hasher(17)


def _characters(text: str) -> Counter[str]:
    """The characters in a row of a text whose words have only ASCII letters."""
    padded = [f" {word} " for word in text.split()]
    return Counter(word[k : k + n] for word in padded for n in range(2, 6) for k in range(len(word) - n + 1))


@given(st.lists(st.from_regex(r"[a-z]{1,12}", fullmatch=True), max_size=12))
def test_words_pairs_and_characters_in_a_row_are_counted(words: list[str]) -> None:
    features = _HASHER.of_text(" ".join(words))
    pairs = list(itertools.pairwise(words))
    assert math.isclose(features.counts[: features.words].sum(), len(words) + len(pairs))
    assert math.isclose(features.counts[features.words :].sum(), _characters(" ".join(words)).total())
    # two features may share a bucket; never more buckets than features
    assert features.words <= len(set(words)) + len(set(pairs))
    assert len(features.counts) - features.words <= len(_characters(" ".join(words)))


def test_a_feature_has_the_same_bucket_in_every_text() -> None:
    alone, among = _HASHER.of_text("refund"), _HASHER.of_text("a refund now")
    assert set(alone.buckets.tolist()) <= set(among.buckets.tolist())


@given(st.text(max_size=200))
def test_any_text_has_features_within_bounds_and_leaves_no_trace(text: str) -> None:
    first = _HASHER.of_text(text)
    again = Hasher(17).of_text(text)
    np.testing.assert_array_equal(first.buckets, again.buckets)
    np.testing.assert_array_equal(first.counts, again.counts)
    assert ((first.buckets >= 0) & (first.buckets < 1 << 17)).all()
    assert (first.counts > 0).all()


def test_a_lone_surrogate_is_a_character_as_others() -> None:
    assert len(_HASHER.of_text("a\ud800b").buckets) > 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't STOP!", ["don't", "stop"]),
        ("质量很好", ["质", "量", "很", "好"]),
        ("Straßenbahnhaltestelle über", ["straßenbahnhaltestelle", "über"]),
        ("😀😀 ok", ["😀", "😀", "ok"]),
        ("한국어 좋아요", ["한국어", "좋아요"]),
        ("'' -- …", []),
        ("", []),
    ],
)
def test_words_are_found_in_every_script(text: str, expected: list[str]) -> None:
    assert words_of(text) == expected


def test_text_after_the_limit_is_not_read() -> None:
    text = "abc " * (MAX_CHARACTERS // 4)
    assert len(_HASHER.of_text(text + "zz " * 30_000).buckets) == len(_HASHER.of_text(text).buckets)
