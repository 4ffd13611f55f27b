"""Logistic regression by the extended Kalman filter over inputs that it standardises itself; see `kalman`."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from river import base
from river.base.typing import ClfTarget

from stream.errors import SnapshotError
from stream.online_models import kalman
from stream.online_models.kalman import FORGETTING, INTERCEPT_VARIANCE, PRIOR_VARIANCE
from stream.online_models.scaler_state import SCALE_FLOOR

__all__ = ["SecondOrderRegression", "SecondOrderState"]

#: What a conversion to another horizon may be off by, as a variance of the intercept.
CONVERSION_VARIANCE = 0.25

Floats = npt.NDArray[np.float64]


class SecondOrderState(Struct, frozen=True, kw_only=True):
    """Everything learned: little-endian float64 (base64 in JSON). ``covariance`` is the lower triangle by rows.

    ``inputs``: their names; ``counts``: the values of each so far. Both are empty in a state of the first layout: its
    inputs are those of the first release, and each label had a value of each.
    """

    labels: int
    inputs: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    means: bytes
    variances: bytes
    weights: bytes
    covariance: bytes


class SecondOrderRegression(base.Classifier):
    """A River classifier over ``inputs`` inputs, named 0, 1, ... in dictionaries; see `kalman`.

    ``pace``: how many times as fast as the default it goes on following change once much has been learned.
    `learn` and `logit` take arrays float64[inputs] and are what the trainer uses; the methods on dictionaries do
    the same. Inputs must be finite, or NaN: not known.
    """

    def __init__(self, inputs: int, pace: float = 1.0) -> None:
        self.inputs = inputs
        self.pace = pace
        self.labels = 0
        self.counts = np.zeros(inputs, np.int64)
        self.means = np.zeros(inputs)
        self.variances = np.zeros(inputs)
        self.weights = np.zeros(inputs + 1)
        self._covariance = np.diag(np.append(np.full(inputs, PRIOR_VARIANCE), INTERCEPT_VARIANCE))
        self._z = np.zeros(inputs + 1)
        self._pz = np.zeros(inputs + 1)

    @property
    def scales(self) -> Floats:
        """What standardised inputs are divided by."""
        return np.maximum(np.sqrt(self.variances), SCALE_FLOOR)

    def learn(self, x: Floats, *, churned: bool, novelty: float = 1.0, power: float = 1.0) -> None:
        """Learn one label, of which the share ``novelty`` is new: memory is in labels that are.

        ``power``: the label's horizon over the model's.
        """
        counts, *learned = self.arrays()
        kalman.learn(x, float(churned), power, counts, self._forgetting(novelty), *learned)
        self.labels += 1

    def predict_then_learn(
        self,
        x: Floats,
        simple: "SecondOrderRegression",
        simple_x: Floats,
        share: float,
        *,
        churned: bool,
        novelty: float = 1.0,
        power: float = 1.0,
    ) -> float:
        """The log-odds of this and of a ``simple`` one of the same pace, which has the ``share``; then both learn."""
        logit = kalman.predict_then_learn(
            share,
            x,
            float(churned),
            power,
            self._forgetting(novelty),
            *self.arrays(),
            simple_x,
            *simple.arrays(),
        )
        self.labels += 1
        simple.labels += 1
        return float(logit)

    def predict_then_learn_run(
        self,
        x: Floats,
        simple: "SecondOrderRegression",
        simple_x: Floats,
        shares: Floats,
        *,
        churned: Floats,
        novelty: Floats,
        powers: Floats,
    ) -> Floats:
        """As `predict_then_learn` for the labels of a run, one after the other; the probabilities of churn.

        Everything is by label; ``x``, ``simple_x``: float64[labels, inputs].
        """
        risks = np.empty(len(x))
        forgetting = FORGETTING * self.pace**2 * novelty
        kalman.predict_then_learn_run(
            risks, shares, x, churned, powers, forgetting, self.arrays(), simple_x, simple.arrays()
        )
        self.labels += len(x)
        simple.labels += len(x)
        return risks

    def mark(self) -> tuple[int, tuple[npt.NDArray[Any], ...]]:
        """Everything learned, for `back_to`."""
        return self.labels, tuple(array.copy() for array in self.arrays())

    def back_to(self, mark: tuple[int, tuple[npt.NDArray[Any], ...]]) -> None:
        """Forget what was learned since the `mark`."""
        self.labels, arrays = mark
        for array, before in zip(self.arrays(), arrays, strict=True):
            array[:] = before

    def _forgetting(self, novelty: float) -> float:
        # the memory is as long as 1 / sqrt(forgetting)
        return FORGETTING * self.pace**2 * novelty

    def arrays(self) -> tuple[npt.NDArray[np.int64], Floats, Floats, Floats, Floats, Floats, Floats]:
        """What a kernel changes."""
        return self.counts, self.means, self.variances, self.weights, self._covariance, self._z, self._pz

    def logit(self, x: Floats) -> float:
        """Log-odds of churn; 0 before the first label."""
        kalman.standardise(x, self.means, self.variances, self._z)
        return float(kalman.dot(self.weights, self._z))

    def convert(self, scale: float, shift: float) -> None:
        """Make every logit ``scale`` times what it was, plus ``shift``; the intercept is known less well then."""
        self.weights *= scale
        self.weights[-1] += shift
        self._covariance *= scale * scale
        self._covariance[-1, -1] += CONVERSION_VARIANCE

    def convert_input(self, position: int, scale: float, shift: float) -> None:
        """An input is ``scale`` times what it was, plus ``shift``: it is standardised to what it was before."""
        if self.counts[position]:
            self.means[position] = scale * self.means[position] + shift
            self.variances[position] *= scale * scale

    def learn_one(self, x: dict[Hashable, Any], y: ClfTarget) -> None:
        self.learn(np.array([x[j] for j in range(self.inputs)], np.float64), churned=bool(y))

    def predict_proba_one(self, x: dict[Hashable, Any], **_: Any) -> dict[ClfTarget, float]:
        risk = float(kalman.sigmoid(self.logit(np.array([x[j] for j in range(self.inputs)], np.float64))))
        return {False: 1.0 - risk, True: risk}

    def share_scales(self, other: "SecondOrderRegression", positions: npt.NDArray[np.int64]) -> None:
        """Take over how ``other`` standardises its inputs at ``positions``, which are the inputs of this one."""
        self.counts = other.counts[positions]
        self.means, self.variances = other.means[positions], other.variances[positions]

    def state(self, names: Sequence[str]) -> SecondOrderState:
        """Everything learned; ``names`` are those of the inputs."""
        return SecondOrderState(
            labels=self.labels,
            inputs=tuple(names),
            counts=tuple(self.counts.tolist()),
            means=_bytes(self.means),
            variances=_bytes(self.variances),
            weights=_bytes(self.weights),
            covariance=_bytes(self._covariance[np.tril_indices(self.inputs + 1)]),
        )

    @classmethod
    def from_state(
        cls, state: SecondOrderState, names: Sequence[str], pace: float = 1.0, first: Sequence[str] = ()
    ) -> "SecondOrderRegression":
        """Go on from ``state`` over the inputs ``names``; those of a state of the first layout are ``first``.

        An input that is new begins at its prior, one that is gone leaves, the others keep what was learned of them.
        Raises `SnapshotError` if the state is damaged.
        """
        model = cls(len(names), pace)
        found = state.inputs or tuple(first)
        counts = state.counts or (state.labels,) * len(found)
        if len(counts) != len(found) or len(set(found)) != len(found):
            raise SnapshotError(f"churn model: {len(counts)} counts of {len(found)} inputs; it is damaged")
        position = {name: j for j, name in enumerate(found)}
        kept = [j for j, name in enumerate(names) if name in position]
        taken = [position[names[j]] for j in kept]
        model.labels = state.labels
        model.counts[kept] = np.array(counts, np.int64)[taken]
        model.means[kept] = _floats("means", state.means, len(found))[taken]
        model.variances[kept] = _floats("variances", state.variances, len(found))[taken]
        kept.append(len(names))
        taken.append(len(found))
        model.weights[kept] = _floats("weights", state.weights, len(found) + 1)[taken]
        rows, columns = np.tril_indices(len(found) + 1)
        stored = np.zeros((len(found) + 1, len(found) + 1))
        stored[rows, columns] = stored[columns, rows] = _floats("covariance", state.covariance, len(rows))
        model._covariance[np.ix_(kept, kept)] = stored[np.ix_(taken, taken)]
        if min(state.labels, *model.counts) < 0 or min(model.variances) < 0.0 or np.diag(model._covariance).min() < 0.0:
            raise SnapshotError(f"churn model after {state.labels} labels: a variance is negative; it is damaged")
        return model


def _bytes(values: Floats) -> bytes:
    return values.astype("<f8").tobytes()


def _floats(what: str, stored: bytes, count: int) -> Floats:
    if len(stored) != 8 * count:
        raise SnapshotError(
            f"churn model, {what}: expected {count} numbers, got {len(stored)} bytes; "
            "run the version that wrote it, or delete it to learn again from the log"
        )
    values = np.frombuffer(stored, "<f8").astype(np.float64)
    if not np.isfinite(values).all():
        raise SnapshotError(f"churn model, {what}: expected finite numbers; it is damaged")
    return values
