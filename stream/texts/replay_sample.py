"""A bounded sample of the examples so far, to be learned again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from stream.texts.hashing import Features

__all__ = ["Hashed", "Remembered", "ReplaySample"]

_MASK: Final = (1 << 64) - 1
#: Salts of the numbers of one example: for its place, and for the draws from the whole sample and from a category.
_PLACE, _DRAW, _CATEGORY, _OF_CATEGORY = 0, 1, 101, 201


class Hashed(NamedTuple):
    """A text as a model takes it: its features, and the scores of labels that were known without learning."""

    features: Features
    offsets: npt.NDArray[np.float64] | None


class Remembered(NamedTuple):
    """An example: its text, the position of its label, and its number, counted from 1."""

    text: Hashed
    label: int
    number: int


class ReplaySample:
    """A uniform sample of at most ``size`` examples (Vitter's algorithm R), drawn from without chance.

    The numbers are a function of how many examples there were, so equal examples give equal samples.
    """

    def __init__(self, size: int, examples: Iterable[Remembered] = ()) -> None:
        self.size = size
        self.examples = [*examples]
        self._labels = np.full(size, -1, np.int32)
        self._labels[: len(self.examples)] = [example.label for example in self.examples]

    def drawn(self, count: int, number: int, categories: int) -> list[Remembered]:
        """``count`` of the sample, with repetition, for example ``number``; none if there is none.

        Every second one is of a category drawn first, of ``categories`` with equal chances, so that rare ones are
        learned again more often than they come.
        """
        if not self.examples:
            return []
        return [self.examples[self._place(number, k, categories)] for k in range(count)]

    def keep(self, example: Remembered) -> None:
        """An example takes part from now on."""
        place = len(self.examples)
        if place < self.size:
            self.examples.append(example)
        elif (place := _mixed(example.number, _PLACE) % example.number) < self.size:
            self.examples[place] = example
        else:
            return
        self._labels[place] = example.label

    def _place(self, number: int, draw: int, categories: int) -> int:
        if draw % 2 == 0:
            of_category = np.flatnonzero(self._labels == _mixed(number, _CATEGORY + draw) % categories)
            if len(of_category) > 0:
                return int(of_category[_mixed(number, _OF_CATEGORY + draw) % len(of_category)])
        return _mixed(number, _DRAW + draw) % len(self.examples)


def _mixed(number: int, salt: int) -> int:
    """SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) of two numbers."""
    z = (number * 0x9E3779B97F4A7C15 + salt * 0xD1B54A32D192ED03) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)
