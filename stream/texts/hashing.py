"""The features of a text, as the classifier takes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import xxhash

from stream.texts import ngram_kernel as kernel

__all__ = ["MAX_CHARACTERS", "Features", "Hasher", "words_of"]

#: Of a text that are read; what follows is left out.
MAX_CHARACTERS: Final = 4_000

Indexes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Features(NamedTuple):
    """``buckets`` with how often each occurs (``counts``); the first ``words`` are of words, the rest of characters."""

    buckets: Indexes
    counts: Floats
    words: int


class Hasher:
    """Hashes texts, or named numbers, to ``2**bits`` buckets."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        # a text has fewer features than 2**16
        self._slots = np.zeros(1 << bits, np.uint16)
        self._buckets = np.empty(kernel.MAX_FEATURES + 1, np.int64)
        self._counts = np.empty(kernel.MAX_FEATURES + 1)

    def of_text(self, text: str) -> Features:
        """Words, pairs of words and characters in a row of the first `MAX_CHARACTERS`."""
        words, found = kernel.hash_ngrams(_points(text), self._buckets, self._counts, self._slots)
        return Features(self._buckets[:found].copy(), self._counts[:found].copy(), words)

    def by_word(self, text: str, features: Features, amounts: Floats) -> dict[str, float]:
        """The words of a text in their order, with the sum of the ``amounts`` of those of its features they have."""
        spans = _spans(points := _points(text))
        sums = kernel.sum_by_word(
            points, spans, features.buckets, amounts, self._places, self._buckets, self._counts, self._slots
        )
        return dict(zip(_words(text, spans), sums.tolist(), strict=True))

    @cached_property
    def _places(self) -> npt.NDArray[np.int32]:
        return np.zeros(1 << self.bits, np.int32)

    def of_numbers(self, named: Mapping[object, object]) -> Features:
        """Named numbers, which River's estimators take: each name is a feature, and so is a value that is no number.

        The sign of a number is part of its feature; the count is its magnitude.
        """
        mask = (1 << self.bits) - 1
        found: dict[int, float] = {}
        for name, value in sorted(named.items(), key=lambda item: str(item[0])):
            number = float(value) if isinstance(value, (int, float, np.number, np.bool_)) else math.nan
            if number == 0.0 or math.isinf(number):
                continue
            feature = f"{name}={value}" if math.isnan(number) else f"{name}{'+' if number > 0 else '-'}"
            bucket = xxhash.xxh64_intdigest(feature.encode("utf-8", "surrogatepass")) & mask
            found[bucket] = found.get(bucket, 0.0) + (1.0 if math.isnan(number) else abs(number))
        return Features(np.array([*found], np.int64), np.array([*found.values()]), len(found))


def words_of(text: str) -> list[str]:
    """The words of a text in their order, in lower case: what `Hasher` takes for one.

    >>> words_of("Don't buy it! 质量 😀")
    ["don't", 'buy', 'it', '质', '量', '😀']
    """
    return _words(text, _spans(_points(text)))


def _spans(points: npt.NDArray[np.uint32]) -> Indexes:
    spans = np.empty((len(points), 2), np.int64)
    return spans[: kernel.find_words(points, spans)]


def _words(text: str, spans: Indexes) -> list[str]:
    lowered = _lowered(text)
    return [lowered[start:end] for start, end in spans.tolist()]


def _lowered(text: str) -> str:
    # lower case first: it may be longer than the text
    return text[:MAX_CHARACTERS].lower()


def _points(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(_lowered(text).encode("utf-32-le", "surrogatepass"), np.uint32)
