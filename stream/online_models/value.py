"""What a customer is worth over the next horizon: orders and spend, learned online.

A hurdle model. With ``r`` the churn risk and ``x`` the inputs at a landmark,

    E[orders] = (1 - r) exp(a(x)),    E[spend] = (1 - r) exp(b(x)),

where ``exp(a)`` and ``exp(b)`` are what is to be expected *if* the customer buys, by two of River's linear regressions
with a log link. They learn from the labels with an order, by the relative residual ``1 - y / exp(b)`` (the score of a
gamma regression: scale-free, so a shop may sell in cents or in millions).

Means of logs are not logs of means, and tails are heavy. So what was expected is set against what came on matured
labels, in bins of the expectation, and corrected by their ratio. The corrections use the risk that was *given* at the
landmark and look at each label before it is learned.

Source of the hurdle form: J. Mullahy, "Specification and testing of some modified count data models" (1986).
"""

import math
from collections.abc import Hashable, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from river import linear_model, optim
from river.utils import VectorDict

from stream.features.registry import COLUMN, FEATURE_NAMES, INPUT_SCALE
from stream.online_models.example import Label
from stream.online_models.scaling import FlooredScaler, ScalerState

__all__ = ["CORRECTION_BINS", "LEAST_BUYERS", "VALUE_COLUMNS", "Expected", "ValueModel", "ValueSnapshot", "ValueState"]

Floats = npt.NDArray[np.float64]

#: Features that the value is regressed on.
VALUE_COLUMNS = tuple(
    COLUMN[name]
    for name in (
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
)
_AXES = len(VALUE_COLUMNS)
_ORDER_VALUE_AXIS = VALUE_COLUMNS.index(COLUMN["order_value"])
_ORDERS = COLUMN["purchases_total"]
#: The mean value of a customer's orders is shrunk to the shop's, on the log scale, as if so many orders of the shop's
#: value had been seen as well: one huge order says half of what it would say.
POOLING_ORDERS = 1.0

#: Labels with an order before anything is expected of anybody.
LEAST_BUYERS = 200
#: The first of them only tell where the logarithms lie, so that no single one decides where learning begins.
FIRST_BUYERS = 50
FIRST_RATE, LEAST_RATE = 0.1, 0.002
#: A relative residual counts as at most this; the corrections see up to `MOST_RATIO` times what is expected of a buyer.
MOST_RESIDUAL = 3.0
MOST_RATIO = 100.0
#: Inputs beyond so many deviations count as that many, when learning and when scoring: exp(b) stays finite.
MOST_DEVIATIONS = 6.0
_L2 = 1e-4
#: A buyer whose standardised inputs have a squared length over this many times their number counts for less.
LEVERAGE_CAP = 3.0
#: Labels before inputs beyond `MOST_DEVIATIONS` are cut before the scales learn them.
_SETTLED = 500

#: Corrections: bins of half an octave of the expectation, weights halve every so many labels; a bin with few labels
#: leans to the ratio of all bins, which weighs as much as this many labels.
HALF_LIFE_LABELS = 10_000.0
PRIOR_LABELS = 30.0
_BINS_PER_OCTAVE = 2
_LEAST_OCTAVE, _OCTAVES = -10, 40
CORRECTION_BINS = _OCTAVES * _BINS_PER_OCTAVE
_LEAST = 2.0**_LEAST_OCTAVE
_GROWTH = 2.0 ** (1.0 / HALF_LIFE_LABELS)
_RESCALE_AT = 2.0**400
_LEAST_ETA, _MOST_ETA = -15.0, 30.0


class Expected(NamedTuple):
    """Of N customers over one horizon: float64[N] each. ``spend_if_back``: if the customer does buy."""

    orders: Floats
    spend: Floats
    spend_if_back: Floats


class CorrectionState(Struct, kw_only=True):
    """Sums by bin of the expectation: labels, expected and come. ``weight`` is that of the last label."""

    weight: float = 1.0
    labels: list[float]
    expected: list[float]
    came: list[float]

    @classmethod
    def empty(cls) -> "CorrectionState":
        return cls(labels=[0.0] * CORRECTION_BINS, expected=[0.0] * CORRECTION_BINS, came=[0.0] * CORRECTION_BINS)


class ValueState(Struct, frozen=True, kw_only=True):
    """Everything the model has learned; weights are empty, and ``*_logs`` sums, while the first buyers are met."""

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


class ValueSnapshot(Struct, frozen=True, kw_only=True):
    """What scorers load; see the module. ``*_factors``: corrections at the middles of the bins, from the least up."""

    version: int
    columns: tuple[int, ...]
    features: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    orders_weights: tuple[float, ...]
    orders_intercept: float
    orders_factors: tuple[float, ...]
    spend_weights: tuple[float, ...]
    spend_intercept: float
    spend_factors: tuple[float, ...]

    def expect(self, inputs: npt.NDArray[np.int16], risk: Floats) -> Expected:
        """``inputs`` int16[N, features], ``risk`` float64[N] in 0..1."""
        # row by row, not a matrix product: what comes out must not depend on who else is in the batch
        z = (inputs[:, list(self.columns)] / INPUT_SCALE - np.array(self.means)) / np.array(self.scales)
        np.clip(z, -MOST_DEVIATIONS, MOST_DEVIATIONS, out=z)
        z[:, _ORDER_VALUE_AXIS] *= _own_share(np.expm1(inputs[:, _ORDERS] / INPUT_SCALE))
        stays = 1.0 - risk
        orders = np.exp(
            np.clip(self.orders_intercept + (z * np.array(self.orders_weights)).sum(axis=1), _LEAST_ETA, _MOST_ETA)
        )
        spend = np.exp(
            np.clip(self.spend_intercept + (z * np.array(self.spend_weights)).sum(axis=1), _LEAST_ETA, _MOST_ETA)
        )
        corrected = spend * _interpolated(self.spend_factors, stays * spend)
        return Expected(
            orders=stays * np.maximum(orders * _interpolated(self.orders_factors, stays * orders), 1.0),
            spend=stays * corrected,
            spend_if_back=corrected,
        )


class _LogLink(linear_model.LinearRegression):
    """River's linear regression of a positive mean's logarithm."""

    def __init__(self) -> None:
        rate = _Rate()
        super().__init__(
            optimizer=optim.SGD(rate),
            loss=optim.losses.Poisson(),
            l2=_L2,
            intercept_lr=rate,
        )
        self.buyers = 0
        self.logs = 0.0

    def mean(self, z: dict[Hashable, Any]) -> float:
        eta = self.intercept + sum(self._weights.get(axis, 0.0) * value for axis, value in z.items())
        return math.exp(min(max(eta, _LEAST_ETA), _MOST_ETA))

    def learn(self, z: dict[Hashable, Any], y: float) -> None:
        """One step down the relative residual ``1 - y / mean``; the first buyers give the mean logarithm."""
        self.buyers += 1
        if self.buyers <= FIRST_BUYERS:
            self.logs += min(max(math.log(y), _LEAST_ETA), _MOST_ETA)
            self.intercept = self.logs / self.buyers
            return
        mean = self.mean(z)
        bounded = max(1.0 - y / mean, -MOST_RESIDUAL)
        # the gradient of the Poisson loss is mean - y
        length = sum(value * value for value in z.values())
        weight = min(1.0, LEVERAGE_CAP * len(z) / length) if length > 0.0 else 1.0
        self.learn_one(z, mean * (1.0 - bounded), weight / mean)

    def shift(self, logs: float) -> None:
        """Add to the logarithm of every mean."""
        self.logs += logs * min(self.buyers, FIRST_BUYERS)
        if self.buyers:
            self.intercept += logs

    def resume(self, weights: Sequence[float], intercept: float, logs: float, buyers: int) -> None:
        self._weights = VectorDict(dict(enumerate(weights)))
        self.intercept = intercept
        self.logs = logs
        self.buyers = buyers
        self.optimizer.n_iterations = max(buyers - FIRST_BUYERS, 0)


class _Rate(optim.base.Scheduler):
    def get(self, t: int) -> float:
        return max(FIRST_RATE / math.sqrt(t + 1), LEAST_RATE)


class _Correction:
    """Ratio of what came to what was expected, by bin of what was expected."""

    def __init__(self, state: CorrectionState | None = None) -> None:
        self._state = CorrectionState.empty() if state is None else deepcopy(state)

    def record(self, expected: float, came: float) -> None:
        state = self._state
        expected = max(expected, _LEAST)
        position = min(max(int((math.log2(expected) - _LEAST_OCTAVE) * _BINS_PER_OCTAVE), 0), CORRECTION_BINS - 1)
        # a new label weighs more instead of every old one weighing less
        state.weight = weight = state.weight * _GROWTH
        state.labels[position] += weight
        state.expected[position] += weight * expected
        state.came[position] += weight * came
        if weight > _RESCALE_AT:
            state.weight /= _RESCALE_AT
            for sums in (state.labels, state.expected, state.came):
                sums[:] = [value / _RESCALE_AT for value in sums]

    def factors(self) -> tuple[float, ...]:
        state = self._state
        bins = list(zip(state.labels, state.expected, state.came, strict=True))
        # by labels, not by money: one absurd amount weighs as one label
        seen = sum(state.labels)
        ratios = (labels * max(came, 0.0) / expected for labels, expected, came in bins if labels)
        whole = sum(ratios) / seen if seen else 1.0
        prior = PRIOR_LABELS * state.weight
        found = []
        for labels, expected, came in bins:
            mean = expected / labels if labels else 1.0
            found.append(max(came + prior * whole * mean, 0.0) / (expected + prior * mean))
        return tuple(found)

    def state(self) -> CorrectionState:
        return self._state


class ValueModel:
    """Learns from labels that `problem_of` has checked."""

    def __init__(self) -> None:
        self._scaler = FlooredScaler()
        self._orders, self._spend = _LogLink(), _LogLink()
        self._orders_correction, self._spend_correction = _Correction(), _Correction()
        self._buyers = 0

    @property
    def ready(self) -> bool:
        return self._buyers >= LEAST_BUYERS

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
            stays = 1.0 - label.risk
            orders_mean, spend_mean = self._orders.mean(z), self._spend.mean(z)
            self._orders_correction.record(stays * orders_mean, min(label.purchases, MOST_RATIO * orders_mean))
            self._spend_correction.record(stays * spend_mean, min(spend, MOST_RATIO * spend_mean))
        self._learn_scales(label.x)
        if label.purchases > 0 and spend > 0.0:
            self._buyers += 1
            z = self._standardised(label.x)
            self._orders.learn(z, float(label.purchases))
            self._spend.learn(z, spend)

    def _learn_other(self, label: Label, power: float) -> None:
        """A label of another horizon teaches the means, not how they were off."""
        self._learn_scales(label.x)
        if label.purchases > 0 and label.spend > 0.0 and label.risk is not None:
            # the risk given is of the label's horizon
            risk = min(label.risk, 1.0 - 1e-6)
            factor = (1.0 - risk) / (power * (1.0 - risk ** (1.0 / power)))
            self._buyers += 1
            z = self._standardised(label.x)
            self._orders.learn(z, max(label.purchases * factor, 1.0))
            self._spend.learn(z, label.spend * factor)

    def _learn_scales(self, inputs: Sequence[int]) -> None:
        x = self._chosen(inputs)
        if self._scaler.counts[0] >= _SETTLED:
            means, scales = self._scaler.affine(_AXES)
            for axis, (mean, scale) in enumerate(zip(means, scales, strict=True)):
                x[axis] = min(max(x[axis], mean - MOST_DEVIATIONS * scale), mean + MOST_DEVIATIONS * scale)
        self._scaler.learn_one(x)

    def _chosen(self, inputs: Sequence[int]) -> dict[Hashable, Any]:
        return {axis: inputs[column] / INPUT_SCALE for axis, column in enumerate(VALUE_COLUMNS)}

    def _standardised(self, inputs: Sequence[int]) -> dict[Hashable, Any]:
        standardised = self._scaler.transform_one(self._chosen(inputs))
        z = {axis: min(max(value, -MOST_DEVIATIONS), MOST_DEVIATIONS) for axis, value in standardised.items()}
        z[_ORDER_VALUE_AXIS] *= float(_own_share(math.expm1(inputs[_ORDERS] / INPUT_SCALE)))
        return z

    def snapshot(self) -> ValueSnapshot:
        """What scorers load; asked for only when `ready`."""
        means, scales = self._scaler.affine(_AXES)
        state = self.state()
        return ValueSnapshot(
            version=self._buyers,
            columns=VALUE_COLUMNS,
            features=tuple(FEATURE_NAMES[column] for column in VALUE_COLUMNS),
            means=means,
            scales=scales,
            orders_weights=state.orders_weights,
            orders_intercept=state.orders_intercept,
            orders_factors=self._orders_correction.factors(),
            spend_weights=state.spend_weights,
            spend_intercept=state.spend_intercept,
            spend_factors=self._spend_correction.factors(),
        )

    def state(self) -> ValueState:
        return ValueState(
            scaler=self._scaler.state(_AXES),
            buyers=self._buyers,
            orders_weights=_weights(self._orders),
            orders_intercept=float(self._orders.intercept),
            orders_logs=self._orders.logs,
            spend_weights=_weights(self._spend),
            spend_intercept=float(self._spend.intercept),
            spend_logs=self._spend.logs,
            orders_correction=self._orders_correction.state(),
            spend_correction=self._spend_correction.state(),
        )

    @classmethod
    def from_state(cls, state: ValueState) -> "ValueModel":
        model = cls()
        model._scaler = FlooredScaler.from_state(state.scaler)
        model._buyers = state.buyers
        model._orders.resume(state.orders_weights, state.orders_intercept, state.orders_logs, state.buyers)
        model._spend.resume(state.spend_weights, state.spend_intercept, state.spend_logs, state.buyers)
        model._orders_correction = _Correction(state.orders_correction)
        model._spend_correction = _Correction(state.spend_correction)
        return model


def _weights(regression: _LogLink) -> tuple[float, ...]:
    weights = regression.weights
    return tuple(float(weights[axis]) for axis in range(_AXES)) if weights else ()


def _own_share(orders: Any) -> Any:
    """How much a customer's own orders say of their value, by their number; the rest says the shop."""
    return orders / (orders + POOLING_ORDERS)


def _interpolated(factors: Sequence[float], expected: Floats) -> Floats:
    """Factors at ``expected``, linear between the middles of the bins, even in the logarithm."""
    middles = _LEAST_OCTAVE + (np.arange(CORRECTION_BINS) + 0.5) / _BINS_PER_OCTAVE
    return np.asarray(np.interp(np.log2(np.maximum(expected, _LEAST)), middles, np.array(factors)), np.float64)
