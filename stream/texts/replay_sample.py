"""A bounded sample of the examples so far, to be learned again."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from stream.texts.hashing import Features

__all__ = ["Hashed", "Remembered", "ReplaySample"]

_MASK: Final = (1 << 64) - 1


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

    def __init__(self, size: int) -> None:
        self.size = size
        self.examples: list[Remembered] = []

    def drawn(self, count: int, number: int) -> list[Remembered]:
        """``count`` of the sample, with repetition, for example ``number``; none if there is none."""
        if not self.examples:
            return []
        return [self.examples[_mixed(number, 1 + k) % len(self.examples)] for k in range(count)]

    def keep(self, example: Remembered) -> None:
        """An example takes part from now on."""
        if len(self.examples) < self.size:
            self.examples.append(example)
        elif (place := _mixed(example.number, 0) % example.number) < self.size:
            self.examples[place] = example


def _mixed(number: int, salt: int) -> int:
    """SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) of two numbers."""
    z = (number * 0x9E3779B97F4A7C15 + salt * 0xD1B54A32D192ED03) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)
