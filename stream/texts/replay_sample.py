"""A bounded sample of the examples so far, to be learned again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from stream.texts import draw_kernel as kernel
from stream.texts.hashing import Features

__all__ = ["Hashed", "Remembered", "ReplaySample", "TextBatch"]

#: Salt of the number for the place of an example.
_PLACE: Final = 0
_NOTHING_KNOWN: Final = np.empty((1, 0))


class Hashed(NamedTuple):
    """A text as a model takes it: its features, and the scores of labels that were known without learning."""

    features: Features
    offsets: npt.NDArray[np.float64] | None


class Remembered(NamedTuple):
    """An example: its text, the position of its label, and its number, counted from 1."""

    text: Hashed
    label: int
    number: int


class TextBatch(NamedTuple):
    """Examples in a row, as `stream.texts.model_kernel.learn` takes them."""

    examples: npt.NDArray[np.int64]
    buckets: npt.NDArray[np.int64]
    counts: npt.NDArray[np.float64]
    offsets: npt.NDArray[np.float64]

    @classmethod
    def of(cls, examples: Sequence[Remembered]) -> TextBatch:
        """One example or more. An offset that an example does not know is 0."""
        if len(examples) == 1:
            # the usual case, and the arrays need no copy
            (((buckets, counts, words), known), label, _) = examples[0]
            rows = np.array([(len(buckets), words, label)])
            return cls(rows, buckets, counts, _NOTHING_KNOWN if known is None else known[np.newaxis])
        texts = [example.text for example in examples]
        buckets = np.concatenate([text.features.buckets for text in texts])
        counts = np.concatenate([text.features.counts for text in texts])
        ends = accumulate(len(text.features.buckets) for text in texts)
        rows = np.array(
            [(end, text.features.words, label) for end, (text, label, _) in zip(ends, examples, strict=True)]
        )
        return cls(rows, buckets, counts, _offsets([text.offsets for text in texts]))


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
        if count == 0 or not self.examples:
            return []
        places = np.empty(count, np.int64)
        kernel.draw(self._labels[: len(self.examples)], number, categories, places)
        return [self.examples[place] for place in places.tolist()]

    def keep(self, example: Remembered) -> None:
        """An example takes part from now on."""
        place = len(self.examples)
        if place < self.size:
            self.examples.append(example)
        elif (place := kernel.mixed(example.number, _PLACE, example.number)) < self.size:
            self.examples[place] = example
        else:
            return
        self._labels[place] = example.label


def _offsets(known: Sequence[npt.NDArray[np.float64] | None]) -> npt.NDArray[np.float64]:
    told = [(place, own) for place, own in enumerate(known) if own is not None]
    rows = np.zeros((len(known), max([len(own) for _, own in told], default=0)))
    for place, own in told:
        rows[place, : len(own)] = own
    return rows
