"""A frozen linear model over quantised inputs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tests.oracle.features import Values

__all__ = ["Linear", "inputs_of"]

#: Features that enter a model unchanged; all others enter as log(1 + value).
_AS_IS = frozenset({"email_open_rate", "email_click_rate", "refund_ratio"})
#: The input of an unknown value; 0 for all other features.
_UNKNOWN = {
    "days_since_click": 365.0,
    "days_since_email": 365.0,
    "days_since_purchase": 365.0,
    "purchase_gap": 365.0,
    "silence_ratio": 1.0,
    "purchase_interval": 60.0,
}
_SCALE = 1024
_LIMIT = 32_767


def inputs_of(values: Values) -> dict[str, int]:
    """Model inputs in units of 1/1024."""
    inputs = {}
    for name, value in values.items():
        x = _UNKNOWN.get(name, 0.0) if value is None else value
        if name not in _AS_IS:
            x = math.log(1.0 + max(x, 0.0))
        inputs[name] = max(-_LIMIT, min(_LIMIT, round(x * _SCALE)))
    return inputs


@dataclass(frozen=True, slots=True)
class Linear:
    """``logit = bias + sum of weights[name] * input / 1024``; a name that is not in ``weights`` weighs nothing."""

    weights: Mapping[str, float]
    bias: float

    def risk(self, values: Values) -> float:
        """Probability of churn."""
        inputs = inputs_of(values)
        logit = self.bias + sum(weight * inputs[name] / _SCALE for name, weight in self.weights.items())
        return 1.0 / (1.0 + math.exp(-logit))
