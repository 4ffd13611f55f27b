"""What a customer is worth over the next horizon: orders and spend, learned online.

A hurdle model. With ``r`` the churn risk and ``x`` the inputs at a landmark,

    E[orders] = (1 - r) exp(a(x)),    E[spend] = (1 - r) exp(b(x)),

where ``exp(a)`` and ``exp(b)`` are what is to be expected *if* the customer buys, by two of River's linear regressions
with a log link. They learn from the labels with an order, by the relative residual ``1 - y / exp(b)`` (the score of a
gamma regression: scale-free, so a shop may sell in cents or in millions).

Means of logs are not logs of means, tails are heavy, and a risk that is right on average may be too sure of those who
hardly ever come. So what was expected is set against what came on matured labels and corrected by their ratio
(`value_correction`): the chance to buy ``1 - r``, what a buyer brings, and at last the two multiplied. The corrections
use the risk that was *given* at the landmark and look at each label before it is learned.

Source of the hurdle form: J. Mullahy, "Specification and testing of some modified count data models" (1986).
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct, field

from stream.features.registry import COLUMN, INPUT_SCALE
from stream.online_models.example import Label
from stream.online_models.first_layout import FIRST_VALUE_FEATURES
from stream.online_models.log_link import LogLink
from stream.online_models.scaler_state import ScalerState
from stream.online_models.value_correction import AMOUNTS, CHANCES, MEANS, Correction, CorrectionState
from stream.online_models.value_scales import ValueScales
from stream.online_models.value_snapshot import ORDER_VALUE, ValueSnapshot

__all__ = [
    "MIN_BUYERS",
    "VALUE_COLUMNS",
    "VALUE_FEATURES",
    "ValueModel",
    "ValueState",
]

Floats = npt.NDArray[np.float64]

#: Features that the value is regressed on.
VALUE_FEATURES = (
    "purchases_28d",
    "purchases_90d",
    "spend_7d",
    "spend_28d",
    "spend_90d",
    "days_since_purchase",
    "tenure",
    "purchases_total",
    "purchase_gap",
    "silence_ratio",
    "order_value",
    "active_days_28d",
)
VALUE_COLUMNS = tuple(COLUMN[name] for name in VALUE_FEATURES)
_AXES = len(VALUE_COLUMNS)
_ORDER_VALUE_AXIS = VALUE_FEATURES.index(ORDER_VALUE)
_ORDERS = COLUMN["purchases_total"]

#: Labels with an order before anything is expected of anybody.
MIN_BUYERS = 200
#: The corrections see up to so many times what is expected of a buyer.
MAX_RATIO = 100.0


class ValueState(Struct, frozen=True, kw_only=True):
    """Everything the model has learned, over ``features``.

    Weights are empty, and ``*_logs`` sums, while the first buyers are met.
    """

    features: tuple[str, ...] = FIRST_VALUE_FEATURES
    scaler: ScalerState
    buyers: int
    orders_weights: tuple[float, ...]
    orders_intercept: float
    orders_logs: float
    spend_weights: tuple[float, ...]
    spend_intercept: float
    spend_logs: float
    orders_correction: CorrectionState
    spend_correction: CorrectionState
    chance_correction: CorrectionState = field(default_factory=lambda: CorrectionState.empty(CHANCES))
    orders_mean_correction: CorrectionState = field(default_factory=lambda: CorrectionState.empty(MEANS))
    spend_mean_correction: CorrectionState = field(default_factory=lambda: CorrectionState.empty(MEANS))


class ValueModel:
    """Learns from labels that `problem_of` has checked."""

    def __init__(self) -> None:
        self._scaler = ValueScales(VALUE_COLUMNS, _ORDER_VALUE_AXIS)
        self._orders, self._spend = LogLink(_AXES), LogLink(_AXES)
        self._chance_correction = Correction(CHANCES)
        self._orders_mean_correction, self._spend_mean_correction = Correction(MEANS), Correction(MEANS)
        self._orders_correction, self._spend_correction = Correction(AMOUNTS), Correction(AMOUNTS)
        self._buyers = 0

    @property
    def ready(self) -> bool:
        return self._buyers >= MIN_BUYERS

    def convert(self, factor: float) -> None:
        """Expect ``factor`` times as much of a buyer: the horizon has become another one."""
        for regression in (self._orders, self._spend):
            regression.shift(math.log(factor))

    def learn_one(self, label: Label, power: float = 1.0) -> None:
        """Set what was expected against what came, then learn it.

        ``power``: the label's horizon over the model's. Where it is not 1, what came is taken in proportion, given the
        risk: a buyer buys ``power (1 - risk) / (1 - risk ** power)`` times as much in the label's horizon.
        """
        if power != 1.0:
            if label.risk is not None:
                self._learn_other(label, power)
            return
        z = self._standardised(label.x)
        spend = max(label.spend, 0.0)
        if label.risk is not None and self.ready:
            self._record(1.0 - label.risk, (self._orders.mean(z), self._spend.mean(z)), (label.purchases, spend))
        self._scaler.learn(label.x)
        if label.purchases > 0 and spend > 0.0:
            self._buyers += 1
            z = self._standardised(label.x)
            self._orders.learn(z, float(label.purchases))
            self._spend.learn(z, spend)

    def _record(self, stays: float, means: tuple[float, float], came: tuple[float, float]) -> None:
        """Set orders and spend that came against the chance given and what a buyer was expected to bring."""
        chance = self._chance_correction.corrected_by_bin(stays)
        self._chance_correction.record(stays, float(came[1] > 0.0))
        for mean_correction, correction, mean, amount in zip(
            (self._orders_mean_correction, self._spend_mean_correction),
            (self._orders_correction, self._spend_correction),
            means,
            came,
            strict=True,
        ):
            bounded = min(amount, MAX_RATIO * mean)
            correction.record(chance * mean_correction.corrected_by_bin(mean), bounded)
            if came[1] > 0.0:
                mean_correction.record(mean, bounded)

    def _learn_other(self, label: Label, power: float) -> None:
        """A label of another horizon teaches the means, not how they were off."""
        self._scaler.learn(label.x)
        if label.purchases > 0 and label.spend > 0.0 and label.risk is not None:
            # the risk given is of the label's horizon
            risk = min(label.risk, 1.0 - 1e-6)
            factor = (1.0 - risk) / (power * (1.0 - risk ** (1.0 / power)))
            self._buyers += 1
            z = self._standardised(label.x)
            self._orders.learn(z, max(label.purchases * factor, 1.0))
            self._spend.learn(z, label.spend * factor)

    def _standardised(self, inputs: Sequence[int]) -> Floats:
        return self._scaler.standardised(inputs, max(math.expm1(inputs[_ORDERS] / INPUT_SCALE), 0.0))

    def snapshot(self) -> ValueSnapshot:
        """What scorers load; asked for only when `ready`."""
        means, scales = self._scaler.affine()
        state = self.state()
        return ValueSnapshot(
            version=self._buyers,
            columns=VALUE_COLUMNS,
            features=VALUE_FEATURES,
            means=means,
            scales=scales,
            orders_weights=state.orders_weights,
            orders_intercept=state.orders_intercept,
            orders_factors=self._orders_correction.factors(),
            spend_weights=state.spend_weights,
            spend_intercept=state.spend_intercept,
            spend_factors=self._spend_correction.factors(),
            chance_factors=self._chance_correction.factors(),
            orders_mean_factors=self._orders_mean_correction.factors(),
            spend_mean_factors=self._spend_mean_correction.factors(),
        )

    def state(self) -> ValueState:
        return ValueState(
            features=VALUE_FEATURES,
            scaler=self._scaler.state(),
            buyers=self._buyers,
            orders_weights=_weights(self._orders),
            orders_intercept=float(self._orders.intercept),
            orders_logs=self._orders.logs,
            spend_weights=_weights(self._spend),
            spend_intercept=float(self._spend.intercept),
            spend_logs=self._spend.logs,
            orders_correction=self._orders_correction.state(),
            spend_correction=self._spend_correction.state(),
            chance_correction=self._chance_correction.state(),
            orders_mean_correction=self._orders_mean_correction.state(),
            spend_mean_correction=self._spend_mean_correction.state(),
        )

    @classmethod
    def from_state(cls, state: ValueState) -> "ValueModel":
        """Go on from ``state``, of other features as well: a new one has no weight yet."""
        model = cls()
        model._scaler.resume(state.scaler.of(state.features, VALUE_FEATURES))
        model._buyers = state.buyers
        model._orders.resume(
            _by_axis(state.orders_weights, state.features), state.orders_intercept, state.orders_logs, state.buyers
        )
        model._spend.resume(
            _by_axis(state.spend_weights, state.features), state.spend_intercept, state.spend_logs, state.buyers
        )
        model._orders_correction = Correction(AMOUNTS, state.orders_correction)
        model._spend_correction = Correction(AMOUNTS, state.spend_correction)
        model._chance_correction = Correction(CHANCES, state.chance_correction)
        model._orders_mean_correction = Correction(MEANS, state.orders_mean_correction)
        model._spend_mean_correction = Correction(MEANS, state.spend_mean_correction)
        return model


def _weights(regression: LogLink) -> tuple[float, ...]:
    weights = regression.weights
    return tuple(float(weights[axis]) for axis in range(_AXES)) if weights else ()


def _by_axis(weights: tuple[float, ...], found: tuple[str, ...]) -> tuple[float, ...]:
    """Weights of the features ``found`` as weights of `VALUE_FEATURES`; there may be none yet."""
    named = dict(zip(found, weights, strict=True)) if weights else {}
    return tuple(named.get(name, 0.0) for name in VALUE_FEATURES) if weights else ()
