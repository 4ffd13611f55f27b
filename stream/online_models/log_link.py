"""A regression of a positive mean with a log link, learned online by the relative residual."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stream.online_models.kalman import known_dot
from stream.online_models.log_bounds import MAX_ETA, MIN_ETA
from stream.online_models.river_parts import SGD, LinearRegression, Poisson, Scheduler, VectorDict

__all__ = ["FIRST_BUYERS", "LogLink"]

Floats = npt.NDArray[np.float64]

#: The first buyers only tell where the logarithms lie, so that no single one decides where learning begins.
FIRST_BUYERS = 50
FIRST_RATE, MIN_RATE = 0.1, 0.002
#: A relative residual counts as at most this.
MAX_RESIDUAL = 3.0
_L2 = 1e-4
#: A buyer whose standardised inputs have a squared length over this many times their number counts for less.
LEVERAGE_CAP = 3.0


class LogLink(LinearRegression):
    """River's linear regression of a positive mean's logarithm."""

    def __init__(self, inputs: int) -> None:
        rate = _Rate()
        super().__init__(
            optimizer=SGD(rate),
            loss=Poisson(),
            l2=_L2,
            intercept_lr=rate,
        )
        self.buyers = 0
        self.logs = 0.0
        #: The weights, for compiled code.
        self._by_axis = np.zeros(inputs)

    def mean(self, z: Floats) -> float:
        """The mean for standardised inputs float64[inputs]; NaN: not known."""
        eta = self.intercept + known_dot(self._by_axis, z)
        return math.exp(min(max(eta, MIN_ETA), MAX_ETA))

    def learn(self, z: Floats, y: float) -> None:
        """One step down the relative residual ``1 - y / mean``; the first buyers give the mean logarithm."""
        self.buyers += 1
        if self.buyers <= FIRST_BUYERS:
            self.logs += min(max(math.log(y), MIN_ETA), MAX_ETA)
            self.intercept = self.logs / self.buyers
            return
        mean = self.mean(z)
        bounded = max(1.0 - y / mean, -MAX_RESIDUAL)
        # the gradient of the Poisson loss is mean - y
        x = {axis: value for axis, value in enumerate(z.tolist()) if not math.isnan(value)}
        length = sum(value * value for value in x.values())
        weight = min(1.0, LEVERAGE_CAP * len(x) / length) if length > 0.0 else 1.0
        self.learn_one(x, mean * (1.0 - bounded), weight / mean)
        weights = self._weights
        for axis in x:
            self._by_axis[axis] = weights[axis]

    def shift(self, logs: float) -> None:
        """Add to the logarithm of every mean."""
        self.logs += logs * min(self.buyers, FIRST_BUYERS)
        if self.buyers:
            self.intercept += logs

    def resume(self, weights: Sequence[float], intercept: float, logs: float, buyers: int) -> None:
        self._weights = VectorDict(dict(enumerate(weights)))
        self._by_axis[:] = weights or 0.0
        self.intercept = intercept
        self.logs = logs
        self.buyers = buyers
        self.optimizer.n_iterations = max(buyers - FIRST_BUYERS, 0)


class _Rate(Scheduler):
    def get(self, t: int) -> float:
        return max(FIRST_RATE / math.sqrt(t + 1), MIN_RATE)
