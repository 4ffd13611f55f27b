"""The compiled steps against plain ones, bit for bit: sums go feature by feature, in the order of the text."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.texts import draw_kernel, model_kernel
from stream.texts.classifier import TextClassifier
from stream.texts.hashing import Features
from stream.texts.replay_sample import Hashed, Remembered, TextBatch

BUCKETS = 64
MASK = (1 << 64) - 1
Floats = npt.NDArray[np.float64]


class State(NamedTuple):
    """A model with room for more categories than it has."""

    seen: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]
    squares: npt.NDArray[np.float32]
    occurrences: npt.NDArray[np.uint16]
    biases: Floats
    lengths: Floats


def made(categories: int, seed: int) -> State:
    rng = np.random.default_rng(seed)
    room = 4
    while room < categories:
        room *= 2
    weights, occurrences = np.zeros((BUCKETS, room), np.float32), np.zeros((BUCKETS, room), np.uint16)
    weights[:, :categories] = rng.normal(size=(BUCKETS, categories))
    occurrences[:, :categories] = rng.integers(0, 5, (BUCKETS, categories))
    biases, lengths = np.zeros(room), np.zeros(room)
    biases[:categories], lengths[:categories] = rng.normal(size=categories), rng.integers(0, 900, categories)
    seen = rng.integers(0, 9, BUCKETS).astype(np.float32)
    return State(seen, weights, rng.random(BUCKETS).astype(np.float32) + 0.01, occurrences, biases, lengths)


def text(seed: int, categories: int, offsets: int) -> Hashed:
    """A bucket is at most once among the words, and once among the characters."""
    rng = np.random.default_rng(seed)
    words, characters = (rng.permutation(BUCKETS)[: rng.integers(0, 30)] for _ in range(2))
    buckets = np.concatenate([words, characters]).astype(np.int64)
    known = rng.normal(size=min(offsets, categories)) if offsets else None
    return Hashed(Features(buckets, rng.integers(1, 4, len(buckets)).astype(np.float64), len(words)), known)


def weighed(of: Hashed, seen: npt.NDArray[np.float32], texts: float) -> tuple[list[float], float]:
    buckets, counts, words = of.features
    values = [
        math.log1p(count) * math.sqrt(max(1.0 + math.log1p(texts) - math.log1p(float(seen[bucket])), 0.0))
        for bucket, count in zip(buckets.tolist(), counts.tolist(), strict=True)
    ]
    known = 0.0
    for first, end, length in ((0, words, 1.0), (words, len(values), 0.8)):
        square = 0.0
        for value in values[first:end]:
            square += value * value
        for k in range(first, end):
            values[k] *= length / math.sqrt(square) if square > 0.0 else 0.0
            known += values[k] if seen[buckets[k]] > 0 else 0.0
    return values, known


def scored(of: Hashed, state: State, categories: int, texts: float) -> tuple[list[float], list[float]]:
    values, known = weighed(of, state.seen, texts)
    scores = []
    for c in range(categories):
        score = float(state.biases[c]) - known * 0.2 * math.log(float(state.lengths[c]) + 300.0)
        if of.offsets is not None and c < len(of.offsets):
            score += float(of.offsets[c])
        for value, bucket in zip(values, of.features.buckets.tolist(), strict=True):
            score += value * float(state.weights[bucket, c])
        scores.append(score)
    return values, scores


def stepped(of: Hashed, label: int, rate: float, state: State, categories: int, texts: float, square: float) -> float:
    """A plain step of AdaGrad; returns the squared gradients of the biases."""
    values, scores = scored(of, state, categories, texts)
    p = [math.exp(score - max(scores)) for score in scores]
    whole = 0.0
    for one in p:
        whole += one
    residuals = [one / whole - (c == label) for c, one in enumerate(p)]
    total = 0.0
    for one in residuals:
        total += one * one
    for value, bucket in zip(values, of.features.buckets.tolist(), strict=True):
        state.squares[bucket] = float(state.squares[bucket]) + value * value * total
        size = rate * value / float(np.sqrt(state.squares[bucket]))
        for c in range(categories):
            state.weights[bucket, c] = float(state.weights[bucket, c]) - size * residuals[c]
    square += total
    for c in range(categories):
        state.biases[c] -= 0.3 * rate / math.sqrt(square) * residuals[c]
    return square


def counted(of: Hashed, label: int, state: State) -> None:
    for bucket in of.features.buckets.tolist():
        state.seen[bucket] += 1
        former = int(state.occurrences[bucket, label])
        state.occurrences[bucket, label] += 1
        gain = 0.2 * math.log((former + 1.0 + 0.3) / (former + 0.3))
        state.weights[bucket, label] = float(state.weights[bucket, label]) + gain
    state.lengths[label] += len(of.features.buckets)


@settings(max_examples=40)
@given(st.integers(1, 70), st.integers(0, 3), st.integers(0, 4), st.integers(0, 10**6))
def test_an_example_and_earlier_ones_are_learned_one_after_the_other(
    categories: int, again: int, offsets: int, seed: int
) -> None:
    state, plain = made(categories, seed), made(categories, seed)
    examples = [
        Remembered(text(seed + k, categories, offsets if k % 2 else 0), (seed + k) % categories, k)
        for k in range(1 + again)
    ]
    before, square = model_kernel.learn(
        *TextBatch.of(examples),
        categories,
        0.7,
        40.0,
        state.seen,
        state.weights,
        state.squares,
        state.occurrences,
        state.biases,
        state.lengths,
        0.01,
    )
    assert before.tolist() == scored(examples[0].text, plain, categories, 40.0)[1]
    expected = 0.01
    for example in examples:
        expected = stepped(example.text, example.label, 0.7, plain, categories, 40.0, expected)
    counted(examples[0].text, examples[0].label, plain)
    assert square == expected
    for name, found, wanted in zip(State._fields, state, plain, strict=True):
        np.testing.assert_array_equal(found, wanted, err_msg=name)


@given(st.integers(0, 10**9), st.integers(0, 300), st.integers(1, 5000))
def test_numbers_of_an_example_are_those_of_splitmix64(number: int, salt: int, below: int) -> None:
    z = (number * 0x9E3779B97F4A7C15 + salt * 0xD1B54A32D192ED03) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    assert draw_kernel.mixed(number, salt, below) == (z ^ (z >> 31)) % below


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(1, 10**6), st.integers(1, 9))
def test_every_second_draw_is_of_a_category_drawn_first(labels: list[int], number: int, draws: int) -> None:
    places = np.empty(draws, np.int64)
    draw_kernel.draw(np.array(labels, np.int32), number, 6, places)
    for k, place in enumerate(places.tolist()):
        of_category = [at for at, label in enumerate(labels) if label == draw_kernel.mixed(number, 101 + k, 6)]
        if k % 2 == 0 and of_category:
            assert place == of_category[draw_kernel.mixed(number, 201 + k, len(of_category))]
        else:
            assert place == draw_kernel.mixed(number, 1 + k, len(labels))


@pytest.mark.parametrize("categories", [2, 5, 20])
def test_words_speak_for_a_category_by_their_own_features(categories: int) -> None:
    model = TextClassifier(bits=12)
    for k in range(25 * categories):
        label = k % categories
        model.learn_one(f"word{label} common text number {label}", str(label))
    for label in range(min(categories, 5)):
        decision = model.decide(f"Common WORD{label} text")
        assert decision.words[0] == f"word{label}"
