"""Labels by columns: what a day of them needs to be learned in one call."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stream.features.registry import DAY_MS, FEATURES
from stream.online_models.example import LANDMARK_MS, Label

__all__ = ["LabelRun", "inputs_of", "label_run"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_WEEK_MS = 7 * DAY_MS
#: Stands for no logit; within int64, beyond all logits.
_NO_LOGIT = 2**31


class LabelRun(NamedTuple):
    """N labels in the order in which they are learned.

    ``inputs``: int16[N, features]. ``churned``: 0 or 1. ``weeks``: since the epoch, in which they matured.
    ``levels``, ``odds``, ``novelty``, ``powers``: as for `ChurnModel.learn_one`. ``logits``, ``versions``,
    ``horizons``: as in `Label`, horizons in ms; ``has_logit``: whether there is one.
    """

    inputs: npt.NDArray[np.int16]
    churned: Floats
    weeks: Integers
    levels: Floats
    odds: Floats
    novelty: Floats
    powers: Floats
    logits: Integers
    has_logit: npt.NDArray[np.bool_]
    versions: Integers
    horizons: Integers

    def part(self, begin: int, end: int) -> "LabelRun":
        """The labels from number ``begin`` to the one before ``end``."""
        return LabelRun._make(column[begin:end] for column in self)

    def told(self) -> dict[str, Any]:
        """What `ChurnModel.predict_then_learn_run` is told beside the terms."""
        return {"churned": self.churned, "novelty": self.novelty, "powers": self.powers}


def inputs_of(labels: Sequence[Label]) -> npt.NDArray[np.int16]:
    """What is known of the customers of N labels at their landmarks, int16[N, features]."""
    return np.array([label.x for label in labels], np.int16).reshape(len(labels), len(FEATURES))


def label_run(
    labels: Sequence[Label], inputs: npt.NDArray[np.int16], levels: Sequence[float], odds: Floats, horizon_ms: int
) -> LabelRun:
    """The columns of ``labels``; ``inputs``, ``levels`` and ``odds``: of each. ``horizon_ms``: that of the model."""
    count = len(labels)
    times = np.array([(label.at_ms, label.matured_at_ms, label.model_version) for label in labels], np.int64)
    at, matured, versions = times.reshape(count, 3).T
    logits = np.array([_NO_LOGIT if label.logit is None else label.logit for label in labels], np.int64)
    horizons = matured - at
    return LabelRun(
        inputs=inputs,
        churned=np.array([label.churned for label in labels], np.float64),
        weeks=matured // _WEEK_MS,
        levels=np.array(levels, np.float64),
        odds=odds,
        novelty=np.minimum(LANDMARK_MS / horizons, 1.0),
        powers=horizons / horizon_ms,
        logits=logits,
        has_logit=logits != _NO_LOGIT,
        versions=versions,
        horizons=horizons,
    )
