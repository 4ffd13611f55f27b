"""A model of texts, and its examples, as bytes: what was packed goes on as if it had never been."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from stream.texts.classifier import TextClassifier
from stream.texts.confidence import Confidence
from stream.texts.hashing import Features
from stream.texts.replay_sample import Hashed, Remembered, ReplaySample

__all__ = ["PackedExample", "pack", "sampled", "unpack"]


class PackedExample(msgspec.Struct, frozen=True, omit_defaults=True):
    """A labelled text without its words. ``buckets``: uint32, ``counts``: uint16, both little-endian."""

    label: str
    words: int
    buckets: bytes
    counts: bytes
    offsets: tuple[float, ...] | None = None

    @classmethod
    def of(cls, text: Hashed, label: str) -> PackedExample:
        """Of a text whose counts are whole numbers, as those of words are."""
        features, offsets = text
        return cls(
            label,
            features.words,
            features.buckets.astype("<u4").tobytes(),
            features.counts.astype("<u2").tobytes(),
            None if offsets is None else tuple(offsets.tolist()),
        )

    def hashed(self) -> Hashed:
        """The text as a model takes it."""
        buckets = np.frombuffer(self.buckets, "<u4").astype(np.int64)
        counts = np.frombuffer(self.counts, "<u2").astype(np.float64)
        return Hashed(
            Features(buckets, counts, self.words), None if self.offsets is None else np.array(self.offsets, np.float64)
        )


class _Packed(msgspec.Struct):
    """All that a model has learned but its sample. ``rows``: the buckets that were ever seen, uint32."""

    labels: list[str]
    examples: int
    counts: bytes
    biases: bytes
    bias_square: float
    rows: bytes
    weights: bytes
    squares: bytes
    seen: bytes
    occurrences: bytes
    lengths: bytes
    confidence: Confidence
    sample: list[tuple[int, int]]


def pack(model: TextClassifier) -> bytes:
    """The model, whose labels are strings; of the examples of its sample only the numbers and labels."""
    size = len(model.labels)
    rows = np.flatnonzero(model.seen)
    packed = _Packed(
        [str(label) for label in model.labels],
        model.examples,
        model.counts[:size].tobytes(),
        model.biases[:size].tobytes(),
        model.bias_square,
        rows.astype("<u4").tobytes(),
        model.weights[rows, :size].tobytes(),
        model.squares[rows].tobytes(),
        model.seen[rows].tobytes(),
        model.occurrences[rows, :size].tobytes(),
        model.lengths[:size].tobytes(),
        model.confidence,
        [(example.number, example.label) for example in model.replay.examples],
    )
    return msgspec.msgpack.encode(packed)


def sampled(packed: bytes) -> list[int]:
    """The numbers of the examples without which `unpack` cannot go on."""
    return [number for number, _ in msgspec.msgpack.decode(packed, type=_Packed).sample]


def unpack(packed: bytes, make: Callable[[], TextClassifier], texts: Mapping[int, Hashed]) -> TextClassifier:
    """The model; ``make`` gives one that has learned nothing, ``texts`` are those of its sample."""
    found = msgspec.msgpack.decode(packed, type=_Packed)
    model = make()
    size = len(found.labels)
    model.labels = [*found.labels]
    model.index_labels()
    capacity = len(model.counts)
    while capacity < size:
        capacity *= 2
    model.counts, model.biases = _padded(found.counts, capacity), _padded(found.biases, capacity)
    rows = np.frombuffer(found.rows, "<u4")
    model.weights = np.zeros((1 << model.bits, capacity), np.float32)
    model.weights[rows, :size] = np.frombuffer(found.weights, np.float32).reshape(len(rows), size)
    model.occurrences = np.zeros((1 << model.bits, capacity), np.uint16)
    model.occurrences[rows, :size] = np.frombuffer(found.occurrences, np.uint16).reshape(len(rows), size)
    model.lengths = _padded(found.lengths, capacity)
    model.squares[rows] = np.frombuffer(found.squares, np.float32)
    model.seen[rows] = np.frombuffer(found.seen, np.float32)
    model.examples, model.bias_square, model.confidence = found.examples, found.bias_square, found.confidence
    model.replay = ReplaySample(model.sample, _remembered(found.sample, texts))
    return model


def _remembered(sample: Sequence[tuple[int, int]], texts: Mapping[int, Hashed]) -> list[Remembered]:
    return [Remembered(texts[number], label, number) for number, label in sample]


def _padded(numbers: bytes, size: int) -> npt.NDArray[np.float64]:
    values = np.frombuffer(numbers, np.float64)
    return np.concatenate([values, np.zeros(size - len(values))])
