"""A classifier of texts that learns online: one pass, any number of categories, labels late or rare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from typing import Any, Final, NamedTuple, Self, TypeVar

import numpy as np
import numpy.typing as npt
from river import base
from river.base.typing import ClfTarget

from stream.texts import model_kernel as kernel
from stream.texts.confidence import Confidence
from stream.texts.hashing import Features, Hasher
from stream.texts.replay_sample import Hashed, Remembered, ReplaySample, TextBatch

__all__ = ["MIN_EXAMPLES", "Decision", "TextClassifier"]

Floats = npt.NDArray[np.float64]
N = TypeVar("N", np.float32, np.uint16)
Text = str | Mapping[Any, Any] | Hashed

#: Examples from which on a category is decided for.
MIN_EXAMPLES: Final = 20

#: The step of AdaGrad per nat of entropy of the categories: of many categories each has few examples.
_RATE: Final = 0.3
_MIN_ENTROPY: Final = 0.3
_FIRST_SQUARES: Final = 0.01
#: Earlier examples are learned again, at most so many with each, while there are fewer than so many a category.
_MAX_REPLAYS, _ENOUGH = 8, 100
#: The decision divides by this power of the frequency of a category, so that rare ones are found as well.
_PRIOR_POWER: Final = 0.5
_FIRST_CAPACITY: Final = 4
_NOTHING_KNOWN: Final = np.empty(0)


class Decision(NamedTuple):
    """``label``: None if not sure enough. ``probability``: of the preferred one. ``words`` decided, best first."""

    label: ClfTarget | None
    probability: float
    words: tuple[str, ...] = ()


class TextClassifier(base.Classifier):
    """Logistic regression over hashed words and characters, by AdaGrad, on top of naive Bayes.

    A share of the log-probabilities of multinomial naive Bayes, which needs few examples, is part of the scores; the
    regression learns the rest. See `stream.texts.model_kernel`.

    A text is a string; named numbers, as other estimators of River take them, are learned as well. A text that is
    scored and learned later is hashed once, by `hashed`. While there are few examples, earlier ones of a bounded sample
    are learned again with each new one. Probabilities are calibrated by what was predicted for texts before they were
    learned. A category may come at any time. Equal examples give equal states, bit for bit.

    Parameters
    ----------
    bits
        The features are hashed to ``2**bits`` buckets; each takes six bytes a category.
    sample
        Examples that are kept to be learned again.
    min_probability
        A decision for less than this is none.
    prior
        Scores (natural logarithms) of some categories for a text, known without any example.

    Examples
    --------
    >>> model = TextClassifier()
    >>> for _ in range(20):
    ...     model.learn_one("the parcel never arrived", "delivery")
    ...     model.learn_one("my card was declined", "payment")
    >>> model.predict_one("where is my parcel")
    'delivery'
    >>> model.decide("the card was declined").words[:2]
    ('declined', 'card')
    """

    def __init__(
        self,
        bits: int = 17,
        sample: int = 2_000,
        min_probability: float = 0.4,
        prior: Callable[[str], Mapping[str, float]] | None = None,
    ) -> None:
        self.bits = bits
        self.sample = sample
        self.min_probability = min_probability
        self.prior = prior
        self.labels: list[ClfTarget] = []
        self.counts = np.zeros(_FIRST_CAPACITY)
        self.biases = np.zeros(_FIRST_CAPACITY)
        self.bias_square = _FIRST_SQUARES
        self.weights = np.zeros((1 << bits, _FIRST_CAPACITY), np.float32)
        self.squares = np.full(1 << bits, _FIRST_SQUARES, np.float32)
        self.seen = np.zeros(1 << bits, np.float32)
        self.occurrences = np.zeros((1 << bits, _FIRST_CAPACITY), np.uint16)
        self.lengths = np.zeros(_FIRST_CAPACITY)
        self.examples = 0
        self.confidence = Confidence()
        self.replay = ReplaySample(sample)
        self._position: dict[ClfTarget, int] = {}
        self._hasher = Hasher(bits)
        if prior is not None:
            for label in prior(""):
                self._add(label)

    @property
    def _multiclass(self) -> bool:
        return True

    def hashed(self, x: Text, features: Features | None = None) -> Hashed:
        """What the model takes of a text; ``features``: those that another model of the same ``bits`` has hashed."""
        if isinstance(x, Hashed):
            return x
        if features is None:
            features = self._hasher.of_text(x) if isinstance(x, str) else self._hasher.of_numbers(x)
        return Hashed(features, self._offsets(x) if isinstance(x, str) else None)

    def learn_one(self, x: Text, y: ClfTarget) -> None:
        """Learn that text ``x`` is of category ``y``."""
        hashed = self.hashed(x)
        is_new = y not in self._position
        label = self._add(y)
        self.examples += 1
        self.counts[label] += 1.0
        example = Remembered(hashed, label, self.examples)
        scores = self._steps(
            TextBatch.of([example, *self.replay.drawn(self._replays(), self.examples, len(self.labels))])
        )
        if not is_new and self.examples > 1:
            self.confidence.learn(scores, label)
        self.replay.keep(example)

    def copy(self) -> Self:
        """A model that learns on its own from here."""
        other = type(self)(self.bits, self.sample, self.min_probability, self.prior)
        other.labels = [*self.labels]
        other.counts, other.biases = self.counts.copy(), self.biases.copy()
        other.weights, other.squares, other.seen = self.weights.copy(), self.squares.copy(), self.seen.copy()
        other.occurrences, other.lengths = self.occurrences.copy(), self.lengths.copy()
        other.bias_square, other.examples = self.bias_square, self.examples
        other.confidence = copy(self.confidence)
        other.replay = ReplaySample(self.sample, self.replay.examples)
        other.index_labels()
        return other

    def index_labels(self) -> None:
        """To be called after ``labels`` were set."""
        self._position = {label: position for position, label in enumerate(self.labels)}

    def predict_proba_one(self, x: Text, **_: Any) -> dict[ClfTarget, float]:
        """Calibrated probabilities of the categories so far; none without a category."""
        if not self.labels:
            return {}
        return dict(zip(self.labels, self._probabilities(x).tolist(), strict=True))

    def predict_one(self, x: Text, **_: Any) -> ClfTarget | None:
        """The category with the largest p / frequency^0.5, which is fair to rare ones; None without a category."""
        return self.labels[self._preferred(self._probabilities(x))] if self.labels else None

    def predict_proba_many(self, texts: Iterable[Text]) -> list[dict[ClfTarget, float]]:
        """As `predict_proba_one`, of each text."""
        return [self.predict_proba_one(text) for text in texts]

    def decide(self, text: str, words: int = 3, hashed: Hashed | None = None) -> Decision:
        """The category as `predict_one` chooses it, or none: too improbable, of few examples, or the only one so far.

        A category that ``prior`` names needs none. ``words``: how many words that decided are named at most.
        ``hashed``: the text, where it is hashed already.
        """
        if not self.labels:
            return Decision(None, 0.0)
        hashed = hashed or self.hashed(text)
        values, scores = self._scores(hashed)
        p = self.confidence.probabilities(scores)
        chosen = self._preferred(p)
        probability = float(p[chosen])
        known = self.prior is not None and self.labels[chosen] in self.prior("")
        # of one category alone every text is, with probability 1
        is_alone = len(self.labels) == 1
        if is_alone or probability < self.min_probability or (self.counts[chosen] < MIN_EXAMPLES and not known):
            return Decision(None, probability)
        return Decision(
            self.labels[chosen], probability, self._deciding(text, hashed.features, values, chosen, p, words)
        )

    def _deciding(
        self, text: str, features: Features, values: Floats, chosen: int, p: Floats, count: int
    ) -> tuple[str, ...]:
        """The words whose features, which weigh ``values``, speak most for a category against the others."""
        if count == 0:
            return ()
        of_features = kernel.gains(
            features.buckets, features.counts, values, chosen, p, self.seen, self.weights, self.lengths
        )
        gains: list[tuple[float, str]] = []
        for word, learned in self._hasher.by_word(text, features, of_features).items():
            gain = learned + self._known_gain(word, chosen, p)
            if gain > 0.0:
                gains.append((gain, word))
        return tuple(word for _, word in sorted(gains, reverse=True)[:count])

    def _known_gain(self, word: str, chosen: int, p: Floats) -> float:
        known = {} if self.prior is None else self.prior(word)
        if not any(known.values()):
            return 0.0
        own = [known.get(str(label), 0.0) for label in self.labels]
        chances: list[float] = p.tolist()
        return own[chosen] - sum(score * chance for score, chance in zip(own, chances, strict=True))

    def _offsets(self, x: str) -> Floats | None:
        if self.prior is None:
            return None
        scores = self.prior(x)
        return np.array([scores.get(str(label), 0.0) for label in self.labels])

    def _scores(self, hashed: Hashed) -> tuple[Floats, Floats]:
        """The weights of the features in this text, and the scores of the categories."""
        (buckets, counts, words), offsets = hashed
        values, scores = kernel.score(
            buckets,
            counts,
            words,
            _NOTHING_KNOWN if offsets is None else offsets,
            self.seen,
            float(self.examples),
            self.weights,
            self.biases,
            self.lengths,
            len(self.labels),
        )
        return values, scores

    def _probabilities(self, x: Text) -> Floats:
        return self.confidence.probabilities(self._scores(self.hashed(x))[1])

    def _preferred(self, p: Floats) -> int:
        frequencies = np.maximum(self.counts[: len(self.labels)], 0.5)
        return int((p / frequencies**_PRIOR_POWER).argmax())

    def _steps(self, batch: TextBatch) -> Floats:
        """Learn the first example, and the others again; returns the scores of the first before."""
        before: Floats
        before, self.bias_square = kernel.learn(
            *batch,
            len(self.labels),
            _RATE * max(kernel.entropy(self.counts), _MIN_ENTROPY),
            float(self.examples),
            self.seen,
            self.weights,
            self.squares,
            self.occurrences,
            self.biases,
            self.lengths,
            self.bias_square,
        )
        return before

    def _replays(self) -> int:
        return min(_MAX_REPLAYS, _ENOUGH * len(self.labels) // self.examples)

    def _add(self, label: ClfTarget) -> int:
        """The position of a category; there is room for it afterwards."""
        position = self._position.setdefault(label, len(self.labels))
        if position == len(self.labels):
            self.labels.append(label)
            if position == len(self.counts):
                self.counts = np.concatenate([self.counts, np.zeros(position)])
                self.biases = np.concatenate([self.biases, np.zeros(position)])
                self.lengths = np.concatenate([self.lengths, np.zeros(position)])
                rows = np.flatnonzero(self.seen)
                self.weights = _widened(self.weights, rows)
                self.occurrences = _widened(self.occurrences, rows)
        return position


def _widened(table: npt.NDArray[N], rows: npt.NDArray[np.int64]) -> npt.NDArray[N]:
    """Twice as many columns. Only ``rows`` have anything but zeros: memory that nobody wrote to costs nothing."""
    buckets, columns = table.shape
    wide = np.zeros((buckets, 2 * columns), table.dtype)
    wide[rows, :columns] = table[rows]
    return wide
