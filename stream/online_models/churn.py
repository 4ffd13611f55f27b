"""The churn model: second-order logistic regression over a quadratic basis, calibrated, one label at a time."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from stream.online_models.basis import BASIS, Quadratic, expand, unfold
from stream.online_models.calibration import Calibration
from stream.online_models.kalman import sigmoid
from stream.online_models.second_order import SecondOrderRegression, SecondOrderState

__all__ = ["ChurnModel", "ChurnState"]


class ChurnState(Struct, frozen=True, kw_only=True):
    """Everything the model has learned."""

    regression: SecondOrderState
    calibration: Calibration


class ChurnModel:
    """`expand`, then `SecondOrderRegression`; `Calibration` on top of what it gave.

    Inputs are the quantised ones (int16[features], units of 1/INPUT_SCALE), already checked by `problem_of`.
    ``pace``: how many times as fast as the default it goes on following change once much has been learned; the
    contenders of `stream.online_models.champion` differ in it.
    """

    def __init__(self, pace: float = 1.0) -> None:
        self._regression = SecondOrderRegression(BASIS, pace)
        self.calibration = Calibration()

    @property
    def labels_seen(self) -> int:
        return self._regression.labels

    def learn_one(self, inputs: Sequence[int], *, churned: bool) -> None:
        """Learn one label; the scales learn first, as in a River pipeline."""
        self._regression.learn(expand(inputs), churned=churned)

    def predict_proba_one(self, inputs: Sequence[int]) -> float:
        """The probability of churn before calibration; 0.5 before the first label."""
        return float(sigmoid(self._regression.logit(expand(inputs))))

    def quadratic(self) -> Quadratic:
        """The model before calibration as a function of the standardised inputs."""
        regression = self._regression
        weights = regression.weights
        return unfold(weights[:-1], regression.means, regression.scales, float(weights[-1]))

    def state(self) -> ChurnState:
        return ChurnState(regression=self._regression.state(), calibration=replace(self.calibration))

    @classmethod
    def from_state(cls, state: ChurnState, pace: float = 1.0) -> "ChurnModel":
        """Go on from ``state``. Raises `SnapshotError` if it is damaged or of another basis."""
        model = cls(pace)
        model._regression = SecondOrderRegression.from_state(state.regression, BASIS, pace)
        model.calibration = replace(state.calibration)
        return model
