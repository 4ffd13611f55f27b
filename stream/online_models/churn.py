"""The churn model: River's logistic regression over standardised inputs, learning one label at a time."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from river import compose, linear_model, optim
from river.utils import VectorDict

from stream.features.registry import FEATURES, INPUT_SCALE
from stream.online_models.scaling import FlooredScaler, ScalerState
from stream.online_models.schedule import DecayToFloor

__all__ = ["ChurnModel", "ChurnState", "LinearWeights"]

_INPUTS = len(FEATURES)

#: Penalty on the squared weights; it only holds back weights that the labels say nothing about.
L2 = 1e-4

#: A label whose standardised inputs have a squared length over this counts for less, so that no customer,
#: however odd, moves its own logit by more than LEVERAGE_CAP x the learning rate. The expected length is the
#: number of inputs.
LEVERAGE_CAP = 100.0


class ChurnState(Struct, frozen=True, kw_only=True):
    """Everything the model has learned. ``weights`` is empty before the first label."""

    scaler: ScalerState
    weights: tuple[float, ...]
    intercept: float
    steps: int


@dataclass(frozen=True, slots=True)
class LinearWeights:
    """``logit = intercept + sum_j weights[j] * (x[j] - means[j]) / scales[j]``, arrays float64[features]."""

    weights: npt.NDArray[np.float64]
    means: npt.NDArray[np.float64]
    scales: npt.NDArray[np.float64]
    intercept: float


class _Regression(linear_model.LogisticRegression):
    """River's logistic regression that can go on from given weights."""

    def resume(self, weights: Sequence[float], intercept: float, steps: int) -> None:
        self._weights = VectorDict(dict(enumerate(weights)))
        self.intercept = intercept
        self.optimizer.n_iterations = steps


class ChurnModel:
    """``FlooredScaler | LogisticRegression`` by stochastic gradient descent.

    Inputs are the quantised ones (int16[features], units of 1/INPUT_SCALE), already checked by `problem_of`.
    """

    def __init__(self) -> None:
        rate = DecayToFloor()
        self._scaler = FlooredScaler()
        self._regression = _Regression(optim.SGD(rate), l2=L2, intercept_lr=rate)
        self._pipeline = compose.Pipeline(self._scaler, self._regression)

    @property
    def labels_seen(self) -> int:
        return int(self._regression.optimizer.n_iterations)

    def learn_one(self, inputs: Sequence[int], *, churned: bool) -> None:
        """One step of gradient descent on the label; the scaler learns first, as in a River pipeline."""
        x = _as_dict(inputs)
        self._scaler.learn_one(x)
        z = self._scaler.transform_one(x)
        length = sum(value * value for value in z.values())
        weight = LEVERAGE_CAP / length if length > LEVERAGE_CAP else 1.0
        self._regression.learn_one(z, churned, weight)

    def predict_proba_one(self, inputs: Sequence[int]) -> float:
        """The probability of churn; 0.5 before the first label."""
        return float(self._pipeline.predict_proba_one(_as_dict(inputs))[True])

    def linear(self) -> LinearWeights:
        """The model as one affine function of the inputs (divided by INPUT_SCALE)."""
        means, scales = self._scaler.affine(_INPUTS)
        weights = self._regression.weights
        return LinearWeights(
            weights=np.array([weights.get(j, 0.0) for j in range(_INPUTS)]),
            means=np.array(means),
            scales=np.array(scales),
            intercept=float(self._regression.intercept),
        )

    def state(self) -> ChurnState:
        weights = self._regression.weights
        return ChurnState(
            scaler=self._scaler.state(_INPUTS),
            weights=tuple(weights[j] for j in range(_INPUTS)) if weights else (),
            intercept=float(self._regression.intercept),
            steps=self.labels_seen,
        )

    @classmethod
    def from_state(cls, state: ChurnState) -> "ChurnModel":
        model = cls()
        model._scaler = FlooredScaler.from_state(state.scaler)
        model._regression.resume(state.weights, state.intercept, state.steps)
        model._pipeline = compose.Pipeline(model._scaler, model._regression)
        return model


def _as_dict(inputs: Sequence[int]) -> dict[Hashable, Any]:
    return {j: value / INPUT_SCALE for j, value in enumerate(inputs)}
