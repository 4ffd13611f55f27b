"""The ranker of lists by River's interface, to be compared with River's models, or to be part of them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from river import base

from stream.recommending.list_ranker import Floats, ListRanker, RankerRecord

__all__ = ["RiverListRanker"]


class RiverListRanker(base.MultiTargetRegressor):
    """A `ListRanker` as an estimator: an example is a list of candidates, by their names.

    ``x``: of each candidate its features by name, those of ``weights``, from which the ranker begins; others are passed
    over, and what is missing is 0. ``y``: of each item whether it was chosen, also of items that were no candidates.

    >>> ranker = RiverListRanker({"orders": 1.0, "days": 0.0})
    >>> candidates = {"tea": {"orders": 3.0, "days": 9.0}, "fig": {"orders": 1.0, "days": 2.0}}
    >>> ranker.predict_one(candidates)
    {'tea': 3.0, 'fig': 1.0}
    >>> ranker.learn_one(candidates, {"fig": True})
    >>> ranker.record
    RankerRecord(lists=1, hits=1, ndcg=0.63093)
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.weights = weights
        self._ranker = ListRanker([*weights.values()])

    @property
    def record(self) -> RankerRecord:
        """How good lists were, each before it was learned from."""
        return self._ranker.record

    @property
    def learned(self) -> dict[str, float]:
        """The weights as they are now."""
        return dict(zip(self.weights, self._ranker.weights, strict=True))

    def learn_one(self, x: dict[Hashable, Any], y: dict[Hashable, Any], **_: Any) -> None:
        """Judge a list, then learn from what was chosen."""
        wanted = sum(map(bool, y.values()))
        if x and wanted:
            chosen = [place for place, name in enumerate(x) if y.get(name)]
            self._ranker.learn_many(self._features(x), chosen, wanted)

    def predict_one(self, x: dict[Hashable, Any], **_: Any) -> dict[Hashable, float]:
        """The score of each candidate: the larger, the likelier it is chosen."""
        scores = self._ranker.score_many(self._features(x)).tolist()
        return dict(zip(x, scores, strict=True))

    def _features(self, x: Mapping[Hashable, Mapping[str, float]]) -> Floats:
        rows = [[of.get(name, 0.0) for name in self.weights] for of in x.values()]
        return np.array(rows, np.float64).reshape(len(x), len(self.weights))
