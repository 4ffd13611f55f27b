"""A ranker of lists that learns online from what was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

__all__ = ["LIST_LENGTH", "ListRanker", "RankerRecord", "ndcg"]

Floats = npt.NDArray[np.float64]

#: Items by which a list is judged.
LIST_LENGTH: Final = 10
_RATE: Final = 0.1
_FIRST_SQUARES: Final = 1.0
#: What a list counts for the lead after each further one.
_LEAD_FADES: Final = 0.999
#: What a choice at each place of a list gains, and the gains of so many choices at the first places.
_GAINS: Final = (1.0 / np.log2(np.arange(LIST_LENGTH) + 2.0)).tolist()
_IDEAL: Final = [*accumulate(_GAINS, initial=0.0)]


class RankerRecord(msgspec.Struct):
    """How good lists were, each before its basket was learned: sums over ``lists``."""

    lists: int = 0
    hits: int = 0
    ndcg: float = 0.0

    def plus(self, other: RankerRecord) -> RankerRecord:
        """Of both."""
        return RankerRecord(self.lists + other.lists, self.hits + other.hits, self.ndcg + other.ndcg)


class ListRanker(msgspec.Struct):
    """Scores are ``weights`` times the features of a candidate; the chance to be chosen is their softmax.

    The loss of a list is the cross entropy of the softmax and what was chosen (ListNet; Cao et al., ICML 2007), the
    steps are AdaGrad's (Duchi et al., JMLR 2011). ``squares``: of the gradients so far.

    The loss is about all candidates, a list about the first ten. So lists by the ``first`` weights are judged as well,
    and these score while theirs were better: ``lead`` is by how much those of ``weights`` were, in NDCG, faded.
    """

    weights: list[float]
    squares: list[float] = msgspec.field(default_factory=list)
    record: RankerRecord = msgspec.field(default_factory=RankerRecord)
    first: list[float] = msgspec.field(default_factory=list)
    lead: float = 0.0

    def score_many(self, features: Floats) -> Floats:
        """The scores of candidates, (n,), of their features (n, k)."""
        return _scores(features, self.weights if self.lead >= 0.0 else self.first)

    def learn_many(self, features: Floats, chosen: Sequence[int], wanted: int) -> None:
        """Candidates at these positions were chosen, of ``wanted`` items that should have been in the list.

        The list is judged first, then learned from.
        """
        self.first = self.first or self.weights
        scores, firsts = _scores(features, self.weights), _scores(features, self.first)
        learned, first = ndcg(scores, chosen, wanted), ndcg(firsts, chosen, wanted)
        value, is_hit = learned if self.lead >= 0.0 else first
        self.record.lists += 1
        self.record.hits += is_hit
        self.record.ndcg = round(self.record.ndcg + value, 6)
        self.lead = round(self.lead * _LEAD_FADES + learned[0] - first[0], 6)
        if not chosen:
            return
        gradient = features[[*chosen]].mean(0) - _softmax(scores) @ features
        squares = np.asarray(self.squares or [_FIRST_SQUARES] * len(self.weights)) + gradient**2
        self.squares = squares.tolist()
        self.weights = (np.asarray(self.weights) + _RATE * gradient / np.sqrt(squares)).tolist()


def ndcg(scores: Floats, chosen: Sequence[int], wanted: int) -> tuple[float, bool]:
    """NDCG of the first `LIST_LENGTH`, binary relevance, and whether one of them was chosen.

    >>> round(ndcg(np.array([0.1, 0.9, 0.5]), [2], 1)[0], 4)
    0.6309
    """
    first = np.argsort(-scores, kind="stable")[:LIST_LENGTH].tolist()
    among = {*chosen}
    gains = [gain for gain, candidate in zip(_GAINS, first, strict=False) if candidate in among]
    return sum(gains) / _IDEAL[min(wanted, LIST_LENGTH)] if wanted else 0.0, bool(gains)


def _scores(features: Floats, weights: Sequence[float]) -> Floats:
    scores: Floats = features @ np.asarray(weights)
    return scores


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max())
    chances: Floats = powers / powers.sum()
    return chances
